"""How many lines each part of a text has: what must be known to take some of them, whatever the shards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from smaller_labse.corpora.sample import hash_lines
from smaller_labse.corpora.shards.parted_text import Place

NUMBERS_AT_ONCE = 1 << 20  # are hashed


@dataclass(frozen=True)
class LineNumbers:
    """The lines that pass the filter in each part of each text; of a text that was not read, no part.

    Attributes:
        texts: of each text, the lines of each of its parts.
    """

    texts: tuple[tuple[int, ...], ...]

    def of(self, place: Place) -> int:
        """The lines of a part."""
        parts = self.texts[place.text] if place.text < len(self.texts) else ()
        return parts[place.part] if place.part < len(parts) else 0

    def parts_of(self, text: int) -> int:
        """Behind how many parts no line of a text is."""
        parts = self.texts[text] if text < len(self.texts) else ()
        return max((part + 1 for part, lines in enumerate(parts) if lines), default=0)

    def places(self) -> Iterator[tuple[Place, int]]:
        """All parts, and the lines of each."""
        for text, parts in enumerate(self.texts):
            for part, lines in enumerate(parts):
                yield Place(text, part), lines

    @property
    def total(self) -> int:
        """The lines of all parts."""
        return sum(map(sum, self.texts))

    def first(self, most: int) -> LineNumbers:
        """Of the first `most` lines, how many are in each part.

        >>> LineNumbers(((3, 2), (4,))).first(6)
        LineNumbers(texts=((3, 2), (1,)))
        """
        left, texts = most, []
        for parts in self.texts:
            taken = []
            for lines in parts:
                taken.append(min(lines, left))
                left -= taken[-1]
            texts.append(tuple(taken))
        return LineNumbers(tuple(texts))


def highest_hash(numbers: LineNumbers, most: int) -> np.uint64:
    """Of the `most` lines that hash lowest, see `hash_lines`, the highest hash."""
    lowest, bound = [np.zeros(0, np.uint64)], np.uint64(2**64 - 1)
    for place, lines in numbers.places():
        for start in range(0, lines, NUMBERS_AT_ONCE):
            positions = np.arange(start, min(lines, start + NUMBERS_AT_ONCE), dtype=np.uint64)
            hashes = hash_lines(place, positions)
            lowest.append(hashes[hashes <= bound])
            if sum(map(len, lowest)) > most + NUMBERS_AT_ONCE:
                lowest = [np.partition(np.concatenate(lowest), most - 1)[:most]]
                bound = lowest[0].max()
    return np.uint64(np.sort(np.concatenate(lowest))[:most].max(initial=0))
