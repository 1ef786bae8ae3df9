"""The pages of a Parquet file: to how many bytes each unpacks, read from the pages themselves.

A file's footer says how large its columns are, too, and is believed by nobody who unpacks them: what is
reserved and written is what a page's own header says. So a small file whose footer lies can take all memory.
Here the headers are read, and nothing is unpacked.

A header is a struct in Thrift's compact protocol (parquet.thrift, `PageHeader`: 1 type, 2 uncompressed size,
3 compressed size, …; Thrift's thrift-compact-protocol.md), and its page follows it. By hand, because pyarrow
does not show headers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from smaller_labse.common.compiled import compiled

# Bytes of a header: some numbers, and the smallest and the largest value, which are mostly cut short.
USUAL_HEADER, LONGEST_HEADER = 1 << 12, 1 << 24
TYPE, UNPACKED, PACKED = 1, 2, 3  # fields of `PageHeader`
DICTIONARY_PAGE = 2  # a type
# Types of the compact protocol.
TRUE, FALSE, BYTE, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(1, 13)
MOST_NESTED = 8
FOOTER_END = 8  # bytes behind it: its length, and the letters PAR1
BYTE_ARRAY = 6  # a type of columns
# parquet.thrift, `CompressionCodec`; nothing for what is not packed.
CODECS = {0: "", 1: "snappy", 2: "gzip", 4: "brotli", 6: "zstd", 7: "lz4_raw"}


class ColumnChunk(NamedTuple):
    """A column of a row group, as the footer describes it.

    Attributes:
        path_in_schema: the column's name, of one in another with dots between.
        physical_type: see `BYTE_ARRAY`.
        codec: what its pages are packed by, see `CODECS`.
        first_page: where its first page begins, in bytes.
        total_compressed_size: of its pages, in bytes.
    """

    path_in_schema: str
    physical_type: int
    codec: int
    first_page: int
    total_compressed_size: int


def read_column_chunks(stream: BinaryIO) -> list[list[ColumnChunk]]:
    """The column chunks of each row group; pyarrow ends the process where it is asked for a damaged one.

    In parquet.thrift: `FileMetaData` 4 row groups, `RowGroup` 1 columns, `ColumnChunk` 3 metadata,
    `ColumnMetaData` 1 type, 3 path, 4 codec, 7 compressed size, 9 first data page, 11 dictionary page.

    Raises:
        ValueError: the footer does not describe them.
    """
    end = stream.seek(-FOOTER_END, os.SEEK_END)
    length = int.from_bytes(stream.read(4), "little")
    stream.seek(max(0, end - length))
    footer = _Struct(stream.read(length))
    try:
        groups = footer.value(STRUCT)[4]
        return [[_column_chunk(column[3]) for column in group[1]] for group in groups]
    except (LookupError, TypeError, AttributeError):
        raise ValueError("its footer is damaged") from None


def _column_chunk(described: dict[int, Any]) -> ColumnChunk:
    path = b".".join(described[3]).decode()
    page, dictionary = described[9], described.get(11, 0)
    # A column without a value has no data page, which is said to be at 0.
    first = dictionary if dictionary > 0 and not 0 < page < dictionary else page
    if min(first, described[7]) < 0:
        raise ValueError("its footer is damaged")
    return ColumnChunk(path, int(described[1]), int(described[4]), int(first), int(described[7]))


class Page(NamedTuple):
    """A page of a column chunk.

    Attributes:
        is_dictionary: whether its values are those that other pages repeat.
        size: to how many bytes it unpacks.
        start: where its packed bytes begin.
        packed: how many there are.
    """

    is_dictionary: bool
    size: int
    start: int
    packed: int


def read_pages(stream: BinaryIO, chunk: ColumnChunk) -> Iterator[Page]:
    """The pages of a column chunk by their own headers; they are not unpacked.

    Args:
        stream: the file.
        chunk: where its pages lie, as the footer says.

    Raises:
        ValueError: there are no such pages.
    """
    position = chunk.first_page
    end = position + chunk.total_compressed_size
    if position < 0 or end > stream.seek(0, os.SEEK_END):
        raise ValueError("its pages end behind the end of the file")
    while position < end:
        header = _read_header(stream, position, end)
        start = position + header.size
        yield Page(header.kind == DICTIONARY_PAGE, header.unpacked, start, header.packed)
        position = start + header.packed


def longest_text(stream: BinaryIO, chunk: ColumnChunk, dictionary: Page) -> int:
    """The size of the longest text in a dictionary, in bytes: each has its size before it, in four bytes.

    Where the dictionary is packed in a way that is not known here, that of all of it.

    Args:
        stream: the file.
        chunk: a column of texts.
        dictionary: a page of it.

    Raises:
        ValueError, OSError: it is damaged.
    """
    import pyarrow as pa

    if chunk.codec not in CODECS:
        return dictionary.size
    stream.seek(dictionary.start)
    data = memoryview(stream.read(dictionary.packed))
    if name := CODECS[chunk.codec]:
        data = memoryview(pa.Codec(name).decompress(data, dictionary.size))
    longest = int(longest_of(np.frombuffer(data, np.uint8)))
    if longest < 0:
        raise ValueError("a dictionary of its texts is damaged")
    return longest


@compiled
def longest_of(data: np.ndarray) -> int:
    """The size of the longest of texts that each have their size before them, in four bytes.

    Args:
        data: uint8 [bytes].

    Returns:
        It, in bytes; -1 where the data end within a text.
    """
    longest = position = 0
    while position + 4 <= len(data):
        size = 0
        for byte in range(4):
            size |= int(data[position + byte]) << (8 * byte)
        longest = max(longest, size)
        position += 4 + size
    return longest if position == len(data) else -1


class _Header(NamedTuple):
    """What a page's header says; `size` is its own."""

    kind: int
    unpacked: int
    packed: int
    size: int


