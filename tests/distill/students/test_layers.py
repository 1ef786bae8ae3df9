"""Which layers a student keeps."""

from __future__ import annotations

import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.distill.students.layers import choose_layers, keep_layers
from smaller_labse.make_smaller.example import SMALL, random_tensors


def not_asked(count: int) -> tuple[int, ...]:
    raise AssertionError("nothing is to be chosen")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("13", "the model has 12 layers, expected 1 to 12"),
        ("0", "expected 1 to 12"),
        ("0,12", "expected numbers from 0 to 11"),
        ("3,1", "expected each layer once, in ascending order"),
        ("1,1", "expected each layer once"),
        ("six", "expected a number of layers, or their numbers, such as 0,2,4"),
        ("1,", "expected a number of layers"),
    ],
)
def test_layers_that_are_not_there_are_refused(written: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        choose_layers(written, 12, not_asked)


def test_a_kept_layer_is_the_originals() -> None:
    read = random_tensors(SMALL)
    config, of_student = keep_layers(SMALL, read, choose_layers("0,2", 3, not_asked))
    assert config.num_hidden_layers == 2
    name = "transformer/layer_{}/output/kernel"
    assert (of_student(name.format(1)) == read(name.format(2))).all()
    assert set(config.tensor_shapes()) < set(SMALL.tensor_shapes())
