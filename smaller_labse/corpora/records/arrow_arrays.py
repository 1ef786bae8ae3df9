"""Arrow arrays from numpy's and Python's values and back, by their buffers.

pyarrow's own `array`, `scalar` and `to_numpy` look for pandas first, and so import it where it is
installed: half a second whenever a command starts, and nothing here needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_numbers(values: np.ndarray) -> pa.Array:
    """An Arrow array of int32 or int64 [n].

    >>> arrow_numbers(np.array([1, 2])).to_pylist()
    [1, 2]
    """
    import pyarrow as pa

    types = {np.dtype(np.int32): pa.int32(), np.dtype(np.int64): pa.int64()}
    contiguous = np.ascontiguousarray(values)
    return pa.Array.from_buffers(types[values.dtype], len(values), [None, pa.py_buffer(contiguous)])


def arrow_texts(texts: Iterable[str]) -> pa.StringArray:
    """An Arrow array of texts, at most 2 GiB together.

    Raises:
        UnicodeEncodeError: there is half a surrogate pair in one.

    >>> arrow_texts(["one", "", "зима"]).to_pylist()
    ['one', '', 'зима']
    """
    import pyarrow as pa

    encoded = [text.encode("utf-8") for text in texts]
    ends = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum([len(text) for text in encoded], out=ends[1:])
    assert ends[-1] <= np.iinfo(np.int32).max
    offsets = pa.py_buffer(ends.astype(np.int32))
    return pa.StringArray.from_buffers(len(encoded), offsets, pa.py_buffer(b"".join(encoded)))


def numpy_numbers(column: pa.ChunkedArray | pa.Array) -> np.ndarray:
    """The numbers of a column without nulls.

    >>> numpy_numbers(arrow_numbers(np.array([1, 2, 3]))[1:]).tolist()
    [2, 3]
    """
    dtype = np.dtype(column.type.to_pandas_dtype())
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype, len(chunk), chunk.offset * dtype.itemsize)
        for chunk in getattr(column, "chunks", [column])
        if len(chunk)
    ]
    return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, dtype), *parts])


def numpy_booleans(array: pa.BooleanArray) -> np.ndarray:
    """The values of a boolean array without nulls, bool [n].

    >>> import pyarrow.compute as pc
    >>> numpy_booleans(pc.match_substring(arrow_texts(["one", "two"]), "o", ignore_case=True)).tolist()
    [True, True]
    """
    bits = np.frombuffer(array.buffers()[1] or b"", np.uint8)
    return np.unpackbits(bits, bitorder="little")[array.offset : array.offset + len(array)].view(bool)


def is_utf8(data: bytes | bytearray) -> bool:
    """Whether bytes are UTF-8, which Arrow sees in a third of the time that decoding them takes.

    >>> is_utf8("зима".encode()), is_utf8("зима".encode()[1:])
    (True, False)
    """
    if data.isascii():
        return True
    import pyarrow as pa

    ends = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:
        pa.LargeStringArray.from_buffers(1, ends, pa.py_buffer(data)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
