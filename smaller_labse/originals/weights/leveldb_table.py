"""LevelDB tables, the format of a TensorFlow checkpoint's index: keys in order, each with a value.

The format (TensorFlow's core/lib/io/format.h; LevelDB's doc/table_format.md), numbers little-endian:

    block … block            of entries, sorted by key
    index block              last key of each block → its handle
    footer                   last 48 bytes: two handles (metaindex, index), padding, and the magic number

    handle = varint offset, varint size
    block  = entries, restart points (uint32 each), number of restart points (uint32); after it one byte of
             compression type (0: none) and 4 of checksum, of the block and that byte
    entry  = varint shared, varint unshared, varint value size, unshared bytes of key, value;
             the key's first `shared` bytes are those of the key before
    varint = seven bits per byte, the lowest first; the eighth says "go on", as in protocol buffers

By hand, because the libraries for it (plyvel, leveldb) open databases, folders with a log and a manifest, and
not a table alone; TensorFlow's own reader needs TensorFlow's import, which takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import google_crc32c

NO_COMPRESSION = b"\x00"
LONGEST_KEY = 4096  # bytes; they name tensors
CHECKSUM_BYTES = 4
TRAILER_BYTES = 1 + CHECKSUM_BYTES  # behind a block: the type of compression and the checksum
FOOTER_BYTES = 48
MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
MASK_DELTA = 0xA282EAD8  # of `mask_checksum`


def read_leveldb_table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each key of a table and its value, in the order of the keys; every block's checksum is verified.

    Raises:
        ValueError: it is no such table, a compressed one, or damaged.
        LookupError: it is truncated.

    >>> dict(read_leveldb_table(write_leveldb_table({b"ab": b"1", b"ac": b"2"})))
    {b'ab': b'1', b'ac': b'2'}
    """
    footer = data[-FOOTER_BYTES:]
    if len(footer) < FOOTER_BYTES or footer[-len(MAGIC) :] != MAGIC:
        raise ValueError("its index is none of TensorFlow's, or truncated")
    metaindex, position = _read_handle(footer, 0)
    index, _ = _read_handle(footer, position)
    if footer != _footer(metaindex, index):  # which has no checksum
        raise ValueError("the index's footer is damaged")
    for _ in _read_block(data, *metaindex):
        pass  # nothing in it is of use here, but its checksum
    # In order: then no block is read twice, however often the index names it.
    last: bytes | None = None
    for _, value in _read_block(data, *index):
        handle, _ = _read_handle(value, 0)
        for key, content in _read_block(data, *handle):
            if last is not None and key <= last:
                raise ValueError("the keys of its index are not in order")
            last = key
            yield key, content


def write_leveldb_table(entries: Mapping[bytes, bytes]) -> bytes:
    """A table of one block of data, in which every key is written in full.

    Args:
        entries: key → value, at least one.
    """
    table = b""
    handles = []
    for block in (_block(entries), _block({})):
        handles.append((len(table), len(block)))
        table += _with_checksum(block)
    index = _block({max(entries): _write_handle(handles[0])})
    footer = _footer(handles[1], (len(table), len(index)))
    return table + _with_checksum(index) + footer


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """A number and the position behind it.

    Raises:
        ValueError: the data end within it.

    >>> read_varint(bytes([0xAC, 0x02]), 0)
    (300, 2)
    """
    value = shift = 0
    while position < len(data):
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
    raise ValueError("the data end within a number")


def write_varint(number: int) -> bytes:
    """A non-negative number as `read_varint` reads it.

    >>> write_varint(300).hex()
    'ac02'
    """
    written = bytearray()
    while number > 0x7F:
        written.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*written, number])


def mask_checksum(checksum: int) -> int:
    """A CRC-32C as it is stored, for data that hold checksums themselves (LevelDB's util/crc32c.h)."""
    return ((checksum >> 15 | checksum << 17) + MASK_DELTA) & 0xFFFFFFFF


def unmask_checksum(masked: int) -> int:
    """The CRC-32C of what `mask_checksum` gives.

    >>> unmask_checksum(mask_checksum(0x12345678)) == 0x12345678
    True
    """
    rotated = (masked - MASK_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def _read_block(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    stored = table[offset : offset + size + TRAILER_BYTES]
    if len(stored) != size + TRAILER_BYTES:
        raise LookupError("a block ends behind the end of the file")
    content, checksum = stored[:-CHECKSUM_BYTES], int.from_bytes(stored[-CHECKSUM_BYTES:], "little")
    if mask_checksum(google_crc32c.value(content)) != checksum:
        raise ValueError("a block of its index does not have its checksum: the file is damaged")
    if content[-1:] != NO_COMPRESSION:
        raise ValueError("its index is compressed, which TensorFlow does not do by default")
    block = content[:-1]
    end = size - 4 - 4 * int.from_bytes(block[-4:], "little")
    position, key = 0, b""
    while position < end:
        shared, position = read_varint(block, position)
        unshared, position = read_varint(block, position)
        value_size, position = read_varint(block, position)
        key = key[:shared] + block[position : position + unshared]
        position += unshared
        if len(key) > LONGEST_KEY:  # each may repeat the one before, in one byte
            raise ValueError(f"its index has a key of {len(key):,} bytes, expected at most {LONGEST_KEY:,}")
        yield key, block[position : position + value_size]
        position += value_size


def _read_handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = read_varint(data, position)
    size, position = read_varint(data, position)
    return (offset, size), position


def _write_handle(handle: tuple[int, int]) -> bytes:
    offset, size = handle
    return write_varint(offset) + write_varint(size)


def _footer(metaindex: tuple[int, int], index: tuple[int, int]) -> bytes:
    handles = _write_handle(metaindex) + _write_handle(index)
    return handles.ljust(FOOTER_BYTES - len(MAGIC), b"\x00") + MAGIC


def _block(entries: Mapping[bytes, bytes]) -> bytes:
    parts, restarts, size = [], [], 0
    for key in sorted(entries):
        lengths = write_varint(0) + write_varint(len(key)) + write_varint(len(entries[key]))
        parts.append(lengths + key + entries[key])
        restarts.append(size)
        size += len(parts[-1])
    restarts = restarts or [0]
    numbers = (number.to_bytes(4, "little") for number in (*restarts, len(restarts)))
    return b"".join((*parts, *numbers))


def _with_checksum(block: bytes) -> bytes:
    content = block + NO_COMPRESSION
    return content + mask_checksum(google_crc32c.value(content)).to_bytes(4, "little")
