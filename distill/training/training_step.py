"""A training step: a batch of pairs moves the student's weights a little towards the teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tf_keras

from smaller_labse.distill.objectives.additive_margin_softmax import additive_margin_softmax, share_a_side
from smaller_labse.distill.objectives.feature_distillation import feature_distillation
from smaller_labse.distill.objectives.similarity_distillation import similarity_distillation
from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.encoders.networks.tensorflow_network import RAGGED, SPECIAL_TOKENS

LARGEST_NORM = 1.0  # of all gradients together, as BERT is trained (arXiv 1810.04805)
NOT_DECAYED = ("bias", "beta", "gamma")  # likewise
WEIGHT_DECAY = 0.01  # likewise


@dataclass(frozen=True)
class ObjectiveWeights:
    """How much each objective counts in the loss; one of weight 0 is not computed.

    Attributes:
        features: of feature distillation.
        similarities: of similarity distillation.
        margins: of additive margin softmax.
    """

    features: float = 10.0
    similarities: float = 1.0
    margins: float = 0.0


class TrainingStep:
    """Trains an encoder, all of it but the embedding matrix and the dense layers behind the pooling.

    Attributes:
        variables: what is trained.
        optimizer: AdamW (arXiv 1711.05101), from Keras.
    """

    def __init__(self, encoder: Encoder, preprocess: tf.Module, size: int, weights: ObjectiveWeights) -> None:
        """Prepare the step; TensorFlow traces it when it is first called.

        Args:
            encoder: the student.
            preprocess: tokenizes its texts.
            size: of the teacher's embeddings, the same as the student's.
            weights: of the objectives.
        """
        frozen = (WORD_EMBEDDINGS, "dense_")
        self.variables: list[tf.Variable] = [
            variable for name, variable in encoder.weights.items() if not name.startswith(frozen)
        ]
        self.optimizer = tf_keras.optimizers.AdamW(learning_rate=0.0, weight_decay=WEIGHT_DECAY)
        self.optimizer.exclude_from_weight_decay(var_names=list(NOT_DECAYED))
        self.optimizer.build(self.variables)
        self._preprocess = preprocess
        longest = encoder.config.max_length

        @tf.function(
            input_signature=[
                RAGGED,
                tf.TensorSpec([None, size]),
                tf.TensorSpec([None], tf.int32),
                tf.TensorSpec([None], tf.int32),
            ],
            autograph=False,
        )
        def step(
            tokens: tf.RaggedTensor, targets: tf.Tensor, sentence_ids: tf.Tensor, translation_ids: tf.Tensor
        ) -> tuple[tf.Tensor, tf.Tensor]:
            length = tf.cast(tf.reduce_max(tokens.row_lengths()), tf.int32) + SPECIAL_TOKENS
            inputs = preprocess.bert_pack_inputs([tokens], seq_length=tf.minimum(length, longest))
            with tf.GradientTape() as tape:
                student = encoder(inputs)["default"]
                parts = _objectives(student, targets, sentence_ids, translation_ids, weights)
                loss = tf.add_n(parts)
            gradients, norm = tf.clip_by_global_norm(tape.gradient(loss, self.variables), LARGEST_NORM)
            # Where the loss is NaN so is the norm, and all gradients; then nothing may change.
            is_finite = tf.math.is_finite(norm)
            tf.cond(is_finite, lambda: self._apply(gradients), lambda: tf.constant(0, tf.int64))
            return tf.stack(parts), is_finite

        self._step = step

    def __call__(
        self,
        texts: Sequence[str],
        targets: np.ndarray,
        pair_ids: tuple[np.ndarray, np.ndarray],
        learning_rate: float,
        max_length: int,
    ) -> np.ndarray | None:
        """Train on a batch.

        Args:
            texts: the sentences of some pairs, then their translations.
            targets: the teacher's embedding of each sentence, float [pairs, size].
            pair_ids: a number for each sentence and for each translation, the same for equal ones.
            learning_rate: of this step.
            max_length: in tokens, at which texts are truncated, special ones included.

        Returns:
            The weighted value of each objective that counts; None where one was NaN, and nothing changed.
        """
        tokens = self._preprocess.tokenize(tf.constant(list(texts)))
        tokens = tokens.merge_dims(1, -1) if tokens.ragged_rank > 1 else tokens
        self.optimizer.learning_rate.assign(learning_rate)
        both = np.concatenate([targets, targets]).astype(np.float32)
        ids = [tf.constant(each, tf.int32) for each in pair_ids]
        parts, is_finite = self._step(tokens[:, : max_length - SPECIAL_TOKENS], both, *ids)
        return parts.numpy() if bool(is_finite) else None

    def state(self) -> list[tf.Variable]:
        """Everything that a step reads and changes, in an order that is the same in every run."""
        return [*self.variables, *self.optimizer.variables]

    def _apply(self, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
        self.optimizer.apply_gradients(zip(gradients, self.variables, strict=True))
        return tf.identity(self.optimizer.iterations)


def _objectives(
    student: tf.Tensor,
    targets: tf.Tensor,
    sentence_ids: tf.Tensor,
    translation_ids: tf.Tensor,
    weights: ObjectiveWeights,
) -> list[tf.Tensor]:
    """The weighted objectives that count, of sentences and then their translations."""
    parts = []
    if weights.features:
        parts.append(weights.features * feature_distillation(student, targets))
    if weights.similarities:
        parts.append(weights.similarities * similarity_distillation(student, targets))
    if weights.margins:
        sentences, translations = tf.split(student, 2)
        same = share_a_side(sentence_ids, translation_ids)
        parts.append(weights.margins * additive_margin_softmax(sentences, translations, same))
    return parts
