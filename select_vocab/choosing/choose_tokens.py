"""Choose tokens: by a rule from counts, from lists, and always those that every character needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset, distinct_ids, ids_without
from smaller_labse.select_vocab.choosing.count_rules import (
    LANGUAGE_RULES,
    PUBLISHED_RULE,
    Rule,
    fill_to_size,
    share_out,
)
from smaller_labse.select_vocab.choosing.coverage import measure_coverage
from smaller_labse.select_vocab.choosing.stripped_tokens import StrippedToken
from smaller_labse.select_vocab.choosing.why_kept import why_kept
from smaller_labse.select_vocab.counting.counts import Counts
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
    stripped: Sequence[StrippedToken] = (),
    keep: np.ndarray | None = None,
    keep_characters: bool = True,
    order: str = "original",
    languages: Sequence[str] = (),
    fill_up: bool = False,
    round_to: int = 1,
) -> Selection:
    """Choose tokens by a rule from counts, and from lists, and add what is always kept.

    Args:
        tokenizer: the original's.
        original_size: rows of the original's embedding matrix.
        hidden_size: of the original.
        counts: one for each language (or Wikipedia).
        rule: how to choose from the counts.
        listed: ids of tokens that were chosen elsewhere, int32 [n] each.
        stripped: those of the listed tokens that the original spells otherwise, or has in several forms.
        keep: ids that a user wants kept whatever the rule says, int32 [n].
        keep_characters: keep what text needs to stay readable (`Tokenizer.needed_for_characters`).
        order: "original" (ascending original ids) or "alphabetical" (special tokens first, then by code
            point, as the published vocabulary).
        languages: codes of the languages, where the counts do not say.
        fill_up: where the counts hold fewer tokens than the rule "vocab-size" asks for, take the original's
            own first ones, too (`Tokenizer.ranked_ids`).
        round_to: what the vocabulary size is a multiple of; the original's own first tokens fill it up.

    Raises:
        UsageError: the original has too few tokens for such a multiple.
        SmallerLabseError: there is nothing to choose from.
    """
    if not counts and not listed:
        raise SmallerLabseError("nothing to select from: give counts or lists of tokens")
    # Whatever order the counts come in, the result is the same.
    counts = sorted(counts, key=lambda one: one.name)
    wanted = [*listed, keep if keep is not None else np.zeros(0, np.int32)]

    def characters_of(seen: np.ndarray) -> np.ndarray:
        """What the characters of the wanted tokens, and of these ids where they are counted, need."""
        if not keep_characters:
            return np.zeros(0, np.int32)
        return tokenizer.needed_for_characters(distinct_ids(np.concatenate([*wanted, seen])))

    def always_kept_of(characters: np.ndarray) -> np.ndarray:
        """What is kept whatever the rule chooses."""
        return tokenizer.with_dependencies(np.concatenate([tokenizer.special_ids, *wanted, characters]))

    lines = _lines_of_all(counts, len(tokenizer.pieces))
    counted = np.flatnonzero(lines)
    characters = characters_of(counted)
    always_kept = always_kept_of(characters)
    by_rule = np.concatenate([np.zeros(0, np.int32), *_chosen(counts, rule, always_kept, tokenizer)])
    chosen = tokenizer.with_dependencies(np.concatenate([always_kept, by_rule]))
    filled = _filled(chosen, int(rule.value) if fill_up else 0, round_to, tokenizer)
    names = {one.id: one.token for one in stripped if one.original != one.token}
    kept = _ordered(filled, tokenizer, order, names)
    subset = VocabularySubset(kept, original_size, names)
    # A character's own token that is in one line only would be kept without it if another token had it.
    not_alone = ids_without(counted, always_kept[lines[always_kept] == 1])
    anyway = np.concatenate(
        [always_kept_of(characters_of(not_alone)), _ranked_above(filled, chosen, tokenizer)]
    )
    codes = {one.language for one in counts} | set(languages)
    return Selection(
        kind=tokenizer.kind,
        pieces=_pieces(subset, tokenizer),
        subset=subset,
        fingerprint=tokenizer.fingerprint,
        hidden_size=hidden_size,
        languages=tuple(sorted(codes)),
        rule=_describe(rule if counts else None, bool(listed))
        | _describe_size(rule, chosen, filled, counted, fill_up, round_to),
        keep_characters=keep_characters,
        order=order,
        coverage=measure_coverage(counts, kept, tokenizer, rule, always=anyway),
        sentences=_sentences(counts),
        stripped=tuple(stripped),
        preprocessor=tokenizer.preprocessor,
        why=why_kept(
            kept,
            {
                "s": tokenizer.special_ids,
                "l": np.concatenate([np.zeros(0, np.int32), *listed]),
                "k": np.zeros(0, np.int32) if keep is None else keep,
                "c": characters,
                "r": ids_without(by_rule, always_kept) if rule.name == "vocab-size" else by_rule,
                "f": ids_without(filled, chosen),
            },
        ),
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


def _filled(chosen: np.ndarray, wanted: int, round_to: int, tokenizer: Tokenizer) -> np.ndarray:
    """The chosen tokens and the original's own first ones, up to a size or the next multiple.

    Raises:
        UsageError: the original has too few tokens for a multiple.
    """
    size = -(-max(len(chosen), wanted) // round_to) * round_to
    if size == len(chosen):
        return chosen
    filled = fill_to_size(chosen, size, tokenizer.ranked_ids, tokenizer.with_dependencies)
    if len(filled) % round_to:
        raise UsageError(
            f"--round-to {round_to:,}: the next multiple of it is {size:,}, which the original's "
            f"{len(tokenizer.pieces):,} tokens do not fill; choose a smaller one"
        )
    return filled


def _ranked_above(filled: np.ndarray, chosen: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """The kept tokens that the original ranks above the last one that filled up the size.

    They would be kept whatever was counted.
    """
    added = ids_without(filled, chosen)
    if not len(added):
        return added
    ranked = tokenizer.ranked_ids
    above = ranked[: np.flatnonzero(np.isin(ranked, added))[-1] + 1]
    return above[np.isin(above, filled)]


def _ordered(kept: np.ndarray, tokenizer: Tokenizer, order: str, names: Mapping[int, str]) -> np.ndarray:
    if order == "original":
        return kept
    special = np.isin(kept, tokenizer.special_ids)
    others = sorted(kept[~special].tolist(), key=lambda one: names.get(one, tokenizer.pieces[one]))
    return np.concatenate([kept[special], np.array(others, dtype=np.int32)])


def _pieces(subset: VocabularySubset, tokenizer: Tokenizer) -> list[str]:
    """The kept tokens as they will be called.

    Raises:
        SmallerLabseError: two would be called the same.
    """
    pieces = subset.pieces_of(tokenizer.pieces)
    for token_id, name in subset.names.items():
        if pieces.count(name) > 1:
            raise SmallerLabseError(
                f"{name!r} would stand in the vocabulary twice, for the original's {name!r} and "
                f"{tokenizer.pieces[token_id]!r}; with --strip-original give nothing but lists, and "
                "--no-keep-characters"
            )
    return pieces


def _describe(rule: Rule | None, listed: bool) -> dict[str, Any]:
    described: dict[str, Any] = {"name": rule.name, "value": rule.value} if rule else {"name": "pieces"}
    return described | ({"with_listed_pieces": True} if rule and listed else {})


def _describe_size(
    rule: Rule, chosen: np.ndarray, filled: np.ndarray, counted: np.ndarray, fill_up: bool, round_to: int
) -> dict[str, int]:
    """How many tokens there were to choose, if fewer than asked for, and how many filled up the size."""
    described = {}
    short = rule.name == "vocab-size" and len(chosen) < int(rule.value)
    if short and np.isin(counted, chosen).all():
        described["found"] = len(chosen)
    if fill_up or round_to > 1:
        described["filled_up"] = len(filled) - len(chosen)
    return described | ({"round_to": round_to} if round_to > 1 else {})


def _sentences(counts: Sequence[Counts]) -> dict[str, tuple[str, ...]]:
    sentences: dict[str, tuple[str, ...]] = {}
    for one in counts:
        short = [line.text for line in one.sample if len(line.text) <= SENTENCE_CHARACTERS]
        sentences[one.language] = (*sentences.get(one.language, ()), *short)[:SENTENCES]
    return sentences
