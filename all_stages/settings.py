"""The settings of a run of all stages: from the command line, Python or a TOML file, and back into one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from smaller_labse.common.arguments import (
    check,
    date,
    megabytes,
    non_negative_integer,
    positive_integer,
    share,
    size_or_percentage,
)
from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.command_parser import did_you_mean
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_text
from smaller_labse.corpora.languages import read_names
from smaller_labse.corpora.sources import WIKIPEDIA_DATE
from smaller_labse.originals.onnx_formats import parse_formats
from smaller_labse.select_vocab.choosing.file_sizes import SAFETENSORS, require_file_format

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

TEXT = (*("text", "dataset", "dataset_config", "dataset_split", "text_field", "wikipedia", "wikipedia_date"),)
COUNTING = (*TEXT, "max_lines", "draw", "sample", "preprocessor")
SELECTING = (
    *("vocab_size", "max_megabytes", "format", "coverage", "keep", "fill_up", "round_to"),
    *("sample", "preprocessor"),
)
MAKING = ("onnx", "prompt", "license", "preprocessor")
CHECKED: Mapping[str, Callable[[str], object]] = {
    "wikipedia_date": date,
    "max_lines": non_negative_integer,
    "vocab_size": size_or_percentage,
    "max_megabytes": megabytes,
    "coverage": share,
    "round_to": positive_integer,
}
SEVERAL = ("languages", "text", "keep", "onnx", "parallel")  # one or more, in a list


@dataclass(frozen=True)
class Settings:
    """What a run of all stages is to do; each is the argument of this name of `count`, `select` and so on.

    Attributes:
        model: the original.
        out: the model's folder.
        languages: names of languages; a list in a file has been read.
        tatoeba: a folder of Tatoeba's files, to measure what was lost with.
        parallel: pairs of files to measure with, "XX=FILE,YY=FILE" each.
    """

    model: str
    out: str
    languages: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    dataset: str | None = None
    dataset_config: str | None = None
    dataset_split: str | None = None
    text_field: str | None = None
    wikipedia: str | None = None
    wikipedia_date: str | None = None
    max_lines: int | None = None
    draw: str | None = None
    sample: bool = True
    preprocessor: str | None = None
    vocab_size: str | None = None
    max_megabytes: str | None = None
    format: str | None = None
    coverage: str | None = None
    keep: tuple[str, ...] = ()
    fill_up: bool = False
    round_to: int | None = None
    onnx: tuple[str, ...] = ()
    prompt: str | None = None
    license: str | None = None
    tatoeba: str | None = None
    parallel: tuple[str, ...] = ()

    def given(self, names: Iterable[str]) -> dict[str, Any]:
        """Those of these arguments that are not left to the verb's own default."""
        defaults = {field.name: field.default for field in fields(self)}
        return {name: getattr(self, name) for name in names if getattr(self, name) != defaults[name]}


@dataclass(frozen=True)
class _Written:
    """What a file may hold: the same, less strict."""

    model: str | None = None
    out: str | None = None
    languages: str | tuple[str, ...] | None = None
    text: str | tuple[str, ...] | Mapping[str, str | tuple[str, ...]] | None = None
    dataset: str | None = None
    dataset_config: str | None = None
    dataset_split: str | None = None
    text_field: str | None = None
    wikipedia: str | None = None
    wikipedia_date: str | int | None = None
    max_lines: int | None = None
    draw: str | None = None
    sample: bool | None = None
    preprocessor: str | None = None
    vocab_size: str | int | None = None
    max_megabytes: str | int | float | None = None
    format: str | None = None
    coverage: str | float | None = None
    keep: str | tuple[str, ...] | None = None
    fill_up: bool | None = None
    round_to: int | None = None
    onnx: str | tuple[str, ...] | None = None
    prompt: str | None = None
    license: str | None = None
    tatoeba: str | None = None
    parallel: str | tuple[str, ...] | None = None


