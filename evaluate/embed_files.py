"""Files of texts to a file of embeddings, of any length: no more than some thousand texts are in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np

from smaller_labse.common.arguments import check, length_in_tokens
from smaller_labse.common.atomic_output import new_file, require_absent, require_not_read
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import announce, progress
from smaller_labse.corpora.defaults import TEXT_FIELD
from smaller_labse.corpora.records.file_records import has_fields, read_records
from smaller_labse.corpora.text_files import find_text_files, require_fields
from smaller_labse.originals.locate import in_runtime, locate_encoder
from smaller_labse.originals.positions import require_positions

NULLS = ("refuse", "nan")


@dataclass(frozen=True)
class Embedded:
    """Embeddings that were written.

    Attributes:
        file: where, in NumPy's format: float32 [texts, embedding size].
        texts: how many.
        embedding_size: of an embedding, in components.
        nulls: how many of the texts are null, and their rows NaN.
        prompt: what was put before every text.
        computed_by: what computed them, and on how many threads; "" where the library decides.
    """

    file: Path
    texts: int
    embedding_size: int
    nulls: int = 0
    prompt: str = ""
    computed_by: str = ""


def embed_files(
    model: str,
    files: Sequence[Path],
    out: Path,
    normalize: bool = False,
    max_length: int | None = None,
    prompt: str | None = None,
    text_field: str | None = None,
    overwrite: bool = False,
    nulls: str = "refuse",
    device: str | None = None,
    batch_size: int | None = None,
    runtime: str | None = None,
) -> Embedded:
    """Encode every record of some files, in order, empty ones too, into one `.npy` file: a row for each.

    Args:
        model: see `smaller_labse.load`.
        files: text files with one text per line, or `.jsonl`, `.csv`, `.tsv`, `.parquet` with one per record,
            which may hold line feeds; compressed ones, folders of them.
        out: the file to write; it appears whole or not at all. `numpy.load(out, mmap_mode="r")` reads it
            without loading it.
        normalize: scale every embedding to length 1.
        max_length: where texts are truncated, in tokens; see `SentenceEncoder.encode`.
        prompt: what goes before every text; None for the model's own.
        text_field: the field or column that holds text; None for "text".
        overwrite: replace an earlier file.
        nulls: what to do with a record whose text is null: "refuse" it, or "nan" for a row of NaN.
        device: where it is computed, "cpu", "gpu" or "gpu:1"; None for a GPU where there is one.
        batch_size: how many texts are computed at a time; see `SentenceEncoder.encode`.
        runtime: "onnx" or "tensorflow"; see `smaller_labse.load`.

    Raises:
        UsageError: `out` is one of the files or lies in the model, `text_field` is given and no file has any
            field, or `nulls` is something else.
        SmallerLabseError: a file cannot be read, a text is null, there is no text, or `out` exists.
    """
    if max_length is not None:
        max_length = check("max_length", length_in_tokens, max_length)
    if nulls not in NULLS:
        raise UsageError(f"nulls: expected {' or '.join(map(repr, NULLS))}, got {nulls!r}")
    require_absent(out, overwrite)
    found = [file for path in files for file in find_text_files(path, text_field is not None)]
    require_not_read(out, [*found, Path(model)])
    require_fields(found, text_field)
    if nulls != NULLS[0] and not any(map(has_fields, found)):
        raise UsageError(f"--nulls {nulls}: {found[0]} is plain text, of which no line is null; leave it out")
    null_rows: deque[int] = deque()
    texts = _read_texts(found, text_field or TEXT_FIELD, null_rows if nulls == "nan" else None)
    first = next(texts, None)  # what is wrong with the text is better known before a model is loaded
    if first is None:
        raise SmallerLabseError(f"{', '.join(map(str, files))}: no line of text in it")
    model = in_runtime(model, runtime)
    require_positions(locate_encoder(model), max_length, "--max-length")
    announce(f"loading {model}")
    from smaller_labse.encoders.load import load

    encoder = load(model, prompt=prompt, device=device)
    with new_file(out, overwrite) as partial, progress("encoding", None, "texts") as advance:
        parts = encoder.encode_parts(chain([first], texts), normalize, max_length, advance, batch_size)
        blank = _BlankRows(null_rows)
        with partial.open("wb") as stream:
            rows = _write_npy(stream, map(blank, parts), encoder.embedding_size)
    return Embedded(out, rows, encoder.embedding_size, blank.blanked, encoder.prompt, encoder.computed_by)


def _read_texts(files: Iterable[Path], text_field: str, null_rows: deque[int] | None) -> Iterator[str]:
    """The text of each record; where it is null, an empty one, whose place among all goes into `null_rows`.

    Raises:
        SmallerLabseError: a text is null, and there is no `null_rows`.
    """
    row = 0
    for file in files:
        for number, text in enumerate(read_records(file, text_field), start=1):
            if text is None:
                if null_rows is None:
                    raise SmallerLabseError(
                        f"{file}: record {number} has no text ({text_field!r} is null); put some there, "
                        "or add --nulls nan for a row of NaN"
                    )
                null_rows.append(row)
            yield text or ""
            row += 1


class _BlankRows:
    """Writes NaN over the rows of texts that are null, part by part.

    Attributes:
        blanked: how many rows so far.
    """

    def __init__(self, null_rows: deque[int]) -> None:
        self.blanked = 0
        self._null_rows = null_rows
        self._first = 0  # the next part's first row

    def __call__(self, part: np.ndarray) -> np.ndarray:
        end = self._first + len(part)
        while self._null_rows and self._null_rows[0] < end:
            part[self._null_rows.popleft() - self._first] = np.nan
            self.blanked += 1
        self._first = end
        return part


def _write_npy(stream: BinaryIO, parts: Iterable[np.ndarray], width: int) -> int:
    """Write float32 [n, embedding size] parts as one array, whose height is known only at the end."""
    rows = 0
    _write_header(stream, rows, width)
    start = stream.tell()
    for part in parts:
        stream.write(np.ascontiguousarray(part, "<f4").data)
        rows += len(part)
    stream.seek(0)
    _write_header(stream, rows, width)
    if stream.tell() != start:  # NumPy leaves room in the header for the first axis to grow
        raise SmallerLabseError(f"{rows:,} rows are too many for NumPy's format")
    return rows


def _write_header(stream: BinaryIO, rows: int, width: int) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (rows, width)}
    np.lib.format.write_array_header_1_0(stream, header)
