"""Lost tokens: which texts a smaller vocabulary leaves unchanged, and which tokens are missed most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from smaller_labse.evaluate.comparison.results import Measured, TokenizedTexts

MOST_TOKENS = 20
NOT_IN_ORIGINAL = -1


@dataclass(frozen=True)
class TextChanges:
    """What became of one language's texts.

    Attributes:
        language: its name in the results.
        texts: how many there are.
        unchanged: how many have the same tokens from both models.
        original_unknowns: unknown tokens that the original has in them.
        new_unknowns: those of the smaller model beyond the original's, summed over the texts that have more,
            so that a text with fewer cannot hide them.
    """

    language: str
    texts: int
    unchanged: int
    original_unknowns: int
    new_unknowns: int


@dataclass(frozen=True)
class LostToken:
    """A token that the original used and the smaller model lacks.

    Attributes:
        token: the token.
        texts: in how many texts the original used it.
        language: of the example.
        example: such a text.
        before: the example's tokens from the original.
        after: from the smaller model.
    """

    token: str
    texts: int
    language: str
    example: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def original_ids(original: Sequence[str], smaller: Sequence[str]) -> np.ndarray:
    """Id in the smaller vocabulary → id in the original's.

    Args:
        original: the original's tokens, by id.
        smaller: the smaller model's.

    Returns:
        int64 [tokens of the smaller vocabulary]; `NOT_IN_ORIGINAL` for a token that the original lacks.

    Example:
        >>> original_ids(["[UNK]", "a", "b", "c"], ["[UNK]", "c", "x"]).tolist()
        [0, 3, -1]
    """
    ids = {token: token_id for token_id, token in enumerate(original)}
    return np.array([ids.get(token, NOT_IN_ORIGINAL) for token in smaller], np.int64)


def find_unchanged(before: TokenizedTexts, after: TokenizedTexts, to_original: np.ndarray) -> np.ndarray:
    """Which texts have the same tokens from both models.

    Args:
        before: texts as the original tokenizes them.
        after: the same texts as the smaller model does.
        to_original: see `original_ids`.

    Returns:
        bool [texts].
    """
    unchanged = before.lengths == after.lengths
    # Where the lengths are the same, token by token.
    left, right = np.repeat(unchanged, before.lengths), np.repeat(unchanged, after.lengths)
    differs = before.ids[left] != to_original[after.ids[right]]
    unchanged[before.text_of_token[left][differs]] = False
    return unchanged


def unknown_tokens() -> tuple[str, ...]:
    """What tokenizers write for what they cannot read: BERT's token and XLM-R's."""
    from smaller_labse.originals.tokenizers.sentencepiece_model import UNKNOWN_PIECE
    from smaller_labse.originals.tokenizers.wordpiece import UNKNOWN

    return UNKNOWN, UNKNOWN_PIECE


def count_unknown(texts: TokenizedTexts, vocabulary: Sequence[str]) -> np.ndarray:
    """How many unknown tokens each text has, int64 [texts]."""
    names = unknown_tokens()
    unknown = [token_id for token_id, token in enumerate(vocabulary) if token in names]
    return np.bincount(texts.text_of_token[np.isin(texts.ids, unknown)], minlength=len(texts.lengths))


def count_new_unknown(before: np.ndarray, after: np.ndarray) -> int:
    """How many unknown tokens texts have gained; one that has lost some does not make up for another.

    Args:
        before: each text's by the original, int [texts]; see `count_unknown`.
        after: by the smaller model.
    """
    return int(np.maximum(after - before, 0).sum())


def compare_texts(original: Measured, smaller: Measured) -> list[TextChanges]:
    """What became of the texts, one result per language."""
    to_original = original_ids(original.vocabulary, smaller.vocabulary)
    changes = []
    for language, before in original.tokenized.items():
        after = smaller.tokenized[language]
        unknown_before = count_unknown(before, original.vocabulary)
        unknown_after = count_unknown(after, smaller.vocabulary)
        changes.append(
            TextChanges(
                language=language,
                texts=len(before.lengths),
                unchanged=int(find_unchanged(before, after, to_original).sum()),
                original_unknowns=int(unknown_before.sum()),
                new_unknowns=count_new_unknown(unknown_before, unknown_after),
            )
        )
    return changes


def find_lost_tokens(
    original: Measured, smaller: Measured, texts: Mapping[str, Sequence[str]], most: int = MOST_TOKENS
) -> list[LostToken]:
    """The lost tokens that most texts used, each with a text of its own as an example.

    Args:
        original: what was measured of the original.
        smaller: of the smaller model.
        texts: language → texts, those that were measured.
        most: how many tokens at most.
    """
    kept = set(smaller.vocabulary)
    is_lost = np.array([token not in kept for token in original.vocabulary])
    used = {language: _lost_in_texts(tokens, is_lost) for language, tokens in original.tokenized.items()}
    counts = np.zeros(len(is_lost), np.int64)
    for lost_ids, _ in used.values():
        counts += np.bincount(lost_ids, minlength=len(counts))
    order = np.argsort(-counts, kind="stable")[:most]
    shown: set[tuple[str, int]] = set()
    result = []
    for token_id in order[counts[order] > 0].tolist():
        # As many as there are tokens to show, so that each finds an example that no other one has.
        places = [
            (language, text)
            for language, (lost_ids, owners) in used.items()
            for text in owners[lost_ids == token_id][:most].tolist()
        ]
        language, text = place = next((place for place in places if place not in shown), places[0])
        shown.add(place)
        result.append(
            LostToken(
                token=original.vocabulary[token_id],
                texts=int(counts[token_id]),
                language=language,
                example=texts[language][text],
                before=original.tokens(language, text),
                after=smaller.tokens(language, text),
            )
        )
    return result


def _lost_in_texts(texts: TokenizedTexts, is_lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which lost tokens are in which texts, each pair once: token ids and texts, int64 [pairs]."""
    lost = is_lost[texts.ids]
    number = max(1, len(texts.lengths))
    pairs = np.unique(texts.ids[lost].astype(np.int64) * number + texts.text_of_token[lost])
    return pairs // number, pairs % number
