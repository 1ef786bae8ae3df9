"""Originals from Hugging Face: a local folder, or a hub id that is fetched and cached."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

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
    """

    name: str
    folder: Path
    hub_id: str | None = None


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
    """The texts that the model wants before sentences, by name, e.g. "query" → "query: "."""
    prompts = read_object_if_there(folder / SENTENCE_TRANSFORMERS).get("prompts") or {}
    return {name: text for name, text in prompts.items() if isinstance(text, str) and text}


def measure_weights(folder: Path) -> tuple[int, int, int]:
    """The embedding matrix's rows and width, and the number of all parameters, from the headers.

    Raises:
        SmallerLabseError: there are no readable safetensors weights, or no embedding matrix in them, or the
            config says another vocabulary size.
    """
    weights = open_safetensors(folder)
    rows, width = find_embedding_matrices(weights)[0].shape
    config = read_object(folder / CONFIG)
    said = config.get("vocab_size", (config.get("text_config") or {}).get("vocab_size"))
    if said is None:
        raise SmallerLabseError(f"{folder / CONFIG}: no vocab_size in it, so this is no model of text")
    if said != rows:
        raise SmallerLabseError(
            f"{folder}: config.json says {said:,} tokens, but the embedding matrix has {rows:,} rows; "
            "they do not belong together"
        )
    return rows, width, weights.parameters
