"""The projection to the teacher's size begins as the best linear one, and can become a part of the student."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from smaller_labse.distill.students.projection import fit_projection, with_projection
from smaller_labse.encoders.config import Dense, Pooling
from smaller_labse.make_smaller.example import SMALL, random_tensors


def test_a_linear_relation_is_found_whichever_of_both_is_larger() -> None:
    random = np.random.default_rng(0)
    student = random.normal(size=(50, 6))
    for size in (4, 9):
        kernel = random.normal(size=(6, size))
        found = fit_projection(student, student @ kernel)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, kernel, atol=0.02)


def test_fewer_texts_than_numbers_are_enough_to_begin_with() -> None:
    assert np.isfinite(fit_projection(np.eye(6)[:2], np.ones((2, 3)))).all()


def test_it_becomes_the_last_dense_layer() -> None:
    before = replace(SMALL, vocab_size=7, pooling=Pooling("mean", (Dense(64, 5, "tanh"),)))
    kernel = np.ones((5, 3), np.float32)
    config, read_tensor, name = with_projection(before, random_tensors(before), kernel)
    assert before.embedding_size == 5 and config.embedding_size == 3
    assert name == "dense_1/kernel" and (read_tensor(name) == kernel).all()
    assert not read_tensor("dense_1/bias").any()
    assert read_tensor("dense_0/kernel").shape == (64, 5)
    assert set(config.tensor_shapes()) - set(before.tensor_shapes()) == {name, "dense_1/bias"}
