"""A safetensors file: its header, and its tensors, read one at a time or row by row.

The format (https://github.com/huggingface/safetensors#format), to the byte: the header's length as a
little-endian uint64; the header, JSON in UTF-8, padded with spaces to a multiple of 8 bytes, that gives each
tensor's `dtype`, `shape` and `data_offsets` (its first byte and the one after its last, counted from the
header's end), and under `__metadata__` texts by name; the tensors' values, row by row, little-endian,
without gaps.

By hand, because the `safetensors` package (0.8) reads no list of rows and, into NumPy, neither bfloat16 nor
the float8 types, and maps files into memory (see `stored_tensor`); and because a header is checked here to
the byte before anything is read.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.stored_tensor import StoredTensor

METADATA = "__metadata__"
LONGEST_HEADER = 100_000_000  # bytes; the reference implementation reads no longer one
GIT_LFS_POINTER = b"version "  # how the text begins that git leaves in a large file's place
CHUNK_BYTES = 1 << 22

# What NumPy reads; of the types that it lacks (bfloat16, the float8 ones), the bits.
NUMPY_DTYPES = {
    **{"BOOL": "?", "U8": "u1", "I8": "i1", "U16": "<u2", "I16": "<i2", "U32": "<u4", "I32": "<i4"},
    **{"U64": "<u8", "I64": "<i8", "F16": "<f2", "F32": "<f4", "F64": "<f8", "C64": "<c8", "BF16": "<u2"},
    **{f"F8_{kind}": "u1" for kind in ("E4M3", "E5M2", "E8M0", "E4M3FNUZ", "E5M2FNUZ")},
}
FLOATS = ("F64", "F32", "F16", "BF16")


@dataclass(frozen=True)
class Tensor:
    """A tensor in a safetensors file.

    Attributes:
        name: its name.
        dtype: of its values, as the format calls it: "F32", "BF16", …
        shape: its shape.
        file: the file.
        offset: where in the file its first byte lies.
        size: how many bytes it has.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    offset: int
    size: int

    @property
    def stored(self) -> StoredTensor:
        """The same for reading row by row: bfloat16 as uint16, unknown dtypes as each row's bytes."""
        if self.dtype in NUMPY_DTYPES:
            return StoredTensor(self.file, self.offset, np.dtype(NUMPY_DTYPES[self.dtype]), self.shape)
        rows = self.shape[0] if self.shape else 1
        if not rows or self.size % rows:
            raise SmallerLabseError(
                f"{self.file}: the tensor {self.name} is of the unknown dtype {self.dtype}, and its "
                f"{self.size:,} bytes cannot be {rows:,} rows"
            )
        return StoredTensor(self.file, self.offset, np.dtype("u1"), (rows, self.size // rows))

    def read(self, as_float32: bool = False) -> np.ndarray:
        """All values.

        Args:
            as_float32: turn every kind of float into float32; otherwise only bfloat16, exactly, since NumPy
                has none.

        Returns:
            An array of the tensor's shape; of an unknown dtype its bytes, uint8 [rows, bytes per row].

        Raises:
            SmallerLabseError: `as_float32`, and it holds no floats that NumPy can read.
        """
        stored = self.stored
        count = math.prod(stored.shape)
        values = np.fromfile(self.file, stored.dtype, count, offset=self.offset).reshape(stored.shape)
        return self.values(values, as_float32)

    def read_rows(self, rows: np.ndarray, as_float32: bool = False) -> np.ndarray:
        """Some of the rows, holding no more of the others than a few at a time.

        Args:
            rows: their indices, int [n], in any order; each must be one of the tensor's.
            as_float32: see `read`.

        Returns:
            An array [n, …] in the order of `rows`.
        """
        return self.values(self.stored.read_rows(rows), as_float32)

    def values(self, stored: np.ndarray, as_float32: bool = False) -> np.ndarray:
        """Values as the file holds them → values that NumPy can calculate with (see `read`)."""
        if as_float32 and self.dtype not in FLOATS:
            raise SmallerLabseError(
                f"{self.file}: the tensor {self.name} is of the dtype {self.dtype}, expected one of "
                f"{', '.join(FLOATS)}; quantized weights must be converted back first"
            )
        if self.dtype == "BF16":  # the upper half of a float32
            return np.left_shift(stored, 16, dtype=np.uint32).view(np.float32)
        return stored.astype(np.float32, copy=False) if as_float32 else stored

    def chunks(self) -> Iterator[bytes]:
        """All bytes, a few at a time; no value is split between two chunks."""
        with self.file.open("rb") as stream:
            stream.seek(self.offset)
            for start in range(0, self.size, CHUNK_BYTES):
                yield stream.read(min(CHUNK_BYTES, self.size - start))

    def row_chunks(self, rows: np.ndarray) -> Iterator[bytes]:
        """The bytes of some of the rows (see `read_rows`), a few at a time."""
        for part in self.stored.read_in_parts(rows):
            yield part.tobytes()


@dataclass(frozen=True)
class SafetensorsFile:
    """What the header of a safetensors file says.

    Attributes:
        file: the file.
        metadata: texts by name; transformers asks for "format": "pt".
        tensors: name → tensor, in the order in which they lie in the file.
    """

    file: Path
    metadata: Mapping[str, str]
    tensors: Mapping[str, Tensor]


def read_safetensors(file: Path) -> SafetensorsFile:
    """Read a file's header and check it against the file's size.

    Raises:
        SmallerLabseError: the file cannot be read, is no safetensors file, is truncated, or its tensors do
            not lie one after the other.
    """
    try:
        with file.open("rb") as stream:
            prefix = stream.read(8)
            length = int.from_bytes(prefix, "little")
            header = stream.read(length) if length <= LONGEST_HEADER else b""
        data_bytes = file.stat().st_size - 8 - length
    except OSError as error:
        raise SmallerLabseError(f"{file}: cannot be read ({error.strerror})") from None
    if prefix == GIT_LFS_POINTER:
        raise SmallerLabseError(f"{file}: only git's pointer to the file, not the file; run `git lfs pull`")
    if length > LONGEST_HEADER:
        raise SmallerLabseError(
            f"{file}: a header of {length:,} bytes, expected at most {LONGEST_HEADER:,}; "
            "this is no safetensors file, get it again"
        )
    if len(prefix) < 8 or data_bytes < 0:
        raise SmallerLabseError(f"{file}: ends within its header; the file is truncated, get it again")
    try:
        content = json.loads(header, object_pairs_hook=_without_repetition)
        if not isinstance(content, dict):
            raise ValueError("no JSON object")
        metadata = _check_metadata(content.pop(METADATA, {}))
        described = {name: _describe(entry) for name, entry in content.items()}
    except (ValueError, RecursionError) as error:
        raise SmallerLabseError(f"{file}: no readable safetensors header ({error}); get it again") from None
    tensors, end = {}, 0
    for name, (dtype, shape, start, stop) in sorted(described.items(), key=lambda item: item[1][2:]):
        tensor = Tensor(name, dtype, shape, file, 8 + length + start, stop - start)
        if start != end or stop < start:
            raise SmallerLabseError(
                f"{file}: the tensor {name} lies from byte {start:,} to {stop:,}, expected it to begin at "
                f"{end:,}, where the one before it ends; the file is damaged, get it again"
            )
        if stop > data_bytes:
            raise SmallerLabseError(
                f"{file}: {data_bytes:,} bytes of values, but the tensor {name} lies from byte {start:,} to "
                f"{stop:,}; the file is truncated, get it again"
            )
        if dtype in NUMPY_DTYPES and math.prod(shape) * item_bytes(dtype) != tensor.size:
            raise SmallerLabseError(
                f"{file}: the tensor {name} has {tensor.size:,} bytes, which is not {dtype} {list(shape)}"
            )
        tensors[name], end = tensor, stop
    if end != data_bytes:
        raise SmallerLabseError(
            f"{file}: {data_bytes:,} bytes of values, but its tensors end at {end:,}; get the file again"
        )
    return SafetensorsFile(file, metadata, tensors)


def item_bytes(dtype: str) -> int:
    """Bytes per value; 0 where the dtype is unknown.

    >>> item_bytes("BF16"), item_bytes("F4")
    (2, 0)
    """
    return np.dtype(NUMPY_DTYPES[dtype]).itemsize if dtype in NUMPY_DTYPES else 0


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the name {next(name for name in names if names.count(name) > 1)} occurs twice")
    return content


def _check_metadata(metadata: Any) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise ValueError(f"{METADATA} holds more than texts")
    return metadata


def _describe(entry: Any) -> tuple[str, tuple[int, ...], int, int]:
    """A tensor's dtype, shape, first byte and the one after its last."""
    try:
        dtype, shape, (start, stop) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise ValueError(f"{str(entry)[:80]!r} does not describe a tensor") from None
    whole = all(type(number) is int and number >= 0 for number in (*shape, start, stop))
    if not isinstance(dtype, str) or not whole:
        raise ValueError(f"{str(entry)[:80]!r} does not describe a tensor")
    return dtype, shape, start, stop
