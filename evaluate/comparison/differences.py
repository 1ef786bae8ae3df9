"""How two models treat the same texts: pieces, embeddings, unknowns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Advance

if TYPE_CHECKING:
    from smaller_labse.encoders.sentence_encoder import SentenceEncoder

TEXTS_AT_A_TIME = 8192  # whose embeddings, two each, are in memory
UNKNOWNS = ("[UNK]", "<unk>")  # BERT's and XLM-R's
SPECIAL_PIECES = 2  # [CLS] and [SEP], which every text has


@dataclass(frozen=True)
class Comparison:
    """How two models treat the same texts.

    Attributes:
        language: of the texts; "all" for the totals.
        texts: how many were compared.
        empty_lines: how many lines were passed over because nothing stands there.
        unchanged: texts that both models split into the same pieces.
        largest_difference: the largest absolute difference between the two embeddings of an unchanged
            text, in any dimension; None where there is no such text.
        mean_difference: the mean of those absolute differences.
        mean_cosine: the mean cosine of the two embeddings of a changed text; None where there is none.
        original_unknowns: pieces that the original reads as [UNK].
        new_unknowns: [UNK] pieces that the smaller model has beyond the original's, summed over the texts
            that have more, so that a text with fewer cannot hide them.
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
    """An original, a smaller model, and how their pieces correspond."""

    def __init__(self, original: SentenceEncoder, smaller: SentenceEncoder) -> None:
        """Match the pieces; vocabularies name each piece once, so a piece's text says which it is.

        Raises:
            SmallerLabseError: the smaller model has another width, or pieces that the original has not.
        """
        if original.width != smaller.width:
            raise SmallerLabseError(
                f"{smaller.name}: embeddings of {smaller.width} numbers, but {original.name} has "
                f"{original.width}; expected a model cut from it"
            )
        self.original, self.smaller = original, smaller
        self.kept_ids = match_pieces(original, smaller)
        self.unknowns = _find_unknown(original), _find_unknown(smaller)
        self.length = min(original.sequence_length, smaller.sequence_length)

    def compare(self, language: str, lines: Sequence[str], advance: Advance) -> Comparison:
        """Compare the two models on the lines of one language; `advance` is told how many are done."""
        parts = []
        for start in range(0, len(lines), TEXTS_AT_A_TIME):
            chunk = lines[start : start + TEXTS_AT_A_TIME]
            parts.append(self._compare_chunk(language, chunk))
            advance(len(chunk))
        return combine(language, parts)

    def _compare_chunk(self, language: str, lines: Sequence[str]) -> Comparison:
        texts = [line for line in lines if line]
        before, after = self.original.tokenize(texts), self.smaller.tokenize(texts)
        before_unknowns, after_unknowns = (
            np.array([np.count_nonzero(ids == unknown) for ids in pieces], np.int64)
            for pieces, unknown in zip((before, after), self.unknowns, strict=True)
        )
        embeddings = [
            encoder.encode(texts, max_length=self.length, advance=lambda amount: None)
            for encoder in (self.original, self.smaller)
        ]
        unchanged = self._find_unchanged(before, after)
        differences = np.abs(embeddings[0][unchanged] - embeddings[1][unchanged])
        changed = [rows[~unchanged] for rows in embeddings]
        return Comparison(
            language=language,
            texts=len(texts),
            empty_lines=len(lines) - len(texts),
            unchanged=int(unchanged.sum()),
            largest_difference=float(differences.max()) if unchanged.any() else None,
            mean_difference=float(differences.mean(dtype=np.float64)) if unchanged.any() else None,
            mean_cosine=_mean_cosine(*changed) if len(changed[0]) else None,
            original_unknowns=int(before_unknowns.sum()),
            new_unknowns=int(np.maximum(after_unknowns - before_unknowns, 0).sum()),
        )

    def _find_unchanged(self, before: list[np.ndarray], after: list[np.ndarray]) -> np.ndarray:
        """Which texts have the same pieces, as far as the encoders see them: bool [texts]."""
        seen = self.length - SPECIAL_PIECES
        pairs = zip(before, after, strict=True)
        return np.array([np.array_equal(old[:seen], self.kept_ids[new[:seen]]) for old, new in pairs], bool)


def match_pieces(original: SentenceEncoder, smaller: SentenceEncoder) -> np.ndarray:
    """New id → original id, int64 [pieces of the smaller model].

    Raises:
        SmallerLabseError: the original lacks a piece.
    """
    ids = {piece: number for number, piece in enumerate(original.pieces)}
    for piece in smaller.pieces:
        if piece not in ids:
            raise SmallerLabseError(
                f"{smaller.name}: {original.name} has no piece {piece!r}; expected a model cut from it"
            )
    return np.array([ids[piece] for piece in smaller.pieces], np.int64)


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


def _weighted_mean(values: Sequence[tuple[float | None, int]]) -> float | None:
    known = [(value, weight) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def _mean_cosine(first: np.ndarray, second: np.ndarray) -> float:
    products = np.einsum("ij,ij->i", first, second, dtype=np.float64)
    lengths = np.linalg.norm(first, axis=1).astype(np.float64) * np.linalg.norm(second, axis=1)
    return float(np.mean(products / np.maximum(lengths, np.finfo(np.float64).tiny)))


def _find_unknown(encoder: SentenceEncoder) -> int:
    for piece in UNKNOWNS:
        if piece in encoder.pieces:
            return encoder.pieces.index(piece)
    raise SmallerLabseError(f"{encoder.name}: no piece {' or '.join(UNKNOWNS)}, expected one of the two")
