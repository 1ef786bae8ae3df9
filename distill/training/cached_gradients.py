"""Cached gradients: those of a batch larger than memory, a few texts at a time (arXiv 2101.06983).

The loss knows the texts only by their embeddings. So all texts are embedded, a chunk at a time, and nothing
else is kept; the gradient of the loss with respect to the embeddings is computed; then each chunk is embedded
once more and that gradient is carried on to the weights. The sum over the chunks is the gradient of the whole
batch, for one more pass forward. What is embedded twice must come out the same, so there is no dropout.
Chunks are of texts of similar length, so that little is padding.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from smaller_labse.distill.objectives.loss import Loss, LossOfProjected
from smaller_labse.distill.training.gradients import Embed, Gradient
from smaller_labse.encoders.networks.tensorflow_network import RAGGED


class CachedGradients:
    """Gradients of a batch, of which a chunk at a time is in memory; see `Gradients`."""

    def __init__(
        self,
        embed: Embed,
        variables: Sequence[tf.Variable],
        loss: Loss | LossOfProjected,
        size: int,
        chunk_texts: int,
    ) -> None:
        """Prepare them; TensorFlow traces them when they are first asked for.

        Args:
            embed: the student.
            variables: what is trained.
            loss: what is made small.
            size: of the targets.
            chunk_texts: how many texts are embedded at a time.
        """
        embeddings, teachers = tf.TensorSpec([None, None]), tf.TensorSpec([None, size])

        @tf.function(input_signature=[RAGGED], autograph=False)
        def embed_chunk(tokens: tf.RaggedTensor) -> tf.Tensor:
            return embed(tokens)

        @tf.function(
            input_signature=[embeddings, teachers, tf.TensorSpec([None, None], tf.int32), teachers],
            autograph=False,
        )
        def at_embeddings(
            student: tf.Tensor, targets: tf.Tensor, ids: tf.Tensor, references: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            with tf.GradientTape() as tape:
                tape.watch(student)
                parts = loss.parts(student, targets, ids, references)
                total = tf.add_n(parts)
            return tf.stack(parts), tape.gradient(total, student)

        @tf.function(input_signature=[RAGGED, embeddings], autograph=False)
        def of_chunk(tokens: tf.RaggedTensor, at_chunk: tf.Tensor) -> list[Gradient]:
            with tf.GradientTape() as tape:
                student = embed(tokens)
            return tape.gradient(student, variables, output_gradients=at_chunk)

        self._embed_chunk, self._at_embeddings, self._of_chunk = embed_chunk, at_embeddings, of_chunk
        self._chunk_texts = chunk_texts

    def __call__(
        self, tokens: tf.RaggedTensor, targets: tf.Tensor, ids: tf.Tensor, references: tf.Tensor
    ) -> tuple[tf.Tensor, Sequence[Gradient]]:
        """See `Gradients`."""
        by_length = np.argsort(tokens.row_lengths().numpy(), kind="stable")
        places = [
            by_length[start : start + self._chunk_texts]
            for start in range(0, len(by_length), self._chunk_texts)
        ]
        chunks = [tf.gather(tokens, chunk) for chunk in places]
        student = tf.concat([self._embed_chunk(chunk) for chunk in chunks], axis=0)
        in_order = tf.gather(student, np.argsort(by_length))
        parts, gradient = self._at_embeddings(in_order, targets, ids, references)
        total: Sequence[Gradient] | None = None
        for chunk, chunk_places in zip(chunks, places, strict=True):
            gradients = self._of_chunk(chunk, tf.gather(gradient, chunk_places))
            total = gradients if total is None else [*map(_add, total, gradients)]
        assert total is not None, "a batch has texts"
        return parts, total


def _add(left: Gradient, right: Gradient) -> Gradient:
    """The sum of two gradients of one variable; of a matrix, only the rows that a text has are held."""
    if isinstance(left, tf.IndexedSlices):
        return tf.IndexedSlices(
            tf.concat([left.values, right.values], axis=0),
            tf.concat([left.indices, right.indices], axis=0),
            left.dense_shape,
        )
    return left + right
