"""Columns of texts as Arrow holds them, and their lines in blocks, without a Python object for each text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.compiled import compiled
from smaller_labse.corpora.decompressed_lines import LONGEST_LINE, without_returns
from smaller_labse.corpora.records.arrow_arrays import is_utf8

if TYPE_CHECKING:
    import pyarrow as pa

LINE_FEED = 10
BLOCK_BYTES = 1 << 18  # as large as a batch; for larger ones the system gives fresh memory each time


def is_column_of_texts(column: pa.Array) -> bool:
    """Whether all of it is text that a line may hold, or null."""
    import pyarrow as pa

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    return int(np.diff(_offsets(column)).max(initial=0)) <= LONGEST_LINE


def blocks_of_columns(columns: Iterable[pa.Array]) -> Iterator[bytes]:
    r"""The lines of columns' texts, see `line_parts`; of null there are none.

    Args:
        columns: see `is_column_of_texts`.

    Raises:
        ValueError: a text is not UTF-8, or texts overlap, which Arrow does not look at when it reads a file.

    >>> import pyarrow as pa
    >>> list(blocks_of_columns([pa.array(["one\r\ntwo", None, "three"]), pa.array(["four"])]))
    [b'one\ntwo\nthree\nfour\n']
    """
    block: list[np.ndarray] = []
    size = 0
    for column in columns:
        offsets, texts = _offsets_and_bytes(column)
        if (offsets[1:] < offsets[:-1]).any():
            raise ValueError("the places of its texts are damaged")
        ends = offsets[1:] - offsets[0] + np.arange(1, len(offsets))  # with the line feeds
        first = before = 0
        while first < len(ends):
            fit = int(np.searchsorted(ends, before + BLOCK_BYTES - size, side="right"))
            until = fit if block else max(first + 1, fit)
            if until > first:
                block.append(np.empty(int(ends[until - 1]) - before, np.uint8))
                end_each(texts, offsets[first : until + 1], block[-1])
                first, before, size = until, int(ends[until - 1]), size + len(block[-1])
            if first < len(ends):
                yield _lines(block)
                block, size = [], 0
    if block:
        yield _lines(block)


def _lines(block: list[np.ndarray]) -> bytes:
    lines = np.concatenate(block).tobytes()
    if not is_utf8(lines):
        lines.decode()
    return without_returns(lines)


def _offsets_and_bytes(column: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Where each text that is not null begins, and the last one ends, int64 [texts + 1]; uint8 [bytes]."""
    import pyarrow as pa

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        column = column.cast(pa.large_string())  # of views, which cannot be filtered
    column = column.drop_null()
    return _offsets(column), np.frombuffer(column.buffers()[2] or b"", np.uint8)


def _offsets(column: pa.Array) -> np.ndarray:
    """The same of all that a column of strings or large strings has, null or not."""
    import pyarrow as pa

    if not len(column):
        return np.zeros(1, np.int64)
    dtype = np.dtype(np.int32 if pa.types.is_string(column.type) else np.int64)
    found = np.frombuffer(column.buffers()[1], dtype, len(column) + 1, column.offset * dtype.itemsize)
    return found.astype(np.int64)


@compiled
def end_each(texts: np.ndarray, offsets: np.ndarray, lines: np.ndarray) -> None:
    """Write texts with a line feed behind each.

    Args:
        texts: uint8 [bytes].
        offsets: where each begins, and where the last one ends, int64 [texts + 1].
        lines: where they are written, uint8 [bytes].
    """
    place = np.int64(0)
    for text in range(len(offsets) - 1):
        size = offsets[text + 1] - offsets[text]
        lines[place : place + size] = texts[offsets[text] : offsets[text + 1]]
        lines[place + size] = LINE_FEED
        place += size + 1
