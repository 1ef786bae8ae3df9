"""Parquet files that lie, and what reading them takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

USED: list[pa.MemoryPool] = []  # what was allocated in one may outlive its measuring


def varint(number: int, size: int = 0) -> bytes:
    """A number as Thrift's compact protocol writes it; in more bytes than it needs, if so many are asked for."""
    number, written = number << 1, bytearray()
    while number > 0x7F or len(written) + 1 < size:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def lie(file: Path) -> None:
    """Let the footer say that all columns unpack to a byte."""
    data = bytearray(file.read_bytes())
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    metadata = pq.read_metadata(file)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        sizes = [group.column(number).total_uncompressed_size for number in range(group.num_columns)]
        for true in map(varint, {*sizes, group.total_byte_size}):
            assert true in data[footer:]
            data[footer:] = data[footer:].replace(true, varint(1, len(true)))
    file.write_bytes(data)


@contextmanager
def measured_memory() -> Iterator[pa.MemoryPool]:
    """Arrow's memory while the block lasts."""
    before, pool = pa.default_memory_pool(), pa.proxy_memory_pool(pa.default_memory_pool())
    USED.append(pool)
    pa.set_memory_pool(pool)
    try:
        yield pool
    finally:
        pa.set_memory_pool(before)
