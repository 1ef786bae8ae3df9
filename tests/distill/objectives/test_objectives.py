"""Each objective equals a plain loop over its formula, and its gradients those of small differences."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import tensorflow as tf

from smaller_labse.distill.objectives.additive_margin_softmax import (
    additive_margin_softmax,
    share_a_side,
)
from smaller_labse.distill.objectives.feature_distillation import feature_distillation
from smaller_labse.distill.objectives.retrieval_distillation import retrieval_distillation
from smaller_labse.distill.objectives.similarity_distillation import similarity_distillation

Loss = Callable[[np.ndarray, np.ndarray], float]
# Texts 0 and 3 are one sentence with two translations; 1 and 4 one translation of two sentences.
SENTENCES, TRANSLATIONS = np.array([0, 1, 2, 0, 3]), np.array([0, 1, 2, 3, 1])
TEMPERATURE, MARGIN, SCALE = 0.1, 0.2, 5.0
REFERENCES = np.random.default_rng(4).normal(size=(7, 4))


def cosine(left: np.ndarray, right: np.ndarray) -> float:
    return float(left @ right / math.sqrt((left @ left) * (right @ right)))


def loop_of_features(student: np.ndarray, targets: np.ndarray) -> float:
    return sum(1 - cosine(*pair) for pair in zip(student, targets, strict=True)) / len(student)


def loop_of_similarities(student: np.ndarray, targets: np.ndarray) -> float:
    def shares(rows: np.ndarray, of: int) -> dict[int, float]:
        powers = {
            other: math.exp(cosine(rows[of], rows[other]) / TEMPERATURE)
            for other in range(len(rows))
            if other != of
        }
        return {other: power / sum(powers.values()) for other, power in powers.items()}

    total = 0.0
    for text in range(len(student)):
        expected, found = shares(targets, text), shares(student, text)
        total += sum(share * math.log(share / found[other]) for other, share in expected.items())
    return total / len(student)


def loop_of_retrieval(student: np.ndarray, targets: np.ndarray) -> float:
    total = 0.0
    for text, target in zip(student, targets, strict=True):
        among = [target, *REFERENCES]
        expected, found = (
            [math.exp(cosine(query, each) / TEMPERATURE) for each in among] for query in (target, text)
        )
        for power, other in zip(expected, found, strict=True):
            total += power / sum(expected) * math.log((power / sum(expected)) / (other / sum(found)))
    return total / len(student)


def retrieval(student: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
    return retrieval_distillation(student, targets, tf.constant(REFERENCES, tf.float32), TEMPERATURE)


def loop_of_margins(left: np.ndarray, right: np.ndarray) -> float:
    def one_way(left: np.ndarray, right: np.ndarray) -> float:
        total = 0.0
        for i in range(len(left)):
            own = math.exp(SCALE * (cosine(left[i], right[i]) - MARGIN))
            others = 0.0
            for n in range(len(left)):
                if SENTENCES[n] != SENTENCES[i] and TRANSLATIONS[n] != TRANSLATIONS[i]:
                    others += math.exp(SCALE * cosine(left[i], right[n]))
            total -= math.log(own / (own + others))
        return total / len(left)

    return one_way(left, right) + one_way(right, left)


def margins(left: tf.Tensor, right: tf.Tensor) -> tf.Tensor:
    same = share_a_side(tf.constant(SENTENCES), tf.constant(TRANSLATIONS))
    return additive_margin_softmax(left, right, same, MARGIN, SCALE)


OBJECTIVES = {
    "features": (feature_distillation, loop_of_features),
    "similarities": (lambda a, b: similarity_distillation(a, b, TEMPERATURE), loop_of_similarities),
    "retrieval": (retrieval, loop_of_retrieval),
    "margins": (margins, loop_of_margins),
    "margins, by translations": (lambda a, b: margins(b, a), lambda a, b: loop_of_margins(b, a)),
}


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    return random.normal(size=(5, 4)), random.normal(size=(5, 4))


@pytest.mark.parametrize("name", OBJECTIVES)
def test_values_are_those_of_a_plain_loop(name: str, rows: tuple[np.ndarray, np.ndarray]) -> None:
    objective, loop = OBJECTIVES[name]
    found = float(objective(*(tf.constant(each, tf.float32) for each in rows)))
    assert found == pytest.approx(loop(*rows), rel=1e-5) and found > 0.1


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradients_are_those_of_small_differences(name: str, rows: tuple[np.ndarray, np.ndarray]) -> None:
    objective, loop = OBJECTIVES[name]
    student, other = rows
    variable = tf.Variable(student, dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = objective(variable, tf.constant(other, tf.float32))
    gradient = tape.gradient(value, variable).numpy()
    step = 1e-6  # in float64
    for index in np.ndindex(student.shape):
        beside = np.zeros_like(student)
        beside[index] = step
        slope = (loop(student + beside, other) - loop(student - beside, other)) / (2 * step)
        assert gradient[index] == pytest.approx(slope, rel=1e-3, abs=1e-5)


def test_masked_duplicates_get_no_gradient() -> None:
    """Of two pairs with one sentence, neither pushes the other's translation away."""
    random = np.random.default_rng(1)
    left = tf.constant(np.repeat(random.normal(size=(1, 4)), 2, axis=0), tf.float32)
    right = tf.Variable(random.normal(size=(2, 4)), dtype=tf.float32)
    with tf.GradientTape() as tape:
        value = additive_margin_softmax(left, right, tf.ones([2, 2], tf.bool))
    assert float(value) == 0 and not np.any(tape.gradient(value, right))


@pytest.mark.parametrize("name", ["features", "similarities", "retrieval"])
def test_nothing_is_left_to_learn_of_the_teachers_own_embeddings(name: str) -> None:
    rows = tf.constant(np.random.default_rng(2).normal(size=(6, 4)), tf.float32)
    assert float(OBJECTIVES[name][0](3 * rows, rows)) == pytest.approx(0, abs=1e-6)


def test_an_embedding_of_zeros_gives_no_nan() -> None:
    zeros = tf.Variable(tf.zeros([3, 4]))
    targets = tf.constant(np.random.default_rng(3).normal(size=(3, 4)), tf.float32)
    for objective, _ in list(OBJECTIVES.values())[:3]:
        with tf.GradientTape() as tape:
            value = objective(zeros, targets)
        assert math.isfinite(float(value)) and np.isfinite(tape.gradient(value, zeros)).all()
