"""A training step: a batch of examples moves the student's weights a little towards a smaller loss."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
import tf_keras

from smaller_labse.distill.data.examples import Batch
from smaller_labse.distill.objectives.loss import Loss, LossOfProjected
from smaller_labse.distill.training.cached_gradients import CachedGradients
from smaller_labse.distill.training.gradients import Gradient, Gradients, PlainGradients
from smaller_labse.distill.training.row_adam import RowAdam, sum_by_row
from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.encoders.networks.tensorflow_network import SPECIAL_TOKENS

LARGEST_NORM = 1.0  # of all gradients together, as BERT is trained (arXiv 1810.04805)
NOT_DECAYED = ("bias", "beta", "gamma")  # likewise
WEIGHT_DECAY = 0.01  # likewise


class TrainingStep:
    """Trains an encoder, or some of its tensors.

    Attributes:
        variables: what is trained, the projection too.
        projection: see below; None where the sizes are the same.
        optimizer: AdamW (arXiv 1711.05101), from Keras, of all but the embedding matrix.
        row_optimizer: of the embedding matrix; None where that is not trained.
    """

    def __init__(
        self,
        encoder: Encoder,
        preprocess: tf.Module,
        is_trained: Callable[[str], bool],
        size: int,
        loss: Loss,
        matrix_rate_factor: float = 1.0,
        chunk_texts: int | None = None,
        projection: np.ndarray | None = None,
        precision: tf.DType = tf.float32,
    ) -> None:
        """Prepare the step; TensorFlow traces it when it is first called.

        Args:
            encoder: the student.
            preprocess: tokenizes its texts.
            is_trained: whether a tensor is trained, by its name in `encoder.weights`.
            size: of the teacher's embeddings.
            loss: what is made small.
            matrix_rate_factor: the embedding matrix's learning rate, in learning rates of the rest.
            chunk_texts: how many texts are in memory at a time; None for all of a batch.
            projection: from the student's embeddings to the teacher's where their sizes differ, as it
                is before training, float32 [student's size, `size`].
            precision: what the layers multiply, see `Encoder.encode`.
        """
        trained = {name: variable for name, variable in encoder.weights.items() if is_trained(name)}
        matrix = trained.pop(WORD_EMBEDDINGS, None)
        self.projection: tf.Variable | None = None
        if projection is not None:
            self.projection = tf.Variable(projection, name="projection/kernel")
            trained["projection/kernel"] = self.projection
        self._others = list(trained.values())
        self.variables: list[tf.Variable] = self._others if matrix is None else [matrix, *self._others]
        self.row_optimizer = None if matrix is None else RowAdam(matrix)
        self._matrix_rate_factor = matrix_rate_factor
        self.optimizer = tf_keras.optimizers.AdamW(learning_rate=0.0, weight_decay=WEIGHT_DECAY)
        self.optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
        self.optimizer.build(self._others)
        self._preprocess = preprocess
        longest = encoder.config.max_length

        def embed(tokens: tf.RaggedTensor) -> tf.Tensor:
            length = tf.cast(tf.reduce_max(tokens.row_lengths()), tf.int32) + SPECIAL_TOKENS
            inputs = preprocess.bert_pack_inputs([tokens], seq_length=tf.minimum(length, longest))
            student = encoder.encode(inputs, training=False, precision=precision)["default"]
            if self.projection is None:
                return student
            return tf.concat([student, tf.matmul(student, self.projection)], axis=1)

        objective = loss if self.projection is None else LossOfProjected(loss, self.projection.shape[0])
        self._gradients: Gradients = (
            PlainGradients(embed, self.variables, objective, size)
            if chunk_texts is None
            else CachedGradients(embed, self.variables, objective, size, chunk_texts)
        )
        self._apply = tf.function(self._apply_if_finite, autograph=False, reduce_retracing=True)

    def __call__(self, batch: Batch, learning_rate: float, max_length: int) -> np.ndarray | None:
        """Train on a batch.

        Args:
            batch: the examples.
            learning_rate: of this step.
            max_length: in tokens, at which texts are truncated, special ones included.

        Returns:
            The weighted value of each objective that counts; None where one was NaN, and nothing changed.
        """
        tokens = self._preprocess.tokenize(tf.constant(batch.texts))
        tokens = tokens.merge_dims(1, -1) if tokens.ragged_rank > 1 else tokens
        self.optimizer.learning_rate.assign(learning_rate)
        parts, gradients = self._gradients(
            tokens[:, : max_length - SPECIAL_TOKENS],
            tf.constant(batch.targets),
            tf.constant(batch.ids),
            tf.constant(batch.references),
        )
        return parts.numpy() if bool(self._apply(gradients)) else None

    def state(self) -> list[tf.Variable]:
        """Everything that a step reads and changes, in an order that is the same in every run."""
        rows = [] if self.row_optimizer is None else self.row_optimizer.variables
        return [*self.variables, *self.optimizer.variables, *rows]

    def _apply_if_finite(self, gradients: Sequence[Gradient]) -> tf.Tensor:
        """Move the weights, and say whether that could be done."""
        gradients, norm = tf.clip_by_global_norm([*map(_once_a_row, gradients)], LARGEST_NORM)
        # Where the loss is NaN so is the norm, and all gradients; then nothing may change.
        is_finite = tf.math.is_finite(norm)
        tf.cond(is_finite, lambda: self._move(gradients), lambda: tf.constant(0, tf.int64))
        return is_finite

    def _move(self, gradients: Sequence[Gradient]) -> tf.Tensor:
        if self.row_optimizer is not None:
            by_row, *gradients = gradients
            self.row_optimizer.apply(by_row, self._matrix_rate_factor * self.optimizer.learning_rate)
        if gradients:
            self.optimizer.apply_gradients(zip(gradients, self._others, strict=True))
        return tf.identity(self.optimizer.iterations)


def _once_a_row(gradient: Gradient) -> Gradient:
    return sum_by_row(gradient) if isinstance(gradient, tf.IndexedSlices) else gradient
