"""Cosines of embeddings, of which every objective is made."""

from __future__ import annotations

import tensorflow as tf

SHORTEST = 1e-24  # of a squared length: an embedding of zeros has the cosine 0 to everything, and no NaN


def cosines(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    """The cosine of each row of `left` to each of `right`.

    Args:
        left: float32 [n, size].
        right: float32 [m, size].

    Returns:
        float32 [n, m].
    """
    return tf.matmul(unit(left), unit(right), transpose_b=True)


def unit(embeddings: tf.Tensor) -> tf.Tensor:
    """Embeddings at length 1, float32 of the same shape."""
    return tf.nn.l2_normalize(embeddings, axis=-1, epsilon=SHORTEST)
