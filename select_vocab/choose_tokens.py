"""Choose the pieces that a smaller model keeps, and measure what that choice covers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counts_file import Counts
from smaller_labse.select_vocab.rules import LANGUAGE_RULES, PUBLISHED_RULE, Rule, share_out
from smaller_labse.select_vocab.selection import Coverage, Selection

ORDERS = ("original", "alphabetical")
SENTENCES = 4  # a language, for make-smaller's proof
SENTENCE_CHARACTERS = 300


def choose_tokens(
    tokenizer: Tokenizer,
    rows: int,
    hidden_size: int,
    counts: Sequence[Counts] = (),
    rule: Rule = PUBLISHED_RULE,
    listed: Sequence[np.ndarray] = (),
    keep: np.ndarray | None = None,
    keep_characters: bool = True,
    order: str = "original",
    languages: Sequence[str] = (),
) -> Selection:
    """Choose pieces by a rule from counts, and from lists, and add what is always kept.

    Args:
        tokenizer: the original's.
        rows: of the original's table.
        hidden_size: width of the original's embeddings.
        counts: one for each language (or Wikipedia).
        rule: how to choose from the counts.
        listed: ids of pieces that were chosen elsewhere, int32 [n] each.
        keep: ids that a user wants kept whatever the rule says, int32 [n].
        keep_characters: keep what text needs to stay readable (promise 2).
        order: "original" (ascending original ids) or "alphabetical" (special pieces first, then by code
            point, as the published vocabulary).
        languages: codes of the languages, where the counts do not say.

    Raises:
        SmallerLabseError: there is nothing to choose from.
    """
    if not counts and not listed:
        raise SmallerLabseError("nothing to select from: give counts or lists of pieces")
    # Whatever order the counts come in, the result is the same.
    counts = sorted(counts, key=lambda one: one.name)
    wanted = [*listed, keep if keep is not None else np.zeros(0, np.int32)]
    always = [tokenizer.special_ids, *wanted]
    if keep_characters:
        seen = np.unique(np.concatenate([*wanted, *(np.flatnonzero(one.occurrences) for one in counts)]))
        always.append(tokenizer.needed_for_characters(seen))
    always_kept = tokenizer.with_dependencies(np.concatenate(always))
    kept = np.concatenate([always_kept, *_chosen(counts, rule, always_kept, tokenizer)])
    kept = _ordered(tokenizer.with_dependencies(kept), tokenizer, order)
    codes = {one.language for one in counts} | set(languages)
    return Selection(
        kind=tokenizer.kind,
        pieces=[tokenizer.pieces[number] for number in kept],
        kept_ids=kept,
        fingerprint=tokenizer.fingerprint,
        original_rows=rows,
        hidden_size=hidden_size,
        languages=tuple(sorted(codes)),
        rule=_describe(rule if counts else None, listed=bool(listed)),
        keep_characters=keep_characters,
        order=order,
        coverage=measure_coverage(counts, kept, tokenizer),
        sentences=_sentences(counts),
    )


def measure_coverage(
    counts: Sequence[Counts], kept: np.ndarray, tokenizer: Tokenizer
) -> tuple[Coverage, ...]:
    """What the kept pieces (ids, int32 [n]) cover of each language's counts."""
    is_kept = np.zeros(len(tokenizer.pieces), dtype=bool)
    is_kept[kept] = True
    dropped = np.zeros(len(tokenizer.pieces), dtype=bool)
    for one in counts:
        dropped |= (one.occurrences > 0) & ~is_kept
    unreadable = tokenizer.unreadable(np.flatnonzero(dropped).tolist(), is_kept)
    return tuple(_measure(one, is_kept, unreadable, tokenizer) for one in counts)


def _measure(counts: Counts, is_kept: np.ndarray, unreadable: list[int], tokenizer: Tokenizer) -> Coverage:
    total = int(counts.occurrences.sum())
    unknown = 0 if tokenizer.unknown_id is None else int(counts.occurrences[tokenizer.unknown_id])
    seen = counts.occurrences > 0
    return Coverage(
        name=counts.name,
        language=counts.language,
        corpus=counts.corpus,
        lines=counts.total_lines,
        seen=int(np.count_nonzero(seen)),
        kept=int(np.count_nonzero(seen & is_kept)),
        coverage=int(counts.occurrences[is_kept].sum()) / total,
        unchanged=_unchanged_share(counts, is_kept, tokenizer),
        unknown=unknown / total,
        new_unknown=int(counts.occurrences[unreadable].sum()) / total,
    )


def _unchanged_share(counts: Counts, is_kept: np.ndarray, tokenizer: Tokenizer) -> float | None:
    if not counts.sample:
        return None
    ids, lengths = tokenizer.tokenize([line.text for line in counts.sample])
    changed = np.unique(np.repeat(np.arange(len(lengths)), lengths)[~is_kept[ids]])
    return 1.0 - len(changed) / len(lengths)


def _chosen(
    counts: Sequence[Counts], rule: Rule, always: np.ndarray, tokenizer: Tokenizer
) -> list[np.ndarray]:
    if not counts:
        return []
    if rule.name == "vocab-size":
        return [share_out(counts, int(rule.value), always, tokenizer.with_dependencies)]
    return [LANGUAGE_RULES[rule.name](one, rule.value) for one in counts]


def _ordered(kept: np.ndarray, tokenizer: Tokenizer, order: str) -> np.ndarray:
    if order == "original":
        return kept
    special = np.isin(kept, tokenizer.special_ids)
    others = sorted(kept[~special].tolist(), key=lambda number: tokenizer.pieces[number])
    return np.concatenate([kept[special], np.array(others, dtype=np.int32)])


def _describe(rule: Rule | None, listed: bool) -> dict[str, Any]:
    described: dict[str, Any] = {"name": rule.name, "value": rule.value} if rule else {"name": "pieces"}
    return described | ({"with_listed_pieces": True} if rule and listed else {})


def _sentences(counts: Sequence[Counts]) -> dict[str, tuple[str, ...]]:
    sentences: dict[str, tuple[str, ...]] = {}
    for one in counts:
        short = [line.text for line in one.sample if len(line.text) <= SENTENCE_CHARACTERS]
        sentences[one.language] = (*sentences.get(one.language, ()), *short)[:SENTENCES]
    return sentences
