"""A shard of a text: which of its parts are counted by one of N counts."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from smaller_labse.common.errors import UsageError

WRITTEN = re.compile(r"(?P<number>[0-9]{1,9})/(?P<of>[0-9]{1,9})")


@dataclass(frozen=True)
class Shard:
    """The `number`-th, from 1, of `of` shards."""

    number: int
    of: int

    def __str__(self) -> str:
        """As users write it, "3/7"."""
        return f"{self.number}/{self.of}"

    @property
    def words(self) -> str:
        """For people, "shard 3 of 7"."""
        return f"shard {self.number} of {self.of}"


WHOLE = Shard(1, 1)


def parse_shard(written: str | tuple[int, int]) -> Shard:
    """Read "I/N", or the two numbers.

    Raises:
        UsageError: it is no such thing, or I is not from 1 to N.

    >>> parse_shard("3/7")
    Shard(number=3, of=7)
    """
    found = WRITTEN.fullmatch("/".join(map(str, written)) if isinstance(written, tuple) else str(written))
    shard = Shard(int(found["number"]), int(found["of"])) if found else None
    if shard is None or not 1 <= shard.number <= shard.of:
        shown = "/".join(map(str, written)) if isinstance(written, tuple) else written
        raise UsageError(f"--shard: expected I/N with I from 1 to N, such as 3/7, got {shown!r}")
    return shard


def share_out(sizes: Sequence[int], of: int) -> list[int | None]:
    """For each text the number of the shard that has all of it; None where all shards have parts of it.

    A text of more than an N-th of all bytes is divided. The others go whole, the largest first, each to the
    shard that has the fewest bytes so far (Graham 1969, "longest processing time first").

    Args:
        sizes: of each text, in bytes.
        of: how many shards there are.

    >>> share_out([10, 1, 2, 3], of=2)
    [None, 2, 2, 1]
    """
    total, loads = sum(sizes), [(0, number) for number in range(1, of + 1)]
    shared: list[int | None] = [None] * len(sizes)
    for text in sorted(range(len(sizes)), key=lambda text: (-sizes[text], text)):
        if sizes[text] * of <= total:
            load, number = loads[0]
            shared[text] = number
            heapq.heapreplace(loads, (load + sizes[text], number))
    return shared


@dataclass(frozen=True)
class WantedParts:
    """The parts of a text that are wanted: all that are not, an end, and a stride.

    Attributes:
        until: none from this one on; None where nobody knows how many there are.
        first, step: this one and every so many-th behind it.
    """

    until: int | None = None
    first: int = 0
    step: int = 1

    def __contains__(self, part: int) -> bool:
        return part % self.step == self.first and not self.are_before(part)

    def but_until(self, part: int) -> WantedParts:
        """Those of them that are before this one."""
        return replace(self, until=part if self.until is None else min(part, self.until))

    def are_before(self, part: int) -> bool:
        """Whether all of them are before this one, so that reading may end there."""
        return self.until is not None and part >= self.until


def parts_of(shard: Shard, sizes: Sequence[int]) -> list[WantedParts]:
    """The shard's parts of each text. Of a text that is divided, the shards have the parts in turn."""
    owned = []
    for text, owner in enumerate(share_out(sizes, shard.of)):
        if owner is None:
            owned.append(WantedParts(first=(shard.number - 1 - text) % shard.of, step=shard.of))
        else:
            owned.append(WantedParts() if owner == shard.number else WantedParts(until=0))
    return owned
