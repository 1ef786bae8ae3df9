"""Cached gradients are those of the whole batch, whatever the chunks, and so is the training step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from smaller_labse.distill.objectives.loss import Loss
from smaller_labse.distill.training.cached_gradients import CachedGradients
from smaller_labse.distill.training.gradients import Embed, Gradient, PlainGradients
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.make_smaller.example import random_tensors
from tests.conftest import CONFIG, PIECES

# Of very different lengths, with a sentence and a translation that come twice.
TEXTS = [
    "good morning",
    "the house",
    "good morning",
    "x",
    "a b c d e f g",
    "morning",
    "house xy",
    "ni",
    "x",
    "z",
]
IDS = np.array([[0, 1, 0, 2, 3], [0, 1, 2, 3, 2]], np.int32)
SIZE = CONFIG.hidden_size


@pytest.fixture(scope="module")
def student(tmp_path_factory: pytest.TempPathFactory) -> tuple[Embed, list[tf.Variable], tf.RaggedTensor]:
    """How it embeds, all of its variables, and the tokens of `TEXTS`."""
    from smaller_labse.encoders.bert import Encoder
    from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor

    vocabulary: Path = tmp_path_factory.mktemp("student") / "vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in PIECES), encoding="utf-8", newline="\n")
    config = replace(CONFIG, num_hidden_layers=1)
    encoder, preprocess = Encoder(config, random_tensors(config), vocabulary), BertPreprocessor(vocabulary)

    def embed(tokens: tf.RaggedTensor) -> tf.Tensor:
        length = tf.cast(tf.reduce_max(tokens.row_lengths()), tf.int32) + 2
        return encoder(preprocess.bert_pack_inputs([tokens], seq_length=length))["default"]

    tokens = preprocess.tokenize(tf.constant(TEXTS)).merge_dims(1, -1)
    return embed, list(encoder.weights.values()), tokens


def as_one(gradients: list[Gradient]) -> np.ndarray:
    return np.concatenate([np.ravel(tf.convert_to_tensor(gradient)) for gradient in gradients])


def test_they_are_the_whole_batchs(student) -> None:
    embed, variables, tokens = student
    targets = tf.constant(np.random.default_rng(0).normal(size=(len(TEXTS), SIZE)), tf.float32)
    loss, batch = Loss(10, 1, 0.5, 1), (tokens, targets, IDS, targets[::-1] + 1)
    expected_parts, whole = PlainGradients(embed, variables, loss, SIZE)(*batch)
    assert len(expected_parts) == 4
    expected = as_one(whole)
    for chunk_texts in (3, len(TEXTS)):
        parts, found = CachedGradients(embed, variables, loss, SIZE, chunk_texts)(*batch)
        np.testing.assert_allclose(parts, expected_parts, rtol=1e-6)
        difference = np.linalg.norm(as_one(found) - expected)
        assert difference <= 1e-6 * np.linalg.norm(expected) < 1, f"in chunks of {chunk_texts}"
        (matrix,) = (place for place, variable in enumerate(variables) if WORD_EMBEDDINGS in variable.name)
        assert isinstance(found[matrix], tf.IndexedSlices), "rows that no text has take no memory"
