"""Gradients of the loss with respect to what is trained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

import tensorflow as tf

from smaller_labse.distill.objectives.loss import Loss, LossOfProjected
from smaller_labse.encoders.networks.tensorflow_network import RAGGED

Embed = Callable[[tf.RaggedTensor], tf.Tensor]  # tokens of texts → embeddings, float32 [texts, size]
Gradient: TypeAlias = tf.Tensor | tf.IndexedSlices


class Gradients(Protocol):
    """How the gradients of a batch are computed."""

    def __call__(
        self, tokens: tf.RaggedTensor, targets: tf.Tensor, ids: tf.Tensor, references: tf.Tensor
    ) -> tuple[tf.Tensor, Sequence[Gradient]]:
        """The weighted objectives of a batch, and the gradients of their sum.

        Args:
            tokens: of every text, without special ones, int32 [texts, tokens].
            targets: see `Loss.parts`.
            ids: likewise.
            references: likewise.

        Returns:
            The parts of the loss, float32 [objectives], and a gradient for each trained variable.
        """
        ...


class PlainGradients:
    """Gradients of a batch that is in memory at once; see `Gradients`."""

    def __init__(
        self, embed: Embed, variables: Sequence[tf.Variable], loss: Loss | LossOfProjected, size: int
    ) -> None:
        """Prepare them; TensorFlow traces them when they are first asked for.

        Args:
            embed: the student.
            variables: what is trained.
            loss: what is made small.
            size: of the targets.
        """

        teachers = tf.TensorSpec([None, size])

        @tf.function(
            input_signature=[RAGGED, teachers, tf.TensorSpec([None, None], tf.int32), teachers],
            autograph=False,
        )
        def compute(
            tokens: tf.RaggedTensor, targets: tf.Tensor, ids: tf.Tensor, references: tf.Tensor
        ) -> tuple[tf.Tensor, list[Gradient]]:
            with tf.GradientTape() as tape:
                parts = loss.parts(embed(tokens), targets, ids, references)
                total = tf.add_n(parts)
            return tf.stack(parts), tape.gradient(total, variables)

        self._compute = compute

    def __call__(
        self, tokens: tf.RaggedTensor, targets: tf.Tensor, ids: tf.Tensor, references: tf.Tensor
    ) -> tuple[tf.Tensor, Sequence[Gradient]]:
        """See `Gradients`."""
        return self._compute(tokens, targets, ids, references)
