"""Text files: lines from .txt, .jsonl and .parquet, plain or compressed, and word lists from .tsv."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError

TEXT_ENDINGS = (".txt", ".txt.gz", ".txt.zst")
RECORD_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
BUFFER_BYTES = 1 << 20
MOST_DIGITS = 12  # of a word's count; sums over any list stay in an int64
WORD_COUNT_ENDINGS = (".tsv", ".tsv.gz", ".tsv.zst")  # lists of words and how often they occur
ENDINGS = TEXT_ENDINGS + RECORD_ENDINGS


def split_lines(text: str) -> list[str]:
    """Split at line feeds only; one carriage return before a line feed belongs to the line's end.

    Other characters that Unicode calls line ends (U+2028, U+0085, …) stay: to a tokenizer they are text.

    >>> split_lines("one\\r\\ntwo\\u2028three")
    ['one', 'two\\u2028three']
    """
    lines = text.split("\n")
    return [line.removesuffix("\r") for line in lines] if "\r" in text else lines


def read_lines(path: Path, text_field: str = "text") -> Iterator[str]:
    """Yield the lines of a file, or of all files of a folder in the order of their names.

    Args:
        path: a file that ends in one of `ENDINGS` (any other file is read as plain text), or a folder.
        text_field: the field of a `.jsonl` record, or the column of a `.parquet` file, that holds text;
            its text may hold several lines.

    Example:
        for line in read_lines(Path("corpus/en.jsonl.gz"), text_field="body"):
            ...

    Raises:
        SmallerLabseError: the path does not exist, a folder holds no such file, or a file is not what its
            ending says: not UTF-8, truncated, without the field.
    """
    for file in _files(path):
        if file.name.endswith(".parquet"):
            yield from _parquet_lines(file, text_field)
        elif file.name.endswith(RECORD_ENDINGS):
            yield from _jsonl_lines(file, text_field)
        else:
            yield from _decoded_lines(file)


def read_sentences(file: Path) -> list[str]:
    """Read the lines of a file; empty ones are lines too, and only a line feed ends one.

    Args:
        file: whatever `read_lines` reads: plain text in UTF-8, mostly.

    Raises:
        SmallerLabseError: the file is missing, empty or not UTF-8.
    """
    sentences = list(read_lines(file))
    if not sentences:
        raise SmallerLabseError(f"{file}: empty, expected one sentence per line")
    return sentences


def read_word_counts(file: Path) -> Iterator[tuple[str, int]]:
    """Yield the words (or sentences) of a frequency list and how often each occurs: `word<TAB>count`.

    Raises:
        SmallerLabseError: the file cannot be read, or a line is not of that form.
    """
    if not file.is_file():
        raise SmallerLabseError(f"{file}: there is no such word list")
    for number, line in enumerate(_decoded_lines(file), start=1):
        word, tab, count = line.rpartition("\t")
        if not line:
            continue
        if not tab or not word or not (count.isascii() and count.isdigit()):
            raise SmallerLabseError(f"{file}: line {number} is {line[:60]!r}, expected word<TAB>count")
        if len(count) > MOST_DIGITS:
            raise SmallerLabseError(f"{file}: line {number} counts {count[:60]}, more than can be added up")
        yield word, int(count)


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise SmallerLabseError(f"{path}: there is no such file or folder of text")
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.rglob("*") if file.name.endswith(ENDINGS) and file.is_file())
    if not files:
        raise SmallerLabseError(f"{path}: no file in it ends in {', '.join(ENDINGS)}")
    return files


def _decoded_lines(file: Path) -> Iterator[str]:
    """Lines of a text file, decoded in blocks of whole lines."""
    with _opened(file) as stream:
        rest, number = b"", 1
        try:
            # What a pipe has now, not what it will have: Ctrl-C is noticed between two reads.
            while block := stream.read1(BUFFER_BYTES):
                block, line_feed, rest = (rest + block).rpartition(b"\n")
                if line_feed:
                    lines = _decode(block, file, number)
                    number += len(lines)
                    yield from lines
            if rest:
                yield from _decode(rest, file, number)
        except OSError as error:
            raise _broken(file, error) from error


def _decode(block: bytes, file: Path, first: int) -> list[str]:
    """The lines of a block; for messages, the file and the number of the first line."""
    try:
        return split_lines(block.decode("utf-8"))
    except UnicodeDecodeError as error:
        start = block.rfind(b"\n", 0, error.start) + 1
        number = first + block.count(b"\n", 0, start)
        raise SmallerLabseError(
            f"{file}: line {number} is not UTF-8 (its byte {error.start - start + 1}); save the file as UTF-8"
        ) from None


def _jsonl_lines(file: Path, text_field: str) -> Iterator[str]:
    for number, line in enumerate(_decoded_lines(file), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            raise SmallerLabseError(f"{file}: line {number} is not JSON") from None
        text = record.get(text_field) if isinstance(record, dict) else None
        if not isinstance(text, str):
            raise SmallerLabseError(
                f"{file}: line {number} has no text in a field {text_field!r}; name it with --text-field"
            )
        if not _is_unicode(text):
            raise SmallerLabseError(f"{file}: line {number} holds half a surrogate pair, which is no text")
        yield from split_lines(text)


def _is_unicode(text: str) -> bool:
    """JSON can escape a lone surrogate, which no encoding can write."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _parquet_lines(file: Path, text_field: str) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as parquet:
            names = parquet.schema_arrow.names
            if text_field not in names:
                raise SmallerLabseError(
                    f"{file}: no column {text_field!r}, it has {', '.join(names)}; name it with --text-field"
                )
            for batch in parquet.iter_batches(columns=[text_field], batch_size=1024):
                yield from column_lines(batch.column(0).to_pylist(), str(file), text_field)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise _broken(file, error) from error


def column_lines(texts: Iterable[object], source: str, text_field: str) -> Iterator[str]:
    """Yield the lines of a column's texts; an empty cell (None) has no line.

    Raises:
        SmallerLabseError: a cell holds something else than text.
    """
    for text in texts:
        if text is None:
            continue
        if not isinstance(text, str):
            raise SmallerLabseError(
                f"{source}: the column {text_field!r} holds {type(text).__name__}, expected text; "
                "name another one with --text-field"
            )
        yield from split_lines(text)


def _opened(file: Path) -> io.BufferedReader:
    import pyarrow as pa

    compression = {".gz": "gzip", ".zst": "zstd"}.get(file.suffix)
    if compression is None:
        return io.BufferedReader(io.FileIO(file), BUFFER_BYTES)
    if file.is_file() and file.stat().st_size == 0:
        raise SmallerLabseError(f"{file}: empty, which no compressed file is; get it again")
    # Arrow, unlike zstandard's own reader, notices a stream that ends too early.
    return io.BufferedReader(pa.CompressedInputStream(file.open("rb"), compression), BUFFER_BYTES)


def _broken(file: Path, error: Exception) -> SmallerLabseError:
    reason = getattr(error, "strerror", None) or " ".join(str(error).split())
    return SmallerLabseError(f"{file}: cannot be read ({reason}); is it complete, and what its name says?")
