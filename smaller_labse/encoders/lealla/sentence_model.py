"""A SavedModel that is called as LEALLA on TF Hub is: strings → embeddings of length 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.preprocessors.text_preprocessor import SENTENCES, TextPreprocessor
from smaller_labse.encoders.write_saved_model import write_saved_model
from smaller_labse.originals.weights.allowed_operations import load_saved_model

SIGNATURE = "default"  # of LEALLA, and what its result is called

EmbedTexts = Callable[[Sequence[str]], np.ndarray]


class SentenceModel(tf.Module):
    """Preprocessor and encoder in one."""

    def __init__(self, preprocessor: TextPreprocessor, encoder: Encoder) -> None:
        super().__init__(name="sentence_model")
        self._preprocessor = preprocessor
        self._encoder = encoder

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.Tensor:
        """The embeddings of sentences (strings [batch]): float32 [batch, hidden size]."""
        return self._encoder(self._preprocessor(sentences))[SIGNATURE]


def save_sentence_model(preprocessor: TextPreprocessor, encoder: Encoder, folder: Path) -> None:
    """Write a SavedModel that is called as LEALLA is.

    By `hub.KerasLayer(folder)(strings)` and `hub.load(folder)(strings)`, which give a tensor, and by
    `tf.saved_model.load(folder).signatures["default"](strings)`, which gives {"default": tensor}.

    Args:
        preprocessor: strings → the encoder's inputs.
        encoder: its embeddings have length 1.
        folder: where to write it; an empty folder or none yet.
    """
    model = SentenceModel(preprocessor, encoder)

    def embed(default: tf.Tensor) -> dict[str, tf.Tensor]:
        return {SIGNATURE: model(default)}

    signature = tf.function(
        embed, input_signature=[tf.TensorSpec([None], tf.string, name=SIGNATURE)], autograph=False
    )
    model.signature = signature
    write_saved_model(model, folder, lambda: {SIGNATURE: signature.get_concrete_function()})


def load_sentence_model(folder: Path) -> EmbedTexts:
    """Load LEALLA, or what `save_sentence_model` wrote: texts [n] → embeddings, float32 [n, hidden size].

    Raises:
        SmallerLabseError: it cannot be loaded, or has no such signature.
    """
    try:
        model = load_saved_model(folder)
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]
        raise SmallerLabseError(
            f"{folder}: cannot be loaded ({reason}); is the SavedModel complete?"
        ) from error
    signature = getattr(model, "signatures", {}).get(SIGNATURE)
    if signature is None or SIGNATURE not in signature.structured_outputs:
        raise SmallerLabseError(
            f"{folder}: no signature {SIGNATURE!r} that returns {SIGNATURE!r}, as LEALLA has"
        )

    def embed(texts: Sequence[str]) -> np.ndarray:
        # The model holds the tables and variables, so it must live as long as its signature.
        return model.signatures[SIGNATURE](tf.constant(list(texts), tf.string))[SIGNATURE].numpy()

    return embed