def read_run(file: Path) -> dict[str, Any]:
    """What a TOML file says of a run; its names are the options', with - or _ between words.

    Raises:
        SmallerLabseError: it cannot be read, is no TOML, or says something that no option is.
    """
    try:
        content = tomllib.loads(read_text(file))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise SmallerLabseError(
            f"{file}: no TOML ({reason}); write lines such as languages = 'en,fr'"
        ) from None
    named = {name.replace("-", "_"): value for name, value in content.items()}
    known = [field.name for field in fields(Settings)]
    for name in named:
        if name not in known:
            raise UsageError(f"{file}: there is no setting {name!r}{did_you_mean(name, known)}")
    written = read_checked(_Written, named, file, advice="write it as on the command line")
    return {name: getattr(written, name) for name in named}


def resolve(given: Mapping[str, Any]) -> Settings:
    """Settings with all that is implied: lists of languages are read, the format and the dump are named.

    Args:
        given: by name, as Python's callers, the command line or a file give them; None for what is not given.

    Raises:
        UsageError: something is missing, or two things contradict each other.
    """
    said = {name: value for name, value in given.items() if value is not None}
    for name in ("model", "out"):
        if not said.get(name):
            raise UsageError(f"--{name} is missing: give it, or a file that says it with --run")
    values: dict[str, Any] = {}
    for name, value in said.items():
        if name == "languages":
            values[name] = tuple(read_names(value))
        elif name == "onnx":
            values[name] = tuple(each.name for each in parse_formats(value))
        elif name == "text":
            values[name] = _texts(value)
        elif name in SEVERAL:
            values[name] = tuple(map(os.fspath, [value] if isinstance(value, str | os.PathLike) else value))
        elif isinstance(value, bool) or name in ("max_lines", "round_to"):
            values[name] = value
        else:
            values[name] = os.fspath(value) if isinstance(value, os.PathLike) else str(value)
    for name, read in CHECKED.items():
        if name in values:
            check(name, read, values[name])
    settings = Settings(**values)
    _require_one_size(settings)
    more: dict[str, str] = {}
    if settings.max_megabytes is not None and settings.format is None:
        more["format"] = _only_format(settings.onnx)
    if settings.wikipedia or settings.wikipedia_date or not (settings.text or settings.dataset):
        more["wikipedia_date"] = settings.wikipedia_date or WIKIPEDIA_DATE
    return Settings(**{**values, **more})


def to_toml(settings: Settings) -> str:
    """Settings as a file that `read_run` reads; those that are left to the stages are not in it."""
    names = [field.name for field in fields(settings) if field.default is not MISSING]
    said = {"model": settings.model, "out": settings.out, **settings.given(names)}
    return "".join(f"{name} = {_toml(value)}\n" for name, value in said.items())


def _require_one_size(settings: Settings) -> None:
    sizes = {
        f"--{name.replace('_', '-')}": getattr(settings, name)
        for name in ("vocab_size", "max_megabytes", "coverage")
    }
    chosen = [name for name, value in sizes.items() if value is not None]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other; choose one")
    if settings.max_megabytes is None:
        require_file_format(settings.format, False)
    elif settings.format is not None:
        require_file_format(settings.format, True)
    if settings.format not in (None, SAFETENSORS, *settings.onnx):
        raise UsageError(f"--format {settings.format}: no such file is written; add it to --onnx")


def _only_format(onnx: tuple[str, ...]) -> str:
    if len(onnx) > 1:
        raise UsageError(
            f"--max-megabytes: of which file, {', '.join(onnx)} or {SAFETENSORS}? Say it with --format"
        )
    return onnx[0] if onnx else SAFETENSORS


def _texts(text: Any) -> tuple[str, ...]:
    """As the command takes it: LANGUAGE=PATH, or a path with {code}."""
    if isinstance(text, str | os.PathLike):
        return (os.fspath(text),)
    if not isinstance(text, Mapping):
        return tuple(map(os.fspath, text))
    return tuple(
        f"{language}={os.fspath(path)}"
        for language, paths in text.items()
        for path in ([paths] if isinstance(paths, str | os.PathLike) else paths)
    )


def _toml(value: object) -> str:
    """A value as TOML writes it; its texts in quotation marks are JSON's, but for one character."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
