"""Samples of lines: small, even over a corpus, and the same whoever draws them and in whatever order.

Each line's number (from 0) is hashed; the lines with the smallest hashes are the sample. So the sample
needs no seed, no second pass and no memory beyond itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

SAMPLE_SIZE = 500
SAMPLED_CHARACTERS = 2_000  # of a line; about as much as an encoder of 512 positions reads


class SampledLine(NamedTuple):
    """A line's beginning and its number in the corpus, counted from 0 among those that passed the filter."""

    number: int
    text: str


def sample_lines(lines: Iterable[SampledLine], size: int = SAMPLE_SIZE) -> tuple[SampledLine, ...]:
    """The `size` lines whose numbers hash lowest, ascending by number.

    Of samples of several corpora, each line under the number that it has in its own, this makes an even
    sample of all.

    >>> [line.number for line in sample_lines([SampledLine(n, "") for n in range(100)], size=3)]
    [21, 48, 68]
    """
    lines = list(lines)
    hashes = hash_numbers(np.array([line.number for line in lines], dtype=np.uint64)).tolist()
    chosen = heapq.nsmallest(size, zip(hashes, lines, strict=True))
    return tuple(sorted(line for _, line in chosen))


def hash_numbers(numbers: np.ndarray) -> np.ndarray:
    """SplitMix64's finalizer (Steele, Lea & Flood 2014): uint64 [n] → uint64 [n], a bijection."""
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


class LineSampler:
    """Draws the sample while a corpus goes by."""

    def __init__(self, size: int = SAMPLE_SIZE) -> None:
        self.size = size
        self._seen = 0
        # A heap of (-hash, line): the line with the largest hash is the first to be replaced.
        self._heap: list[tuple[int, SampledLine]] = []

    def add(self, lines: Sequence[str]) -> None:
        """Look at the corpus's next lines."""
        hashes = hash_numbers(np.arange(self._seen, self._seen + len(lines), dtype=np.uint64))
        bound = np.uint64(-self._heap[0][0]) if len(self._heap) == self.size else np.uint64(2**64 - 1)
        for index in np.flatnonzero(hashes <= bound).tolist():
            line = SampledLine(self._seen + index, lines[index][:SAMPLED_CHARACTERS])
            entry = (-int(hashes[index]), line)
            if len(self._heap) < self.size:
                heapq.heappush(self._heap, entry)
            else:
                heapq.heappushpop(self._heap, entry)
        self._seen += len(lines)

    def sample(self) -> tuple[SampledLine, ...]:
        """The sample so far, ascending by number."""
        return tuple(sorted(line for _, line in self._heap))
