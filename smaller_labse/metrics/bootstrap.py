"""95% intervals of the difference between two models, by a paired bootstrap.

Both models answered the same items, so items are drawn again with replacement, the same for both, and the
difference is computed anew (Koehn 2004, "Statistical significance tests for machine translation evaluation";
Efron & Tibshirani 1993, chapter 13: percentile intervals).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smaller_labse.metrics.scores import METRICS, Score

DRAWS = 1000
COVERED = 0.95


@dataclass(frozen=True)
class Difference:
    """A smaller model's number less the original's.

    Attributes:
        value: the difference of the means over the scores.
        low: the lower end of the interval.
        high: the upper end.
    """

    value: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out 0."""
        return self.low > 0 or self.high < 0


def difference(
    before: Sequence[Score], after: Sequence[Score], draws: int = DRAWS, seed: int = 0
) -> Difference:
    """The difference of two models' means over scores, and its 95% interval.

    Samples are drawn one by one, as many texts as they have, so that languages weigh alike; scores of one
    sample, such as both directions of a language, are of the same drawn texts.

    Args:
        before: the original's scores, one or more.
        after: the smaller model's, of the same tasks and parts, in the same order.
        draws: how often texts are drawn.
        seed: of the random numbers; the same seed gives the same interval.
    """
    random = np.random.default_rng(seed)
    pairs = list(zip(before, after, strict=True))
    samples: dict[tuple[str, str, int], list[tuple[Score, Score]]] = {}
    for old, new in pairs:
        samples.setdefault((old.task, old.sample, len(old.items)), []).append((old, new))
    drawn = sum(_draw(of_sample, draws, random) for of_sample in samples.values()) / len(pairs)
    value = float(np.mean([new.value - old.value for old, new in pairs]))
    if np.isnan(drawn).all():
        return Difference(value, float("nan"), float("nan"))
    tail = 100 * (1 - COVERED) / 2
    low, high = np.nanpercentile(drawn, [tail, 100 - tail])
    return Difference(value, float(low), float(high))


def _draw(scores: Sequence[tuple[Score, Score]], draws: int, random: np.random.Generator) -> np.ndarray:
    """The sum of the differences of scores of one sample, of each draw, float [draws]."""
    parts = [score.items.reshape(len(score.items), -1) for pair in scores for score in pair]
    ends = np.cumsum([part.shape[1] for part in parts])
    # Texts with the same outcome everywhere are drawn together: a hundred thousand have a few outcomes.
    rows, counts = np.unique(np.concatenate(parts, axis=1, dtype=float), axis=0, return_counts=True)
    columns = np.split(rows, ends[:-1], axis=1)
    metrics = [METRICS[old.metric] for old, _ in scores]
    drawn = np.zeros(draws)
    for draw in range(draws):
        times = random.multinomial(counts.sum(), counts / counts.sum())
        for number, metric in enumerate(metrics):
            drawn[draw] += metric(columns[2 * number + 1], times) - metric(columns[2 * number], times)
    return drawn
