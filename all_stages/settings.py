"""The settings of a run of all stages: from the command line, Python or a TOML file, and back into one."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, make_dataclass
from pathlib import Path
from typing import Any

from smaller_labse.all_stages.stage_options import OPTIONS, SIZES
from smaller_labse.common.arguments import check
from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.command_parser import did_you_mean
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.json_files import read_text
from smaller_labse.corpora.defaults import WIKIPEDIA_DATE
from smaller_labse.corpora.languages import read_names
from smaller_labse.options.option import Option
from smaller_labse.originals.onnx_formats import parse_formats
from smaller_labse.select_vocab.choosing.file_sizes import SAFETENSORS, require_file_format

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True)
class Settings:
    """What a run of all stages is to do: the options of `stage_options.py`, read to plain data.

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

    def given(self, options: Iterable[Option]) -> dict[str, Any]:
        """Those of these options' arguments that are not left to the verb's own default."""
        defaults = {field.name: field.default for field in fields(self)}
        names = [each.name for each in options]
        return {name: getattr(self, name) for name in names if getattr(self, name) != defaults[name]}


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
    for name in named:
        if name not in OPTIONS:
            raise UsageError(f"{file}: there is no setting {name!r}{did_you_mean(name, OPTIONS)}")
    kind = make_dataclass("Written", [(name, _type_in_file(OPTIONS[name])) for name in named])
    written = dict(vars(read_checked(kind, named, file, advice="write it as on the command line")))
    for name, value in written.items():
        if (read := OPTIONS[name].read) is not None:
            check(f"{file}: {name}", read, value)
    return written


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
    values = {name: _plain(OPTIONS[name], value) for name, value in said.items()}
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
    others = [OPTIONS[field.name] for field in fields(settings) if field.default is not MISSING]
    said = {"model": settings.model, "out": settings.out, **settings.given(others)}
    return "".join(f"{name} = {_toml(value)}\n" for name, value in said.items())


def _require_one_size(settings: Settings) -> None:
    chosen = [each.flags[0] for each in SIZES if getattr(settings, each.name) is not None]
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


def _plain(option: Option, value: Any) -> Any:
    """A value as `Settings` has it."""
    if option.name == "languages":
        return tuple(read_names(value))
    if option.name == "onnx":
        return tuple(each.name for each in parse_formats(value))
    if option.name == "text":
        return _texts(value)
    if option.takes_several:
        return tuple(map(os.fspath, [value] if isinstance(value, str | os.PathLike) else value))
    if option.read is not None:
        return check(option.name, option.read, value)
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _type_in_file(option: Option) -> Any:
    """Of which type a value may be in a file."""
    if option.is_switch:
        return bool
    if option.read is not None:
        return str | int | float
    if option.name == "text":
        return str | tuple[str, ...] | Mapping[str, str | tuple[str, ...]]
    if option.takes_several or option.name in ("languages", "onnx"):
        return str | tuple[str, ...]
    return str


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
