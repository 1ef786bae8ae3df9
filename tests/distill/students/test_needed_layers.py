"""The layers that a student keeps are those that the embeddings of texts need most."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.distill.students.layers import keep_layers
from smaller_labse.distill.students.needed_layers import needed_layers
from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.networks.tensorflow_network import TensorFlowNetwork
from smaller_labse.encoders.preprocessors.preprocessor import build_preprocessor
from smaller_labse.encoders.sentence_encoder import SentenceEncoder
from smaller_labse.make_smaller.example import random_tensors
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from tests.conftest import CONFIG, PIECES

FOUR = replace(CONFIG, num_hidden_layers=4)
TEXTS = ["good morning", "the red house", "night", "xy the good night house", "morning morning"]


@dataclass
class Model:
    """What of a student the choice of layers reads."""

    tokenizer: WordPiece
    config = FOUR
    sequence_length = 12
    prompt = ""
    idle: int | None = None  # a layer that does nothing

    def read_tensor(self, name: str) -> np.ndarray:
        values = random_tensors(FOUR)(name)
        if name.startswith(f"transformer/layer_{self.idle}/"):
            if "attention_output" in name or "/output/" in name:
                return np.zeros_like(values)
            if name.endswith(("gamma", "beta")):
                return np.full_like(values, name.endswith("gamma"))
        # Of normalized numbers the normalization of a layer that adds nothing is those numbers.
        if name.endswith(("gamma", "beta")):
            return np.full_like(values, name.endswith("gamma"))
        return values


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory) -> WordPiece:
    file = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    file.write_text("".join(f"{piece}\n" for piece in PIECES), encoding="utf-8", newline="\n")
    return WordPiece(file)


@pytest.mark.parametrize("idle", range(4))
def test_a_layer_that_does_nothing_is_spared_first(vocabulary: WordPiece, idle: int) -> None:
    kept = needed_layers(Model(vocabulary, idle), TEXTS, 3)
    assert kept == tuple(layer for layer in range(4) if layer != idle)


def test_each_time_the_embeddings_change_least(vocabulary: WordPiece, tmp_path: Path) -> None:
    model = Model(vocabulary)

    def embed(kept: tuple[int, ...]) -> np.ndarray:
        setup = vocabulary.write_for_tensorflow(tmp_path)
        preprocess = build_preprocessor(setup, model.sequence_length)
        encoder = Encoder(*keep_layers(FOUR, model.read_tensor, kept), setup.file)
        network = TensorFlowNetwork("model", preprocess, encoder, vocabulary.pieces)
        embeddings = SentenceEncoder("model", network, "").encode(TEXTS, True)
        centered = embeddings - embeddings.mean(axis=0)
        return centered / np.linalg.norm(centered, axis=1, keepdims=True)

    whole, kept = embed((0, 1, 2, 3)), (0, 1, 2, 3)
    while len(kept) > 1:
        kept = max(combinations(kept, len(kept) - 1), key=lambda fewer: np.sum(embed(fewer) * whole))
        assert needed_layers(model, TEXTS, len(kept)) == kept
