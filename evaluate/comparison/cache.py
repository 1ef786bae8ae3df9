"""Results that are kept, so that nothing is measured twice.

They are kept under the digests of the model's files and of the tasks' data, and under the versions of what
computes them, so that adding a model or a task does not measure the others again, and changing a file does.
What is kept has a digest, too: where it is damaged, it is measured again.
"""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b, sha256
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import numpy as np

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.provenance import used_versions
from smaller_labse.evaluate.comparison.results import Measured, ModelSize, TokenizedTexts
from smaller_labse.metrics.scores import Score

FORMAT = "smaller_labse.measured.5"  # since 4 with a digest, since 5 with times; of single tasks, too
READ_BYTES = 1 << 20
DIGEST_BYTES = 32  # of SHA-256

Kept = TypeVar("Kept")


def require_cache(folder: Path) -> None:
    """Refuse a place in which no results can be kept, before any are measured.

    Raises:
        SmallerLabseError: it is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise SmallerLabseError(f"{folder}: a file, expected a folder where results are kept")


def cache_key(*parts: str | None) -> str:
    """What a result is kept under: a digest of all that it depends on, and of the format it is kept in."""
    versions = sorted(used_versions().items())
    return blake2b(repr((FORMAT, versions, *parts)).encode(), digest_size=16).hexdigest()


def digest_files(files: Mapping[str, Path]) -> str:
    """A digest of the files' places and bytes.

    Args:
        files: place within the model → file, as from `model_files`.
    """
    digest = blake2b(digest_size=16)
    for place, file in files.items():
        digest.update(f"{place}\n{file.stat().st_size}\n".encode())
        with file.open("rb") as stream:
            while block := stream.read(READ_BYTES):
                digest.update(block)
    return digest.hexdigest()


def read_measured(file: Path, model: NamedModel) -> Measured | None:
    """What was measured of a model; None where nothing is kept, or what is there is damaged."""

    def read(arrays: np.lib.npyio.NpzFile) -> Measured:
        described = json.loads(str(arrays["measured"]))
        tokenized = {
            language: TokenizedTexts(arrays[f"ids_{number}"], arrays[f"lengths_{number}"])
            for number, language in enumerate(described["languages"])
        }
        scores = tuple(_join_scores(described["scores"], arrays))
        size = ModelSize(**described["size"])
        return Measured(model, size, tuple(described["vocabulary"]), scores, tokenized, described["prompt"])

    return _load(file, read)


def write_measured(file: Path, measured: Measured) -> None:
    """Keep what was measured of a model."""
    arrays = _item_arrays(measured.scores)
    for number, texts in enumerate(measured.tokenized.values()):
        arrays |= {f"ids_{number}": texts.ids, f"lengths_{number}": texts.lengths}
    described = {
        "size": asdict(measured.size),
        "vocabulary": measured.vocabulary,
        "languages": list(measured.tokenized),
        "prompt": measured.prompt,
        "scores": _describe(measured.scores),
    }
    _save(file, {"measured": json.dumps(described), **arrays})


def read_scores(file: Path) -> list[Score] | None:
    """A model's scores on one task; None where nothing is kept, or what is there is damaged."""
    return _load(file, lambda arrays: _join_scores(json.loads(str(arrays["scores"])), arrays))


def write_scores(file: Path, scores: Sequence[Score]) -> None:
    """Keep a model's scores on one task."""
    _save(file, {"scores": json.dumps(_describe(scores)), **_item_arrays(scores)})


def _describe(scores: Sequence[Score]) -> list[list[str]]:
    return [[score.task, score.part, score.metric, score.sample] for score in scores]


def _item_arrays(scores: Sequence[Score]) -> dict[str, np.ndarray]:
    return {f"items_{number}": score.items for number, score in enumerate(scores)}


def _join_scores(described: list[list[str]], arrays: np.lib.npyio.NpzFile) -> list[Score]:
    return [
        Score(task, part, metric, arrays[f"items_{number}"], sample)
        for number, (task, part, metric, sample) in enumerate(described)
    ]


def _load(file: Path, read: Callable[[np.lib.npyio.NpzFile], Kept]) -> Kept | None:
    try:
        data = file.read_bytes()
        content, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
        if sha256(content).digest() != digest:
            return None  # then it is measured again
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return read(arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error):
        return None


def _save(file: Path, arrays: Mapping[str, Any]) -> None:
    """Write NumPy's .npz with the SHA-256 of its bytes behind it."""
    with io.BytesIO() as content:
        np.savez_compressed(content, **arrays)
        data = content.getvalue()
    with new_file(file, overwrite=True) as partial:
        partial.write_bytes(data + sha256(data).digest())
