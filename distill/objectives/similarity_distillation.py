"""Similarity distillation: the texts of a batch are to each other as the teacher says.

With P_i the softmax over j ≠ i of cos(target_i, target_j) / τ, and Q_i the same of the student's embeddings:

    mean over i of KL(P_i ‖ Q_i) = mean over i of Σ_j P_ij (log P_ij − log Q_ij)

That the student takes over the similarities within a batch is LEALLA's logit distillation (arXiv 2302.08387);
the softmax at a temperature τ is that of arXiv 1503.02531, without its factor τ². A text is always most
similar to itself, which teaches nothing, so j ≠ i. The temperature of 0.02 is ours.
"""

from __future__ import annotations

import tensorflow as tf

from smaller_labse.distill.objectives.cosines import cosines

TEMPERATURE = 0.02
LEFT_OUT = -1e9  # a logit whose share in a float32 softmax is 0


def similarity_distillation(
    student: tf.Tensor, targets: tf.Tensor, temperature: float = TEMPERATURE
) -> tf.Tensor:
    """How far the student's similarities within a batch are from the teacher's; 0 where they are the same.

    Args:
        student: embeddings of two or more texts, float32 [n, size].
        targets: the teacher's, in the same order, float32 [n, any size].
        temperature: τ; the smaller, the more only the nearest texts count.

    Returns:
        float32 [], the mean.
    """
    itself = LEFT_OUT * tf.eye(tf.shape(student)[0])
    expected = tf.nn.log_softmax(cosines(targets, targets) / temperature + itself)
    found = tf.nn.log_softmax(cosines(student, student) / temperature + itself)
    return tf.reduce_mean(tf.reduce_sum(tf.exp(expected) * (expected - found), axis=-1))
