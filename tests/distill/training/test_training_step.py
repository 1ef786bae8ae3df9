"""A training step brings the student nearer to the teacher, changes nothing frozen, and repeats to the bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.distill.data.examples import Batch
from smaller_labse.distill.objectives.loss import Loss
from smaller_labse.distill.training.checkpoint import Progress, read_checkpoint, write_checkpoint
from smaller_labse.distill.training.training_step import TrainingStep
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.make_smaller.example import random_tensors
from tests.conftest import CONFIG, PIECES

TEXTS = ["good morning", "the house", "the night is red", "morning", "house xy", "ni red"]
IDS = np.array([[0, 1, 0], [0, 1, 2]], np.int32)


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> TrainingStep:
    return make_step(tmp_path_factory, lambda name: name != WORD_EMBEDDINGS, Loss(10, 1, 0.5, 1))


@pytest.fixture(scope="module")
def row_step(tmp_path_factory: pytest.TempPathFactory) -> TrainingStep:
    """Trains the embedding matrix, and one tensor beside it."""
    return make_step(
        tmp_path_factory,
        lambda name: name in (WORD_EMBEDDINGS, "embeddings/layer_norm/gamma"),
        Loss(10, 1, retrieval=1),
    )


def make_step(
    tmp_path_factory: pytest.TempPathFactory,
    is_trained: Callable[[str], bool],
    loss: Loss,
    precision: str = "float32",
) -> TrainingStep:
    import tensorflow as tf

    from smaller_labse.encoders.bert import Encoder
    from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor

    vocabulary: Path = tmp_path_factory.mktemp("student") / "vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in PIECES), encoding="utf-8", newline="\n")
    config = replace(CONFIG, num_hidden_layers=1)
    encoder = Encoder(config, random_tensors(config), vocabulary)
    kernel = np.eye(16, 12, dtype=np.float32)  # a teacher whose embeddings have another size
    step = TrainingStep(
        *(encoder, BertPreprocessor(vocabulary), is_trained, 12, loss, 2),
        projection=kernel,
        precision=tf.as_dtype(precision),
    )
    step.encoder = encoder  # type: ignore[attr-defined] # so that it lives, and for the test
    return step


def batch(targets: np.ndarray) -> Batch:
    both = np.concatenate([targets, targets]).astype(np.float32)
    return Batch(TEXTS, both, IDS, references=both[::-1] + np.float32(0.5))


def take(step: TrainingStep, times: int, targets: np.ndarray) -> list[float]:
    found = [step(batch(targets), 0.01, 12) for _ in range(times)]
    return [float(parts.sum()) for parts in found if parts is not None]


def test_training_brings_the_student_nearer_and_goes_on_to_the_bit(
    step: TrainingStep, tmp_path: Path
) -> None:
    targets = np.random.default_rng(0).normal(size=(3, 12))
    matrix = step.encoder.weights[WORD_EMBEDDINGS].numpy()
    losses = take(step, 30, targets)
    assert len(losses) == 30 and losses[-1] < 0.7 * losses[0]
    write_checkpoint(tmp_path / "checkpoint", step.state(), Progress(step=30))
    take(step, 3, targets)
    undisturbed = [variable.numpy() for variable in step.state()]
    assert read_checkpoint(tmp_path / "checkpoint", step.state()) == Progress(step=30)
    take(step, 3, targets)
    for expected, variable in zip(undisturbed, step.state(), strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected)
    np.testing.assert_array_equal(step.encoder.weights[WORD_EMBEDDINGS].numpy(), matrix)
    assert not np.array_equal(step.projection, np.eye(16, 12)), "the projection is trained, too"


def test_in_bfloat16_the_loss_falls_alike_to_a_fiftieth_of_what_it_was(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Numbers that are multiplied have 8 bits; weights, and what is added up, are float32."""
    rounded = make_step(
        tmp_path_factory, lambda name: name != WORD_EMBEDDINGS, Loss(10, 1, 0.5, 1), "bfloat16"
    )
    exact = make_step(tmp_path_factory, lambda name: name != WORD_EMBEDDINGS, Loss(10, 1, 0.5, 1))
    targets = np.random.default_rng(1).normal(size=(3, 12))
    found, expected = (np.array(take(one, 20, targets)) for one in (rounded, exact))
    assert (found != expected).any() and found[-1] < 0.8 * found[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=expected[0] / 50)
    assert all(variable.dtype == "float32" for variable in rounded.variables)


def test_rows_that_no_text_has_stay_to_the_bit_and_training_goes_on_to_the_bit(
    row_step: TrainingStep, tmp_path: Path
) -> None:
    targets = np.random.default_rng(0).normal(size=(3, 12))
    matrix = row_step.encoder.weights[WORD_EMBEDDINGS]
    before = matrix.numpy()
    losses = take(row_step, 20, targets)
    assert losses[-1] < 0.9 * losses[0]
    changed = [PIECES[row] for row in np.flatnonzero((matrix.numpy() != before).any(axis=1))]
    assert {"good", "morning", "[CLS]", "[SEP]"} <= set(changed) and len(changed) < len(PIECES)
    assert not {"[PAD]", "[MASK]", "猫"} & set(changed)
    write_checkpoint(tmp_path / "checkpoint", row_step.state(), Progress(step=20))
    take(row_step, 3, targets)
    undisturbed = [variable.numpy() for variable in row_step.state()]
    read_checkpoint(tmp_path / "checkpoint", row_step.state())
    take(row_step, 3, targets)
    for expected, variable in zip(undisturbed, row_step.state(), strict=True):
        np.testing.assert_array_equal(variable.numpy(), expected)


@pytest.mark.parametrize("name", ["step", "row_step"])
def test_nan_changes_nothing(name: str, request: pytest.FixtureRequest) -> None:
    step: TrainingStep = request.getfixturevalue(name)
    before = [variable.numpy() for variable in step.state()]
    assert step(batch(np.full((3, 12), np.nan)), 0.01, 12) is None
    learning_rate = [np.float32(0.01)]
    for expected, variable in zip(before, step.state(), strict=True):
        assert np.array_equal(variable.numpy(), expected) or variable.numpy() in learning_rate
