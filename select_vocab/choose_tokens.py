"""Choose tokens: by a rule from counts, from lists, and always those that every character needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.select_vocab.counts_file import Counts
from smaller_labse.select_vocab.coverage import measure_coverage
from smaller_labse.select_vocab.rules import LANGUAGE_RULES, PUBLISHED_RULE, Rule, share_out
from smaller_labse.select_vocab.selection import Selection

ORDERS = ("original", "alphabetical")
SENTENCES = 4  # per language, for make-smaller to verify the model with
SENTENCE_CHARACTERS = 300


def choose_tokens(
    tokenizer: Tokenizer,
    original_size: int,
    hidden_size: int,
    counts: Sequence[Counts] = (),
    rule: Rule = PUBLISHED_RULE,
    listed: Sequence[np.ndarray] = (),
    keep: np.ndarray | None = None,
    keep_characters: bool = True,
    order: str = "original",
    languages: Sequence[str] = (),
) -> Selection:
    """Choose tokens by a rule from counts, and from lists, and add what is always kept.

    Args:
        tokenizer: the original's.
        original_size: rows of the original's embedding matrix.
        hidden_size: of the original.
        counts: one for each language (or Wikipedia).
        rule: how to choose from the counts.
        listed: ids of tokens that were chosen elsewhere, int32 [n] each.
        keep: ids that a user wants kept whatever the rule says, int32 [n].
        keep_characters: keep what text needs to stay readable (`Tokenizer.needed_for_characters`).
        order: "original" (ascending original ids) or "alphabetical" (special tokens first, then by code
            point, as the published vocabulary).
        languages: codes of the languages, where the counts do not say.

    Raises:
        SmallerLabseError: there is nothing to choose from.
    """
    if not counts and not listed:
        raise SmallerLabseError("nothing to select from: give counts or lists of tokens")
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
        pieces=[tokenizer.pieces[token_id] for token_id in kept],
        subset=VocabularySubset(kept, original_size),
        fingerprint=tokenizer.fingerprint,
        hidden_size=hidden_size,
        languages=tuple(sorted(codes)),
        rule=_describe(rule if counts else None, listed=bool(listed)),
        keep_characters=keep_characters,
        order=order,
        coverage=measure_coverage(counts, kept, tokenizer, rule, always=always_kept_of(not_alone)),
        sentences=_sentences(counts),
    )


def _lines_of_all(counts: Sequence[Counts], size: int) -> np.ndarray:
    """In how many lines of all languages together each token occurs (published ones: how often), int64."""
    return sum(
        (one.occurrences if one.lines is None else one.lines for one in counts), np.zeros(size, np.int64)
    )


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
    others = sorted(kept[~special].tolist(), key=lambda token_id: tokenizer.pieces[token_id])
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
