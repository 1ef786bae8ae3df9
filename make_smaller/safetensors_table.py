"""The table of word embeddings in a safetensors file, without reading the file."""

from __future__ import annotations

from pathlib import Path

from smaller_labse.make_smaller.safetensors_file import read_safetensors
from smaller_labse.select_vocab.tensor_bundle import StoredTensor

NAME = "embeddings.word_embeddings.weight"


def find_word_embeddings(file: Path) -> StoredTensor:
    """Where the table lies, float32 [rows, width], in a file that `huggingface.write_huggingface` wrote."""
    return read_safetensors(file).tensors[NAME].stored
