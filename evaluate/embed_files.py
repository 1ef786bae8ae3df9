"""Files of texts to a file of embeddings, of any length: no more than some thousand texts are in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from smaller_labse.common.atomic_output import new_file, require_absent
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import progress
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.corpora.text_files import read_lines


@dataclass(frozen=True)
class Embedded:
    """Embeddings that were written.

    Attributes:
        file: where, in NumPy's format: float32 [texts, width].
        texts: how many.
        width: of an embedding.
    """

    file: Path
    texts: int
    width: int


def embed_files(
    model: str,
    files: Sequence[Path],
    out: Path,
    normalize: bool = False,
    max_length: int | None = None,
    prompt: str | None = None,
    text_field: str = "text",
    overwrite: bool = False,
) -> Embedded:
    """Encode every line of some files, in order, empty ones too, into one `.npy` file.

    Args:
        model: see `smaller_labse.evaluate.load`.
        files: text files, one text a line, or `.jsonl`, `.parquet`, compressed ones, folders of them.
        out: the file to write; it appears whole or not at all. `numpy.load(out, mmap_mode="r")` reads it
            without loading it.
        normalize: scale every embedding to length 1.
        max_length: pieces a text; see `SentenceEncoder.encode`.
        prompt: what goes before every text; None for the model's own.
        text_field: the field of a `.jsonl` record, or the column of a `.parquet` file, that holds text.
        overwrite: replace an earlier file.

    Raises:
        SmallerLabseError: a file cannot be read or there is no text, or `out` exists.
    """
    require_absent(out, overwrite)
    lines = (line for file in files for line in read_lines(file, text_field))
    first = next(lines, None)  # what is wrong with the text is better known before a model is loaded
    if first is None:
        raise SmallerLabseError(f"{', '.join(map(str, files))}: no line of text in it")
    import_tensorflow_quietly()
    from smaller_labse.encoders.load import load

    encoder = load(model, prompt=prompt)
    with new_file(out, overwrite) as partial, progress("encoding", None, "texts") as advance:
        parts = encoder.encode_parts(_chain(first, lines), normalize, max_length, advance)
        with partial.open("wb") as stream:
            texts = _write_npy(stream, parts, encoder.embedding_size)
    return Embedded(out, texts, encoder.embedding_size)


def _chain(first: str, others: Iterable[str]) -> Iterator[str]:
    yield first
    yield from others


def _write_npy(stream: BinaryIO, parts: Iterable[np.ndarray], width: int) -> int:
    """Write float32 [n, width] parts as one array, whose height is known only at the end."""
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
