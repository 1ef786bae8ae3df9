"""Feature distillation: the student's embedding of a text points where the teacher's does.

    mean over i of 1 − cos(student_i, target_i)

The target of a translation is the teacher's embedding of the sentence that it is a translation of
(multilingual distillation, arXiv 2004.09813; LEALLA's feature distillation, arXiv 2302.08387). The squared
distance of embeddings at length 1 is twice this.
"""

from __future__ import annotations

import tensorflow as tf

from smaller_labse.distill.objectives.cosines import unit


def feature_distillation(student: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    """How far the student's embeddings are from their targets: 0 where they point the same way, at most 2.

    Args:
        student: embeddings of texts, float32 [n, size].
        targets: the teacher's, in the same order, float32 [n, size].

    Returns:
        float32 [], the mean.

    Example:
        >>> import tensorflow as tf
        >>> float(feature_distillation(tf.constant([[1.0, 0.0]]), tf.constant([[0.0, 2.0]])))
        1.0
    """
    return tf.reduce_mean(1.0 - tf.reduce_sum(unit(student) * unit(targets), axis=-1))
