"""How sure is a difference between two models? A paired bootstrap answers.

Both models answered the same items, so items are drawn again with replacement, the same for both, and the
difference is computed anew (Koehn 2004, "Statistical significance tests for machine translation evaluation";
Efron & Tibshirani 1993, chapter 13: percentile intervals).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smaller_labse.evaluate.scores import METRICS, Score

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

    Every score's items are drawn by themselves, as many as there are, so that languages weigh alike.

    Args:
        before: the original's scores, one or more.
        after: the smaller model's, of the same tasks and parts, in the same order.
        draws: how often items are drawn.
        seed: of the random numbers; the same seed gives the same interval.
    """
    random = np.random.default_rng(seed)
    drawn = np.zeros(draws)
    for old, new in zip(before, after, strict=True):
        metric = METRICS[old.metric]
        count = len(old.items)
        for draw in range(draws):
            chosen = random.integers(count, size=count)
            drawn[draw] += metric(new.items[chosen]) - metric(old.items[chosen])
    drawn /= len(before)
    tail = 100 * (1 - COVERED) / 2
    low, high = np.nanpercentile(drawn, [tail, 100 - tail])
    value = np.mean([new.value - old.value for old, new in zip(before, after, strict=True)])
    return Difference(float(value), float(low), float(high))
