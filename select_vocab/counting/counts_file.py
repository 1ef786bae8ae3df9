"""A counts file: how often, and in how many lines, each token of a vocabulary occurs in a language.

It is Parquet with a row for every token that occurred, ascending by id:

    piece_id     int32
    piece        string
    occurrences  int64
    lines        int64

and, in the schema's metadata (UTF-8 strings): `format` ("smaller_labse.counts.1"), `name`, `language`,
`lines` (how many were counted), `corpus`, `filter` (JSON), `fingerprint` (of the vocabulary),
`sample` (JSON, a list of [number, line]; see `corpora/sample.py`; empty with --no-sample); of word lists
`word_list` ("true"), of what the mended preprocessor read `preprocessor` ("mended"), `text_digest` (of the
counted lines, see `TextDigest`; counts of several corpora have none), of a shard `shard` (JSON, see
`ShardOfCounts`), which the merged counts have no longer. `columns` is the SHA-256 of the four
columns and `digest` that of all other metadata: Parquet's own checksums are of its pages only, not of what
its footer says. Counts of version 0.1.0 have neither of the two, so damage to them may pass.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.defaults import DRAWS
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.records.arrow_arrays import arrow_numbers, arrow_texts, numpy_numbers
from smaller_labse.corpora.records.parquet_pages import read_column_chunks, read_pages
from smaller_labse.corpora.sample import SampledLine, sample_lines
from smaller_labse.corpora.word_lists import WORD_LIST_ENDINGS
from smaller_labse.originals.digests import DIGEST, digest_of_json
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.originals.tokenizers.wordpiece import differs_by_preprocessor
from smaller_labse.select_vocab.counting.shard_of_counts import SHARD, ShardOfCounts, read_shard

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

FORMAT = "smaller_labse.counts.1"
METADATA = ("name", "language", "lines", "corpus", "filter", "fingerprint", "sample")
COLUMNS = "columns"  # the digest of the columns
PREPROCESSOR = "preprocessor"
KNOWN = frozenset({"format", *METADATA, "word_list", PREPROCESSOR, "text_digest", SHARD, COLUMNS, DIGEST})
NO_SAMPLE = "[]"
# What a row takes besides its token's text (three numbers, the text's length), and the pages' own needs.
ROW_BYTES, SPARE_BYTES = 24, 1 << 20
MOST_TOKENS = 1 << 24  # of any vocabulary
MOST_LINES = 1 << 96  # numbers of lines, see `number_of`
LONGEST_SHOWN = 60  # characters of a token, in a message
MOST_OCCURRENCES = 2.0**62  # so that two files' can be added up


@dataclass(frozen=True)
class Counts:
    """How often each token occurs.

    Attributes:
        name: what these are counts of: a language's code, or a Wikipedia's where a language has several.
        language: the language's code.
        corpus: where the text came from, for people; no path of a machine.
        line_filter: which lines were counted; None where nobody knows (published frequencies).
        fingerprint: of the vocabulary.
        total_lines: how many lines were counted; None where nobody knows.
        occurrences: of each token, by id, int64 [vocabulary size].
        lines: in how many lines each token occurs, int64 [vocabulary size]; None where nobody knows.
        sample: some of the lines, evenly drawn; none where the user wanted none stored.
        word_list: whether it is no text but words and how often they occur, each a line.
        text_digest: of the lines that were counted, see `TextDigest`; None where nobody knows (published
            frequencies, merged counts, counts of earlier versions).
        preprocessor: that read the text, see `PREPROCESSORS`.
        shard: which shard these are counts of; None where they are of all.
    """

    name: str
    language: str
    corpus: str
    line_filter: LineFilter | None
    fingerprint: str
    total_lines: int | None
    occurrences: np.ndarray
    lines: np.ndarray | None
    sample: tuple[SampledLine, ...] = ()
    word_list: bool = False
    text_digest: str | None = None
    preprocessor: str = FAITHFUL
    shard: ShardOfCounts | None = None


def write_counts(counts: Counts, pieces: list[str], file: Path, overwrite: bool = False) -> None:
    """Write a counts file; it appears whole or not at all.

    Args:
        counts: the counts.
        pieces: every token of the vocabulary, by id.
        file: where to.
        overwrite: replace an earlier file.

    Raises:
        SmallerLabseError: the file exists and may not be replaced, or the disk is full.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    assert counts.line_filter is not None and counts.lines is not None, "published frequencies are only read"
    seen = np.flatnonzero(counts.occurrences).astype(np.int32)
    metadata = {
        "format": FORMAT,
        "name": counts.name,
        "language": counts.language,
        "lines": str(counts.total_lines),
        "corpus": counts.corpus,
        "filter": counts.line_filter.to_json(),
        "fingerprint": counts.fingerprint,
        "sample": json.dumps(counts.sample, ensure_ascii=False),
    }
    if counts.word_list:
        metadata["word_list"] = "true"
    if counts.preprocessor != FAITHFUL:
        metadata[PREPROCESSOR] = counts.preprocessor
    if counts.shard is not None:
        metadata[SHARD] = counts.shard.to_json()
    if counts.text_digest:
        metadata["text_digest"] = counts.text_digest
    columns = [
        arrow_numbers(seen),
        arrow_texts(pieces[token_id] for token_id in seen),
        arrow_numbers(counts.occurrences[seen]),
        arrow_numbers(counts.lines[seen]),
    ]
    metadata[COLUMNS] = _digest_of_columns(pa.Table.from_arrays(columns, schema=_schema()))
    metadata[DIGEST] = digest_of_json(metadata)
    schema = _schema().with_metadata(metadata)
    with new_file(file, overwrite) as partial:
        pq.write_table(
            pa.Table.from_arrays(columns, schema=schema),
            partial,
            compression="zstd",
            write_page_checksum=True,
        )
        with partial.open("rb") as written:
            os.fsync(written.fileno())  # or a power failure leaves the name without the content


