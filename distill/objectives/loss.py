"""The loss: a weighted sum of objectives."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf

from smaller_labse.distill.objectives.additive_margin_softmax import (
    MARGIN,
    SCALE,
    additive_margin_softmax,
    share_a_side,
)
from smaller_labse.distill.objectives.feature_distillation import feature_distillation
from smaller_labse.distill.objectives.retrieval_distillation import retrieval_distillation
from smaller_labse.distill.objectives.similarity_distillation import TEMPERATURE, similarity_distillation


@dataclass(frozen=True)
class Loss:
    """How much each objective counts; one of weight 0 is not computed.

    Attributes:
        features: of feature distillation.
        similarities: of similarity distillation.
        margins: of additive margin softmax, which needs pairs.
        retrieval: of retrieval distillation, which needs references.
        temperature: of similarity and retrieval distillation.
        margin: of additive margin softmax.
        scale: likewise.
    """

    features: float = 10.0
    similarities: float = 1.0
    margins: float = 0.0
    retrieval: float = 0.0
    temperature: float = TEMPERATURE
    margin: float = MARGIN
    scale: float = SCALE

    def names(self) -> list[str]:
        """What the parts are called, in their order."""
        weights = {
            "features": self.features,
            "similarities": self.similarities,
            "additive margin softmax": self.margins,
            "retrieval": self.retrieval,
        }
        return [name for name, weight in weights.items() if weight]

    def parts(
        self,
        student: tf.Tensor,
        targets: tf.Tensor,
        ids: tf.Tensor,
        references: tf.Tensor,
        projected: tf.Tensor | None = None,
    ) -> list[tf.Tensor]:
        """The weighted objectives that count; the loss is their sum.

        Args:
            student: embeddings of one side's texts, then of the other's, float32 [texts, size].
            targets: the teacher's, in the same order, float32 [texts, teacher's size].
            ids: a number for each text of each side, the same for equal ones, int32 [sides, examples].
            references: the teacher's embeddings of other texts, float32 [references, teacher's size]; none
                where nothing is found among them.
            projected: `student` at the teacher's size, where that is another, float32 [texts, teacher's
                size]; what compares it with the teacher's embeddings needs it.

        Returns:
            float32 [] each, in the order of the weights above.
        """
        parts = []
        as_teachers = student if projected is None else projected
        if self.features:
            parts.append(self.features * feature_distillation(as_teachers, targets))
        if self.similarities:
            parts.append(self.similarities * similarity_distillation(student, targets, self.temperature))
        if self.margins:
            sentences, translations = tf.split(student, 2)
            same = share_a_side(ids[0], ids[1])
            softmax = additive_margin_softmax(sentences, translations, same, self.margin, self.scale)
            parts.append(self.margins * softmax)
        if self.retrieval:
            found = retrieval_distillation(as_teachers, targets, references, self.temperature)
            parts.append(self.retrieval * found)
        return parts


@dataclass(frozen=True)
class LossOfProjected:
    """A loss of embeddings behind which their projections to the teacher's size stand.

    Attributes:
        loss: how much each objective counts.
        size: of the student's embeddings.
    """

    loss: Loss
    size: int

    def parts(
        self, student: tf.Tensor, targets: tf.Tensor, ids: tf.Tensor, references: tf.Tensor
    ) -> list[tf.Tensor]:
        """See `Loss.parts`; `student` is float32 [texts, size + teacher's size]."""
        return self.loss.parts(student[:, : self.size], targets, ids, references, student[:, self.size :])
