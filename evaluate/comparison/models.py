"""The models that a command is to measure, and what to call them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.errors import UsageError

MANIFEST = "manifest.json"  # in a model's folder, if `make-smaller` wrote it


@dataclass(frozen=True)
class NamedModel:
    """A model in a table of results.

    Attributes:
        name: what its rows are called.
        folder: its folder or TF Hub handle, see `smaller_labse.evaluate.load`.
    """

    name: str
    folder: str


def parse_models(texts: Sequence[str]) -> list[NamedModel]:
    """Read models as a user writes them: FOLDER, named after its last part, or NAME=FOLDER.

    What stands before the first "=" is a name unless it holds a slash: paths and handles may hold "=".

    Raises:
        UsageError: a name or a folder is empty, or two models have one name.
    """
    models = [_parse_model(text) for text in texts]
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{names.count(name)} models are called {name!r}; name them apart: NAME=FOLDER")
    return models


def _parse_model(text: str) -> NamedModel:
    name, equals, folder = text.partition("=")
    if not equals or "/" in name:
        name, folder = (text if "://" in text else Path(text).resolve().name), text
    if not name or not folder:
        raise UsageError(f"--model {text!r}: expected FOLDER or NAME=FOLDER")
    return NamedModel(name, folder)