def _read_header(stream: BinaryIO, position: int, end: int) -> _Header:
    for longest in (USUAL_HEADER, LONGEST_HEADER):
        stream.seek(position)
        header = _Struct(stream.read(min(longest, end - position)))
        try:
            numbers = header.numbers(TYPE, UNPACKED, PACKED)
        except IndexError:
            continue
        if len(numbers) == 3 and min(numbers.values()) >= 0:
            return _Header(numbers[TYPE], numbers[UNPACKED], numbers[PACKED], header.position)
        break
    raise ValueError("a header of its pages is damaged")


class _Struct:
    """A struct in the compact protocol; `position` is that behind what was read."""

    def __init__(self, data: bytes) -> None:
        self._data, self.position = data, 0

    def numbers(self, *wanted: int) -> dict[int, int]:
        """Those of the wanted fields that are there, int32.

        Raises:
            IndexError: the data end within the struct.
            ValueError: it is no struct.
        """
        found = {}
        for field, kind in self._fields():
            if field in wanted and kind == I32:
                number = self._varint()
                found[field] = number >> 1 if number % 2 == 0 else -1  # zigzag; negative ones are odd
            else:
                self._skip(kind, 0)
        return found

    def value(self, kind: int, depth: int = 0) -> Any:
        """The value that comes next: a number, bytes, a list, or of a struct field → value.

        Raises:
            IndexError: the data end within it.
            ValueError: it is none.
        """
        if depth > 2 * MOST_NESTED:
            raise ValueError("its footer is damaged")
        if kind in (I16, I32, I64):
            number = self._varint()
            return number >> 1 ^ -(number & 1)  # zigzag
        if kind == STRUCT:
            return {field: self.value(of_field, depth + 1) for field, of_field in self._fields()}
        if kind == BINARY:
            start = self._varint() + self.position
            size = start - self.position
            self._pass(size)
            return self._data[self.position - size : self.position]
        if kind in (LIST, SET):
            byte = self._byte()
            of_items, items = byte & 0x0F, self._varint() if byte >> 4 == 15 else byte >> 4
            of_items = BYTE if of_items in (TRUE, FALSE) else of_items
            return [self.value(of_items, depth + 1) for _ in range(items)]
        if kind == BYTE:
            return self._byte()
        if kind == DOUBLE:
            return self._pass(8)
        if kind in (TRUE, FALSE):
            return kind == TRUE
        raise ValueError("its footer is damaged")

    def _fields(self) -> Iterator[tuple[int, int]]:
        """The number and type of each field of a struct; whoever asks for the next has read its value."""
        number = 0
        while byte := self._byte():
            delta, kind = byte >> 4, byte & 0x0F
            number = number + delta if delta else self._varint() >> 1
            yield number, kind

    def _skip(self, kind: int, depth: int) -> None:
        if depth > MOST_NESTED:
            raise ValueError("a header of its pages is damaged")
        if kind in (I16, I32, I64):
            self._varint()
        elif kind == BYTE:
            self._byte()
        elif kind == DOUBLE:
            self._pass(8)
        elif kind == BINARY:
            self._pass(self._varint())
        elif kind == STRUCT:
            for _, of_field in self._fields():
                self._skip(of_field, depth + 1)
        elif kind not in (TRUE, FALSE):  # whose type is their value; page headers hold no collections
            raise ValueError("a header of its pages is damaged")

    def _byte(self) -> int:
        self._pass(1)
        return self._data[self.position - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def _pass(self, size: int) -> None:
        self.position += size
        if self.position > len(self._data):
            raise IndexError
