"""A sentence-transformers folder: what it says beside its weights, pooling, sequence length, prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_array, read_object_if_there, write_json
from smaller_labse.encoders.config import Activation, Dense, Pooling, PoolingMode
from smaller_labse.originals.huggingface import (
    CONFIG,
    SENTENCE_TRANSFORMERS,
    read_prompt_settings,
    read_prompts,
)
from smaller_labse.originals.tokenizers.tokenizer_files import read_tokenizer_settings

MODES: Mapping[str, PoolingMode] = {"cls": "cls", "mean": "mean", "cls_token": "cls", "mean_tokens": "mean"}
ACTIVATIONS: Mapping[str, Activation] = {
    "Tanh": "tanh",
    "Identity": "identity",
    "Hardswish": "hardswish",
    "GLU": "glu",
}
MODULES = "modules.json"
LIMITS = "sentence_bert_config.json"
LONGEST_PATH = 200  # characters, of a module
DEFAULT_PROMPT = "default"  # the name of a prompt that the folder did not have


@dataclass(frozen=True)
class Module:
    """A step from tokens to an embedding, as `modules.json` lists them.

    Attributes:
        type: the name of its class, e.g. "sentence_transformers.models.Pooling".
        path: of its folder in the model's; "" for the model's own.
    """

    type: str
    path: str = ""

    @property
    def kind(self) -> str:
        """The class without its package, e.g. "Pooling"."""
        return self.type.rsplit(".", 1)[-1]


@dataclass(frozen=True)
class _Modules:
    modules: tuple[Module, ...]


@dataclass(frozen=True)
class _PoolingConfig:
    """What the `config.json` of a Pooling module says; older ones have a `pooling_mode_…` for each mode."""

    pooling_mode: str | tuple[str, ...] | None = None
    include_prompt: bool | None = None


@dataclass(frozen=True)
class _DenseConfig:
    in_features: int
    out_features: int
    activation_function: str


@dataclass(frozen=True)
class _Limits:
    max_seq_length: float | None = None


@dataclass(frozen=True)
class SentenceTransformersFolder:
    """What the folder says.

    Attributes:
        pooling: from the tokens' outputs to an embedding; None where there is no `modules.json`.
        dense_folders: the folders of the dense layers' weights, in order.
        sequence_length: the longest input in tokens; None where nobody says.
    """

    pooling: Pooling | None
    dense_folders: tuple[Path, ...]
    sequence_length: int | None


def read_sentence_transformers(folder: Path) -> SentenceTransformersFolder:
    """Read the side files of a Hugging Face folder.

    Raises:
        SmallerLabseError: a file is damaged, or names a module that is not rebuilt in TensorFlow.
    """
    pooling: Pooling | None = None
    dense_folders: tuple[Path, ...] = ()
    if (folder / MODULES).is_file():
        pooling, dense_folders = _read_modules(folder)
    return SentenceTransformersFolder(
        pooling=pooling,
        dense_folders=dense_folders,
        sequence_length=read_sequence_length(folder),
    )


def read_default_prompt(folder: Path) -> str:
    """What goes before every sentence if nobody says otherwise, whatever the folder's modules are.

    Raises:
        SmallerLabseError: the file that may say it is not readable, or names a prompt that it does not have.
    """
    name = read_prompt_settings(folder).default_prompt_name
    if name is not None and name not in (read_prompt_settings(folder).prompts or {}):
        raise SmallerLabseError(
            f"{folder / SENTENCE_TRANSFORMERS}: default_prompt_name is {name!r}, which its prompts do not "
            "have; name one of them, or null for none"
        )
    return read_prompts(folder).get(name or "", "")


def write_default_prompt(folder: Path, prompt: str) -> None:
    """Let a folder say what goes before every sentence, "" for nothing.

    Its other prompts stay, but for one that is called "default" where `prompt` is none of them.
    sentence-transformers reads it where there is a `modules.json`, and nowhere else.
    """
    settings = read_object_if_there(folder / SENTENCE_TRANSFORMERS)
    prompts = dict(read_prompt_settings(folder).prompts or {})
    name = next((name for name, text in prompts.items() if text == prompt), DEFAULT_PROMPT)
    prompts |= {name: prompt} if prompt else {}
    default = {"prompts": prompts, "default_prompt_name": name if prompt else None}
    write_json(folder / SENTENCE_TRANSFORMERS, settings | default)


def pools_without_prompt(folder: Path) -> bool:
    """Whether a folder's pooling leaves the prompt's tokens out, as that of INSTRUCTOR's models does."""
    pooling = [module for module in read_modules(folder) if module.kind.endswith("Pooling")]
    configs = [_read_pooling(module_folder(folder, module)) for module in pooling]
    return any(config.include_prompt is False for config in configs)


