"""A BERT encoder with the arithmetic and the tensors' names of LaBSE on TF Hub, and its SavedModel.

The computation is that of the TF Model Garden's `BertEncoderV2`, which LaBSE on TF Hub was exported from
(official/nlp/modeling/networks/bert_encoder.py): BERT (arXiv 1810.04805), normalized after every sublayer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.encoders.config import DROPOUT_RATE, WORD_EMBEDDINGS, Activation, EncoderConfig
from smaller_labse.encoders.write_saved_model import write_saved_model

INPUTS = ("input_word_ids", "input_mask", "input_type_ids")
KERNEL = "/kernel"  # the end of the names of what is multiplied
MASKED_SCORE = -1e9  # what Keras' Softmax layer, and so the Garden's attention, adds to a masked score


class Encoder(tf.Module):
    """Turns token ids into embeddings.

    Attributes:
        config: the encoder's sizes and what it computes.
        weights: every tensor, float32, by the name that LaBSE on TF Hub gives it.
        vocab_file: the vocabulary that the ids are of; it travels with the SavedModel.
        do_lower_case: whether text is lower-cased before it is tokenized; a bool, not trained.
        splits_by_script: whether it is tokenized as LEALLA's; likewise, and None where it is not.
        mended: whether it is read by the mended preprocessor; likewise.
        regularization_losses: none; TF Hub's interface of reusable SavedModels asks for them.
    """

    def __init__(
        self,
        config: EncoderConfig,
        read_tensor: Callable[[str], np.ndarray],
        vocabulary: Path,
        lower_case: bool = False,
        splits_by_script: bool = False,
        mended: bool = False,
    ) -> None:
        """Take the tensors one at a time, so that no more than one of them is held twice.

        Args:
            config: the encoder's sizes and what it computes.
            read_tensor: from each of the names in `config.tensor_shapes()` to that tensor, float32.
            vocabulary: the vocabulary file, one token for each row of the embedding matrix.
            lower_case: see `do_lower_case`.
            splits_by_script: see the attribute of this name.
            mended: likewise.

        Raises:
            ValueError: a tensor has another shape than `config` says.
        """
        super().__init__(name="encoder")
        self.config = config
        self.weights = {
            name: tf.Variable(read_tensor(name), name=name, shape=expected, dtype=tf.float32)
            for name, expected in config.tensor_shapes().items()
        }
        self.vocab_file = tf.saved_model.Asset(str(vocabulary))
        self.do_lower_case = tf.Variable(lower_case, trainable=False, name="do_lower_case")
        self.splits_by_script = _mark("splits_by_script") if splits_by_script else None
        self.mended = _mark("mended") if mended else None
        self.regularization_losses: list[Callable[[], tf.Tensor]] = []
        # A graph of one layer that all layers call is written, and loaded, several times faster.
        self._layer = tf.function(self._transform, autograph=False)

    def __call__(
        self, inputs: dict[str, tf.Tensor], training: bool = False
    ) -> dict[str, tf.Tensor | list[tf.Tensor]]:
        """Encode a batch.

        Args:
            inputs: `input_word_ids` (token ids), `input_mask` (1 for a token, 0 for padding) and
                `input_type_ids` (which segment), each int32 [batch, length]; length is at most
                `config.max_position_embeddings`.
            training: whether to drop out.

        Returns:
            `pooled_output` and, the same, `default`: the embedding, float32 [batch, hidden size],
            LaBSE's tanh of a dense layer over the first token, not normalized; `encoder_outputs`: each
            layer's output, float32 [batch, length, hidden size]; `sequence_output`: the last one's.
        """
        return self.encode(inputs, training, tf.float32)

    def encode(
        self, inputs: dict[str, tf.Tensor], training: bool, precision: tf.DType
    ) -> dict[str, tf.Tensor | list[tf.Tensor]]:
        """Encode a batch in mixed precision (arXiv 1710.03740): the layers multiply numbers of another type.

        Args:
            inputs: see `__call__`.
            training: likewise.
            precision: what is multiplied, `tf.bfloat16` for one; all sums outside of products, softmax and
                normalization are float32, as are the weights.

        Returns:
            As `__call__` does.
        """
        words, mask, types = (inputs[name] for name in INPUTS)
        scores = masked_scores(mask)
        hidden = self.embed(words, types, training)
        outputs = []
        for number in range(self.config.num_hidden_layers):
            hidden = self.apply_layer(number, hidden, scores, training, precision)
            outputs.append(hidden)
        pooled = self.pool(hidden, mask)
        return {
            "default": pooled,
            "pooled_output": pooled,
            "sequence_output": hidden,
            "encoder_outputs": outputs,
        }

    def embed(self, words: tf.Tensor, types: tf.Tensor, training: bool) -> tf.Tensor:
        """What goes into the first layer: embeddings of token, position and segment, added and normalized.

        Three addends of one shape may be added in any order, and TensorFlow's graph optimizer mostly goes by
        the names of what made them. With the Garden's names it mostly adds as in the original; see
        `deterministic_tensorflow` for the rest.

        Args:
            words: token ids, int32 [batch, length].
            types: which segment each is of, int32 [batch, length].
            training: whether to drop out.

        Returns:
            float32 [batch, length, hidden size].
        """
        with tf.name_scope("word_embeddings"):
            word_embeddings = tf.gather(self.weights[WORD_EMBEDDINGS], words)
        with tf.name_scope("position_embedding"):
            first = self.config.first_position
            length = tf.shape(words)[1]
            positions = self.weights["position_embedding/embeddings"][first : first + length]
            position_embeddings = tf.broadcast_to(positions, tf.shape(word_embeddings))
        with tf.name_scope("type_embeddings"):
            one_hot_types = tf.one_hot(types, self.config.type_vocab_size)
            type_embeddings = tf.einsum(
                "bsn,nh->bsh", one_hot_types, self.weights["type_embeddings/embeddings"]
            )
        embeddings = word_embeddings + position_embeddings + type_embeddings
        return _drop_out(self._normalize(self.weights, "embeddings/layer_norm", embeddings), training)

    def apply_layer(
        self, number: int, hidden: tf.Tensor, scores: tf.Tensor, training: bool, precision: tf.DType
    ) -> tf.Tensor:
        """What comes out of a layer.

        Args:
            number: of the layer, from 0 on.
            hidden: what goes into it, float32 [batch, length, hidden size].
            scores: see `masked_scores`.
            training: whether to drop out.
            precision: see `encode`.

        Returns:
            float32 [batch, length, hidden size].
        """
        return self._layer(self._weights_of_layer(number, precision), hidden, scores, training)

    def _weights_of_layer(self, number: int, precision: tf.DType) -> dict[str, tf.Tensor]:
        """A layer's weights by their names in it; the kernels as they are multiplied."""
        prefix = f"transformer/layer_{number}/"
        return {
            name.removeprefix(prefix): tf.cast(weight, precision if name.endswith(KERNEL) else weight.dtype)
            for name, weight in self.weights.items()
            if name.startswith(prefix)
        }

    def _transform(
        self, weights: dict[str, tf.Tensor], hidden: tf.Tensor, masked_scores: tf.Tensor, training: bool
    ) -> tf.Tensor:
        """One layer: attention, then the feed-forward layers, each added to its input and normalized."""
        attended = self._attend(weights, hidden, masked_scores, training)
        hidden = self._normalize(weights, "self_attention_layer_norm", hidden + _drop_out(attended, training))
        inner = _project(weights, "intermediate", "bsh,hi->bsi", hidden)
        inner = _activate(inner, self.config.hidden_act)
        output = _project(weights, "output", "bsi,ih->bsh", inner)
        return self._normalize(weights, "output_layer_norm", _drop_out(output, training) + hidden)

    def _attend(
        self, weights: dict[str, tf.Tensor], hidden: tf.Tensor, masked_scores: tf.Tensor, training: bool
    ) -> tf.Tensor:
        """Scaled dot-product attention of every token (t) to every token (s), with n heads of size d."""
        query, key, value = (
            _project(weights, f"self_attention/{part}", "bsh,hnd->bsnd", hidden)
            for part in ("query", "key", "value")
        )
        precision = weights[f"self_attention/query{KERNEL}"].dtype
        query = query * self.config.head_size**-0.5
        scores = _multiply("bsnd,btnd->bnts", key, query, precision)
        attention = _drop_out(tf.nn.softmax(scores + masked_scores), training)
        context = _multiply("bnts,bsnd->btnd", attention, value, precision)
        return _project(weights, "self_attention/attention_output", "btnd,ndh->bth", context)

    def pool(self, hidden: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        """From the tokens' outputs to one embedding.

        Args:
            hidden: of the last layer, float32 [batch, length, hidden size].
            mask: 1 for a token, 0 for padding, int32 [batch, length].

        Returns:
            float32 [batch, embedding size].
        """
        pooling = self.config.pooling
        if pooling.mode == "mean":
            counted = tf.cast(mask, tf.float32)[:, :, tf.newaxis]
            pooled = tf.reduce_sum(hidden * counted, axis=1) / tf.maximum(
                tf.reduce_sum(counted, axis=1), 1e-9
            )
        else:
            pooled = hidden[:, 0, :]
        if pooling.mode == "pooler":
            pooled = _activate(self._dense("pooler_transform", pooled), pooling.pooler_activation)
        for number, dense in enumerate(pooling.dense):
            pooled = _activate(self._dense(f"dense_{number}", pooled), dense.activation)
        # The bound on the length is torch's: 1e-12, squared here.
        return tf.nn.l2_normalize(pooled, axis=-1, epsilon=1e-24) if pooling.normalize else pooled

    def _dense(self, name: str, inputs: tf.Tensor) -> tf.Tensor:
        return tf.nn.bias_add(tf.matmul(inputs, self.weights[f"{name}/kernel"]), self.weights[f"{name}/bias"])

    def _normalize(self, weights: Mapping[str, tf.Tensor], name: str, inputs: tf.Tensor) -> tf.Tensor:
        """Layer normalization (arXiv 1607.06450) over the hidden size."""
        mean, variance = tf.nn.moments(inputs, axes=-1, keepdims=True)
        offset, scale = weights[f"{name}/beta"], weights[f"{name}/gamma"]
        return tf.nn.batch_normalization(inputs, mean, variance, offset, scale, self.config.layer_norm_eps)


def masked_scores(mask: tf.Tensor) -> tf.Tensor:
    """What is added to the scores of attention, so that nothing attends to padding.

    Args:
        mask: 1 for a token, 0 for padding, int32 [batch, length].

    Returns:
        float32 [batch, 1, 1, length].
    """
    return MASKED_SCORE * (1.0 - tf.cast(mask[:, tf.newaxis, tf.newaxis, :], tf.float32))


def save_encoder(encoder: Encoder, folder: Path) -> None:
    """Write an encoder as a SavedModel with TF Hub's common interface of text encoders.

    It can be called like the encoder itself, with `training=` or without; it can be fine-tuned; its signature
    `serving_default` takes the three inputs by their names and returns `default`, `pooled_output` and
    `sequence_output`. Its tensors have LaBSE's names and places, so that it can be trimmed again.

    Args:
        encoder: the encoder.
        folder: where to write it; an empty folder or none yet.
    """
    inputs = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUTS}
    root = _reusable(encoder)

    def trace() -> dict[str, tf.types.experimental.ConcreteFunction]:
        for training in (False, True):
            root.__call__.get_concrete_function(inputs, training=training)
        return {"serving_default": root.serving_default.get_concrete_function(inputs)}

    write_saved_model(root, folder, trace)


