"""Where each tensor of a TensorFlow checkpoint lies in its data file, so that single rows can be read.

A checkpoint is a "tensor bundle": `PREFIX.data-00000-of-00001` holds the tensors' bytes one after the other,
and `PREFIX.index` says where each one begins. The index is a LevelDB table (TensorFlow's
core/lib/io/format.h; LevelDB's doc/table_format.md):

    block … block            of entries, sorted by key
    index block              last key of each block → its handle
    footer                   last 48 bytes: two handles (metaindex, index), padding, and the magic number

    handle = varint offset, varint size
    block  = entries, restart points (uint32 each), number of restart points (uint32); after it one byte of
             compression type (0: none) and 4 of checksum
    entry  = varint shared, varint unshared, varint value size, unshared bytes of key, value;
             the key's first `shared` bytes are those of the key before

Each value is a `BundleEntryProto`: dtype, shape, shard, offset and size. Numbers are little-endian.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.select_vocab.errors import SmallerLabseError

FOOTER_BYTES = 48
MAGIC = 0xDB4775248B80FB57
ROWS_AT_ONCE = 16_384


@dataclass(frozen=True)
class StoredTensor:
    """A tensor in a file, row by row, without gaps.

    Attributes:
        file: the file.
        offset: where its first byte lies.
        dtype: of its numbers.
        shape: its shape.
    """

    file: Path
    offset: int
    dtype: np.dtype
    shape: tuple[int, ...]

    def read_rows(self, rows: np.ndarray) -> np.ndarray:
        """Read some of the rows, holding no more of the others than a few at a time.

        Args:
            rows: their numbers, int [n], in any order.

        Returns:
            An array [n, …] in the order of `rows`.
        """
        width = math.prod(self.shape[1:])
        result = np.empty((len(rows), *self.shape[1:]), self.dtype)
        order = np.argsort(rows, kind="stable")
        for start in range(0, self.shape[0], ROWS_AT_ONCE):
            stop = min(start + ROWS_AT_ONCE, self.shape[0])
            first, last = np.searchsorted(rows, (start, stop), sorter=order)
            if first == last:
                continue
            chunk = np.fromfile(
                self.file,
                self.dtype,
                count=(stop - start) * width,
                offset=self.offset + start * width * self.dtype.itemsize,
            ).reshape(stop - start, *self.shape[1:])
            wanted = order[first:last]
            result[wanted] = chunk[rows[wanted] - start]
        return result


def find_tensor(prefix: Path, key: str) -> StoredTensor:
    """Where a tensor of a checkpoint lies.

    Args:
        prefix: the checkpoint's prefix, e.g. `variables/variables`.
        key: the tensor's key in the checkpoint.

    Raises:
        SmallerLabseError: the checkpoint has no such tensor, or its data file is too short.
    """
    from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleEntryProto, BundleHeaderProto
    from tensorflow.dtypes import as_dtype

    index = prefix.with_name(prefix.name + ".index")
    entries = dict(_entries(index.read_bytes(), index))
    if key.encode() not in entries:
        raise SmallerLabseError(f"{index}: no tensor {key!r} in it")
    shards = BundleHeaderProto.FromString(entries[b""]).num_shards
    entry = BundleEntryProto.FromString(entries[key.encode()])
    file = prefix.with_name(f"{prefix.name}.data-{entry.shard_id:05d}-of-{shards:05d}")
    if not file.is_file():
        raise SmallerLabseError(f"{file}: the checkpoint's data file is missing; is the SavedModel complete?")
    if file.stat().st_size < entry.offset + entry.size:
        raise SmallerLabseError(
            f"{file}: {file.stat().st_size:,} bytes, expected at least {entry.offset + entry.size:,}; "
            "the file is truncated, get it again"
        )
    return StoredTensor(
        file=file,
        offset=entry.offset,
        dtype=np.dtype(as_dtype(entry.dtype).as_numpy_dtype),
        shape=tuple(dimension.size for dimension in entry.shape.dim),
    )


def _entries(table: bytes, file: Path) -> Iterator[tuple[bytes, bytes]]:
    footer = table[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != MAGIC:
        raise SmallerLabseError(f"{file}: not the index of a TensorFlow checkpoint, or truncated")
    _, position = _handle(footer, 0)
    (offset, size), _ = _handle(footer, position)
    for _, value in _block(table, offset, size, file):
        (block_offset, block_size), _ = _handle(value, 0)
        yield from _block(table, block_offset, block_size, file)


def _block(table: bytes, offset: int, size: int, file: Path) -> Iterator[tuple[bytes, bytes]]:
    if table[offset + size] != 0:
        raise SmallerLabseError(f"{file}: a compressed index, which TensorFlow does not write by default")
    block = table[offset : offset + size]
    end = size - 4 - 4 * int.from_bytes(block[-4:], "little")
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        unshared, position = _varint(block, position)
        value_size, position = _varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + value_size]
        position += value_size


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; the eighth says that another byte follows."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
