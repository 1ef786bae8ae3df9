"""Records of text: a line of .txt, an object of .jsonl, a row of .csv, .tsv and .parquet, each with one text.

A text may hold several lines, and may be missing (null) in .jsonl and .parquet. CSV is RFC 4180's, with the
columns' names in its first line; TSV is IANA's text/tab-separated-values, which knows no quotation marks.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decoded_lines import COMPRESSIONS, broken, decoded_blocks, decoded_lines

TEXT_FIELD = "text"
FIELD_ADVICE = "name it with --text-field"
JSON_LINES = (".jsonl", ".ndjson")
LARGEST_CELL = 1 << 24  # characters; a quotation mark that is never closed must not fill the memory

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


def text_ending(file: PurePath) -> str:
    """The ending that says what a file holds, in lower case, without that of its compression.

    >>> text_ending(PurePath("corpus/en.JSONL.gz"))
    '.jsonl'
    """
    name = file.name.lower()
    for compression in COMPRESSIONS:
        if name.endswith(compression):
            return PurePath(name.removesuffix(compression)).suffix
    return PurePath(name).suffix


def has_fields(file: PurePath) -> bool:
    """Whether the file's records have named fields, of which one holds the text."""
    return text_ending(file) in (*JSON_LINES, ".csv", ".tsv", ".parquet")


def require_text_file(file: PurePath) -> None:
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
    file: Path, text_field: str = TEXT_FIELD, advice: str = FIELD_ADVICE
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
        return _jsonl_texts(file, text_field, advice)
    if ending == ".csv":
        return _column(_csv_rows(file), file, text_field, advice)
    if ending == ".tsv":
        return _column(_tsv_rows(file), file, text_field, advice)
    return decoded_lines(file)


def require_texts(
    values: Iterable[object], source: str, text_field: str, advice: str = FIELD_ADVICE
) -> Iterator[str | None]:
    """Yield a column's texts, and None for an empty cell.

    Raises:
        SmallerLabseError: a cell holds something else than text.
    """
    for value in values:
        if value is not None and not isinstance(value, str):
            raise SmallerLabseError(
                f"{source}: the column {text_field!r} holds {type(value).__name__}, expected text; {advice}"
            )
        yield value


def _jsonl_texts(file: Path, text_field: str, advice: str) -> Iterator[str | None]:
    for number, line in enumerate(decoded_lines(file), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise SmallerLabseError(f"{file}: line {number} is not JSON") from None
        if isinstance(record, dict) and text_field in record and record[text_field] is None:
            yield None
            continue
        text = record.get(text_field) if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise SmallerLabseError(f"{file}: line {number} has no text in a field {text_field!r}; {advice}")
        if not _is_unicode(text):
            raise SmallerLabseError(f"{file}: line {number} holds half a surrogate pair, which is no text")
        yield text


def _is_unicode(text: str) -> bool:
    """JSON can escape a lone surrogate, which no encoding can write."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _parquet_texts(file: Path, text_field: str, advice: str) -> Iterator[str | None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            _find_column(parquet.schema_arrow.names, file, text_field, advice)
            for batch in parquet.iter_batches(columns=[text_field], batch_size=1024):
                yield from require_texts(batch.column(0).to_pylist(), str(file), text_field, advice)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise broken(file, error) from error


def _column(
    rows: Iterator[tuple[int, list[str]]], file: Path, text_field: str, advice: str
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
                f"{file}: line {number} has {len(cells)} columns, the first line has {len(names)}; "
                "texts with tabs, commas or line feeds need .csv and quotation marks"
            )
        yield cells[column]


def _find_column(names: list[str], file: Path, text_field: str, advice: str) -> int:
    if names.count(text_field) == 1:
        return names.index(text_field)
    problem = "no column" if text_field not in names else "more than one column"
    raise SmallerLabseError(f"{file}: {problem} {text_field!r}, it has {', '.join(names)}; {advice}")


def _csv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    # The limit is the process's; it is never made smaller for others.
    csv.field_size_limit(max(LARGEST_CELL, csv.field_size_limit()))
    lines = (line + "\n" for block in decoded_blocks(file) for line in block.split("\n"))
    rows = csv.reader(lines, strict=True)
    try:
        for row in rows:
            yield rows.line_num, row
    except csv.Error as error:
        raise SmallerLabseError(
            f"{file}: line {rows.line_num} is not CSV ({error}); are its quotation marks doubled and closed?"
        ) from None


def _tsv_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(decoded_lines(file), start=1):
        yield number, line.split("\t")
