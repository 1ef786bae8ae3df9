"""Records of text: a line of .txt, an object of .jsonl, a row of .csv, .tsv and .parquet, each with one text.

A text may hold several lines, and may be missing (null) in .jsonl and .parquet. CSV is RFC 4180's, with the
columns' names in its first line; TSV is IANA's text/tab-separated-values, which knows no quotation marks.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from io import BufferedReader
from itertools import chain, groupby
from operator import itemgetter
from pathlib import PurePath
from typing import TYPE_CHECKING

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decompressed_lines import (
    BUFFER_BYTES,
    COMPRESSIONS,
    LONGEST_LINE,
    blocks_of_texts,
    broken,
    decompressed_blocks,
    decompressed_lines,
    too_long,
)
from smaller_labse.corpora.defaults import TEXT_FIELD
from smaller_labse.corpora.records.columns import blocks_of_columns, is_column_of_texts
from smaller_labse.corpora.records.json_lines import json_columns, json_texts
from smaller_labse.corpora.records.parquet_pages import (
    BYTE_ARRAY,
    ColumnChunk,
    longest_text,
    read_column_chunks,
    read_pages,
)
from smaller_labse.corpora.shards.parted_text import EVERY_PART, cut_into_parts
from smaller_labse.corpora.shards.shard import WantedParts
from smaller_labse.corpora.text_path import TextPath, for_arrow

if TYPE_CHECKING:
    import pyarrow as pa

FIELD_ADVICE = "name it with --text-field"
JSON_LINES = (".jsonl", ".ndjson")
BATCH_ROWS, BATCH_BYTES = 2048, 1 << 28  # of Parquet, that are in memory at once
FEW_ROWS = 64  # at once, of a group that does not fit into memory

_SAVE_AS_TEXT = "save it as plain text (.txt)"
NOT_TEXT = {
    **dict.fromkeys((".doc", ".docx", ".odt", ".rtf"), f"a word processor's document; {_SAVE_AS_TEXT}"),
    **dict.fromkeys((".ppt", ".pptx", ".odp", ".epub", ".mobi"), f"a document; {_SAVE_AS_TEXT}"),
    **dict.fromkeys((".xls", ".xlsx", ".ods"), "a spreadsheet; save it as .csv"),
    ".pdf": "a PDF; extract its text first, for example with pdftotext",
    **dict.fromkeys((".html", ".htm", ".xml", ".tmx"), "markup; extract its text first"),
    ".json": "JSON; write one record per line (.jsonl)",
    **dict.fromkeys((".zip", ".tar", ".tgz", ".7z", ".rar"), "an archive; unpack it and give its folder"),
    **dict.fromkeys((".lz4", ".z", ".lzma", ".br"), "compressed in a way that is not read; use .gz or .zst"),
    **dict.fromkeys((".arrow", ".feather", ".avro", ".pkl", ".npy"), "not read; write .parquet or .jsonl"),
}


def text_ending(file: PurePath | TextPath) -> str:
    """The ending that says what a file holds, in lower case, without that of its compression.

    >>> text_ending(PurePath("corpus/en.JSONL.gz"))
    '.jsonl'
    """
    name = file.name.lower()
    for compression in COMPRESSIONS:
        if name.endswith(compression):
            return PurePath(name.removesuffix(compression)).suffix
    return PurePath(name).suffix


def has_fields(file: PurePath | TextPath) -> bool:
    """Whether the file's records have named fields, of which one holds the text."""
    return text_ending(file) in (*JSON_LINES, ".csv", ".tsv", ".parquet")


def require_text_file(file: PurePath | TextPath) -> None:
    """Refuse a file whose name says that it is no text.

    Raises:
        SmallerLabseError: it is a document, an archive or the like; the message says what to do.
    """
    ending = text_ending(file)
    if ending in NOT_TEXT:
        raise SmallerLabseError(f"{file}: {NOT_TEXT[ending]}")
    if ending == ".parquet" and file.suffix.lower() != ".parquet":
        raise SmallerLabseError(f"{file}: Parquet that is compressed once more; decompress it")


