"""A checkpoint whose embedding matrix lies in a data file of its own.

TensorFlow reads checkpoints of several data files ("shards") like those of one. So the embedding matrix, two
thirds of a smaller model, can be written row by row without ever being in memory, beside what TensorFlow
itself wrote: by hand, since TensorFlow writes a tensor only as a whole, from memory. For the files see
`tensor_bundle`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import google_crc32c
import numpy as np

from smaller_labse.originals.weights.protobuf_fields import BYTES, FOUR_BYTES, VARINT, fields, write_varint
from smaller_labse.originals.weights.tensor_bundle import (
    ENTRY_CHECKSUM,
    ENTRY_PLACE,
    ENTRY_SHAPE,
    ENTRY_TYPE,
    FOOTER_BYTES,
    HEADER_SHARDS,
    MAGIC,
    SHAPE_SIZE,
    SHAPE_SIZES,
    TensorBundle,
)

FLOAT32 = 1  # DT_FLOAT in TensorFlow's core/framework/types.proto
NO_COMPRESSION = b"\x00"
MASK_DELTA = 0xA282EAD8  # of `_masked`


@dataclass(frozen=True)
class EmbeddingShard:
    """An embedding matrix of float32 that was written to a file.

    Attributes:
        shape: its rows and width.
        checksum: CRC-32C of its bytes.
    """

    shape: tuple[int, int]
    checksum: int


def write_embedding_shard(chunks: Iterable[np.ndarray], file: Path) -> EmbeddingShard:
    """Write an embedding matrix some rows at a time: little-endian float32, row by row.

    Args:
        chunks: float32 [n, width] each.
        file: where to write.
    """
    rows = width = checksum = 0
    with file.open("wb") as out:
        for chunk in chunks:
            data = np.ascontiguousarray(chunk, "<f4")
            checksum = google_crc32c.extend(checksum, data.reshape(-1))
            out.write(data.data)
            rows, width = rows + data.shape[0], data.shape[1]
    return EmbeddingShard((rows, width), checksum)


def write_index(bundle: TensorBundle, key: str, matrix: EmbeddingShard, prefix: Path) -> None:
    """Write the index of a checkpoint that has an embedding matrix in one more data file, behind all others.

    Args:
        bundle: the checkpoint without it. Its data files belong beside the index, as
            `data_file(prefix, number, bundle.shards + 1)`, and the matrix's with the number `bundle.shards`.
        key: the matrix's key; what is under it in `bundle` is given up.
        matrix: the embedding matrix.
        prefix: the new checkpoint's, e.g. `variables/variables`.
    """
    sizes = b"".join(_field(SHAPE_SIZES, _field(SHAPE_SIZE, size)) for size in matrix.shape)
    shard, _, size = ENTRY_PLACE
    entry = (
        _field(ENTRY_TYPE, FLOAT32)
        + _field(ENTRY_SHAPE, sizes)
        + _field(shard, bundle.shards)
        + _field(size, 4 * matrix.shape[0] * matrix.shape[1])
        + _fixed_field(ENTRY_CHECKSUM, _masked(matrix.checksum))
    )
    header = _field(HEADER_SHARDS, bundle.shards + 1) + _without(bundle.header, HEADER_SHARDS)
    entries = {b"": header, **{name.encode(): value for name, value in bundle.entries.items()}}
    prefix.with_name(prefix.name + ".index").write_bytes(_leveldb_table(entries | {key.encode(): entry}))


def _field(number: int, value: int | bytes) -> bytes:
    """A field of a protocol buffer."""
    if isinstance(value, int):
        return write_varint(number << 3 | VARINT) + write_varint(value)
    return write_varint(number << 3 | BYTES) + write_varint(len(value)) + value


def _fixed_field(number: int, value: int) -> bytes:
    return write_varint(number << 3 | FOUR_BYTES) + value.to_bytes(4, "little")


def _without(message: bytes, number: int) -> bytes:
    """A protocol buffer of numbers and messages without the fields of one number."""
    return b"".join(_field(found, value) for found, value in fields(message) if found != number)


def _leveldb_table(entries: Mapping[bytes, bytes]) -> bytes:
    """A LevelDB table of one block of data, in which every key is written in full."""
    table = b""
    handles = []
    for block in (_block(entries), _block({})):
        handles.append(write_varint(len(table)) + write_varint(len(block)))
        table += _with_checksum(block)
    index = _block({max(entries): handles[0]})
    handles.append(write_varint(len(table)) + write_varint(len(index)))
    footer = (handles[1] + handles[2]).ljust(FOOTER_BYTES - 8, b"\x00") + MAGIC.to_bytes(8, "little")
    return table + _with_checksum(index) + footer


def _block(entries: Mapping[bytes, bytes]) -> bytes:
    block, restarts = b"", []
    for key in sorted(entries):
        restarts.append(len(block))
        lengths = write_varint(0) + write_varint(len(key)) + write_varint(len(entries[key]))
        block += lengths + key + entries[key]
    restarts = restarts or [0]
    return block + b"".join(number.to_bytes(4, "little") for number in (*restarts, len(restarts)))


def _with_checksum(block: bytes) -> bytes:
    content = block + NO_COMPRESSION
    return content + _masked(google_crc32c.value(content)).to_bytes(4, "little")


def _masked(checksum: int) -> int:
    """A checksum as it is stored, for data that hold checksums themselves (LevelDB's util/crc32c.h)."""
    return ((checksum >> 15 | checksum << 17) + MASK_DELTA) & 0xFFFFFFFF
