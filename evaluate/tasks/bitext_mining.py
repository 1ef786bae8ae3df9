"""Mine translations out of two piles of sentences, as for BUCC: which sentences are each other's translation?

A candidate pair is scored by its cosine, or by the ratio margin (Artetxe & Schwenk 2019, arXiv 1811.01136,
section 3.1): its cosine by the mean of the cosines of both with their k nearest neighbours,

    margin(x, y) = cos(x, y) / (sum of cos(x, z) / 2k over the neighbours z of x
                                + sum of cos(y, z) / 2k over the neighbours z of y)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from smaller_labse.evaluate.metrics.nearest_neighbours import Neighbours

NEIGHBOURS = 4  # k, as published
SCORINGS = ("cosine", "margin")
SEARCHES = ("forward", "backward")


@dataclass(frozen=True)
class Mined:
    """Candidate pairs, the best first.

    Attributes:
        left: sentences of the one side, int64 [pairs].
        right: the other side's.
        scores: float [pairs], descending.
    """

    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray


def mine(of_left: Neighbours, of_right: Neighbours, scoring: str, search: str) -> Mined:
    """For every sentence of one side its best candidate of the other.

    Args:
        of_left: the neighbours of the left side's sentences, from `neighbours_both_ways` with k = 4.
        of_right: those of the right side's.
        scoring: "cosine" or "margin".
        search: "forward" looks for every left sentence, "backward" for every right one.
    """
    own, other = (of_left, of_right) if search == "forward" else (of_right, of_left)
    scores = own.similarities
    if scoring == "margin":
        scores = scores / ((_means(own)[:, np.newaxis] + _means(other)[own.indices]) / 2)
    best = scores.argmax(axis=1)
    rows = np.arange(len(best))
    found, scores = own.indices[rows, best], scores[rows, best]
    order = np.argsort(-scores, kind="stable")
    left, right = (rows, found) if search == "forward" else (found, rows)
    return Mined(left[order], right[order], scores[order])


def best_threshold(mined: Mined, gold: Mapping[tuple[int, int], int]) -> float:
    """The score from which on pairs are taken so that F1 against the gold pairs is highest.

    Args:
        mined: candidate pairs.
        gold: the true pairs, (left, right) → anything.

    Returns:
        A score; of equal F1 the highest. Infinity where no candidate is true.
    """
    pairs = zip(mined.left.tolist(), mined.right.tolist(), strict=True)
    right = np.cumsum([pair in gold for pair in pairs])
    taken = np.arange(1, len(right) + 1)
    f1 = 2 * right / (taken + len(gold))
    # Equal scores are taken all or none.
    f1[:-1][mined.scores[:-1] == mined.scores[1:]] = -1
    return float(mined.scores[f1.argmax()]) if f1.max() > 0 else float("inf")


def outcomes(
    mined: Mined, threshold: float, gold: Mapping[tuple[int, int], int], sentences: int
) -> np.ndarray:
    """How the pairs from a threshold on do, by BUCC's scoring: every pair is right or wrong as a whole.

    Precision is the share of the found pairs that are gold, recall that of the gold pairs that are found.

    Args:
        mined: candidate pairs.
        threshold: the lowest score that is taken.
        gold: the true pairs.
        sentences: how many the left side has.

    Returns:
        Of each left sentence: right pairs, found pairs, true pairs; int64 [sentences, 3].
    """
    counts = np.zeros((sentences, 3), np.int64)
    taken = mined.scores >= threshold
    for pair in zip(mined.left[taken].tolist(), mined.right[taken].tolist(), strict=True):
        counts[pair[0], :2] += (pair in gold, 1)
    for left, _ in gold:
        counts[left, 2] += 1
    return counts


def _means(neighbours: Neighbours) -> np.ndarray:
    return neighbours.similarities.mean(axis=1)
