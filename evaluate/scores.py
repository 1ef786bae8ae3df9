"""What a task says of a model: a number, and the items that it is a number of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Score:
    """One number of one model.

    Attributes:
        task: e.g. "tatoeba".
        part: which languages and direction, e.g. "en→fr".
        metric: one of `METRICS`.
        items: what the number is made of, one row a text (or pair of texts); see the metric.
    """

    task: str
    part: str
    metric: str
    items: np.ndarray

    @property
    def value(self) -> float:
        """The number: a share or a correlation, at most 1."""
        return METRICS[self.metric](self.items)


def precision_at_1(items: np.ndarray) -> float:
    """The share of texts that found their translation; items are bool [texts]."""
    return float(items.mean())


def f1(items: np.ndarray) -> float:
    """F1 of found pairs: twice the right ones by the found and the true ones together.

    Items are int [texts, 3]: right, found, true. Where nothing is found and nothing true, 0.
    """
    right, found, true = items.sum(axis=0).tolist()
    return 2 * right / (found + true) if found + true else 0.0


def pearson(items: np.ndarray) -> float:
    """Pearson's correlation of two columns, float [pairs, 2]; NaN where a column does not vary."""
    centred = items - items.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0)).prod()
    return float((centred[:, 0] * centred[:, 1]).sum() / spread) if spread else float("nan")


def spearman(items: np.ndarray) -> float:
    """Spearman's correlation: Pearson's of the ranks, where equal numbers share the mean of theirs."""
    return pearson(np.stack([ranks(items[:, 0]), ranks(items[:, 1])], axis=1))


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on, float [n]; equal values share the mean of their ranks."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[place]


METRICS: Mapping[str, Callable[[np.ndarray], float]] = {
    "precision at 1": precision_at_1,
    "F1": f1,
    "Pearson": pearson,
    "Spearman": spearman,
}
