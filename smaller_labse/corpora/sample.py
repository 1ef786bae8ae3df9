"""Samples of lines: small, even over a corpus, and the same whoever draws them and in whatever order.

Each line's place in the corpus is hashed; the lines with the smallest hashes are the sample. So the sample
needs no seed, no second pass and no memory beyond itself, and the samples of shards hold that of the whole.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smaller_labse.corpora.shards.parted_text import Place

if TYPE_CHECKING:
    from smaller_labse.corpora.line_batches import LineBatch

SAMPLE_SIZE = 500
SAMPLED_CHARACTERS = 2_000  # of a line; about as much as an encoder of 512 positions reads
PLACE_BITS = 32  # of a line's number, for each of the numbers of its place and for the last


class SampledLine(NamedTuple):
    """A line's beginning and its number: text x 2^64 + part x 2^32 + position, see `number_of`."""

    number: int
    text: str


def number_of(place: Place, position: int) -> int:
    """The number of a line, which says its place.

    Args:
        place: of its part.
        position: in its part, counted from 0 among the lines that pass the filter.

    >>> number_of(Place(0, 0), 7), number_of(Place(0, 1), 7)
    (7, 4294967303)
    """
    return ((place.text << PLACE_BITS | place.part) << PLACE_BITS) + position


def sample_lines(lines: Iterable[SampledLine], size: int = SAMPLE_SIZE) -> tuple[SampledLine, ...]:
    """The `size` lines whose numbers hash lowest, ascending by number.

    Of samples of several corpora, each line under the number that it has in its own, this makes an even
    sample of all.

    >>> [line.number for line in sample_lines([SampledLine(n, "") for n in range(100)], size=3)]
    [21, 48, 68]
    """
    lines = list(lines)
    chosen = heapq.nsmallest(size, zip(_hash_all([line.number for line in lines]), lines, strict=True))
    return tuple(sorted(line for _, line in chosen))


def hash_lines(place: Place, positions: np.ndarray) -> np.ndarray:
    """The hashes of a part's lines: uint64 [n], their positions in it → uint64 [n].

    A hash of the place is added to each position, and the sum is hashed; of the first part of the first text
    it is the position alone.
    """
    return hash_numbers(positions + _hash_of_places(np.array([number_of(place, 0) >> PLACE_BITS], np.uint64)))


def _hash_of_places(places: np.ndarray) -> np.ndarray:
    """What is added to positions: uint64 [n], text x 2^32 + part → uint64 [n]; 0 of the first place."""
    return np.where(places == 0, np.uint64(0), hash_numbers(places))


def _hash_all(numbers: Sequence[int]) -> list[int]:
    """As `hash_lines`, of lines of many places; see `number_of`."""
    mask = (1 << PLACE_BITS) - 1
    places = np.array([number >> PLACE_BITS for number in numbers], np.uint64)
    positions = np.array([number & mask for number in numbers], np.uint64)
    hashes: list[int] = hash_numbers(positions + _hash_of_places(places)).tolist()
    return hashes


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
        # A heap of (-hash, line): the line with the largest hash is the first to be replaced.
        self._heap: list[tuple[int, SampledLine]] = []

    def add(self, batch: LineBatch) -> None:
        """Look at the corpus's next lines."""
        hashes = hash_lines(batch.place, batch.positions.astype(np.uint64))
        bound = np.uint64(-self._heap[0][0]) if len(self._heap) == self.size else np.uint64(2**64 - 1)
        for index in np.flatnonzero(hashes <= bound).tolist():
            number = number_of(batch.place, int(batch.positions[index]))
            line = SampledLine(number, batch.lines[index][:SAMPLED_CHARACTERS])
            entry = (-int(hashes[index]), line)
            if len(self._heap) < self.size:
                heapq.heappush(self._heap, entry)
            else:
                heapq.heappushpop(self._heap, entry)

    def sample(self) -> tuple[SampledLine, ...]:
        """The sample so far, ascending by number."""
        return tuple(sorted(line for _, line in self._heap))
