"""Promise 7: a text's vector does not depend on the texts beside it in a batch, to 1e-6 of its length.

What is left is the rounding of float32: a matrix product adds up in another order for another batch size.
"""

from __future__ import annotations

import numpy as np
import pytest

import smaller_labse
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from tests.conftest import LANGUAGES

TEXTS = ["", "a", *(text for code in LANGUAGES for text in builtin_sentences()[code])]
LONG = " ".join(TEXTS) * 3  # more than any model takes
TOLERANCE = 1e-6


def batches() -> list[list[int]]:
    """The same texts, by number, in batches of several sizes and orders; -1 is the long one."""
    everything = list(range(len(TEXTS)))
    shuffled = np.random.default_rng(0).permutation(len(TEXTS)).tolist()
    return [
        everything,
        everything[::-1],
        shuffled,
        *([number, -1] for number in everything),
        [0] * 9 + [-1, 5],
    ]


def assert_own(alone: np.ndarray, encode) -> None:
    for batch in batches():
        found = encode([LONG if number < 0 else TEXTS[number] for number in batch])
        for number, vector in zip(batch, found, strict=True):
            if number >= 0:
                difference = np.abs(vector - alone[number]).max() / np.linalg.norm(alone[number])
                assert difference <= TOLERANCE, TEXTS[number]


@pytest.mark.parametrize("part", ["", "huggingface"])
@pytest.mark.parametrize("normalize", [False, True])
def test_encode_gives_each_text_its_own_vector(trimmed, part, normalize):
    encoder = smaller_labse.load(trimmed.model / part)
    alone = np.concatenate([encoder.encode([text], normalize=normalize) for text in TEXTS])
    assert_own(alone, lambda texts: encoder.encode(texts, normalize=normalize))
    assert np.abs(alone[3] - alone[9]).max() > 0.01  # and not all the same


def test_the_saved_models_give_each_text_its_own_vector(trimmed):
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 - registers the preprocessor's ops

    preprocess = tf.saved_model.load(str(trimmed.model / "preprocess"))
    encoder = tf.saved_model.load(str(trimmed.model / "encoder"))

    def encode(texts: list[str]) -> np.ndarray:
        return encoder(preprocess(tf.constant(texts)))["default"].numpy()

    assert_own(np.concatenate([encode([text]) for text in TEXTS]), encode)