def read_records(
    file: TextPath, text_field: str = TEXT_FIELD, advice: str = FIELD_ADVICE
) -> Iterator[str | None]:
    """Yield the text of each record of a file, in order; None where it is null.

    Args:
        file: what it holds is read off its name; one without a known ending is plain text.
        text_field: the field or column that holds the text.
        advice: what to do where there is none of this name, for the message.

    Raises:
        SmallerLabseError: the file is not what its ending says: not UTF-8, truncated, without the field.
    """
    require_text_file(file)
    ending = text_ending(file)
    if ending == ".parquet":
        return _parquet_texts(file, text_field, advice)
    if ending in JSON_LINES:
        return json_texts(file, text_field, advice)
    if ending == ".csv":
        return _column(_csv_rows(file), file, text_field, advice)
    if ending == ".tsv":
        return _column(_tsv_rows(file), file, text_field, advice)
    return decompressed_lines(file)


def read_record_parts(
    file: TextPath, text_field: str = TEXT_FIELD, wanted: WantedParts = EVERY_PART, advice: str = FIELD_ADVICE
) -> Iterator[tuple[int, bytes]]:
    """The lines of the records' texts, in blocks, each with its part's number; see `line_parts`.

    Parquet is read column by column, and its row groups are the parts: only those are read that are wanted.

    Args and errors are those of `read_records`; the file has fields.
    """
    if text_ending(file) == ".parquet":
        import pyarrow as pa

        require_text_file(file)
        try:
            of_groups = _parquet_columns(file, text_field, advice, wanted)
            for group, of_group in groupby(of_groups, itemgetter(0)):
                for block in blocks_of_columns(column for _, column in of_group):
                    yield group, block
        except (ValueError, pa.ArrowException) as error:
            raise broken(file, error) from error
        return
    if text_ending(file) in JSON_LINES:
        columns = json_columns(file, text_field, advice)
        yield from cut_into_parts(blocks_of_columns(columns), wanted)
        return
    texts = read_records(file, text_field, advice)
    yield from cut_into_parts(blocks_of_texts(text for text in texts if text is not None), wanted)


def require_column_of_texts(
    column: pa.Array, source: str, text_field: str, advice: str = FIELD_ADVICE, before: int = 0
) -> None:
    """Refuse what `require_texts` refuses; `before` it there were so many records.

    Raises:
        SmallerLabseError: see `require_texts`.
    """
    if not is_column_of_texts(column):
        for _ in require_texts(column.to_pylist(), source, text_field, advice, before + 1):
            pass


def require_texts(
    values: Iterable[object], source: str, text_field: str, advice: str = FIELD_ADVICE, first: int = 1
) -> Iterator[str | None]:
    """Yield a column's texts, and None for an empty cell; `first` is the number of the first record.

    Raises:
        SmallerLabseError: a cell holds something else than text, or more than `LONGEST_LINE` bytes of it.
    """
    for number, value in enumerate(values, start=first):
        if value is not None and not isinstance(value, str):
            raise SmallerLabseError(
                f"{source}: the column {text_field!r} holds {type(value).__name__}, expected text; {advice}"
            )
        # No character takes more than four bytes; most texts need not be encoded to know.
        if value is not None and 4 * len(value) > LONGEST_LINE < len(value.encode("utf-8", "replace")):
            raise SmallerLabseError(f"{source}: {too_long(f'the text of record {number}')}; split it")
        yield value


def _parquet_texts(file: TextPath, text_field: str, advice: str) -> Iterator[str | None]:
    columns = _parquet_columns(file, text_field, advice)
    try:
        yield from chain.from_iterable(column.to_pylist() for _, column in columns)
    except ValueError as error:
        raise broken(file, error) from error


