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
        items: what the number is made of, one row per text (or pair of texts); see the metric.
        sample: which texts these are; scores of one task and sample have the same texts in the same order.
    """

    task: str
    part: str
    metric: str
    items: np.ndarray
    sample: str

    @property
    def value(self) -> float:
        """The number: a share or a correlation, at most 1."""
        return METRICS[self.metric](self.items)


def mean(items: np.ndarray, times: np.ndarray | None = None) -> float:
    """The mean of the items.

    Args:
        items: numbers or bool, [texts] or [texts, 1].
        times: how often each text counts, int [texts]; once if left out.
    """
    times = _once(items) if times is None else times
    return float(times @ items.reshape(len(items)) / times.sum())


def precision_at_1(items: np.ndarray, times: np.ndarray | None = None) -> float:
    """The share of texts that found their translation.

    Args:
        items: bool [texts] or [texts, 1].
        times: see `mean`.

    Example:
        >>> precision_at_1(np.array([True, True, False, True]))
        0.75
    """
    return mean(items, times)


def f1(items: np.ndarray, times: np.ndarray | None = None) -> float:
    """F1 of found pairs: twice the right ones by the found and the true ones together.

    Args:
        items: right, found and true pairs of each text, int [texts, 3].
        times: see `mean`.

    Returns:
        0 where nothing is found and nothing true.

    Example:
        >>> f1(np.array([[1, 1, 1], [0, 1, 1]]))  # one right pair, two found, two true
        0.5
    """
    right, found, true = (_once(items) if times is None else times) @ items
    return float(2 * right / (found + true)) if found + true else 0.0


def pearson(items: np.ndarray, times: np.ndarray | None = None) -> float:
    """Pearson's correlation of two columns; NaN where a column does not vary.

    Args:
        items: float [pairs, 2].
        times: see `mean`.
    """
    times = _once(items) if times is None else times
    centred = items - times @ items / times.sum()
    spread = np.sqrt(times @ centred**2).prod()
    return float(times @ centred.prod(axis=1) / spread) if spread else float("nan")


def spearman(items: np.ndarray, times: np.ndarray | None = None) -> float:
    """Spearman's correlation: Pearson's of the ranks, where equal numbers share the mean of theirs.

    Args:
        items: float [pairs, 2].
        times: see `mean`.
    """
    items = items if times is None else np.repeat(items, times, axis=0)
    return pearson(np.stack([ranks(items[:, 0]), ranks(items[:, 1])], axis=1))


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1 on, float [n]; equal values share the mean of their ranks.

    Example:
        >>> ranks(np.array([0.5, 0.1, 0.5])).tolist()
        [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((last - counts + 1 + last) / 2)[place]


def _once(items: np.ndarray) -> np.ndarray:
    return np.ones(len(items), np.int64)


METRICS: Mapping[str, Callable[..., float]] = {
    "mean": mean,
    "precision at 1": precision_at_1,
    "F1": f1,
    "Pearson": pearson,
    "Spearman": spearman,
}
