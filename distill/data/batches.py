"""Batches of examples, in an order that follows from a seed alone.

Groups, such as languages, are drawn by given shares; within a group every example is drawn once before one is
drawn again, and the shorter it is, the sooner on average: what comes next is drawn with a probability of
1 / length. Where time is over before all are drawn, short and long examples have had equal shares of it, and
more examples were seen.

Examples are drawn for `POOL_BATCHES` batches at a time and sorted by length, so that little of a batch is
padding; the batches of a pool come in random order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POOL_BATCHES = 16


class Batches:
    """An endless sequence of batches; where it stands follows from the number of batches that were taken.

    Example:
        batches = Batches([50_000, 11_000], np.array([0.7, 0.3]), lengths, batch=64, seed=0)
        batches.skip(1000)  # what an interrupted run has seen
        indices = batches.next()
    """

    def __init__(
        self, sizes: Sequence[int], shares: np.ndarray, lengths: np.ndarray, batch: int, seed: int
    ) -> None:
        """Begin before the first batch.

        Args:
            sizes: how many examples each group has; the examples of the first come first.
            shares: how often each group is drawn, float [groups], of sum 1.
            lengths: of every example, 1 or more, as its costs are in proportion to, int [examples].
            batch: examples in a batch.
            seed: of everything that is random.
        """
        self._sizes, self._lengths = np.asarray(sizes, np.int64), lengths
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        self._shares = shares
        self._batch, self._seed = batch, seed
        self._drawn = np.zeros(len(self._sizes), np.int64)  # from each group, before the next pool
        self._pool, self._taken = -1, POOL_BATCHES
        self._batches: list[np.ndarray] = []

    def next(self) -> np.ndarray:
        """The indices of the next batch's examples, int64 [batch]."""
        if self._taken == POOL_BATCHES:
            self._pool += 1
            self._batches, self._taken = self._draw_pool(), 0
        self._taken += 1
        return self._batches[self._taken - 1]

    def skip(self, batches: int) -> None:
        """Pass over batches that were taken before; of those only each group's number of examples is drawn.

        Args:
            batches: how many, counted from the first one.
        """
        pools, rest = divmod(batches, POOL_BATCHES)
        for pool in range(pools):
            self._drawn += self._draw_counts(pool)
        self._pool = pools - 1
        self._taken = POOL_BATCHES
        for _ in range(rest):
            self.next()

    def _draw_counts(self, pool: int) -> np.ndarray:
        """How many examples of each group a pool has, int64 [groups]."""
        random = np.random.default_rng([self._seed, 0, pool])
        return random.multinomial(POOL_BATCHES * self._batch, self._shares).astype(np.int64)

    def _draw_pool(self) -> list[np.ndarray]:
        counts = self._draw_counts(self._pool)
        drawn = [self._draw(group, count) for group, count in enumerate(counts.tolist())]
        self._drawn += counts
        random = np.random.default_rng([self._seed, 1, self._pool])
        indices = np.concatenate(drawn)
        random.shuffle(indices)  # so that examples of one length are of all groups
        indices = indices[np.argsort(self._lengths[indices], kind="stable")]
        batches = indices.reshape(POOL_BATCHES, self._batch)
        return [batches[number] for number in random.permutation(POOL_BATCHES)]

    def _draw(self, group: int, count: int) -> np.ndarray:
        """The next examples of a group, each once before one comes again."""
        size, first = int(self._sizes[group]), int(self._drawn[group])
        places = np.arange(first, first + count)
        drawn = np.empty(count, np.int64)
        for epoch in np.unique(places // size).tolist():
            order = self._order(group, epoch)
            inside = places // size == epoch
            drawn[inside] = order[places[inside] % size]
        return self._starts[group] + drawn

    def _order(self, group: int, epoch: int) -> np.ndarray:
        """A group's examples in the order of a draw without replacement with weights of 1 / length.

        That is the order of independent exponential variables, each with its weight as its rate (Efraimidis
        and Spirakis 2006, "Weighted random sampling with a reservoir").
        """
        first, size = self._starts[group], self._sizes[group]
        random = np.random.default_rng([self._seed, 2, group, epoch])
        times = random.standard_exponential(size) * self._lengths[first : first + size]
        return np.argsort(times, kind="stable")
