"""What a smaller vocabulary does to texts: which stay as they are, and which lost pieces matter most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from smaller_labse.evaluate.comparison.differences import UNKNOWNS
from smaller_labse.evaluate.comparison.measure import Cut, Measured

MOST_PIECES = 20


@dataclass(frozen=True)
class Kept:
    """What became of one language's texts.

    Attributes:
        language: its name in the results.
        texts: how many there are.
        unchanged: how many both models cut into the same pieces.
        original_unknowns: pieces that the original cannot read.
        new_unknowns: those of the smaller model beyond the original's, summed over the texts that have more.
    """

    language: str
    texts: int
    unchanged: int
    original_unknowns: int
    new_unknowns: int


@dataclass(frozen=True)
class LostPiece:
    """A piece that the original used and the smaller model has not.

    Attributes:
        piece: the piece.
        texts: in how many texts the original used it.
        language: of the example.
        example: such a text.
        before: the example's pieces by the original.
        after: by the smaller model.
    """

    piece: str
    texts: int
    language: str
    example: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def compare_pieces(original: Measured, smaller: Measured) -> list[Kept]:
    """What became of each language's texts."""
    numbers = {piece: number for number, piece in enumerate(original.pieces)}
    of_original = np.array([numbers.get(piece, -1) for piece in smaller.pieces], np.int64)
    return [_compare_language(language, original, smaller, of_original) for language in original.cuts]


def find_lost_pieces(
    original: Measured, smaller: Measured, texts: Mapping[str, Sequence[str]], most: int = MOST_PIECES
) -> list[LostPiece]:
    """The lost pieces that most texts used, each with a text of its own as an example.

    Args:
        original: what was measured of the original.
        smaller: of the smaller model.
        texts: language → texts, those that were measured.
        most: how many pieces at most.
    """
    kept = set(smaller.pieces)
    is_lost = np.array([piece not in kept for piece in original.pieces])
    counts = np.zeros(len(original.pieces), np.int64)
    for cut in original.cuts.values():
        counts += np.bincount(_lost_in_texts(cut, is_lost)[0], minlength=len(counts))
    order = np.argsort(-counts, kind="stable")[:most]
    order = order[counts[order] > 0].tolist()
    places: dict[int, list[tuple[str, int]]] = {piece: [] for piece in order}
    for language, cut in original.cuts.items():
        pieces, owners = _lost_in_texts(cut, is_lost)
        for piece in order:
            # As many as there are pieces to show, so that each finds an example that no other one has.
            places[piece] += [(language, text) for text in owners[pieces == piece][:most].tolist()]
    shown: set[tuple[str, int]] = set()
    result = []
    for piece in order:
        count = int(counts[piece])
        place = next((place for place in places[piece] if place not in shown), places[piece][0])
        shown.add(place)
        language, text = place
        result.append(
            LostPiece(
                original.pieces[piece],
                count,
                language,
                texts[language][text],
                _pieces(original, language, text),
                _pieces(smaller, language, text),
            )
        )
    return result


def _lost_in_texts(cut: Cut, is_lost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which lost pieces stand in which texts, each pair once: pieces and texts, int64 [pairs]."""
    owners = np.repeat(np.arange(len(cut.lengths)), cut.lengths)
    lost = is_lost[cut.ids]
    both = np.unique(cut.ids[lost].astype(np.int64) * len(cut.lengths) + owners[lost])
    return both // max(1, len(cut.lengths)), both % max(1, len(cut.lengths))


def _compare_language(language: str, original: Measured, smaller: Measured, of_original: np.ndarray) -> Kept:
    before, after = original.cuts[language], smaller.cuts[language]
    unknown_before = _unknowns(before, original.pieces)
    unknown_after = _unknowns(after, smaller.pieces)
    same_length = before.lengths == after.lengths
    mapped = of_original[after.ids]
    unequal = np.zeros(len(before.lengths), bool)
    # Of texts of the same length, piece by piece.
    left = np.repeat(same_length, before.lengths)
    right = np.repeat(same_length, after.lengths)
    owners = np.repeat(np.arange(len(before.lengths)), before.lengths)[left]
    unequal[owners[before.ids[left] != mapped[right]]] = True
    return Kept(
        language,
        len(before.lengths),
        int((same_length & ~unequal).sum()),
        int(unknown_before.sum()),
        int(np.maximum(unknown_after - unknown_before, 0).sum()),
    )


def _unknowns(cut: Cut, pieces: Sequence[str]) -> np.ndarray:
    """Unknown pieces of each text, int64 [texts]."""
    ids = [number for number, piece in enumerate(pieces) if piece in UNKNOWNS]
    owners = np.repeat(np.arange(len(cut.lengths)), cut.lengths)
    return np.bincount(owners[np.isin(cut.ids, ids)], minlength=len(cut.lengths))


def _pieces(measured: Measured, language: str, text: int) -> tuple[str, ...]:
    return tuple(measured.pieces[number] for number in measured.cuts[language].text(text).tolist())
