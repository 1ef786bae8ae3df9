"""A network in TensorFlow: a preprocessor and an encoder in LaBSE's TF Hub format."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 - registers the operations of the preprocessor's graph

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.deterministic_tensorflow import deterministic_tensorflow
from smaller_labse.encoders.preprocessors.pack_inputs import merge_words

SPECIAL_TOKENS = 2  # [CLS] and [SEP] around every text
RAGGED = tf.RaggedTensorSpec([None, None], tf.int32, ragged_rank=1)  # texts, tokens

Embed = Callable[[tf.RaggedTensor, tf.Tensor], tf.Tensor]


class TensorFlowNetwork:
    """A loaded preprocessor and encoder; a `Network`."""

    special_tokens = SPECIAL_TOKENS
    pads = True  # the attention mask hides what is added
    computed_by = ""

    def __init__(
        self,
        name: str,
        preprocess: tf.Module,
        encoder: tf.Module,
        pieces: Sequence[str],
        device: str | None = None,
    ) -> None:
        """Check that the two fit together, by encoding one text.

        Args:
            name: of the model, for messages.
            preprocess: strings [batch] → the encoder's inputs; with `tokenize` and `bert_pack_inputs`.
            encoder: a dict of `input_word_ids`, `input_mask`, `input_type_ids` → a dict with `default`.
            pieces: the vocabulary.
            device: TensorFlow's name of the device on which the encoder computes; None for its own choice.

        Raises:
            SmallerLabseError: they have another format, or do not fit together.
        """
        self.pieces: Sequence[str] = tuple(pieces)
        positions = find_rows(name, encoder, "position_embedding")
        self.positions: int | None = positions
        self.embedding_matrix_shape = find_shape(name, encoder, "word_embedding")
        self.parameters = sum(math.prod(variable.shape) for variable in encoder.trainable_variables)
        self._tokenize, self._embed = _compile(preprocess, encoder, device)
        try:
            self.sequence_length = int(preprocess(tf.constant([""]))["input_word_ids"].shape[1])
            self.embedding_size = int(self._embed(self._tokenize(tf.constant([""])), SPECIAL_TOKENS).shape[1])
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise SmallerLabseError(
                f"{name}: not an encoder and a preprocessor in LaBSE's TF Hub format ({reason})"
            ) from error
        if self.sequence_length > positions:
            raise SmallerLabseError(
                f"{name}: the preprocessor packs {self.sequence_length} tokens, but the encoder has only "
                f"{positions} positions; give the preprocessor that belongs to it"
            )

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """See `Network`."""
        tokens = self._tokenize(tf.constant(list(texts), tf.string))
        return np.split(tokens.values.numpy(), tokens.row_splits.numpy()[1:-1]) if len(texts) else []

    def prepare(self, texts: Sequence[str], length: int) -> PackedTexts:
        """See `Network`."""
        tokens = self._tokenize(tf.constant(list(texts), tf.string))
        lengths = np.minimum(tokens.row_lengths().numpy() + SPECIAL_TOKENS, length)
        return PackedTexts(lengths, tokens, self._embed)

    def exact(self) -> AbstractContextManager[None]:
        """See `Network`."""
        return deterministic_tensorflow()


@dataclass(frozen=True)
class PackedTexts:
    """Tokenized texts; see `PreparedTexts`."""

    lengths: np.ndarray
    tokens: tf.RaggedTensor
    embed_tokens: Embed

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """See `PreparedTexts`."""
        longest = tf.constant(self.lengths[batch].max(), tf.int32)
        return self.embed_tokens(tf.gather(self.tokens, batch), longest).numpy()


def _compile(
    preprocess: tf.Module, encoder: tf.Module, device: str | None
) -> tuple[Callable[[tf.Tensor], tf.RaggedTensor], Embed]:
    """Functions of one graph each: a loaded SavedModel would be traced anew for every shape of its inputs."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def tokenize(texts: tf.Tensor) -> tf.RaggedTensor:
        return merge_words(preprocess.tokenize(texts))

    @tf.function(input_signature=[RAGGED, tf.TensorSpec([], tf.int32)], autograph=False)
    def embed(tokens: tf.RaggedTensor, length: tf.Tensor) -> tf.Tensor:
        inputs = preprocess.bert_pack_inputs([tokens], seq_length=length)
        with on_device(device):
            return encoder(inputs, training=False)["default"]

    return tokenize, embed


def on_device(device: str | None) -> AbstractContextManager[object]:
    """While it lasts, variables are made and operations run on a device; None for TensorFlow's own choice."""
    return nullcontext() if device is None else tf.device(device)


def find_rows(name: str, encoder: tf.Module, variable_name: str) -> int:
    """The rows of a matrix; see `find_shape`."""
    return find_shape(name, encoder, variable_name)[0]


def find_shape(name: str, encoder: tf.Module, variable_name: str) -> tuple[int, int]:
    """Rows and columns of the matrix among an encoder's variables whose name holds `variable_name`.

    Raises:
        SmallerLabseError: there is none; the message names the model.
    """
    for variable in getattr(encoder, "variables", ()):
        if variable_name in variable.name and len(variable.shape) == 2:
            return int(variable.shape[0]), int(variable.shape[1])
    raise SmallerLabseError(
        f"{name}: no {variable_name} among its variables, expected an encoder in LaBSE's TF Hub format"
    )
