"""An original is one type, wherever it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tfhub import TFHubFolders
from smaller_labse.originals.tokenizers.vocabulary import write_pieces

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]
ROWS, HIDDEN_SIZE = 8, 4  # two rows more than tokens, as padding


def test_a_tf_hub_original(example: Path) -> None:
    original = open_original(str(example))
    assert original.place == TFHubFolders(str(example), example / "encoder", example / "preprocess")
    assert original.vocab_size == len(original.tokenizer.pieces)
    assert original.parameters > original.vocab_size * original.hidden_size
    assert (original.prompts, original.tokenizer.without_embedding) == ((), ())


def test_a_hugging_face_original(tmp_path: Path) -> None:
    write_pieces(PIECES, tmp_path / "vocab.txt")
    config = {"model_type": "bert", "vocab_size": ROWS, "hidden_size": HIDDEN_SIZE}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "a: "}}))
    tensors = {
        "embeddings.word_embeddings.weight": np.zeros((ROWS, HIDDEN_SIZE), np.float32),
        "pooler.dense.bias": np.zeros(HIDDEN_SIZE, np.float32),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    original = open_original(str(tmp_path))
    assert original.place == HuggingFaceFolder(str(tmp_path), tmp_path)
    assert (original.vocab_size, original.hidden_size) == (ROWS, HIDDEN_SIZE)
    assert original.parameters == ROWS * HIDDEN_SIZE + HIDDEN_SIZE
    assert original.tokenizer.pieces == PIECES
    assert original.prompts == ("a: ",)
