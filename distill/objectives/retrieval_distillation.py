"""Retrieval distillation: a text finds, among a teacher's embeddings, what its target finds among them.

With r_0 the text's own target and r_1 … r_m the teacher's embeddings of other texts, P_i the softmax over j
of cos(target_i, r_j) / τ, and Q_i the same of the student's embedding:

    mean over i of KL(P_i ‖ Q_i) = mean over i of Σ_j P_ij (log P_ij − log Q_ij)

That is self-supervised distillation's loss (SEED, arXiv 2101.04731), with the other texts drawn at random and
not queued, and one temperature for both. They cost next to nothing, as their embeddings are known: so a text
is told from thousands, and from its near neighbours among them, where a batch has hundreds.
"""

from __future__ import annotations

import tensorflow as tf

from smaller_labse.distill.objectives.cosines import cosines, unit

REFERENCES = 8192  # texts that each one is told from


def retrieval_distillation(
    student: tf.Tensor, targets: tf.Tensor, references: tf.Tensor, temperature: float
) -> tf.Tensor:
    """How far from the teacher's is what the student finds; 0 where it finds the same as surely.

    Args:
        student: embeddings, at the teacher's size, float32 [n, size].
        targets: the teacher's, in the same order, float32 [n, size].
        references: the teacher's embeddings of other texts, float32 [m, size]; one that is a text's target,
            too, does no harm.
        temperature: τ; the smaller, the more only the nearest count.

    Returns:
        float32 [], the mean.
    """
    expected = _log_shares(targets, targets, references, temperature)
    found = _log_shares(student, targets, references, temperature)
    return tf.reduce_mean(tf.reduce_sum(tf.exp(expected) * (expected - found), axis=-1))


def _log_shares(
    queries: tf.Tensor, targets: tf.Tensor, references: tf.Tensor, temperature: float
) -> tf.Tensor:
    """The softmax's logarithm over each query's own target and all references, float32 [n, 1 + m]."""
    own = tf.reduce_sum(unit(queries) * unit(targets), axis=1, keepdims=True)
    return tf.nn.log_softmax(tf.concat([own, cosines(queries, references)], axis=1) / temperature)
