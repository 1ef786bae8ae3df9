"""Nearest neighbours, exactly, of any number of embeddings, and how often the nearest is the right one."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Advance

BLOCK = 2048  # rows of each side that are multiplied at a time: 16 MB of similarities
DIGEST_BYTES = 16  # of a row; equal digests of different rows are out of the question


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows of the other side.

    Attributes:
        indices: int64 [rows, k], the nearest first.
        similarities: float [rows, k], dot products: cosines, where rows have length 1.
    """

    indices: np.ndarray
    similarities: np.ndarray


def neighbours_both_ways(
    left: np.ndarray, right: np.ndarray, k: int = 1, block: int = BLOCK, advance: Advance | None = None
) -> tuple[Neighbours, Neighbours]:
    """For each row of either side the k rows of the other with the highest dot products.

    Among equally near rows the first wins, as in the published evaluations, which take `argmax`. Equal rows
    are compared once: a matrix product may round one row differently in different places, which would choose
    between them by chance. So of equal rows only the first is anybody's neighbour.

    Every product is computed once and serves both ways; memory beside the embeddings does not grow with the
    number of products. (NumPy's matrix product is what an exact search in faiss runs on, too.)

    Args:
        left: float [n, hidden size], at least one row.
        right: float [m, hidden size], likewise.
        k: how many neighbours; fewer are given where there are fewer different rows.
        block: rows of each that are multiplied at a time.
        advance: is told how many rows of `left` are done.

    Returns:
        The neighbours of `left` in `right`, and of `right` in `left`.

    Raises:
        SmallerLabseError: a side is empty, the hidden sizes differ, or a value is NaN or infinite.
    """
    _require_comparable(left, right)
    first_left, place_left = _distinct_rows(left)
    first_right, place_right = _distinct_rows(right)
    dtype = np.result_type(left, right, np.float32)
    of_left = _Nearest(len(first_left), min(k, len(first_right)), dtype)
    of_right = _Nearest(len(first_right), min(k, len(first_left)), dtype)
    for start in range(0, len(first_left), block):
        rows = first_left[start : start + block]
        chunk = left[rows]
        for begin in range(0, len(first_right), block):
            columns = first_right[begin : begin + block]
            similarities = chunk @ right[columns].T
            of_left.offer(start, similarities, columns)
            of_right.offer(begin, similarities.T, rows)
        if advance is not None:
            advance(len(rows))
    if advance is not None:
        advance(len(left) - len(first_left))
    return of_left.expand(place_left), of_right.expand(place_right)


def accuracy(queries: np.ndarray, candidates: np.ndarray) -> float:
    """Precision at 1: the share of queries whose nearest neighbour is the candidate of the same index.

    Args:
        queries: float [pairs, hidden size], at least one.
        candidates: float [pairs, hidden size]; see `neighbours_both_ways` for ties and errors.

    Raises:
        SmallerLabseError: there are not as many queries as candidates.

    Example:
        >>> rows = np.eye(4)
        >>> accuracy(rows, rows[[0, 1, 3, 2]])
        0.5
    """
    return float(found_both_ways(queries, candidates)[0].mean())


def found_both_ways(
    left: np.ndarray, right: np.ndarray, advance: Advance | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Whether each row's nearest neighbour on the other side is the row of the same index.

    Args:
        left: float [pairs, hidden size], at least one.
        right: float [pairs, hidden size]; see `neighbours_both_ways` for ties and errors.
        advance: is told how many rows of `left` are done.

    Returns:
        bool [pairs] from left to right, and back. Their means are precision at 1.

    Raises:
        SmallerLabseError: there are not as many rows on both sides.
    """
    if len(left) != len(right):
        raise SmallerLabseError(f"{len(left):,} queries and {len(right):,} candidates are no pairs")
    expected = np.arange(len(left))
    forward, back = neighbours_both_ways(left, right, advance=advance)
    return forward.indices[:, 0] == expected, back.indices[:, 0] == expected


class _Nearest:
    """The best k so far of every row."""

    def __init__(self, rows: int, k: int, dtype: np.dtype) -> None:
        self.k = k
        self.indices = np.zeros((rows, k), np.int64)
        self.similarities = np.full((rows, k), -np.inf, dtype)

    def offer(self, start: int, similarities: np.ndarray, candidates: np.ndarray) -> None:
        """Take in the similarities of some rows, from `start` on, to some candidates, in ascending order."""
        worst = self.similarities[start : start + len(similarities), -1]
        better = np.flatnonzero(similarities.max(axis=1) > worst)
        if not len(better):
            return
        offered = similarities[better]
        count = min(self.k, len(candidates))
        if count == 1:
            best = offered.argmax(axis=1)[:, np.newaxis]  # the first of equals
        else:
            best = np.sort(np.argpartition(-offered, count - 1, axis=1)[:, :count], axis=1)
        rows = start + better
        values = np.concatenate([self.similarities[rows], np.take_along_axis(offered, best, 1)], axis=1)
        indices = np.concatenate([self.indices[rows], candidates[best]], axis=1)
        # Stable: of equals those that came first stay first.
        order = np.argsort(-values, axis=1, kind="stable")[:, : self.k]
        self.similarities[rows] = np.take_along_axis(values, order, 1)
        self.indices[rows] = np.take_along_axis(indices, order, 1)

    def expand(self, places: np.ndarray) -> Neighbours:
        """From different rows to all: `places` says which of the different rows each row is."""
        return Neighbours(self.indices[places], self.similarities[places])


def _distinct_rows(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each different row comes first, int64 [d], and which of those each row is, int64 [rows]."""
    first: dict[bytes, int] = {}
    firsts: list[int] = []
    places = np.empty(len(rows), np.int64)
    for index, row in enumerate(rows):
        digest = blake2b(row.tobytes(), digest_size=DIGEST_BYTES).digest()
        places[index] = place = first.setdefault(digest, len(first))
        if place == len(firsts):
            firsts.append(index)
    return np.array(firsts, np.int64), places


def _require_comparable(left: np.ndarray, right: np.ndarray) -> None:
    if not len(left) or not len(right):
        raise SmallerLabseError("no candidate to search, expected one embedding or more")
    if left.ndim != 2 or left.shape[1:] != right.shape[1:]:
        raise SmallerLabseError(
            f"queries of shape {list(left.shape)} and candidates of shape {list(right.shape)} "
            "cannot be compared; expected two arrays [texts, hidden size] of the same hidden size"
        )
    for name, rows in (("query", left), ("candidate", right)):
        for start in range(0, len(rows), BLOCK):
            broken = np.flatnonzero(~np.isfinite(rows[start : start + BLOCK]).all(axis=1))
            if len(broken):
                raise SmallerLabseError(f"the embedding of {name} {start + broken[0]} holds NaN or infinity")
