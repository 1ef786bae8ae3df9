"""Which tensors have one row per token: one answer, for whoever opens an original and for whoever trims it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.huggingface import measure_weights
from smaller_labse.originals.open import open_original
from smaller_labse.originals.weights.safetensors_folder import open_safetensors
from smaller_labse.originals.weights.vocabulary_tensors import find_vocabulary_tensors

TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##a", "##b"]
ROWS, WIDTH = 12, 4  # an embedding matrix may have more rows than the tokenizer has tokens
CONFIG = {"model_type": "bert", "vocab_size": ROWS, "hidden_size": WIDTH}
BODY = "layers.0.mlp.weight"


def write_folder(folder: Path, *matrices: str, **config: object) -> Path:
    """A Hugging Face folder whose weights are the named embedding matrices and one layer."""
    tensors = {name: np.zeros((ROWS, WIDTH), np.float32) for name in matrices}
    save_file(tensors | {BODY: np.zeros((WIDTH, WIDTH), np.float32)}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token in TOKENS))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": False}))
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "embeddings.word_embeddings.weight",
        "word_embedding.weight",
        "model.embed_tokens.weight",
        "embeddings.tok_embeddings.weight",
        "token_embedding.weight",
        "embeddings.token_embeddings.weight",
        "shared.weight",
        "transformer.wte.weight",
        "gpt_neox.embed_in.weight",
    ],
)
def test_what_can_be_trimmed_can_be_opened(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path, name)
    assert find_vocabulary_tensors(open_safetensors(folder), CONFIG).names == (name,)
    opened = open_original(str(folder))
    assert (opened.vocab_size, opened.hidden_size) == (ROWS, WIDTH)
    assert opened.parameters == ROWS * WIDTH + WIDTH * WIDTH


@pytest.mark.parametrize("name", ["position_embeddings.weight", "xshared.weight", "shared.bias", "wte"])
def test_what_has_no_embedding_matrix_can_be_neither_opened_nor_trimmed(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path, name)
    for refused in (
        lambda: find_vocabulary_tensors(open_safetensors(folder), CONFIG),
        lambda: measure_weights(folder),
    ):
        with pytest.raises(SmallerLabseError, match="no embedding matrix under a known name") as error:
            refused()
        assert str(error.value).startswith(str(folder))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"vocab_size": ROWS + 1}, "config.json says 13 tokens, but the embedding matrix has 12 rows"),
        (
            {"vocab_size": None, "text_config": {"vocab_size": ROWS}},
            "no vocab_size in it, so this is no model of text",
        ),
    ],
)
def test_a_config_of_another_vocabulary_is_refused(tmp_path: Path, config: dict, message: str) -> None:
    with pytest.raises(SmallerLabseError, match=message):
        measure_weights(write_folder(tmp_path, "wte.weight", **config))
