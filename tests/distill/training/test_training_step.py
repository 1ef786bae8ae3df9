"""A training step brings the student nearer to the teacher, changes nothing frozen, and repeats to the bit."""

from __future__ import annotations

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


def is_trained(name: str) -> bool:
    return name != WORD_EMBEDDINGS


@pytest.fixture(scope="module")
def step(tmp_path_factory: pytest.TempPathFactory) -> TrainingStep:
    from smaller_labse.encoders.bert import Encoder
    from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor

    vocabulary: Path = tmp_path_factory.mktemp("student") / "vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in PIECES), encoding="utf-8", newline="\n")
    config = replace(CONFIG, num_hidden_layers=1)
    encoder = Encoder(config, random_tensors(config), vocabulary)
    step = TrainingStep(encoder, BertPreprocessor(vocabulary), is_trained, 16, Loss(10, 1, 0.5))
    step.encoder = encoder  # type: ignore[attr-defined] # so that it lives, and for the test
    return step


def batch(targets: np.ndarray) -> Batch:
    return Batch(TEXTS, np.concatenate([targets, targets]).astype(np.float32), IDS)


def take(step: TrainingStep, times: int, targets: np.ndarray) -> list[float]:
    found = [step(batch(targets), 0.01, 12) for _ in range(times)]
    return [float(parts.sum()) for parts in found if parts is not None]


def test_training_brings_the_student_nearer_and_goes_on_to_the_bit(
    step: TrainingStep, tmp_path: Path
) -> None:
    targets = np.random.default_rng(0).normal(size=(3, 16))
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


def test_nan_changes_nothing(step: TrainingStep) -> None:
    before = [variable.numpy() for variable in step.state()]
    assert step(batch(np.full((3, 16), np.nan)), 0.01, 12) is None
    learning_rate = [np.float32(0.01)]
    for expected, variable in zip(before, step.state(), strict=True):
        assert np.array_equal(variable.numpy(), expected) or variable.numpy() in learning_rate
