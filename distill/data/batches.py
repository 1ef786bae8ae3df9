"""Batches of translation pairs, in an order that follows from a seed alone.

Languages are drawn with probabilities proportional to n^exponent, n their numbers of pairs, as multilingual
models are trained (arXiv 1901.07291): so small languages are seen more often than by chance. Within a
language every pair is drawn once before one is drawn again. Pairs are drawn for `POOL_BATCHES` batches at a
time and sorted by length, so that little of a batch is padding; the batches of a pool come in random order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

POOL_BATCHES = 16


class Batches:
    """An endless sequence of batches; where it stands follows from the number of batches that were taken.

    Example:
        batches = Batches(sizes=[50_000, 11_000], lengths=lengths, batch=64, exponent=0.7, seed=0)
        batches.skip(1000)  # what an interrupted run has seen
        indices = batches.next()
    """

    def __init__(
        self, sizes: Sequence[int], lengths: np.ndarray, batch: int, exponent: float, seed: int
    ) -> None:
        """Begin before the first batch.

        Args:
            sizes: how many pairs each language has; the pairs of the first come first.
            lengths: of every pair, in any unit, int [pairs].
            batch: pairs in a batch.
            exponent: 1 draws languages by their sizes, 0 all alike.
            seed: of everything that is random.
        """
        self._sizes, self._lengths = np.asarray(sizes, np.int64), lengths
        self._starts = np.concatenate([[0], np.cumsum(self._sizes)[:-1]])
        shares = self._sizes.astype(np.float64) ** exponent
        self._shares = shares / shares.sum()
        self._batch, self._seed = batch, seed
        self._drawn = np.zeros(len(self._sizes), np.int64)  # from each language, before the next pool
        self._pool, self._taken = -1, POOL_BATCHES
        self._batches: list[np.ndarray] = []

    def next(self) -> np.ndarray:
        """The indices of the next batch's pairs, int64 [batch]."""
        if self._taken == POOL_BATCHES:
            self._pool += 1
            self._batches, self._taken = self._draw_pool(), 0
        self._taken += 1
        return self._batches[self._taken - 1]

    def skip(self, batches: int) -> None:
        """Pass over batches that were taken before; only how many pairs they took is drawn anew.

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
        """How many pairs of each language a pool has, int64 [languages]."""
        random = np.random.default_rng([self._seed, 0, pool])
        return random.multinomial(POOL_BATCHES * self._batch, self._shares).astype(np.int64)

    def _draw_pool(self) -> list[np.ndarray]:
        counts = self._draw_counts(self._pool)
        drawn = [self._draw(language, count) for language, count in enumerate(counts.tolist())]
        self._drawn += counts
        random = np.random.default_rng([self._seed, 1, self._pool])
        indices = np.concatenate(drawn)
        random.shuffle(indices)  # so that pairs of one length are of all languages
        indices = indices[np.argsort(self._lengths[indices], kind="stable")]
        batches = indices.reshape(POOL_BATCHES, self._batch)
        return [batches[number] for number in random.permutation(POOL_BATCHES)]

    def _draw(self, language: int, count: int) -> np.ndarray:
        """The next pairs of a language, each once before one comes again."""
        size, first = int(self._sizes[language]), int(self._drawn[language])
        places = np.arange(first, first + count)
        drawn = np.empty(count, np.int64)
        for epoch in np.unique(places // size).tolist():
            order = np.random.default_rng([self._seed, 2, language, epoch]).permutation(size)
            inside = places // size == epoch
            drawn[inside] = order[places[inside] % size]
        return self._starts[language] + drawn