def read_counts(file: Path, pieces: list[str], fingerprint: str, preprocessor: str = FAITHFUL) -> Counts:
    """Read a counts file of the vocabulary `pieces`, whose text this preprocessor read.

    Raises:
        SmallerLabseError: the file is no counts file, or damaged, or its counts are of another vocabulary or
            preprocessor.
    """
    metadata = read_metadata(file)
    if metadata["fingerprint"] != fingerprint:
        found = preprocessor_of(metadata)
        if found != preprocessor and differs_by_preprocessor(metadata["fingerprint"], found, pieces):
            raise SmallerLabseError(
                f"{file}: counted with the preprocessor {found}, expected {preprocessor}; count again with "
                f"--preprocessor {preprocessor}, or add --preprocessor {found} here, too"
            )
        raise SmallerLabseError(
            f"{file}: counts of another vocabulary (fingerprint {metadata['fingerprint'][:12]}…, "
            f"the original's is {fingerprint[:12]}…); count with this original"
        )
    table = _read_table(file, pieces)
    try:
        total_lines = _non_negative(metadata["lines"])
        occurrences, lines = _read_columns(table, pieces, total_lines)
        _require_undamaged(table, metadata)
        return Counts(
            name=metadata["name"],
            language=metadata["language"],
            corpus=_without_folders(metadata["corpus"]),
            line_filter=_read_filter(metadata["filter"]),
            fingerprint=fingerprint,
            total_lines=total_lines,
            occurrences=occurrences,
            lines=lines,
            sample=_read_sample(metadata["sample"]),
            # Counts of earlier versions do not say; the name of what was counted does.
            word_list="word_list" in metadata or metadata["corpus"].endswith(WORD_LIST_ENDINGS),
            text_digest=metadata.get("text_digest"),
            preprocessor=preprocessor,
            shard=read_shard(metadata),
        )
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise _damaged(file, error) from None


def preprocessor_of(metadata: Mapping[str, str]) -> str:
    """The preprocessor that counts were made with."""
    return metadata.get(PREPROCESSOR, FAITHFUL)


def _read_table(file: Path, pieces: list[str] | None = None, columns: list[str] | None = None) -> pa.Table:
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
        raise _damaged(file, error) from None


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema(
        [
            ("piece_id", pa.int32()),
            ("piece", pa.string()),
            ("occurrences", pa.int64()),
            ("lines", pa.int64()),
        ]
    )


def _damaged(file: Path, reason: Exception) -> SmallerLabseError:
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


def _read_columns(table: pa.Table, pieces: list[str], total_lines: int) -> tuple[np.ndarray, np.ndarray]:
    """How often, and in how many lines, each token occurs.

    Raises:
        ValueError: a column is missing or of another type, or holds what no counting can give.
    """
    _require_columns(table, _schema().names)
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
    _total(counted)
    occurrences, lines = np.zeros(len(pieces), np.int64), np.zeros(len(pieces), np.int64)
    occurrences[ids], lines[ids] = counted, in_lines
    return occurrences, lines


def _require_columns(table: pa.Table, names: list[str]) -> None:
    """Refuse, with a ValueError, columns that are missing, of another type or hold nulls."""
    for column in map(_schema().field, names):
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


def _total(occurrences: np.ndarray) -> int:
    """The sum of non-negative int64; a ValueError where two such sums could not be added up."""
    if occurrences.astype(np.float64).sum() >= MOST_OCCURRENCES:
        raise ValueError("its occurrences are too many to be added up")
    return int(occurrences.sum())


def _require_undamaged(table: pa.Table, metadata: dict[str, str]) -> None:
    """Compare the columns' digest, where a file has one; a ValueError where it is another."""
    if COLUMNS in metadata and _digest_of_columns(table) != metadata[COLUMNS]:
        raise ValueError("its columns do not have their digest")