def read_modules(folder: Path) -> tuple[Module, ...]:
    """The modules of a folder, in order; none where there is no `modules.json`.

    Raises:
        SmallerLabseError: it is not readable, does not list modules, or a path leads out of the folder.
    """
    file = folder / MODULES
    if not file.is_file():
        return ()
    content = {"modules": read_array(file)}
    modules = read_checked(_Modules, content, file, more=True).modules
    for module in modules:
        module_folder(folder, module)
    return modules


def _read_modules(folder: Path) -> tuple[Pooling, tuple[Path, ...]]:
    mode: PoolingMode | None = None
    dense: list[Dense] = []
    dense_folders: list[Path] = []
    normalize = False
    for number, module in enumerate(read_modules(folder)):
        kind = module.kind
        place = module_folder(folder, module)
        after_normalize = normalize and kind != "Normalize"
        if kind == "Transformer" and number == 0:
            continue
        if kind == "Pooling" and mode is None and not dense and not after_normalize:
            mode = _pooling_mode(place)
        elif kind == "Dense" and mode is not None and not after_normalize:
            dense.append(_read_dense(place))
            dense_folders.append(place)
        elif kind == "Normalize" and mode is not None:
            normalize = True
        else:
            raise SmallerLabseError(
                f"{folder / MODULES}: the module {module.type} at place {number} is not rebuilt in "
                "TensorFlow (which Transformer, Pooling, Dense, Normalize are, in this order); "
                "add --no-savedmodel to trim the Hugging Face folder only"
            )
    if mode is None:
        raise SmallerLabseError(f"{folder / MODULES}: no Pooling module, expected one after the Transformer")
    return Pooling(mode, tuple(dense), normalize), tuple(dense_folders)


def _pooling_mode(folder: Path) -> PoolingMode:
    said = _read_pooling(folder).pooling_mode  # sentence-transformers 6 writes it so
    chosen = (said,) if isinstance(said, str) else said
    if chosen is None:
        config, prefix = read_object_if_there(folder / CONFIG), "pooling_mode_"
        chosen = tuple(
            name[len(prefix) :] for name, on in config.items() if name.startswith(prefix) and on is True
        )
    if len(chosen) != 1 or chosen[0] not in MODES:
        raise SmallerLabseError(
            f"{folder / CONFIG}: pools by {', '.join(chosen) or 'nothing'}, expected cls or mean; "
            "add --no-savedmodel to trim the Hugging Face folder only"
        )
    return MODES[chosen[0]]


def _read_dense(folder: Path) -> Dense:
    file = folder / CONFIG
    config = read_checked(_DenseConfig, read_object_if_there(file), file, more=True)
    activation = ACTIVATIONS.get(config.activation_function.rsplit(".", 1)[-1])
    if activation is None:
        raise SmallerLabseError(
            f"{file}: the activation {config.activation_function}, expected {', '.join(ACTIVATIONS)}; "
            "add --no-savedmodel to trim the Hugging Face folder only"
        )
    if min(config.in_features, config.out_features) < 1:
        raise SmallerLabseError(
            f"{file}: from {config.in_features:,} to {config.out_features:,} features, expected one or more; "
            "get it again"
        )
    return Dense(config.in_features, config.out_features, activation)


def _read_pooling(folder: Path) -> _PoolingConfig:
    return read_checked(_PoolingConfig, read_object_if_there(folder / CONFIG), folder / CONFIG, more=True)


def read_sequence_length(folder: Path) -> int | None:
    """The longest input in tokens, as a folder's files say it; None where none does.

    Raises:
        SmallerLabseError: a file that might say it is not readable.
    """
    limits = read_checked(_Limits, read_object_if_there(folder / LIMITS), folder / LIMITS, more=True)
    for length in (limits.max_seq_length, read_tokenizer_settings(folder).model_max_length):
        # transformers writes an enormous number for "no limit".
        if length is not None and 2 < length < 1_000_000:
            return int(length)
    return None


def module_folder(folder: Path, module: Module) -> Path:
    """A module's folder, which must not lead out of the model's.

    Raises:
        SmallerLabseError: it does, or its path is none.
    """
    path = PurePosixPath(module.path)
    if path.is_absolute() or ".." in path.parts or "\\" in module.path:
        raise SmallerLabseError(f"{folder / MODULES}: the path {module.path!r} leads out of the folder")
    if len(module.path) > LONGEST_PATH or not (module.path.isprintable()):
        raise SmallerLabseError(f"{folder / MODULES}: {module.path[:60]!r} is no path; get it again")
    return folder / path
