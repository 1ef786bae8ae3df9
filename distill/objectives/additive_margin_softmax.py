"""Additive margin softmax: a sentence finds its translation in the batch, with a margin, and the reverse.

With φ the cosine, N pairs (x_i, y_i), margin m and scale s:

    L = −1/N Σ_i log( e^{s(φ(x_i, y_i) − m)} / (e^{s(φ(x_i, y_i) − m)} + Σ_{n ≠ i} e^{s φ(x_i, y_n)}) )

and the loss is L of the pairs plus L of the pairs turned round (LaBSE, arXiv 2007.01852; m = 0.3). LaBSE
states no scale; without one a softmax over cosines cannot become sharp, so s = 20 is ours. Equal sentences in
a batch are no negatives: n runs over those pairs that share no side with i.
"""

from __future__ import annotations

import tensorflow as tf

from smaller_labse.distill.objectives.cosines import cosines

MARGIN, SCALE = 0.3, 20.0
LEFT_OUT = -1e9  # a logit whose share in a float32 softmax is 0


def additive_margin_softmax(
    sentences: tf.Tensor,
    translations: tf.Tensor,
    same: tf.Tensor,
    margin: float = MARGIN,
    scale: float = SCALE,
) -> tf.Tensor:
    """How badly sentences and translations find each other; near 0 where all do, by more than the margin.

    Args:
        sentences: embeddings, float32 [n, size].
        translations: of their translations, in the same order, float32 [n, size].
        same: whether pairs i and j share a side, the same text, bool [n, n]; see `share_a_side`. What stands
            on the diagonal makes no difference.
        margin: m.
        scale: s.

    Returns:
        float32 [], the sum of both directions.
    """
    count = tf.shape(sentences)[0]
    pair = tf.eye(count)
    similarities = scale * (cosines(sentences, translations) - margin * pair)
    no_negatives = tf.cast(same, tf.float32) * (1.0 - pair)
    logits = similarities + LEFT_OUT * no_negatives
    return _softmax_loss(logits) + _softmax_loss(tf.transpose(logits))


def share_a_side(sentence_ids: tf.Tensor, translation_ids: tf.Tensor) -> tf.Tensor:
    """Whether two pairs of a batch have the same sentence or the same translation.

    Args:
        sentence_ids: a number for each sentence, the same for equal ones, int [n].
        translation_ids: likewise for translations, int [n].

    Returns:
        bool [n, n].
    """
    same_sentence = sentence_ids[:, tf.newaxis] == sentence_ids[tf.newaxis, :]
    return tf.logical_or(same_sentence, translation_ids[:, tf.newaxis] == translation_ids[tf.newaxis, :])


def _softmax_loss(logits: tf.Tensor) -> tf.Tensor:
    """The mean of −log of the softmax's diagonal."""
    return -tf.reduce_mean(tf.linalg.diag_part(tf.nn.log_softmax(logits)))