def _digest_of_columns(table: pa.Table) -> str:
    """SHA-256 of the columns: the numbers, little-endian, and the pieces, each with a zero byte behind it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    digest = hashlib.sha256()
    no_text, zero_byte = arrow_texts(["", "\0"])
    for name in _schema().names:
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


def _read_filter(text: str) -> LineFilter:
    line_filter = LineFilter(**json.loads(text))
    for value in (line_filter.longer_than, line_filter.max_lines):
        if type(value) is not int and not (value is None and value is line_filter.max_lines):
            raise ValueError(f"its filter is {text}")
    if line_filter.draw not in DRAWS:
        raise ValueError(f"its filter is {text}")
    return line_filter


def _read_sample(text: str) -> tuple[SampledLine, ...]:
    sample = tuple(SampledLine(*sampled) for sampled in json.loads(text))
    for line in sample:
        is_number = type(line.number) is int and 0 <= line.number < MOST_LINES
        if not is_number or not isinstance(line.text, str):
            raise ValueError(f"its sample holds {line.number!r}: {line.text!r}")
    return sample


def _non_negative(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(f"it has {number:,} lines")
    return number


def _without_folders(corpus: str) -> str:
    """Names in the place of paths, which counts of version 0.1.0 hold.

    >>> _without_folders("/home/me/en.txt + ~/more (body)"), _without_folders("owner/name train")
    ('en.txt + more (body)', 'owner/name train')
    """
    parts = corpus.split(" + ")
    return " + ".join(Path(part).name if part.startswith(("/", "~")) else part for part in parts)


class Summary(NamedTuple):
    """A counts file in four words: `occurrences` is their sum, `tokens` how many distinct ones occurred."""

    name: str
    lines: int
    occurrences: int
    tokens: int


def summarize(file: Path) -> Summary:
    """Sum a counts file up without the vocabulary.

    Raises:
        SmallerLabseError: it is no counts file, or damaged.
    """
    metadata = read_metadata(file)
    needed = _schema().names if COLUMNS in metadata else ["occurrences"]
    table = _read_table(file, columns=needed)
    try:
        _require_columns(table, needed)
        _require_undamaged(table, metadata)
        counted = numpy_numbers(table["occurrences"])
        if np.any(counted < 1):
            raise ValueError("its occurrences are not all positive")
        return Summary(metadata["name"], _non_negative(metadata["lines"]), _total(counted), len(counted))
    except ValueError as error:
        raise _damaged(file, error) from None


def read_metadata(file: Path) -> dict[str, str]:
    """What a counts file says of itself, without its counts.

    Raises:
        SmallerLabseError: it is no counts file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        found = pq.read_schema(file).metadata or {}
    except FileNotFoundError:
        raise SmallerLabseError(f"{file}: there is no such counts file") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise SmallerLabseError(f"{file}: not a counts file ({' '.join(str(error).split())})") from None
    try:
        metadata = {key.decode(): value.decode() for key, value in found.items()}
    except UnicodeDecodeError as error:
        raise _damaged(file, error) from None
    if metadata.get("format") != FORMAT:
        raise SmallerLabseError(
            f"{file}: its format is {metadata.get('format')!r}, expected {FORMAT!r}; "
            "write it with `select-vocab count`"
        )
    if missing := [key for key in METADATA if key not in metadata]:
        raise _damaged(file, ValueError(f"its metadata lacks {', '.join(missing)}"))
    if unknown := sorted(set(metadata) - KNOWN):
        raise _damaged(file, ValueError(f"its metadata has {unknown[0]!r}, which is not known"))
    if (COLUMNS in metadata) != (DIGEST in metadata) or (
        DIGEST in metadata and metadata[DIGEST] != digest_of_json(metadata)
    ):
        raise _damaged(file, ValueError("its metadata does not have its digest"))
    return metadata


def add_counts(first: Counts, second: Counts) -> Counts:
    """Add two counts of one language and one vocabulary, from two corpora.

    Raises:
        SmallerLabseError: they are of different vocabularies or languages, or one is a shard's or has no line
            counts.
    """
    for counts in (first, second):
        if counts.shard is not None:
            raise SmallerLabseError(
                f"{counts.name}: {counts.shard.shard.words} is no whole count; merge all shards first"
            )
    for attribute in ("fingerprint", "language"):
        values = getattr(first, attribute), getattr(second, attribute)
        if values[0] != values[1]:
            raise SmallerLabseError(
                f"counts of different {attribute}s cannot be added up: {values[0]}, {values[1]}"
            )
    if first.lines is None or second.lines is None or first.total_lines is None or second.total_lines is None:
        raise SmallerLabseError(
            f"{first.name}: published frequencies have no line counts, so they cannot be added up"
        )
    return replace(
        first,
        corpus=f"{first.corpus} + {second.corpus}",
        total_lines=first.total_lines + second.total_lines,
        occurrences=first.occurrences + second.occurrences,
        lines=first.lines + second.lines,
        # A sample of one of the two would be no even sample of both.
        sample=sample_lines([*first.sample, *second.sample]) if first.sample and second.sample else (),
        word_list=first.word_list or second.word_list,
        text_digest=None,
    )
