"""A pair of models, an original and a smaller one: their tokens and embeddings of the same texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Advance
from smaller_labse.evaluate.comparison.lost_tokens import (
    NOT_IN_ORIGINAL,
    count_new_unknown,
    count_unknown,
    find_unchanged,
    original_ids,
    unknown_tokens,
)
from smaller_labse.evaluate.comparison.results import TokenizedTexts
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

if TYPE_CHECKING:
    from smaller_labse.encoders.sentence_encoder import SentenceEncoder

TEXTS_AT_A_TIME = 8192  # whose embeddings, two each, are in memory


@dataclass(frozen=True)
class Comparison:
    """How two models treat the same texts.

    Attributes:
        language: of the texts; "all" for the totals.
        texts: how many were compared.
        empty_lines: how many lines were skipped because they are empty.
        unchanged: texts that have the same tokens from both models.
        largest_difference: the largest absolute difference between the two embeddings of an unchanged
            text, in any dimension; None where there is no such text.
        mean_difference: the mean of those absolute differences.
        mean_cosine: the mean cosine of the two embeddings of a changed text; None where there is none.
        original_unknowns: unknown tokens that the original has in them.
        new_unknowns: those of the smaller model beyond the original's, summed over the texts that have
            more, so that a text with fewer cannot hide them.
    """

    language: str
    texts: int
    empty_lines: int
    unchanged: int
    largest_difference: float | None
    mean_difference: float | None
    mean_cosine: float | None
    original_unknowns: int
    new_unknowns: int


class ModelPair:
    """An original, a smaller model, and which of the original's tokens the smaller one has."""

    def __init__(
        self, original: SentenceEncoder, smaller: SentenceEncoder, batch_size: int | None = None
    ) -> None:
        """Match the vocabularies.

        Args:
            original: the original.
            smaller: the model that was trimmed from it.
            batch_size: how many texts are computed at a time; see `SentenceEncoder.encode`.

        Raises:
            SmallerLabseError: the smaller model has another hidden size, or lacks the original's unknown
                token, or has tokens that the original lacks.
        """
        if original.embedding_size != smaller.embedding_size:
            raise SmallerLabseError(
                f"{smaller.name}: its embedding size is {smaller.embedding_size}, but that of "
                f"{original.name} is {original.embedding_size}; expected a model trimmed from it"
            )
        for token in unknown_tokens():  # a vocabulary of bytes needs none
            if token in original.pieces and token not in smaller.pieces:
                raise SmallerLabseError(
                    f"{smaller.name}: no token {token}, which {original.name} has; expected a model trimmed "
                    "from it"
                )
        self.batch_size = batch_size
        self.original, self.smaller = original, smaller
        self.subset = match_vocabularies(original, smaller)
        self.length = min(original.sequence_length, smaller.sequence_length)
        self.at_length_1 = False

    def compare(self, language: str, lines: Sequence[str], advance: Advance) -> Comparison:
        """Compare the two models on the lines of one language; `advance` is told how many are done."""
        parts: list[Comparison] = []
        for start in range(0, len(lines), TEXTS_AT_A_TIME):
            chunk = lines[start : start + TEXTS_AT_A_TIME]
            parts.append(self._compare_chunk(language, chunk))
            advance(len(chunk))
        return combine(language, parts)

    def _compare_chunk(self, language: str, lines: Sequence[str]) -> Comparison:
        texts = [line for line in lines if line]
        unchanged, unknown, new_unknown = self._compare_tokens(texts)
        before, after = (
            encoder.encode(texts, False, self.length, lambda amount: None, self.batch_size)
            for encoder in (self.original, self.smaller)
        )
        if _has_length_1(before) != _has_length_1(after):
            self.at_length_1 = True
            before, after = (_at_length_1(embeddings) for embeddings in (before, after))
        differences = np.abs(before[unchanged] - after[unchanged])
        return Comparison(
            language=language,
            texts=len(texts),
            empty_lines=len(lines) - len(texts),
            unchanged=int(unchanged.sum()),
            largest_difference=float(differences.max()) if unchanged.any() else None,
            mean_difference=float(differences.mean(dtype=np.float64)) if unchanged.any() else None,
            mean_cosine=None if unchanged.all() else _mean_cosine(before[~unchanged], after[~unchanged]),
            original_unknowns=unknown,
            new_unknowns=new_unknown,
        )

    def _compare_tokens(self, texts: Sequence[str]) -> tuple[np.ndarray, int, int]:
        """Which texts are unchanged, bool [texts]; the original's unknown tokens; the new ones."""
        before, after = self.original.tokenize(texts), self.smaller.tokenize(texts)
        unknown_before = count_unknown(TokenizedTexts.of(before), self.original.pieces)
        unknown_after = count_unknown(TokenizedTexts.of(after), self.smaller.pieces)
        seen = self.length - self.original.special_tokens  # what the encoders do not see changes nothing
        unchanged = find_unchanged(
            TokenizedTexts.of(before, seen), TokenizedTexts.of(after, seen), self.subset.original_ids
        )
        return unchanged, int(unknown_before.sum()), count_new_unknown(unknown_before, unknown_after)


def match_vocabularies(original: SentenceEncoder, smaller: SentenceEncoder) -> VocabularySubset:
    """Which of the original's tokens the smaller model has; a token's text says which one it is.

    Raises:
        SmallerLabseError: the original lacks a token.
    """
    ids = original_ids(original.pieces, smaller.pieces)
    for missing in np.flatnonzero(ids == NOT_IN_ORIGINAL)[:1]:
        raise SmallerLabseError(
            f"{smaller.name}: {original.name} has no token {smaller.pieces[missing]!r}; "
            "expected a model trimmed from it"
        )
    return VocabularySubset(ids, len(original.pieces))


def combine(language: str, parts: Sequence[Comparison]) -> Comparison:
    """Add comparisons up; means are weighted by the texts that they are means of."""
    largest = [part.largest_difference for part in parts if part.largest_difference is not None]
    return Comparison(
        language=language,
        texts=sum(part.texts for part in parts),
        empty_lines=sum(part.empty_lines for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        largest_difference=max(largest, default=None),
        mean_difference=_weighted_mean([(part.mean_difference, part.unchanged) for part in parts]),
        mean_cosine=_weighted_mean([(part.mean_cosine, part.texts - part.unchanged) for part in parts]),
        original_unknowns=sum(part.original_unknowns for part in parts),
        new_unknowns=sum(part.new_unknowns for part in parts),
    )


def _has_length_1(embeddings: np.ndarray) -> bool:
    return bool(np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5))


def _at_length_1(embeddings: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)


def _weighted_mean(values: Sequence[tuple[float | None, int]]) -> float | None:
    known = [(value, weight) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def _mean_cosine(first: np.ndarray, second: np.ndarray) -> float:
    products = np.einsum("ij,ij->i", first, second, dtype=np.float64)
    lengths = np.linalg.norm(first, axis=1).astype(np.float64) * np.linalg.norm(second, axis=1)
    return float(np.mean(products / np.maximum(lengths, np.finfo(np.float64).tiny)))
