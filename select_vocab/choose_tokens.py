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
from smaller_labse.select_vocab.unseen import kept_without_a_line, unseen_share

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

    def always_kept_of(counted: np.ndarray) -> np.ndarray:
        """What is kept whatever the rule chooses, when these ids were counted."""
        always = [tokenizer.special_ids, *wanted]
        if keep_characters:
            seen = np.unique(np.concatenate([*wanted, counted]))
            always.append(tokenizer.needed_for_characters(seen))
        return tokenizer.with_dependencies(np.concatenate(always))

    lines = _lines_of_all(counts, len(tokenizer.pieces))
    always_kept = always_kept_of(np.flatnonzero(lines))
    kept = np.concatenate([always_kept, *_chosen(counts, rule, always_kept, tokenizer)])
    kept = _ordered(tokenizer.with_dependencies(kept), tokenizer, order)
    # A character's own token that is in one line only would be kept without it if another token had it.
    not_alone = np.setdiff1d(np.flatnonzero(lines), always_kept[lines[always_kept] == 1])
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
        coverage=measure_coverage(counts, kept, tokenizer, rule, always=always_kept_of(not_alone)),
        sentences=_sentences(counts),
    )


def measure_coverage(
    counts: Sequence[Counts], kept: np.ndarray, tokenizer: Tokenizer, rule: Rule, always: np.ndarray
) -> tuple[Coverage, ...]:
    """What the kept tokens cover of each language's counts, and what of text that was not counted.

    Args:
        counts: one for each language (or Wikipedia).
        kept: ids, int32 [n].
        tokenizer: the original's.
        rule: by which they were chosen.
        always: ids that would be kept without any one line of the counts, whatever the rule, int32 [n].
    """
    is_kept = _marked(kept, tokenizer)
    dropped = np.zeros(len(tokenizer.pieces), dtype=bool)
    for one in counts:
        dropped |= (one.occurrences > 0) & ~is_kept
    unreadable = tokenizer.unreadable(np.flatnonzero(dropped).tolist(), is_kept)
    by_lines = rule.name == "min-line-share"
    firm = kept_without_a_line(
        [one.lines if by_lines and one.lines is not None else one.occurrences for one in counts],
        [_without_a_line(one, by_lines) for one in counts],
        is_kept,
        _marked(always, tokenizer),
        ties_by_id=not by_lines,
    )
    return tuple(
        _measure(
            one,
            is_kept,
            _marked(tokenizer.with_dependencies(np.flatnonzero(its)), tokenizer),
            unreadable,
            tokenizer,
        )
        for one, its in zip(counts, firm, strict=True)
    )


def _measure(
    counts: Counts, is_kept: np.ndarray, is_firm: np.ndarray, unreadable: list[int], tokenizer: Tokenizer
) -> Coverage:
    total = int(counts.occurrences.sum())
    unknown = 0 if tokenizer.unknown_id is None else int(counts.occurrences[tokenizer.unknown_id])
    seen = counts.occurrences > 0
    unchanged, expected_unchanged = _unchanged_shares(counts, (is_kept, is_firm), tokenizer)
    is_text = counts.lines is not None and not counts.word_list
    return Coverage(
        name=counts.name,
        language=counts.language,
        corpus=counts.corpus,
        lines=counts.total_lines,
        seen=int(np.count_nonzero(seen)),
        kept=int(np.count_nonzero(seen & is_kept)),
        coverage=int(counts.occurrences[is_kept].sum()) / total,
        unchanged=unchanged,
        unknown=unknown / total,
        new_unknown=int(counts.occurrences[unreadable].sum()) / total,
        unseen=unseen_share(counts.occurrences, counts.lines) if is_text else None,
        expected_coverage=int(counts.occurrences[is_firm].sum()) / total if is_text else None,
        expected_unchanged=expected_unchanged if is_text else None,
    )


def _unchanged_shares(counts: Counts, kept: Sequence[np.ndarray], tokenizer: Tokenizer) -> list[float | None]:
    """Of the sampled lines, the share whose tokens are all kept, for each of several choices."""
    if not counts.sample:
        return [None for _ in kept]
    ids, lengths = tokenizer.tokenize([line.text for line in counts.sample])
    line_of_token = np.repeat(np.arange(len(lengths)), lengths)
    return [1.0 - len(np.unique(line_of_token[~choice[ids]])) / len(lengths) for choice in kept]


def _lines_of_all(counts: Sequence[Counts], size: int) -> np.ndarray:
    """In how many lines of all languages together each token occurs (published ones: how often), int64."""
    return sum(
        (one.occurrences if one.lines is None else one.lines for one in counts), np.zeros(size, np.int64)
    )


def _without_a_line(counts: Counts, by_lines: bool) -> np.ndarray:
    """Every token's lines, or occurrences, when one line that holds the token is left out."""
    if counts.lines is None or by_lines:
        return counts.occurrences if counts.lines is None else counts.lines - 1
    in_one_line = -(-counts.occurrences // np.maximum(counts.lines, 1))  # the mean, rounded up
    return counts.occurrences - in_one_line


def _marked(ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """Ids as bool [vocabulary size]."""
    marked = np.zeros(len(tokenizer.pieces), dtype=bool)
    marked[ids] = True
    return marked


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
