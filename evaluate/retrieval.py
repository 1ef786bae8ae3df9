"""Which candidate is nearest to a query, and how often it is the right one."""

from __future__ import annotations

import numpy as np

from smaller_labse.select_vocab.errors import SmallerLabseError

BLOCK = 1024  # queries and candidates a matrix product: 4 MB of similarities


def nearest_neighbours(queries: np.ndarray, candidates: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """For each query the candidate of the highest dot product: the cosine, where rows have length 1.

    Among equally near candidates the first wins. Equal candidates are compared once: a matrix product may
    round one row differently in different places, which would choose between them by chance.

    Args:
        queries: float [queries, width].
        candidates: float [candidates, width], at least one.
        block: rows of each that are multiplied at a time; memory does not grow with the number of rows.

    Returns:
        The index of a candidate for each query, int64 [queries].

    Raises:
        SmallerLabseError: there is no candidate, the widths differ, or a number is NaN or infinite.
    """
    _require_comparable(queries, candidates)
    distinct = _first_of_equal_rows(candidates)
    nearest = np.empty(len(queries), np.int64)
    for start in range(0, len(queries), block):
        nearest[start : start + block] = _nearest(queries[start : start + block], candidates, distinct, block)
    return nearest


def accuracy(queries: np.ndarray, candidates: np.ndarray) -> float:
    """Precision at 1: the share of queries whose nearest neighbour is the candidate of the same index.

    Args:
        queries: float [pairs, width], at least one.
        candidates: float [pairs, width]; see `nearest_neighbours` for ties and errors.

    Raises:
        SmallerLabseError: there are not as many queries as candidates.
    """
    if len(queries) != len(candidates):
        raise SmallerLabseError(f"{len(queries):,} queries and {len(candidates):,} candidates are no pairs")
    return float(np.mean(nearest_neighbours(queries, candidates) == np.arange(len(queries))))


def _nearest(queries: np.ndarray, candidates: np.ndarray, distinct: np.ndarray, block: int) -> np.ndarray:
    nearest = np.zeros(len(queries), np.int64)
    highest = np.full(len(queries), -np.inf)
    for start in range(0, len(distinct), block):
        indices = distinct[start : start + block]
        similarities = queries @ candidates[indices].T
        best = similarities.argmax(axis=1)
        value = similarities[np.arange(len(queries)), best]
        nearer = value > highest
        nearest[nearer] = indices[best[nearer]]
        highest[nearer] = value[nearer]
    return nearest


def _first_of_equal_rows(rows: np.ndarray) -> np.ndarray:
    first: dict[bytes, int] = {}
    for index, row in enumerate(rows):
        first.setdefault(row.tobytes(), index)
    return np.fromiter(first.values(), np.int64, len(first))


def _require_comparable(queries: np.ndarray, candidates: np.ndarray) -> None:
    if not len(candidates):
        raise SmallerLabseError("no candidate to search, expected one embedding or more")
    if queries.ndim != 2 or queries.shape[1:] != candidates.shape[1:]:
        raise SmallerLabseError(
            f"queries of shape {list(queries.shape)} and candidates of shape {list(candidates.shape)} "
            "cannot be compared; expected two arrays [texts, width] of one width"
        )
    for name, rows in (("query", queries), ("candidate", candidates)):
        broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        if len(broken):
            raise SmallerLabseError(f"the embedding of {name} {broken[0]} holds NaN or infinity")
