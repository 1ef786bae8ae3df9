"""What a model's `tokenizer.json` takes alone: memory, and time to load it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.evaluate.comparison.own_process import in_own_process
from smaller_labse.evaluate.comparison.process_memory import resident_bytes


@dataclass(frozen=True)
class TokenizerCost:
    """What a tokenizer takes.

    Attributes:
        bytes: by which a process grows when it loads it.
        seconds: wall time of loading it, its library imported.
    """

    bytes: int
    seconds: float


def measure_tokenizer(model: str) -> TokenizerCost | None:
    """Load a model's `tokenizer.json` in a process of its own, as the library tokenizers reads it.

    Args:
        model: a folder or handle; see `smaller_labse.load`.

    Returns:
        None where the model has none: SavedModels have their tokenizer in the graph.

    Raises:
        SmallerLabseError: there is no such model, or the tokenizer cannot be read.
    """
    from smaller_labse.originals.huggingface import HuggingFaceFolder
    from smaller_labse.originals.locate import locate_encoder
    from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON

    place = locate_encoder(model)
    if not isinstance(place, HuggingFaceFolder) or not (place.folder / TOKENIZER_JSON).is_file():
        return None
    return in_own_process(model, load_and_measure, place.folder)


def load_and_measure(folder: Path) -> TokenizerCost:
    """As `measure_tokenizer`, in this process: memory that was freed before is used again."""
    import tokenizers  # noqa: F401 - importing it is not measured

    from smaller_labse.encoders.networks.onnx_network import open_fast_tokenizer

    before, started = resident_bytes(), time.monotonic()
    tokenizer = open_fast_tokenizer(folder)
    cost = TokenizerCost(resident_bytes() - before, time.monotonic() - started)
    del tokenizer  # it was there until memory was read
    return cost
