"""TensorFlow checkpoints ("tensor bundles"): where each tensor lies in the data files.

`PREFIX.data-00000-of-00001` holds the tensors' bytes one after the other, and `PREFIX.index`, a LevelDB
table, says for each key where its tensor begins: the value is a `BundleEntryProto` (TensorFlow's
core/protobuf/tensor_bundle.proto), that of the empty key a `BundleHeaderProto`. Numbers are little-endian.

By hand, because TensorFlow reads whole tensors only, and its import takes seconds, for which counting and
selecting need not wait.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_limited
from smaller_labse.originals.weights.checkpoint_messages import BundleEntryProto, BundleHeaderProto, parse
from smaller_labse.originals.weights.checksum import Checksum
from smaller_labse.originals.weights.leveldb_table import (
    CHECKSUM_BYTES,
    mask_checksum,
    read_leveldb_table,
    read_varint,
    unmask_checksum,
)
from smaller_labse.originals.weights.stored_tensor import StoredTensor

LARGEST_INDEX = 1 << 24  # bytes; LaBSE's has 14 KB
TEXT_TYPE = 7  # DT_STRING in TensorFlow's core/framework/types.proto, as those of the numbers:
TYPES = {
    **{1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 9: "int64", 10: "bool"},
    **{17: "uint16", 19: "float16", 22: "uint32", 23: "uint64"},
}


@dataclass(frozen=True)
class TensorBundle:
    """A checkpoint's tensors.

    Attributes:
        prefix: the checkpoint's prefix.
        header: its `BundleHeaderProto`.
        entries: key → its `BundleEntryProto`.
    """

    prefix: Path
    header: Any
    entries: Mapping[str, Any]
    _checksums: dict[str, Checksum] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def index(self) -> Path:
        """The index file."""
        return index_file(self.prefix)

    @property
    def shards(self) -> int:
        """How many data files there are."""
        return self.header.num_shards

    def shape(self, key: str) -> tuple[int, ...]:
        """A tensor's shape."""
        return tuple(dim.size for dim in self.entries[key].shape.dim)

    def find(self, key: str) -> StoredTensor:
        """Where a tensor lies.

        Raises:
            SmallerLabseError: its values are of a type that is not read here, or its data file is missing
                or too short.
        """
        entry = self.entries[key]
        if entry.dtype not in TYPES or entry.slices:
            raise SmallerLabseError(
                f"{self.index}: the tensor {key} is of the type {entry.dtype} or in slices, expected one of "
                "numpy's types in one piece"
            )
        file = self._data_file_of(entry)
        dtype, shape = np.dtype(TYPES[entry.dtype]), self.shape(key)
        expected = math.prod(shape) * dtype.itemsize
        if entry.size != expected:
            raise SmallerLabseError(
                f"{self.index}: the tensor {key} has {entry.size:,} bytes, expected {expected:,} for "
                f"{dtype} {list(shape)}"
            )
        if key not in self._checksums:
            self._checksums[key] = Checksum(key, unmask_checksum(entry.crc32c))
        return StoredTensor(file, entry.offset, dtype, shape, self._checksums[key])

    def read_text(self, key: str) -> bytes:
        """The value of a tensor that is one text: its length as a varint, the length's checksum, the text.

        The tensor's checksum is that of the length as a uint32, the length's checksum as it is stored, and
        the text (`WriteStringTensor` in TensorFlow's core/util/tensor_bundle/tensor_bundle.cc).

        Raises:
            SmallerLabseError: as for `find`.
            ValueError: it is something else, or does not have its checksum.
        """
        entry = self.entries[key]
        if entry.dtype != TEXT_TYPE or entry.shape.dim:
            raise ValueError(f"{key} is no single text")
        with self._data_file_of(entry).open("rb") as stream:
            stream.seek(entry.offset)
            data = stream.read(entry.size)
        length, position = read_varint(data, 0)
        text = data[position + CHECKSUM_BYTES :]
        if len(text) != length:
            raise ValueError(f"{key} has {len(text):,} bytes, expected {length:,}")
        checked = length.to_bytes(4, "little") + data[position:]
        if mask_checksum(google_crc32c.value(checked)) != entry.crc32c:
            raise ValueError(f"{key} does not have its checksum: {self._data_file_of(entry)} is damaged")
        return text

    def _data_file_of(self, entry: Any) -> Path:
        file = data_file(self.prefix, entry.shard_id, self.shards)
        if not file.is_file():
            raise SmallerLabseError(
                f"{file}: the checkpoint's data file is missing; is the SavedModel complete?"
            )
        if file.stat().st_size < entry.offset + entry.size:
            raise SmallerLabseError(
                f"{file}: {file.stat().st_size:,} bytes, expected at least {entry.offset + entry.size:,}; "
                "the file is truncated, get it again"
            )
        return file


def index_file(prefix: Path) -> Path:
    """A checkpoint's index."""
    return prefix.with_name(prefix.name + ".index")


def data_file(prefix: Path, shard: int, shards: int) -> Path:
    """One of a checkpoint's data files, counted from 0.

    >>> data_file(Path("variables/variables"), 0, 2).name
    'variables.data-00000-of-00002'
    """
    return prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}")


def read_tensor_bundle(prefix: Path) -> TensorBundle:
    """Read a checkpoint's index.

    Args:
        prefix: the checkpoint's prefix, e.g. `variables/variables`.

    Raises:
        OSError: there is none, or it cannot be read.
        ValueError: it is none, or damaged.
    """
    try:
        values = dict(read_leveldb_table(read_limited(index_file(prefix), LARGEST_INDEX, "an index")))
        header = parse(BundleHeaderProto, values.pop(b""))
    except LookupError:
        raise ValueError("its index is truncated") from None
    entries = {key.decode(): parse(BundleEntryProto, value) for key, value in values.items()}
    for key, entry in entries.items():
        sizes = (entry.shard_id, entry.offset, entry.size, *(dim.size for dim in entry.shape.dim))
        if min(sizes) < 0:
            raise ValueError(f"its index gives {key} the negative size {min(sizes)}")
    return TensorBundle(prefix, header, entries)
