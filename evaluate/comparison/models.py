"""The models that a command is to measure, and what to call them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.language_files import expand_user
from smaller_labse.originals.locate import in_runtime
from smaller_labse.originals.tfhub import is_handle


@dataclass(frozen=True)
class NamedModel:
    """A model in a table of results.

    Attributes:
        name: what its rows are called.
        folder: its folder or TF Hub handle, see `smaller_labse.load`.
        file: the ONNX file in the folder that a runtime loads; None where it loads the folder.
    """

    name: str
    folder: str
    file: str | None = None

    @property
    def loaded(self) -> str:
        """What `smaller_labse.load` is given."""
        return self.file or self.folder


def parse_models(models: Iterable[StrPath]) -> list[NamedModel]:
    """Read models as a user writes them: FOLDER, named after its last part, or NAME=FOLDER.

    What is before the first "=" is a name unless it holds a slash: paths and handles may hold "=". What is a
    path already, and no text, has no name before it.

    Raises:
        UsageError: a name or a folder is empty, or two models have one name.

    Example:
        >>> [(model.name, model.folder) for model in parse_models(["LaBSE=models/labse", "models/small/"])]
        [('LaBSE', 'models/labse'), ('small', 'models/small/')]
    """
    return _require_different_names(
        [
            _parse_model(model) if isinstance(model, str) else _name_after_folder(os.fspath(model))
            for model in models
        ]
    )


def in_the_runtime(models: Iterable[NamedModel], runtime: str | None) -> list[NamedModel]:
    """Models as a runtime loads them, see `in_runtime`; their names and folders stay."""
    loaded = ((model, in_runtime(model.folder, runtime)) for model in models)
    return [model if place == model.folder else replace(model, file=place) for model, place in loaded]


def _require_different_names(models: list[NamedModel]) -> list[NamedModel]:
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{names.count(name)} models are called {name!r}; name them apart: NAME=FOLDER")
    return models


def _parse_model(text: str) -> NamedModel:
    name, equals, folder = text.partition("=")
    named = equals and "/" not in name
    # A shell expands ~ where a word begins with it, and not behind the equals sign.
    folder = str(expand_user(folder)) if folder.startswith("~") else folder
    model = NamedModel(name, folder) if named else _name_after_folder(text)
    if not model.name or not model.folder:
        raise UsageError(f"--model {text!r}: expected FOLDER or NAME=FOLDER")
    return model


def _name_after_folder(folder: str) -> NamedModel:
    return NamedModel(folder if is_handle(folder) else Path(folder).resolve().name, folder)
