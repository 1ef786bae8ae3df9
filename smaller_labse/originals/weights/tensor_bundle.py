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

Each value is a `BundleEntryProto` (TensorFlow's core/protobuf/tensor_bundle.proto), that of the empty key a
`BundleHeaderProto`. Numbers are little-endian.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.protobuf_fields import fields_of, number_of, read_varint
from smaller_labse.originals.weights.stored_tensor import StoredTensor

HEADER_SHARDS = 1  # these are numbers of fields in TensorFlow's .proto files
ENTRY_TYPE, ENTRY_SHAPE, ENTRY_PLACE, ENTRY_CHECKSUM, ENTRY_SLICES = 1, 2, (3, 4, 5), 6, 7
SHAPE_SIZES, SHAPE_SIZE = 2, 1
TEXT_TYPE = 7  # DT_STRING in TensorFlow's core/framework/types.proto, as those of the numbers:
TYPES = {
    **{1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 9: "int64", 10: "bool"},
    **{17: "uint16", 19: "float16", 22: "uint32", 23: "uint64"},
}
CHECKSUM_BYTES = 4
FOOTER_BYTES = 48
MAGIC = 0xDB4775248B80FB57


@dataclass(frozen=True)
class TensorBundle:
    """A checkpoint's tensors.

    Attributes:
        prefix: the checkpoint's prefix.
        header: its `BundleHeaderProto`.
        entries: key → its `BundleEntryProto`.
        shards: how many data files there are.
    """

    prefix: Path
    header: bytes
    entries: Mapping[str, bytes]
    shards: int

    @property
    def index(self) -> Path:
        """The index file."""
        return self.prefix.with_name(self.prefix.name + ".index")

    def shape(self, key: str) -> tuple[int, ...]:
        """A tensor's shape."""
        shapes = fields_of(self.entries[key], ENTRY_SHAPE)
        return tuple(
            number_of(size, SHAPE_SIZE) for shape in shapes for size in fields_of(shape, SHAPE_SIZES)
        )

    def find(self, key: str) -> StoredTensor:
        """Where a tensor lies.

        Raises:
            SmallerLabseError: its numbers are of a type that is not read here, or its data file is missing
                or too short.
        """
        entry = self.entries[key]
        type_number = number_of(entry, ENTRY_TYPE)
        if type_number not in TYPES or fields_of(entry, ENTRY_SLICES):
            raise SmallerLabseError(
                f"{self.index}: the tensor {key} is of the type {type_number} or in slices, expected one of "
                f"numpy's types in one piece"
            )
        file, offset, size = self._place(entry)
        shape = self.shape(key)
        expected = math.prod(shape) * np.dtype(TYPES[type_number]).itemsize
        if size != expected:
            raise SmallerLabseError(
                f"{self.index}: the tensor {key} has {size:,} bytes, expected {expected:,} for "
                f"{TYPES[type_number]} {list(shape)}"
            )
        return StoredTensor(file, offset, np.dtype(TYPES[type_number]), shape)

    def read_text(self, key: str) -> bytes:
        """The value of a tensor that is one text: its length as a varint, four bytes of checksum, the text.

        Raises:
            SmallerLabseError: as for `find`.
            ValueError: it is something else.
        """
        entry = self.entries[key]
        if number_of(entry, ENTRY_TYPE) != TEXT_TYPE or self.shape(key):
            raise ValueError(f"{key} is no single text")
        file, offset, size = self._place(entry)
        with file.open("rb") as stream:
            stream.seek(offset)
            data = stream.read(size)
        length, position = read_varint(data, 0)
        text = data[position + CHECKSUM_BYTES :]
        if len(text) != length:
            raise ValueError(f"{key} has {len(text):,} bytes, expected {length:,}")
        return text

    def _place(self, entry: bytes) -> tuple[Path, int, int]:
        shard, offset, size = (number_of(entry, field) for field in ENTRY_PLACE)
        file = data_file(self.prefix, shard, self.shards)
        if not file.is_file():
            raise SmallerLabseError(
                f"{file}: the checkpoint's data file is missing; is the SavedModel complete?"
            )
        if file.stat().st_size < offset + size:
            raise SmallerLabseError(
                f"{file}: {file.stat().st_size:,} bytes, expected at least {offset + size:,}; "
                "the file is truncated, get it again"
            )
        return file, offset, size


def data_file(prefix: Path, shard: int, shards: int) -> Path:
    """One of a checkpoint's data files, counted from 0."""
    return prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")


def read_tensor_bundle(prefix: Path) -> TensorBundle:
    """Read a checkpoint's index.

    Args:
        prefix: the checkpoint's prefix, e.g. `variables/variables`.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is none, or damaged.
    """
    index = prefix.with_name(prefix.name + ".index")
    try:
        entries = dict(_entries(index.read_bytes()))
        header = entries.pop(b"")
        named = {key.decode(): entry for key, entry in entries.items()}
        return TensorBundle(prefix, header, named, number_of(header, HEADER_SHARDS))
    except LookupError:
        raise ValueError("its index is truncated") from None


def _entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    footer = table[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or int.from_bytes(footer[-8:], "little") != MAGIC:
        raise ValueError("its index is none of TensorFlow's, or truncated")
    _, position = _handle(footer, 0)
    (offset, size), _ = _handle(footer, position)
    for _, value in _block(table, offset, size):
        (block_offset, block_size), _ = _handle(value, 0)
        yield from _block(table, block_offset, block_size)


def _block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    if table[offset + size] != 0:
        raise ValueError("its index is compressed, which TensorFlow does not do by default")
    block = table[offset : offset + size]
    end = size - 4 - 4 * int.from_bytes(block[-4:], "little")
    position, key = 0, b""
    while position < end:
        shared, position = read_varint(block, position)
        unshared, position = read_varint(block, position)
        value_size, position = read_varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        yield key, block[position : position + value_size]
        position += value_size


def _handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = read_varint(data, position)
    size, position = read_varint(data, position)
    return (offset, size), position