def _parquet_columns(
    file: TextPath, text_field: str, advice: str, wanted: WantedParts = EVERY_PART
) -> Iterator[tuple[int, pa.Array]]:
    """The column of texts of the row groups that are wanted, some rows at a time, with the group's number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with (
            file.open("rb") as stream,
            pq.ParquetFile(for_arrow(file, stream), buffer_size=BUFFER_BYTES) as parquet,
        ):
            _find_column(parquet.schema_arrow.names, file, text_field, advice)
            chunks, rows = read_column_chunks(stream), 0
            for group in range(parquet.num_row_groups):
                if group not in wanted:
                    rows += parquet.metadata.row_group(group).num_rows
                    continue
                at_once = _rows_at_once(file, stream, chunks, group, text_field)
                # In this thread: one of Arrow's would wait for the cores that count.
                for batch in parquet.iter_batches(at_once, [group], [text_field], use_threads=False):
                    column = batch.column(0)
                    require_column_of_texts(column, str(file), text_field, advice, rows)
                    yield group, column
                    rows += len(column)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise broken(file, error) from error


def _rows_at_once(
    file: TextPath, stream: BufferedReader, chunks: list[list[ColumnChunk]], group: int, text_field: str
) -> int:
    """How many rows of a row group can be read at once, so that their texts fit into `BATCH_BYTES`.

    Each text is somewhere in what a page unpacks to, or in the group's dictionary, which may hold a long text
    once that all rows repeat.

    Raises:
        SmallerLabseError: a page or a text of the dictionary is too large.
    """
    import pyarrow as pa

    if group >= len(chunks):
        raise broken(file, ValueError("its footer is damaged"))
    chunk = next((chunk for chunk in chunks[group] if chunk.path_in_schema == text_field), None)
    if chunk is None or chunk.physical_type != BYTE_ARRAY:
        return 1  # no text; the first row will say so
    try:
        pages = list(read_pages(stream, chunk))
    except ValueError as error:
        raise broken(file, error) from None
    largest = max((page.size for page in pages), default=0)
    if largest > BATCH_BYTES:
        raise SmallerLabseError(
            f"{file}: a page of its column {text_field!r} unpacks to {largest:,} bytes, expected at most "
            f"{BATCH_BYTES:,}; write it again in smaller pages"
        )
    rows = BATCH_ROWS
    if sum(page.size for page in pages) > BATCH_BYTES:
        rows = max(1, min(FEW_ROWS, BATCH_BYTES // largest))
    dictionaries = [page for page in pages if page.is_dictionary]
    whole = max((page.size for page in dictionaries), default=1)
    if FEW_ROWS * whole <= BATCH_BYTES:  # then its texts need not be unpacked twice
        return min(rows, BATCH_BYTES // max(whole, 1))
    try:
        texts = [longest_text(stream, chunk, page) for page in dictionaries]
    except (pa.ArrowException, OSError, ValueError) as error:
        raise broken(file, error) from None
    longest = max(texts, default=0)
    if longest > LONGEST_LINE:
        raise SmallerLabseError(f"{file}: {too_long(f'a text of the column {text_field!r}')}; split it")
    return max(1, min(rows, BATCH_BYTES // max(longest, 1)))


def _column(
    rows: Iterator[tuple[int, list[str]]], file: TextPath, text_field: str, advice: str
) -> Iterator[str | None]:
    """One column of rows of which the first names the columns; with each, the number of its last line."""
    _, names = next(rows, (0, []))
    if not names:
        raise SmallerLabseError(f"{file}: empty, expected the columns' names in its first line")
    names[0] = names[0].removeprefix("\ufeff")  # as spreadsheets write it
    column = _find_column(names, file, text_field, advice)
    for number, cells in rows:
        if cells in ([], [""]):  # a blank line: of a single column, an empty text
            if len(names) == 1:
                yield ""
            continue
        if len(cells) != len(names):
            raise SmallerLabseError(
                f"{file}: line {number} has {len(cells)} column{'s' * (len(cells) > 1)}, the first line has "
                f"{len(names)}; texts with tabs, commas or line feeds need .csv and quotation marks"
            )
        yield cells[column]


def _find_column(names: list[str], file: TextPath, text_field: str, advice: str) -> int:
    if names.count(text_field) == 1:
        return names.index(text_field)
    problem = "no column" if text_field not in names else "more than one column"
    raise SmallerLabseError(f"{file}: {problem} {text_field!r}, it has {', '.join(names)}; {advice}")


def _csv_rows(file: TextPath) -> Iterator[tuple[int, list[str]]]:
    # The limit is the process's; it is never made smaller for others.
    csv.field_size_limit(max(LONGEST_LINE, csv.field_size_limit()))
    size, began = 0, 1  # of a row, which goes on over lines where a quotation mark is open

    def lines() -> Iterator[str]:
        nonlocal size
        for block in decompressed_blocks(file):
            for line in block.split("\n"):
                size += len(line) + 1
                if size > LONGEST_LINE:
                    raise SmallerLabseError(
                        f"{file}: {too_long(f'the row that begins in line {began}')}; "
                        "are its quotation marks closed?"
                    )
                yield line + "\n"

    rows = csv.reader(lines(), strict=True)
    try:
        for row in rows:
            size, began = 0, rows.line_num + 1
            yield rows.line_num, row
    except csv.Error as error:
        raise SmallerLabseError(
            f"{file}: line {rows.line_num} is not CSV ({error}); are its quotation marks doubled and closed?"
        ) from None


def _tsv_rows(file: TextPath) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(decompressed_lines(file), start=1):
        yield number, line.split("\t")
