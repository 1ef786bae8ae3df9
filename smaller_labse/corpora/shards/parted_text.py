"""Parts of a text: small, and the same however many shards share them.

A part of a Parquet file is a row group. A part of any other file is the lines that begin in one stretch of
`PART_BYTES`: of plain text in the file's own bytes, decompressed; of other formats and of datasets in their
lines' bytes, in UTF-8 with a line feed behind each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from smaller_labse.corpora.shards.shard import WantedParts

PART_BYTES = 1 << 23  # about a fifth of a second's counting


class Place(NamedTuple):
    """A part's place in a source: the number of its text, and its own in that text, both from 0."""

    text: int
    part: int


EVERY_PART = WantedParts()


@dataclass(frozen=True)
class PartedText:
    """One of the texts that a source consists of: a file, mostly.

    Attributes:
        size: its bytes; 1 of each where nobody knows before they are read.
        read_parts: yields the blocks of the parts that are wanted, each with its part's number, ascending:
            whole lines in UTF-8, each with a line feed behind it. What is not wanted is read only where that
            cannot be helped.
    """

    size: int
    read_parts: Callable[[WantedParts], Iterator[tuple[int, bytes]]]


def cut_into_parts(blocks: Iterable[bytes], wanted: WantedParts = EVERY_PART) -> Iterator[tuple[int, bytes]]:
    r"""Cut blocks of whole lines, one behind the other, where parts end.

    >>> [part for part, _ in cut_into_parts([b"a line\n", b"x" * PART_BYTES + b"\nlast\n"])]
    [0, 0, 1]
    """
    offset = 0
    for block in blocks:
        for part, start, stop in parts_of_block(block, offset):
            if wanted.are_before(part):
                return
            if part in wanted:
                yield part, block[start:stop]
        offset += len(block)


def parts_of_block(block: bytes | bytearray, offset: int) -> Iterator[tuple[int, int, int]]:
    """The parts that the lines of a block belong to, each with where its lines start and stop in the block.

    Args:
        block: whole lines, each with a line feed behind it.
        offset: where the block begins in its text, in bytes.
    """
    start = 0
    while start < len(block):
        part = (offset + start) // PART_BYTES
        next_part = (part + 1) * PART_BYTES - offset
        stop = len(block) if next_part >= len(block) else block.find(b"\n", next_part - 1) + 1
        yield part, start, stop
        start = stop
