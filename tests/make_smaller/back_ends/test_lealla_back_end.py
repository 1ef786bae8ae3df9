"""LEALLA trimmed: the same embeddings, by every way in which users of LEALLA call it; trimmed again; loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.lealla_weights import read_weights
from smaller_labse.make_smaller.back_ends.back_end import Options
from smaller_labse.make_smaller.back_ends.lealla_back_end import LEALLABackEnd
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.select_vocab.selection import Selection

TEXTS = [
    *(text for code in ("en", "fr", "ja", "th") for text in builtin_sentences()[code]),
    "2 3 ami\u00a0! 猫が、カナ😀 ¡x! a\tb ##1 1 . 2",
    "a, " * 200,
    "",
]


class Trimmed(NamedTuple):
    """An original, the tokens of it that were kept, and the model of these."""

    original: Path
    selection: Selection
    model: Path


@pytest.fixture(scope="module")
def trimmed(shared, tmp_path_factory) -> Trimmed:
    original, folder = shared / "lealla_format", tmp_path_factory.mktemp("lealla")
    (folder / "text.txt").write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    counts = smaller_labse.count(
        original, text={"en": folder / "text.txt"}, longer_than=0, out=folder / "counts"
    )
    selection = smaller_labse.select(original, counts, coverage="1", out=folder / "selection")
    model = smaller_labse.make_smaller(original, selection, out=folder / "model", license="apache-2.0")
    assert model.verification.embedded == 32 and model.verification.largest_difference <= 1e-5
    assert model.parameters == model.original_parameters - (15_020 - len(selection.subset)) * 64
    return Trimmed(original, selection, model.folder)


@pytest.fixture(scope="module")
def expected(trimmed) -> np.ndarray:
    """What the original's own graph says of TEXTS."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 - registers the graph's operations

    original = tf.saved_model.load(str(trimmed.original / "encoder"))
    return original.signatures["default"](tf.constant(TEXTS))["default"].numpy()


def test_it_is_called_as_lealla_is_and_says_the_same(trimmed, expected):
    """By `hub.load`, by `hub.KerasLayer`, and by its signature; the parts are compared in the verification."""
    import tensorflow as tf
    import tensorflow_hub as hub

    texts = tf.constant(TEXTS)
    model = hub.load(str(trimmed.model / "sentences"))
    signature = model.signatures["default"]
    layer = hub.KerasLayer(model)
    for found in (
        model(texts),
        layer(texts),
        signature(texts)["default"],
        signature(default=texts)["default"],
    ):
        assert np.abs(found.numpy() - expected).max() <= 1e-5
    assert np.abs(np.linalg.norm(expected, axis=1) - 1).max() <= 1e-5


def test_original_and_smaller_model_are_loaded_and_differ_on_lost_tokens_alone(trimmed, expected):
    texts = [*TEXTS, "Привет, как дела?"]
    original, smaller = (
        smaller_labse.load(model).encode(texts) for model in (trimmed.original, trimmed.model)
    )
    assert np.abs(original[:-1] - expected).max() <= 1e-5
    assert np.abs(smaller[:-1] - expected).max() <= 1e-5
    assert np.abs(original[-1] - smaller[-1]).max() > 1e-2


def test_a_smaller_one_is_an_original_again_by_its_own_tokenization(trimmed):
    again = open_original(str(trimmed.model))
    assert isinstance(again.tokenizer, LEALLATokenizer)
    assert len(again.tokenizer.pieces) == len(trimmed.selection.subset)
    back_end = LEALLABackEnd(again.place, again.tokenizer, trimmed.selection, Options())
    first = read_weights(open_original(str(trimmed.original)).place.open_checkpoint()).config
    assert back_end.config == replace(first, vocab_size=len(again.tokenizer.pieces))
    assert not (trimmed.model / "huggingface").exists()
    with pytest.raises(UsageError, match="--no-huggingface: of LEALLA no huggingface/ is written"):
        LEALLABackEnd(again.place, again.tokenizer, trimmed.selection, Options(huggingface=False))
