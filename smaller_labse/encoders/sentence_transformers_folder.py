"""A sentence-transformers folder: what it says beside its weights, pooling, sequence length, prompts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_array, read_object_if_there, write_json
from smaller_labse.encoders.config import Activation, Dense, Pooling, PoolingMode
from smaller_labse.originals.huggingface import CONFIG, SENTENCE_TRANSFORMERS, read_prompts

MODES: Mapping[str, PoolingMode] = {"cls": "cls", "mean": "mean", "cls_token": "cls", "mean_tokens": "mean"}
ACTIVATIONS: Mapping[str, Activation] = {"Tanh": "tanh", "Identity": "identity"}
MODULES = "modules.json"
DEFAULT_PROMPT = "default"  # the name of a prompt that the folder did not have


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
        sequence_length=_sequence_length(folder),
    )


def read_default_prompt(folder: Path) -> str:
    """What goes before every sentence if nobody says otherwise, whatever the folder's modules are."""
    name = read_object_if_there(folder / SENTENCE_TRANSFORMERS).get("default_prompt_name")
    return read_prompts(folder).get(name or "", "")


def write_default_prompt(folder: Path, prompt: str) -> None:
    """Let a folder say what goes before every sentence, "" for nothing.

    Its other prompts stay, but for one that is called "default" where `prompt` is none of them.
    sentence-transformers reads it where there is a `modules.json`, and nowhere else.
    """
    settings = read_object_if_there(folder / SENTENCE_TRANSFORMERS)
    prompts = dict(settings.get("prompts") or {})
    name = next((name for name, text in prompts.items() if text == prompt), DEFAULT_PROMPT)
    prompts |= {name: prompt} if prompt else {}
    default = {"prompts": prompts, "default_prompt_name": name if prompt else None}
    write_json(folder / SENTENCE_TRANSFORMERS, settings | default)


def pools_without_prompt(folder: Path) -> bool:
    """Whether a folder's pooling leaves the prompt's tokens out, as that of INSTRUCTOR's models does."""
    if not (folder / MODULES).is_file():
        return False
    modules = [module for module in read_array(folder / MODULES) if str(module["type"]).endswith("Pooling")]
    configs = [read_object_if_there(module_folder(folder, module["path"]) / CONFIG) for module in modules]
    return any(config.get("include_prompt") is False for config in configs)


def _read_modules(folder: Path) -> tuple[Pooling, tuple[Path, ...]]:
    modules = read_array(folder / MODULES)
    mode: PoolingMode | None = None
    dense: list[Dense] = []
    dense_folders: list[Path] = []
    normalize = False
    for number, module in enumerate(modules):
        kind = str(module["type"]).rsplit(".", 1)[-1]
        place = module_folder(folder, module["path"])
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
                f"{folder / MODULES}: the module {module['type']} at place {number} is not rebuilt in "
                "TensorFlow (which Transformer, Pooling, Dense, Normalize are, in this order); "
                "add --no-savedmodel to trim the Hugging Face folder only"
            )
    if mode is None:
        raise SmallerLabseError(f"{folder / MODULES}: no Pooling module, expected one after the Transformer")
    return Pooling(mode, tuple(dense), normalize), tuple(dense_folders)


def _pooling_mode(folder: Path) -> PoolingMode:
    config = read_object_if_there(folder / CONFIG)
    if "pooling_mode" in config:  # sentence-transformers 6 writes it so
        chosen = config["pooling_mode"]
        chosen = [chosen] if isinstance(chosen, str) else list(chosen)
    else:
        prefix = "pooling_mode_"
        chosen = [
            name[len(prefix) :] for name, on in config.items() if name.startswith(prefix) and on is True
        ]
    if len(chosen) != 1 or chosen[0] not in MODES:
        raise SmallerLabseError(
            f"{folder / 'config.json'}: pools by {', '.join(map(str, chosen)) or 'nothing'}, expected cls "
            "or mean; add --no-savedmodel to trim the Hugging Face folder only"
        )
    return MODES[chosen[0]]


def _read_dense(folder: Path) -> Dense:
    config = read_object_if_there(folder / CONFIG)
    activation = ACTIVATIONS.get(str(config.get("activation_function", "")).rsplit(".", 1)[-1])
    if activation is None:
        raise SmallerLabseError(
            f"{folder / 'config.json'}: the activation {config.get('activation_function')}, expected Tanh or "
            "Identity; add --no-savedmodel to trim the Hugging Face folder only"
        )
    return Dense(int(config["in_features"]), int(config["out_features"]), activation)


def _sequence_length(folder: Path) -> int | None:
    for file, key in (
        ("sentence_bert_config.json", "max_seq_length"),
        ("tokenizer_config.json", "model_max_length"),
    ):
        length = read_object_if_there(folder / file).get(key)
        # transformers writes an enormous number for "no limit".
        if isinstance(length, int | float) and 2 < length < 1_000_000:
            return int(length)
    return None


def module_folder(folder: Path, path: str) -> Path:
    """A module's folder, which must not lead out of the model's."""
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
        raise SmallerLabseError(f"{folder / MODULES}: the path {path!r} leads out of the folder")
    return folder / path
