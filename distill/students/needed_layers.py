"""Which layers a model needs: all but those without which, one after another, its embeddings change least.

That is greedy layer pruning (arXiv 2105.14839). Its measure is the mean cosine to the whole model's
embeddings of some texts, both centered: what all embeddings share says nothing about which texts are near
(arXiv 1702.01417), and makes all cosines high in models such as e5. Nothing is trained for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from smaller_labse.common.progress import progress
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.distill.objectives.cosines import unit
from smaller_labse.distill.objectives.feature_distillation import feature_distillation
from smaller_labse.distill.students.student import Student
from smaller_labse.encoders.bert import INPUTS, Encoder, masked_scores
from smaller_labse.encoders.deterministic_tensorflow import additions_in_order
from smaller_labse.encoders.preprocessors.preprocessor import build_preprocessor
from smaller_labse.encoders.preprocessors.text_preprocessor import TextPreprocessor

BATCH = 64
MAX_LENGTH = 64  # in tokens, at which texts are truncated

Inputs = dict[str, tf.Tensor]


def needed_layers(student: Student, texts: Sequence[str], count: int) -> tuple[int, ...]:
    """Choose the layers that a model keeps.

    Args:
        student: the model, with all its layers.
        texts: such as it is used for; of long ones the first tokens are looked at.
        count: how many layers are kept, 1 or more.

    Returns:
        Their numbers, ascending.
    """
    with scratch_folder() as scratch, additions_in_order():
        setup = student.tokenizer.write_for_tensorflow(scratch)
        encoder = Encoder(student.config, student.read_tensor, setup.file)
        preprocess = build_preprocessor(setup, min(student.sequence_length, MAX_LENGTH), student.prompt)
        return _without_the_others(encoder, _batches(preprocess, texts), count)


def _batches(preprocess: TextPreprocessor, texts: Sequence[str]) -> list[Inputs]:
    """The texts as an encoder takes them, in batches without columns of nothing but padding."""
    batches = []
    for start in range(0, len(texts), BATCH):
        inputs = preprocess(tf.constant(list(texts[start : start + BATCH])))
        longest = tf.reduce_max(tf.reduce_sum(inputs["input_mask"], axis=1))
        batches.append({name: array[:, :longest] for name, array in inputs.items()})
    return batches


def _without_the_others(encoder: Encoder, batches: Sequence[Inputs], count: int) -> tuple[int, ...]:
    kept = list(range(encoder.config.num_hidden_layers))
    whole = _centered(tf.concat([encoder(inputs)["default"] for inputs in batches], axis=0))
    tries = sum(range(count + 1, len(kept) + 1))
    with progress("choosing layers", tries, "tries") as bar:
        while len(kept) > count:
            embeddings = tf.concat([_without_each(encoder, inputs, kept) for inputs in batches], axis=1)
            changes = [feature_distillation(_centered(each), whole) for each in tf.unstack(embeddings)]
            bar(len(kept))
            del kept[int(np.argmin(changes))]
    return tuple(kept)


def _without_each(encoder: Encoder, inputs: Inputs, kept: Sequence[int]) -> tf.Tensor:
    """The embeddings without each of the layers that are kept, float32 [kept, texts, hidden size]."""
    words, mask, types = (inputs[name] for name in INPUTS)
    scores = masked_scores(mask)

    def apply(layers: Sequence[int], hidden: tf.Tensor) -> tf.Tensor:
        for layer in layers:
            hidden = encoder.apply_layer(layer, hidden, scores, False, tf.float32)
        return hidden

    hidden = encoder.embed(words, types, False)
    embeddings = []
    for place, layer in enumerate(kept):
        embeddings.append(encoder.pool(apply(kept[place + 1 :], hidden), mask))
        hidden = apply([layer], hidden)
    return tf.stack(embeddings)


def _centered(embeddings: tf.Tensor) -> tf.Tensor:
    """Embeddings at length 1, less their mean, float32 [texts, hidden size]."""
    points = unit(embeddings)
    return points - tf.reduce_mean(points, axis=0)
