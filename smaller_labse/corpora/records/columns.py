"""Columns of texts as Arrow holds them, and their lines in blocks, without a Python object for each text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.corpora.decompressed_lines import LONGEST_LINE, end_lines
from smaller_labse.corpora.records.arrow_arrays import arrow_numbers, arrow_texts, is_utf8, numpy_numbers

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 1 << 18  # as large as a batch; for larger ones the system gives fresh memory each time


def is_column_of_texts(column: pa.Array) -> bool:
    """Whether all of it is text that a line may hold, or null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return False
    longest = pc.max(pc.binary_length(column)).as_py()
    return longest is None or longest <= LONGEST_LINE


def blocks_of_column(column: pa.Array) -> Iterator[bytes]:
    r"""The lines of a column's texts, see `line_parts`; of null there are none.

    Args:
        column: see `is_column_of_texts`.

    Raises:
        UnicodeDecodeError: a text is not UTF-8, which Arrow does not look at when it reads a file.

    >>> import pyarrow as pa
    >>> list(blocks_of_column(pa.array(["one\r\ntwo", None, "three"])))
    [b'one\ntwo\nthree\n']
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = column.cast(pa.large_string()).drop_null()  # Arrow's string_view cannot be filtered
    separator = arrow_texts(["\n"]).cast(pa.large_string())
    ends = np.cumsum(numpy_numbers(pc.binary_length(column)) + 1)
    first, before = 0, 0
    while first < len(column):
        until = max(first + 1, int(np.searchsorted(ends, before + BLOCK_BYTES, side="right")))
        texts = column.slice(first, until - first)
        listed = pa.ListArray.from_arrays(arrow_numbers(np.array([0, len(texts)], np.int32)), texts)
        block = pc.binary_join(listed, separator)[0].as_buffer().to_pybytes()
        if not is_utf8(block):
            block.decode()
        yield end_lines(block)
        first, before = until, int(ends[until - 1])
