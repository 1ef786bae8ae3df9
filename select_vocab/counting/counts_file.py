"""A counts file: how often, and in how many lines, each token of a vocabulary occurs in a language.

It is Parquet with a row for every token that occurred, ascending by id:

    piece_id     int32
    piece        string
    occurrences  int64
    lines        int64

and, in the schema's metadata (UTF-8 strings): `format` ("smaller_labse.counts.1"), `name`, `language`,
`lines` (how many were counted), `corpus`, `filter` (JSON, see `LineFilter`; null of merged counts that were
filtered differently, such as those of a text and a word list), `fingerprint` (of the vocabulary),
`sample` (JSON, a list of [number, line]; see `corpora/sample.py`; empty with --no-sample); of word lists
`word_list` ("true"), of what the mended preprocessor read `preprocessor` ("mended"), `text_digest` (of the
counted lines, see `TextDigest`; counts of several corpora have none), of a shard `shard` (JSON, see
`ShardOfCounts`), which the merged counts have no longer. `columns` is the SHA-256 of the four
columns and `digest` that of all other metadata: Parquet's own checksums are of its pages only, not of what
its footer says. Counts of version 0.1.0 have neither of the two, so damage to them may pass.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.defaults import DRAWS
from smaller_labse.corpora.languages import OWN_NAME
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.records.arrow_arrays import arrow_numbers, arrow_texts, numpy_numbers
from smaller_labse.corpora.sample import SampledLine
from smaller_labse.corpora.word_lists import WORD_LIST_ENDINGS
from smaller_labse.originals.digests import DIGEST, digest_of_json
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.originals.tokenizers.wordpiece import differs_by_preprocessor
from smaller_labse.select_vocab.counting.counts import Counts
from smaller_labse.select_vocab.counting.counts_columns import (
    damaged,
    digest_of_columns,
    read_columns,
    read_table,
    require_columns,
    schema,
    total_occurrences,
)
from smaller_labse.select_vocab.counting.shard_of_counts import SHARD, read_shard

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "smaller_labse.counts.1"
METADATA = ("name", "language", "lines", "corpus", "filter", "fingerprint", "sample")
COLUMNS = "columns"  # the digest of the columns
PREPROCESSOR = "preprocessor"
KNOWN = frozenset({"format", *METADATA, "word_list", PREPROCESSOR, "text_digest", SHARD, COLUMNS, DIGEST})
NO_SAMPLE = "[]"
DIFFERENT_FILTERS = "null"
MOST_LINES = 1 << 96  # numbers of lines, see `number_of`


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

    assert counts.lines is not None, "published frequencies are only read"
    seen = np.flatnonzero(counts.occurrences).astype(np.int32)
    metadata = {
        "format": FORMAT,
        "name": counts.name,
        "language": counts.language,
        "lines": str(counts.total_lines),
        "corpus": counts.corpus,
        "filter": DIFFERENT_FILTERS if counts.line_filter is None else counts.line_filter.to_json(),
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
    metadata[COLUMNS] = digest_of_columns(pa.Table.from_arrays(columns, schema=schema()))
    metadata[DIGEST] = digest_of_json(metadata)
    table = pa.Table.from_arrays(columns, schema=schema().with_metadata(metadata))
    with new_file(file, overwrite) as partial:
        pq.write_table(
            table,
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
    table = read_table(file, pieces)
    try:
        total_lines = _non_negative(metadata["lines"])
        occurrences, lines = read_columns(table, pieces, total_lines)
        _require_undamaged(table, metadata)
        return Counts(
            name=metadata["name"],
            language=metadata["language"],
            corpus=_without_folders(metadata["corpus"]),
            line_filter=_read_filter(metadata),
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
        raise damaged(file, error) from None


def preprocessor_of(metadata: Mapping[str, str]) -> str:
    """The preprocessor that counts were made with."""
    return metadata.get(PREPROCESSOR, FAITHFUL)


def _require_undamaged(table: pa.Table, metadata: dict[str, str]) -> None:
    """Compare the columns' digest, where a file has one; a ValueError where it is another."""
    if COLUMNS in metadata and digest_of_columns(table) != metadata[COLUMNS]:
        raise ValueError("its columns do not have their digest")


def _read_filter(metadata: Mapping[str, str]) -> LineFilter | None:
    text = metadata["filter"]
    if text == DIFFERENT_FILTERS and SHARD not in metadata:
        return None
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
    needed = schema().names if COLUMNS in metadata else ["occurrences"]
    table = read_table(file, columns=needed)
    try:
        require_columns(table, needed)
        _require_undamaged(table, metadata)
        counted = numpy_numbers(table["occurrences"])
        if np.any(counted < 1):
            raise ValueError("its occurrences are not all positive")
        return Summary(
            metadata["name"], _non_negative(metadata["lines"]), total_occurrences(counted), len(counted)
        )
    except ValueError as error:
        raise damaged(file, error) from None


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
        raise damaged(file, error) from None
    if metadata.get("format") != FORMAT:
        raise SmallerLabseError(
            f"{file}: its format is {metadata.get('format')!r}, expected {FORMAT!r}; "
            "write it with `select-vocab count`"
        )
    if missing := [key for key in METADATA if key not in metadata]:
        raise damaged(file, ValueError(f"its metadata lacks {', '.join(missing)}"))
    if unknown := sorted(set(metadata) - KNOWN):
        raise damaged(file, ValueError(f"its metadata has {unknown[0]!r}, which is not known"))
    if (COLUMNS in metadata) != (DIGEST in metadata) or (
        DIGEST in metadata and metadata[DIGEST] != digest_of_json(metadata)
    ):
        raise damaged(file, ValueError("its metadata does not have its digest"))
    if not OWN_NAME.fullmatch(metadata["name"]):  # it becomes a file's name
        found = metadata["name"][:80]
        raise damaged(file, ValueError(f"its name is {found!r}, expected letters, digits and -, _, ."))
    return metadata
