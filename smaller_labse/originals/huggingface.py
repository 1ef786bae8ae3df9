"""Originals from Hugging Face: a local folder, or a hub id that is fetched and cached."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object, read_object_if_there
from smaller_labse.common.progress import announce
from smaller_labse.originals.weights.safetensors_folder import open_safetensors
from smaller_labse.originals.weights.vocabulary_tensors import find_embedding_matrices

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
CONFIG = "config.json"
SENTENCE_TRANSFORMERS = "config_sentence_transformers.json"
# Only what is read: configs, tokenizers, safetensors. No pickled weights, no code.
FETCHED = ("*.json", "*.txt", "*.model", "*.safetensors", "README.md", "LICENSE*")
NOT_FETCHED = ("onnx/*", "openvino/*", "coreml/*")


@dataclass(frozen=True)
class HuggingFaceFolder:
    """An original's Hugging Face folder.

    Attributes:
        name: what the user called it.
        folder: where it is.
        hub_id: its id on the hub, where it was fetched from there; None for a local folder.
        onnx: the ONNX file that it is loaded by; None for its weights.
    """

    name: str
    folder: Path
    hub_id: str | None = None
    onnx: Path | None = None


@dataclass(frozen=True)
class Config:
    """What counting, selecting and loading ask of a `config.json`, whatever the architecture."""

    model_type: str | None = None
    tokenizer_class: str | None = None
    vocab_size: int | None = None
    text_config: TextConfig | None = None
    max_position_embeddings: int | None = None


@dataclass(frozen=True)
class TextConfig:
    """The part of a `config.json` that is about text, of a model that reads pictures, too."""

    vocab_size: int | None = None


@dataclass(frozen=True)
class Prompts:
    """What `config_sentence_transformers.json` says of prompts.

    Attributes:
        prompts: name → what goes before a text.
        default_prompt_name: the name of the one that is taken if nobody says otherwise; None for none.
    """

    prompts: Mapping[str, str | None] | None = None
    default_prompt_name: str | None = None


def read_config(folder: Path) -> Config:
    """What a folder's `config.json` says, as far as it is asked for here; all of it unsaid without one.

    Raises:
        SmallerLabseError: it is not readable, or says something of another kind.
    """
    return read_checked(Config, read_object_if_there(folder / CONFIG), folder / CONFIG, more=True)


def locate_huggingface(model: str) -> HuggingFaceFolder | None:
    """Find a Hugging Face original; None where `model` is none, but perhaps a TF Hub one.

    Args:
        model: a folder with a `config.json`, or a hub id such as "intfloat/multilingual-e5-small".

    Raises:
        SmallerLabseError: the hub id cannot be fetched.
    """
    path = Path(model)
    if (path / CONFIG).is_file():
        return HuggingFaceFolder(model, path)
    if not is_hub_id(model):
        return None
    return HuggingFaceFolder(model, _fetch(model), hub_id=model)


def is_hub_id(model: str) -> bool:
    """Whether a model is one of the hub, and no path of this machine."""
    return not Path(model).exists() and bool(HUB_ID.fullmatch(model)) and not model.startswith(".")


def _fetch(hub_id: str) -> Path:
    import huggingface_hub

    huggingface_hub.logging.set_verbosity_error()
    announce(f"fetching {hub_id} from the Hugging Face hub, or from what is kept of it")
    try:
        folder = huggingface_hub.snapshot_download(
            hub_id, allow_patterns=list(FETCHED), ignore_patterns=list(NOT_FETCHED)
        )
    except Exception as error:
        # The hub's client raises what its transport raised, beside errors of its own.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise SmallerLabseError(
            f"{hub_id}: no such folder here, and not to be fetched from the Hugging Face hub ({reason}); "
            "check the name and the network, or give a local folder"
        ) from error
    if not (Path(folder) / CONFIG).is_file():
        raise SmallerLabseError(f"{hub_id}: no {CONFIG} in it, so it is no Hugging Face model")
    return Path(folder)


def read_prompts(folder: Path) -> dict[str, str]:
    """The texts that the model wants before sentences, by name, e.g. "query" → "query: ".

    Raises:
        SmallerLabseError: the file that may name them is not readable, or they are no texts.
    """
    prompts = read_prompt_settings(folder).prompts or {}
    return {name: text for name, text in prompts.items() if text}


def read_prompt_settings(folder: Path) -> Prompts:
    """What a folder says of prompts; for errors see `read_prompts`."""
    file = folder / SENTENCE_TRANSFORMERS
    return read_checked(Prompts, read_object_if_there(file), file, more=True)


def measure_weights(folder: Path) -> tuple[int, int, int]:
    """The embedding matrix's rows and width, and the number of all parameters, from the headers.

    Raises:
        SmallerLabseError: there are no readable safetensors weights, or no embedding matrix in them, or the
            config says another vocabulary size.
    """
    weights = open_safetensors(folder)
    rows, width = find_embedding_matrices(weights)[0].shape
    config = read_config(folder)
    said = config.vocab_size
    if config.text_config is not None and "vocab_size" not in read_object(folder / CONFIG):
        said = config.text_config.vocab_size
    if said is None:
        raise SmallerLabseError(f"{folder / CONFIG}: no vocab_size in it, so this is no model of text")
    if said != rows:
        raise SmallerLabseError(
            f"{folder}: config.json says {said:,} tokens, but the embedding matrix has {rows:,} rows; "
            "they do not belong together"
        )
    return rows, width, weights.parameters
