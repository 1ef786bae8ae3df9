"""The table of word embeddings in a safetensors file, without reading the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from smaller_labse.select_vocab.tensor_bundle import StoredTensor

NAME = "embeddings.word_embeddings.weight"


def find_word_embeddings(file: Path) -> StoredTensor:
    """Where the table lies, float32 [rows, width].

    For the format see `huggingface.write_safetensors`, which wrote the file.
    """
    with file.open("rb") as stream:
        header_bytes = int.from_bytes(stream.read(8), "little")
        entry = json.loads(stream.read(header_bytes))[NAME]
    offset = 8 + header_bytes + entry["data_offsets"][0]
    return StoredTensor(file, offset, np.dtype("<f4"), tuple(entry["shape"]))
