"""A model's folder: what its parts are called, and its manifest.

    encoder/        SavedModel: token ids -> embeddings
    preprocess/     SavedModel: strings -> token ids
    sentences/      of LEALLA alone, SavedModel: strings -> embeddings
    huggingface/    config, safetensors, tokenizer
    README.md       model card
    manifest.json   what the model was made from, and every file with its size

`make-smaller` writes such folders; everything else reads them, by `locate.py`. A TF Hub original has the
first two only; a model made from Hugging Face may have the third only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object_if_there

ENCODER = "encoder"
PREPROCESS = "preprocess"
SENTENCES = "sentences"
HUGGINGFACE = "huggingface"
FROM_TFHUB, FROM_HUGGINGFACE = "tfhub", "huggingface"  # the manifest's original/format
MANIFEST = "manifest.json"
MODEL_CARD = "README.md"
OURS = "smaller_labse.model."
FORMAT = f"{OURS}1"  # of the manifest


@dataclass(frozen=True)
class _Original:
    format: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True)
class _Coverage:
    coverage: float | None = None


@dataclass(frozen=True)
class _Manifest:
    """What is asked of a manifest, by whoever reads a model's folder."""

    original: _Original = _Original()
    prompt: str | None = None
    dtype: str | None = None
    coverage: tuple[_Coverage, ...] | None = None
    files: Mapping[str, int] | None = None
    sha256: Mapping[str, str] | None = None
    digest: str | None = None


def read_manifest(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The content of a model folder's manifest; {} where there is none of ours, as in originals.

    Raises:
        SmallerLabseError: it is not readable, not a JSON object, or says something of another kind.
    """
    file = Path(folder) / MANIFEST
    content = read_object_if_there(file)
    said = content.get("format", FORMAT)
    if isinstance(said, str) and not said.startswith(OURS):
        return {}
    said_of_it = read_checked(_Manifest, content, file, more=True)
    for language in said_of_it.coverage or ():
        if language.coverage is not None and not 0 <= language.coverage <= 1:
            raise SmallerLabseError(
                f"{file}: a language's coverage is {language.coverage}, expected 0 to 1; get it again"
            )
    return content


def manifest_around(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """The manifest of the model folder that a folder is, or whose `encoder/` or `huggingface/` it is; or {}.

    Raises:
        SmallerLabseError: see `read_manifest`.
    """
    path = Path(folder)
    path = path.absolute() if path.name else path.resolve()
    return read_manifest(path) or (read_manifest(path.parent) if path.name in (ENCODER, HUGGINGFACE) else {})