class _Root(tf.Module):
    """A SavedModel's root. What tf.Module calls by these names are properties, which are not saved."""

    variables: Sequence[tf.Variable] = ()
    trainable_variables: Sequence[tf.Variable] = ()


def _reusable(encoder: Encoder) -> _Root:
    """Gather what a reusable SavedModel holds: https://www.tensorflow.org/hub/reusable_saved_models."""
    root = _Root(name="encoder")
    # First of all, so that the checkpoint's keys are LaBSE's too: the embedding matrix is variables/0.
    root.variables = [*encoder.weights.values(), encoder.do_lower_case]
    root.trainable_variables = list(encoder.weights.values())
    root.regularization_losses = list(encoder.regularization_losses)
    root.vocab_file = encoder.vocab_file
    root.do_lower_case = encoder.do_lower_case
    if encoder.splits_by_script is not None:
        root.splits_by_script = encoder.splits_by_script
    if encoder.mended is not None:
        root.mended = encoder.mended
    root.__call__ = encode = tf.function(encoder.__call__, autograph=False)

    def serve(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        outputs = encode(inputs, training=False)
        return {name: outputs[name] for name in ("default", "pooled_output", "sequence_output")}

    # Not only a signature: Keras 3's TFSMLayer calls with one dict, which signatures do not take.
    root.serving_default = tf.function(serve, autograph=False)
    return root


def _mark(name: str) -> tf.Variable:
    """What tells readers of the SavedModel how text is tokenized, by being there."""
    return tf.Variable(True, trainable=False, name=name)


def _project(weights: Mapping[str, tf.Tensor], name: str, equation: str, inputs: tf.Tensor) -> tf.Tensor:
    """A dense layer, with its kernel's axes where `equation` says."""
    kernel = weights[f"{name}{KERNEL}"]
    return _multiply(equation, inputs, kernel, kernel.dtype) + weights[f"{name}/bias"]


def _multiply(equation: str, left: tf.Tensor, right: tf.Tensor, precision: tf.DType) -> tf.Tensor:
    """A product of tensors as another type, float32 again; see `tf.einsum`."""
    return tf.cast(tf.einsum(equation, tf.cast(left, precision), tf.cast(right, precision)), tf.float32)


def _drop_out(inputs: tf.Tensor, training: bool) -> tf.Tensor:
    return tf.nn.dropout(inputs, DROPOUT_RATE) if training else inputs


def _activate(inputs: tf.Tensor, activation: Activation) -> tf.Tensor:
    if activation == "identity":
        return inputs
    if activation == "tanh":
        return tf.tanh(inputs)
    if activation == "hardswish":  # arXiv 1905.02244, section 5.2
        return inputs * tf.nn.relu6(inputs + 3) / 6
    if activation == "glu":  # arXiv 1612.08083, section 3
        passed, gate = tf.split(inputs, 2, axis=-1)
        return passed * tf.sigmoid(gate)
    return tf.nn.gelu(inputs, approximate=activation != "gelu")
