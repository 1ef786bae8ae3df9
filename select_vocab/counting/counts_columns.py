"""The columns of a counts file: their types, what they may hold, and their digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.records.arrow_arrays import arrow_texts, numpy_numbers
from smaller_labse.corpora.records.parquet_pages import read_column_chunks, read_pages

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

# What a row takes besides its token's text (three numbers, the text's length), and the pages' own needs.
ROW_BYTES, SPARE_BYTES = 24, 1 << 20
MOST_TOKENS = 1 << 24  # of any vocabulary
LONGEST_SHOWN = 60  # characters of a token, in a message
MOST_OCCURRENCES = 2.0**62  # so that two files' can be added up


def schema() -> pa.Schema:
    """The columns' names and types."""
    import pyarrow as pa

    return pa.schema(
        [
            ("piece_id", pa.int32()),
            ("piece", pa.string()),
            ("occurrences", pa.int64()),
            ("lines", pa.int64()),
        ]
    )


def read_table(file: Path, pieces: list[str] | None = None, columns: list[str] | None = None) -> pa.Table:
    """Read a file's columns, all of them or some, with the pages' checksums; of a known vocabulary, no more.

    Raises:
        SmallerLabseError: it cannot be read, or cannot be counts of this vocabulary.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # One text in a dictionary, repeated by all rows, would unpack to as many.
        contents = pq.ParquetFile(file, page_checksum_verification=True, read_dictionary=["piece"])
        _require_size(file, contents, pieces, columns or contents.schema_arrow.names)
        return contents.read(columns)
    except (pa.ArrowException, OSError) as error:
        raise SmallerLabseError(f"{file}: cannot be read ({' '.join(str(error).split())})") from error
    except (ValueError, KeyError) as error:  # a column is missing
        raise damaged(file, error) from None


def damaged(file: Path, reason: Exception) -> SmallerLabseError:
    """The error for a counts file that holds what none can."""
    return SmallerLabseError(f"{file}: a damaged counts file ({reason}); count again")


def _require_size(
    file: Path, contents: ParquetFile, pieces: list[str] | None, columns: Sequence[str]
) -> None:
    """Refuse, before it is unpacked, what cannot be counts of this vocabulary, or of any where it is None.

    Raises:
        ValueError: it has more rows than tokens, or its pages unpack to more than they take.
    """
    rows, most_rows = contents.metadata.num_rows, MOST_TOKENS if pieces is None else len(pieces)
    if rows > most_rows:
        raise ValueError(f"it has {rows:,} rows, expected at most {most_rows:,}, one for each token")
    with file.open("rb") as stream:
        chunks = [chunk for group in read_column_chunks(stream) for chunk in group]
        size = sum(
            page.size
            for chunk in chunks
            if chunk.path_in_schema in columns
            for page in read_pages(stream, chunk)
        )
    most = SPARE_BYTES + 2 * ROW_BYTES * (rows if pieces is None else len(pieces))
    if size > most:  # else the text need not be measured
        most += 2 * sum(len(piece.encode()) for piece in pieces or ())
    if size > most:
        raise ValueError(f"it unpacks to {size:,} bytes, expected at most {most:,}")


def read_columns(table: pa.Table, pieces: list[str], total_lines: int) -> tuple[np.ndarray, np.ndarray]:
    """How often, and in how many lines, each token occurs.

    Raises:
        ValueError: a column is missing or of another type, or holds what no counting can give.
    """
    require_columns(table, schema().names)
    ids = numpy_numbers(table["piece_id"])
    if len(ids) and (ids[0] < 0 or ids[-1] >= len(pieces) or np.any(np.diff(ids.astype(np.int64)) <= 0)):
        raise ValueError(f"its token ids are not ascending from 0 to {len(pieces) - 1:,}")
    for token_id, piece in zip(ids.tolist(), _texts(table["piece"]), strict=True):
        if pieces[token_id] != piece:
            shown = piece if len(piece) <= LONGEST_SHOWN else piece[:LONGEST_SHOWN] + "…"
            raise ValueError(f"it calls token {token_id} {shown!r}, expected {pieces[token_id]!r}")
    counted, in_lines = numpy_numbers(table["occurrences"]), numpy_numbers(table["lines"])
    impossible = (in_lines < 1) | (in_lines > counted) | (in_lines > total_lines)
    if impossible.any():
        at = impossible.argmax()
        raise ValueError(
            f"its token {pieces[ids[at]]!r} occurs {counted[at]:,} times in {in_lines[at]:,} of "
            f"{total_lines:,} lines"
        )
    total_occurrences(counted)
    occurrences, lines = np.zeros(len(pieces), np.int64), np.zeros(len(pieces), np.int64)
    occurrences[ids], lines[ids] = counted, in_lines
    return occurrences, lines


def require_columns(table: pa.Table, names: list[str]) -> None:
    """Refuse, with a ValueError, columns that are missing, of another type or hold nulls."""
    for column in map(schema().field, names):
        found = table.schema.field(column.name).type if column.name in table.column_names else None
        found = getattr(found, "value_type", found)  # of a dictionary
        if found != column.type:
            raise ValueError(f"its column {column.name} is {found}, expected {column.type}")
        if table[column.name].null_count:
            raise ValueError(f"its column {column.name} has {table[column.name].null_count:,} nulls")


def _texts(column: pa.ChunkedArray) -> Iterator[str]:
    """The texts of a column of dictionaries, each in memory once."""
    for chunk in column.chunks:
        texts = chunk.dictionary.to_pylist()
        yield from (texts[index] for index in chunk.indices.to_pylist())


def total_occurrences(occurrences: np.ndarray) -> int:
    """The sum of non-negative int64; a ValueError where two such sums could not be added up."""
    if occurrences.astype(np.float64).sum() >= MOST_OCCURRENCES:
        raise ValueError("its occurrences are too many to be added up")
    return int(occurrences.sum())


def digest_of_columns(table: pa.Table) -> str:
    """SHA-256 of the columns: the numbers, little-endian, and the pieces, each with a zero byte behind it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    digest = hashlib.sha256()
    no_text, zero_byte = arrow_texts(["", "\0"])
    for name in schema().names:
        column = table[name].cast(pa.string()) if name == "piece" else table[name]
        for chunk in column.chunks:
            if name == "piece":
                digest.update(_text_bytes(pc.binary_join_element_wise(chunk, no_text, zero_byte)))
            else:
                numbers = numpy_numbers(chunk)
                digest.update(numbers.astype(numbers.dtype.newbyteorder("<"), copy=False).data)
    return digest.hexdigest()


def _text_bytes(texts: pa.StringArray) -> memoryview:
    """The texts of an array that has no nulls, one behind the other, as they lie in memory."""
    _, offsets, data = texts.buffers()
    if not len(texts):
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data)[ends[0] : ends[-1]]
