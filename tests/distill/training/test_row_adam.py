"""Adam by rows is Adam, of each row by itself; rows that come several times are summed in one order."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from smaller_labse.distill.training.row_adam import EPSILON, RowAdam, sum_by_row

RANDOM = np.random.default_rng(0)


def test_each_row_is_summed_in_the_order_in_which_it_comes() -> None:
    rows = RANDOM.integers(0, 5, 200).astype(np.int32)
    values = (RANDOM.normal(size=(200, 3)) * 10.0 ** RANDOM.integers(-4, 4, (200, 1))).astype(np.float32)
    summed = sum_by_row(tf.IndexedSlices(tf.constant(values), tf.constant(rows), tf.constant([9, 3])))
    assert summed.indices.numpy().tolist() == sorted(set(rows.tolist()))
    for row, found in zip(summed.indices.numpy(), summed.values.numpy(), strict=True):
        expected = np.zeros(3, np.float32)
        for value in values[rows == row]:
            expected += value
        np.testing.assert_array_equal(found, expected)


def test_it_is_a_plain_loop_of_adam_for_each_row() -> None:
    start = RANDOM.normal(size=(4, 2)).astype(np.float32)
    matrix = tf.Variable(start)
    optimizer = RowAdam(matrix)
    batches = [[0, 2], [2], [0, 1, 2], [2]]
    gradients = [RANDOM.normal(size=(len(rows), 2)).astype(np.float32) for rows in batches]
    for rows, gradient in zip(batches, gradients, strict=True):
        optimizer.apply(tf.IndexedSlices(tf.constant(gradient), tf.constant(rows)), 0.1)
    for row in range(4):
        expected, mean, square, steps = start[row].astype(np.float64), 0.0, 0.0, 0
        for rows, gradient in zip(batches, gradients, strict=True):
            if row in rows:
                own, steps = gradient[rows.index(row)].astype(np.float64), steps + 1
                mean, square = 0.9 * mean + 0.1 * own, 0.999 * square + 0.001 * own**2
                unbiased = mean / (1 - 0.9**steps), square / (1 - 0.999**steps)
                expected = expected - 0.1 * unbiased[0] / (np.sqrt(unbiased[1]) + EPSILON)
        np.testing.assert_allclose(matrix.numpy()[row], expected, rtol=1e-4)
    np.testing.assert_array_equal(matrix.numpy()[3], start[3])  # no batch had it
