"""What other runtimes look up in a Hugging Face folder beside an ONNX file; what is missing is written.

transformers.js and fastembed truncate at `model_max_length` and pad with `pad_token`, both of
`tokenizer_config.json`, and know neither of sentence-transformers' files; fastembed refuses a folder without
them. transformers.js looks for a file of numbers beside the graph where `config.json` says that there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.json_files import read_object, read_object_if_there, write_json
from smaller_labse.encoders.networks.onnx_network import open_fast_tokenizer
from smaller_labse.encoders.onnx.model_file import DATA_SUFFIX
from smaller_labse.make_smaller.onnx.files import OnnxFile
from smaller_labse.originals.huggingface import CONFIG
from smaller_labse.originals.onnx_formats import FORMATS
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_CONFIG

IN_BROWSERS = "transformers.js_config"
OUTSIDE = "use_external_data_format"  # file → how many files of numbers it has
OURS = ("model", *(each.file for each in FORMATS.values()))  # "model" stands for all of them


def complete_settings(huggingface: Path, written: Sequence[OnnxFile]) -> tuple[Path, ...]:
    """Write what other runtimes need and the folder does not say; what it says otherwise stays.

    Args:
        huggingface: the folder.
        written: its ONNX files.

    Returns:
        The files that were written anew.

    Raises:
        SmallerLabseError: a file cannot be read.
    """
    if not written:
        return ()
    config = read_object(huggingface / CONFIG)
    files = [huggingface / each.file for each in written]
    outside = {file.name: 1 for file in files if file.with_name(file.name + DATA_SUFFIX).is_file()}
    settings = read_object_if_there(huggingface / TOKENIZER_CONFIG)
    completed = {
        TOKENIZER_CONFIG: (settings, _with_length(settings, written[0].sequence_length)),
        CONFIG: (config, _with_outside(config, outside)),
    }
    if "pad_token" not in settings:
        # Attention hides it, so that any token will do.
        pad = open_fast_tokenizer(huggingface).id_to_token(config.get("pad_token_id") or 0)
        completed[TOKENIZER_CONFIG][1]["pad_token"] = pad
    changed = {name: new for name, (old, new) in completed.items() if new != old}
    for name, content in changed.items():
        with new_file(huggingface / name, overwrite=True) as partial:
            write_json(partial, content)
    return tuple(huggingface / name for name in changed)


def _with_length(settings: dict[str, Any], length: int) -> dict[str, Any]:
    """Settings by which no text is longer than the model was verified for."""
    said = settings.get("model_max_length")
    fits = isinstance(said, int) and 0 < said <= length
    return {**settings} if fits else settings | {"model_max_length": length}


def _with_outside(config: dict[str, Any], outside: dict[str, int]) -> dict[str, Any]:
    """A config that says which of our ONNX files have numbers outside; what it says of others stays."""
    said = config.get(IN_BROWSERS)
    said = said if isinstance(said, dict) else {}
    files = said.get(OUTSIDE)
    if not files and not outside:
        return config
    others = files.items() if isinstance(files, dict) else ()  # a single number is of every file
    kept = {name: number for name, number in others if name not in OURS}
    rest = {key: value for key, value in said.items() if key != OUTSIDE}
    return config | {IN_BROWSERS: rest | ({OUTSIDE: kept | outside} if kept or outside else {})}
