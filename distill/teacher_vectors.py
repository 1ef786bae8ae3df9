"""A teacher's vectors: its embeddings of texts, computed once and kept as float16 in a `.npy` file.

The file's name holds a digest of the teacher's files, its prompt and the texts, so that other texts, or
another teacher, are never taken for these. They are computed in parts of `PART_TEXTS` texts, each written
when it is whole: a run that was interrupted goes on after the last one, to the same bytes. Embeddings have
length 1: the objectives ask only where they point, and float16 then suffices (its step is 5e-4 at 1). Texts
are truncated at `MAX_LENGTH` tokens, as they are where a student is trained.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import announce, progress
from smaller_labse.common.visible_text import visible
from smaller_labse.distill.training_arguments import MAX_LENGTH
from smaller_labse.originals.digests import digest_of_json, digests_of_files
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.locate import Place, folders_of, locate_encoder
from smaller_labse.originals.onnx_formats import FOLDER as ONNX

FORMAT = "smaller_labse.teacher_vectors.2"
PART_TEXTS = 8192  # what a kill costs at most; as many as a sentence encoder tokenizes at a time
PARTS, NPY = ".parts", ".npy"
DIGITS = 16  # of the digest, in the file's name
CHECKED_ROWS = 65536


def teacher_vectors(
    teacher: StrPath,
    texts: Sequence[str],
    folder: Path,
    prompt: str,
    device: str | None = None,
) -> np.ndarray:
    """The teacher's embeddings of texts, from what is kept in a folder, or computed and kept there.

    Args:
        teacher: any model that `smaller_labse.load` takes.
        texts: the texts; whoever has equal ones gives them once.
        folder: where the vectors are kept; it is made if need be.
        prompt: what goes before every text, see `teacher_prompt`; "" for nothing.
        device: where they are computed, see `smaller_labse.load`.

    Returns:
        float16 [texts, the teacher's embedding size], at length 1, mapped from the file and not read.

    Raises:
        SmallerLabseError: there is no such teacher, an embedding holds NaN, or the disk is full.

    Example:
        vectors = teacher_vectors("intfloat/multilingual-e5-small", english, Path("work/teacher"), "query: ")
    """
    place = locate_encoder(os.fspath(teacher))
    file = folder / f"{_digest(place, prompt, texts)}.npy"
    parts = file.with_suffix(PARTS)
    if not file.exists():
        parts.mkdir(parents=True, exist_ok=True)
        _compute_parts(teacher, prompt, texts, parts, device)
        _join(parts, len(texts), file)
    shutil.rmtree(parts, ignore_errors=True)
    return read_vectors(file, len(texts))


def teacher_targets(
    teacher: StrPath, folder: Path, prompt: str, device: str | None
) -> Callable[[list[str]], np.ndarray]:
    """`teacher_vectors` of texts that are not known yet: different texts → their vectors."""
    return lambda texts: teacher_vectors(teacher, texts, folder, prompt, device)


def require_teacher(teacher: StrPath, device: str | None) -> bool:
    """See, before anything is read, that a teacher is there; whether it is a `.npy` file.

    Raises:
        UsageError: a device is named that is not there, or that a file does not need.
        SmallerLabseError: there is no such teacher.
    """
    by_file = os.fspath(teacher).endswith(NPY)
    if not by_file:
        from smaller_labse.encoders.load import require_loadable

        require_loadable(teacher, device)
    elif device is not None:
        raise UsageError(f"--device says where a teacher computes; {os.fspath(teacher)} is a file of vectors")
    else:
        _require_file(Path(teacher))
    return by_file


def read_vectors(file: Path, texts: int) -> np.ndarray:
    """Map a `.npy` file with an embedding for each text: ours, or anybody's.

    Args:
        file: float16, float32 or float64 [texts, embedding size].
        texts: how many rows are expected.

    Returns:
        The array, mapped from the file; of any length, as the file has them.

    Raises:
        SmallerLabseError: it is no such file, has another number of rows, or holds NaN, infinity or a row of
            zeros, which points nowhere.
    """
    _require_file(file)
    try:
        vectors = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError):
        raise SmallerLabseError(f"{file}: no readable .npy file; write it with numpy.save") from None
    expected = f"expected floats of the shape [{texts:,}, embedding size]"
    if not isinstance(vectors, np.ndarray) or vectors.ndim != 2 or vectors.dtype.kind != "f":
        raise SmallerLabseError(f"{file}: no matrix of floats, {expected}")
    if len(vectors) != texts or not vectors.shape[1]:
        raise SmallerLabseError(f"{file}: an array of the shape {list(vectors.shape)}, {expected}")
    for start in range(0, texts, CHECKED_ROWS):
        rows = np.asarray(vectors[start : start + CHECKED_ROWS], np.float32)
        wrong = np.flatnonzero(~np.isfinite(rows).all(axis=1) | ~rows.any(axis=1))
        if len(wrong):
            raise SmallerLabseError(
                f"{file}: row {start + wrong[0]} holds NaN or infinity, or zeros only; compute it again"
            )
    return vectors


def vectors_of_file(file: Path, texts: Sequence[str]) -> Callable[[list[str]], np.ndarray]:
    """Somebody's vectors by text: different texts → their rows; of equal texts, the first one's.

    Args:
        file: see `read_vectors`.
        texts: whose rows these are, in the same order.

    Raises:
        SmallerLabseError: as `read_vectors` does.
    """
    vectors = read_vectors(file, len(texts))
    rows: dict[str, int] = {}
    for row, text in enumerate(texts):
        rows.setdefault(text, row)
    return lambda different: vectors[[rows[text] for text in different]]


def digests_of_model(place: Place) -> dict[str, str]:
    """SHA-256 of each file that a model may be loaded by, by its place; not of its card and ONNX files."""
    files = {
        f"{number}/{path.relative_to(folder).as_posix()}": path
        for number, folder in enumerate(folders_of(place))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and _is_loaded(path.relative_to(folder))
    }
    onnx = place.onnx if isinstance(place, HuggingFaceFolder) else None
    return digests_of_files(files if onnx is None else {**files, "onnx": onnx})


def _is_loaded(path: Path) -> bool:
    return path.suffix != ".md" and path.parts[0] != ONNX and not any(part[0] == "." for part in path.parts)


def _require_file(file: Path) -> None:
    if not file.is_file():
        raise SmallerLabseError(f"{file}: there is no such file of vectors")


def _digest(place: Place, prompt: str, texts: Sequence[str]) -> str:
    """What the vectors depend on, in hexadecimal digits."""
    text = hashlib.sha256()
    for each in texts:  # a text may hold line feeds, so its length stands before it
        encoded = each.encode()
        text.update(len(encoded).to_bytes(8, "little") + encoded)
    described = {
        "format": FORMAT,
        "teacher": digests_of_model(place),
        "prompt": prompt,
        "max_length": MAX_LENGTH,
        "texts": text.hexdigest(),
    }
    return digest_of_json(described)[:DIGITS]


def _compute_parts(
    teacher: StrPath, prompt: str, texts: Sequence[str], parts: Path, device: str | None
) -> None:
    """Compute and write the parts that are not there yet."""
    missing = [(file, start) for file, start in _parts(parts, len(texts)) if not file.exists()]
    if not missing:
        return
    from smaller_labse.encoders.load import load

    announce(f"loading the teacher {os.fspath(teacher)}")
    encoder = load(teacher, prompt=prompt, device=device)
    length = min(MAX_LENGTH, encoder.sequence_length)
    done = len(texts) - sum(min(PART_TEXTS, len(texts) - start) for _, start in missing)
    # Two loadings of a model may differ in the last bits, unless its graphs run as they stand.
    with encoder.exact(), progress("embedding with the teacher", len(texts), "texts") as advance:
        advance.begin_at(done)
        for file, start in missing:
            part = texts[start : start + PART_TEXTS]
            vectors = encoder.encode(part, True, length, advance).astype(np.float16)
            _require_vectors(teacher, part, vectors)
            with new_file(file) as partial, partial.open("wb") as stream:
                np.save(stream, vectors, allow_pickle=False)


def _require_vectors(teacher: StrPath, texts: Sequence[str], vectors: np.ndarray) -> None:
    wrong = np.flatnonzero(~np.isfinite(vectors).all(axis=1) | ~vectors.any(axis=1))
    if len(wrong):
        text = visible(texts[wrong[0]][:40])
        raise SmallerLabseError(
            f"{os.fspath(teacher)}: the teacher's embedding of {text!r} holds NaN or infinity, or zeros "
            "only; choose another teacher"
        )


def _join(parts: Path, texts: int, file: Path) -> None:
    """Write one file of all parts."""
    read = [np.load(part, mmap_mode="r", allow_pickle=False) for part, _ in _parts(parts, texts)]
    with new_file(file) as partial, partial.open("wb") as stream:
        header = {"descr": "<f2", "fortran_order": False, "shape": (texts, read[0].shape[1])}
        np.lib.format.write_array_header_1_0(stream, header)
        for part in read:
            stream.write(np.ascontiguousarray(part, "<f2").data)


def _parts(parts: Path, texts: int) -> Iterator[tuple[Path, int]]:
    for number, start in enumerate(range(0, texts, PART_TEXTS)):
        yield parts / f"{number:06}.npy", start
