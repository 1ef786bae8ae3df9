"""What a Parquet file unpacks to is read from its pages, so that a footer that lies cannot take all memory."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.records import file_records
from smaller_labse.corpora.records.parquet_pages import (
    ColumnChunk,
    Page,
    longest_text,
    read_column_chunks,
    read_pages,
)
from smaller_labse.corpora.text_files import read_lines
from tests.parquet_files import lie, measured_memory

TYPES = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")


CODECS = {"UNCOMPRESSED": 0, "SNAPPY": 1, "GZIP": 2, "BROTLI": 4, "ZSTD": 6, "LZ4": 7}  # parquet.thrift's


def described(chunk: pq.ColumnChunkMetaData) -> ColumnChunk:
    """A column chunk as pyarrow describes it."""
    first = chunk.dictionary_page_offset if chunk.has_dictionary_page else chunk.data_page_offset
    kind = TYPES.index(chunk.physical_type)
    codec = CODECS[chunk.compression]
    return ColumnChunk(chunk.path_in_schema, kind, codec, first, chunk.total_compressed_size)


def all_pages(file: Path) -> Iterator[tuple[list[Page], int]]:
    """The pages of each column chunk, and what the footer says that they unpack to."""
    metadata = pq.read_metadata(file)
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    chunks = [[group.column(number) for number in range(group.num_columns)] for group in groups]
    with file.open("rb") as stream:
        assert read_column_chunks(stream) == [list(map(described, of_group)) for of_group in chunks]
    with file.open("rb") as stream:
        for of_group in chunks:
            for chunk in of_group:
                yield list(read_pages(stream, described(chunk))), chunk.total_uncompressed_size


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zstd", "write_page_checksum": True},
        {"data_page_version": "2.0", "compression": "gzip"},
        {"use_dictionary": False, "compression": "none"},
        {"write_page_index": True, "row_group_size": 7_000},
    ],
)
def test_the_pages_are_as_large_as_a_true_footer_says(tmp_path: Path, options: dict) -> None:
    texts = [None if number % 3 == 0 else f"{number} " * 50 for number in range(20_000)]
    table = pa.table({"text": texts, "number": np.arange(20_000), "same": ["x" * 300] * 20_000})
    pq.write_table(table, tmp_path / "a.parquet", **options)
    for pages, size in all_pages(tmp_path / "a.parquet"):
        assert 0 <= size - sum(page.size for page in pages) < 1000 * len(pages)  # the headers
        assert [page.is_dictionary for page in pages][1:] == [False] * (len(pages) - 1)
        assert pages[0].is_dictionary is options.get("use_dictionary", True)


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_the_longest_text_of_a_dictionary_is_found_however_it_is_packed(
    compression: str, tmp_path: Path
) -> None:
    texts = ["é" * (number % 500) for number in range(3_000)]
    pq.write_table(pa.table({"text": texts}), tmp_path / "a.parquet", compression=compression)
    with (tmp_path / "a.parquet").open("rb") as stream:
        [[chunk]] = read_column_chunks(stream)
        dictionary, *others = read_pages(stream, chunk)
        assert dictionary.is_dictionary and not any(page.is_dictionary for page in others)
        assert longest_text(stream, chunk, dictionary) == 2 * 499 < dictionary.size
        assert longest_text(stream, chunk._replace(codec=3), dictionary) == dictionary.size  # LZO


def test_a_dictionary_that_ends_within_a_text_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one", "two"]}), tmp_path / "a.parquet", compression="none")
    with (tmp_path / "a.parquet").open("rb") as stream:
        [[chunk]] = read_column_chunks(stream)
        dictionary = next(read_pages(stream, chunk))
        with pytest.raises(ValueError, match="damaged"):
            longest_text(stream, chunk, dictionary._replace(packed=dictionary.packed - 1))


@given(at=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255), cut=st.booleans())
@settings(max_examples=200, deadline=None)
def test_damaged_headers_are_read_or_refused(at: float, value: int, cut: bool) -> None:
    file = io.BytesIO()
    pq.write_table(pa.table({"text": ["one", "two"], "n": [1, 2]}), file)
    data = bytearray(file.getvalue())
    metadata = pq.read_metadata(pa.BufferReader(bytes(data)))
    place = int(at * (len(data) - metadata.serialized_size - 8))
    data[place] = value
    if cut:
        del data[place:]
    scratch = Path(f"/proc/self/fd/{_in_memory(data)}")
    with scratch.open("rb") as stream:
        for number in range(2):
            try:
                pages = list(read_pages(stream, described(metadata.row_group(0).column(number))))
            except ValueError:
                continue
            assert all(page.size >= 0 for page in pages)


def _in_memory(data: bytes) -> int:
    descriptor = os.memfd_create("pages")
    os.write(descriptor, data)
    return descriptor


def write_repeated(file: Path, text: str, rows: int) -> None:
    """A small file, whose dictionary holds one text that all rows repeat."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    pq.write_table(
        pa.table({"text": texts}),
        file,
        dictionary_pagesize_limit=1 << 30,
        store_schema=False,
        compression="zstd",
    )


@pytest.mark.parametrize("size", [1 << 20, 1 << 18])
def test_a_footer_that_lies_does_not_take_more_memory(
    size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_records, "BATCH_BYTES", 1 << 24)
    rows = (200 << 20) // size
    write_repeated(tmp_path / "a.parquet", "a" * size, rows)  # 210 MB, were the rows read at once
    lie(tmp_path / "a.parquet")
    assert all(size == 1 for _, size in all_pages(tmp_path / "a.parquet"))
    with measured_memory() as memory:
        assert sum(1 for _ in read_lines(tmp_path / "a.parquet")) == rows
    assert memory.max_memory() < 4 * file_records.BATCH_BYTES


def test_a_page_that_unpacks_to_much_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_records, "BATCH_BYTES", 1 << 20)
    table = pa.table({"text": ["a" * (1 << 16)] * 40})
    pq.write_table(
        table, tmp_path / "a.parquet", use_dictionary=False, data_page_size=1 << 30, compression="zstd"
    )
    lie(tmp_path / "a.parquet")
    with (
        measured_memory() as memory,
        pytest.raises(
            SmallerLabseError,
            match=r"a\.parquet: a page of its column 'text' unpacks to 2,6\d\d,\d\d\d bytes, expected at most 1,048,576; ",
        ),
    ):
        list(read_lines(tmp_path / "a.parquet"))
    assert memory.max_memory() < 2 << 20
