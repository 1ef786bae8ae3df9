"""What a smaller student is: which layers, which hidden size, or LEALLA's architecture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.distill.students.lealla import LEALLAStudent
from smaller_labse.distill.students.smaller import smaller_student
from smaller_labse.encoders.config import LEALLA_POOLING, WORD_EMBEDDINGS
from smaller_labse.make_smaller.example import random_tensors
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from tests.conftest import CONFIG, PIECES

WIDE = replace(CONFIG, hidden_size=192, num_attention_heads=12, max_position_embeddings=512)


def first(count: int) -> tuple[int, ...]:
    return tuple(range(count))


@pytest.fixture
def student(tmp_path: Path) -> SimpleNamespace:
    file = tmp_path / "vocab.txt"
    file.write_text("".join(f"{piece}\n" for piece in PIECES), encoding="utf-8", newline="\n")
    return SimpleNamespace(
        folder=tmp_path,
        config=WIDE,
        read_tensor=random_tensors(WIDE),
        tokenizer=WordPiece(file),
        sequence_length=12,
    )


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("3", None, None), "--layers 3: the model has 2 layers, expected 1 to 2"),
        ((None, 192, None), "--hidden-size 192: the model has 192, expected 2 or more, and less"),
    ],
)
def test_what_does_not_go_together_is_refused(student, asked, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        smaller_student(student, *asked, first)


def test_lealla_wants_labse_s_vocabulary(student) -> None:
    student.tokenizer.lower_case = True
    with pytest.raises(UsageError, match="--like lealla-base: expected a model in LaBSE's TF Hub format"):
        smaller_student(student, None, None, "lealla-base", first)


def test_another_hidden_size_trains_the_matrix_and_says_so(student) -> None:
    smaller = smaller_student(student, "1", 96, None, first)
    assert smaller.config.hidden_size == 96 and smaller.kept == (0,)
    assert WORD_EMBEDDINGS in smaller.trained and "its rows were trained" in smaller.not_trained
    assert smaller.opening == "1 of the 2 layers of {} (0), projected from a hidden size of 192 to 96"
    same = smaller_student(student, "1", None, None, first)
    assert WORD_EMBEDDINGS not in same.trained and "was not trained" in same.not_trained


def test_a_new_lealla_has_its_architecture_and_begins_with_projected_embeddings(student) -> None:
    smaller = smaller_student(student, None, None, "lealla-small", first)
    config = smaller.config
    assert isinstance(smaller.student, LEALLAStudent) and smaller.student.tokenizer.kind == "lealla"
    assert (config.hidden_size, config.num_hidden_layers, config.num_attention_heads) == (128, 24, 8)
    assert config.pooling == LEALLA_POOLING and config.intermediate_size == 512
    for name, shape in config.tensor_shapes().items():
        values = smaller.read_tensor(name)
        assert values.shape == shape and values.dtype == np.float32, name
    # Projected to most of their directions, the rows keep most of their cosines.
    before, after = student.read_tensor(WORD_EMBEDDINGS), smaller.read_tensor(WORD_EMBEDDINGS)
    products = [matrix @ matrix.T for matrix in (before, after)]
    assert np.corrcoef(*(each[np.triu_indices(len(PIECES), 1)] for each in products))[0, 1] > 0.7
    assert smaller.read_tensor("transformer/layer_23/output/kernel").std() == pytest.approx(0.02, rel=0.1)


def test_embeddings_that_are_not_wider_are_no_start(student) -> None:
    student.config, student.read_tensor = CONFIG, random_tensors(CONFIG)
    values = smaller_student(student, None, None, "lealla-large", first).read_tensor(WORD_EMBEDDINGS)
    assert values.shape == (len(PIECES), 256) and values.std() == pytest.approx(0.02, rel=0.1)
