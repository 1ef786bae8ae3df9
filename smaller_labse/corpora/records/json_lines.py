"""JSON lines: an object in each line, of whose fields one holds the text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decompressed_lines import decode_block, numbered_blocks, split_lines
from smaller_labse.corpora.records.arrow_arrays import arrow_texts, is_utf8
from smaller_labse.corpora.text_path import TextPath

if TYPE_CHECKING:
    import pyarrow as pa


def json_texts(file: TextPath, text_field: str, advice: str) -> Iterator[str | None]:
    """Yield each record's text, None where it is null; for arguments and errors see `read_records`."""
    for block, number in numbered_blocks(file):
        yield from _texts_of_lines(block, number, file, text_field, advice)


def json_columns(file: TextPath, text_field: str, advice: str) -> Iterator[pa.Array]:
    """The texts as columns of Arrow, without null; for arguments and errors see `read_records`."""
    for block, number in numbered_blocks(file):
        column = _column_of_lines(block, text_field)
        if column is None:
            texts = _texts_of_lines(block, number, file, text_field, advice)
            column = arrow_texts(text for text in texts if text is not None)
        yield column


def _column_of_lines(block: bytearray, text_field: str) -> pa.Array | None:
    """The texts by Arrow's reader, which is faster; None where a line may be no object with a text.

    Arrow takes what is no JSON lines (two objects in a line), does not tell null from nothing, and ends the
    process at a first line of `null`. Python's reader sees to all that, and knows what to say of it.
    """
    import pyarrow as pa
    from pyarrow.json import ParseOptions, ReadOptions, read_json

    lines = block.count(b"\n") + 1
    if not block.startswith(b"{") or block.count(b"\n{") != lines - 1 or not is_utf8(block):
        return None
    parse = ParseOptions(
        explicit_schema=pa.schema([(text_field, pa.string())]), unexpected_field_behavior="ignore"
    )
    try:
        table = read_json(
            pa.BufferReader(block),
            read_options=ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=parse,
        )
    except pa.ArrowException:
        return None
    column = table.column(0)
    return column.chunk(0) if len(column) == lines and not column.null_count else None


def _texts_of_lines(
    block: bytearray, first: int, file: TextPath, text_field: str, advice: str
) -> Iterator[str | None]:
    for number, line in enumerate(split_lines(decode_block(block, file, first)), start=first):
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
