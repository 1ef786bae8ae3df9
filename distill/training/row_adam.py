"""Adam for an embedding matrix: only the rows that a batch has are read and written.

Adam (arXiv 1412.6980, algorithm 1) of each row by itself, as if it were a parameter that the other batches do
not have: its moments, and the number of steps that their bias is corrected by, are those of the batches that
had the row. So a row that no batch has stays as it is to the bit, a rare token's first steps are no larger
than others', and a step costs what the batch's tokens cost, not what the vocabulary does. There is no weight
decay.
"""

from __future__ import annotations

import tensorflow as tf

MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8  # beta_1, beta_2 and epsilon, as the paper has them


def sum_by_row(gradient: tf.IndexedSlices) -> tf.IndexedSlices:
    """The gradient with each row once, in ascending order.

    What belongs to one row is added in the order in which it comes, so that the sum is the same in every run.

    Args:
        gradient: of a matrix that was gathered from; rows may come several times.
    """
    order = tf.argsort(gradient.indices, stable=True)
    rows, places = tf.unique(tf.gather(gradient.indices, order))
    values = tf.math.segment_sum(tf.gather(gradient.values, order), places)
    return tf.IndexedSlices(values, rows, gradient.dense_shape)


class RowAdam:
    """The optimizer of one embedding matrix.

    Attributes:
        variables: what it remembers: the mean gradients, float32 [rows, size], the mean squares, likewise,
            and how many batches had each row, int32 [rows].

    Example:
        optimizer = RowAdam(matrix)
        optimizer.apply(sum_by_row(tape.gradient(loss, matrix)), learning_rate=1e-3)
    """

    def __init__(self, matrix: tf.Variable) -> None:
        """Begin before the first step.

        Args:
            matrix: float32 [rows, size].
        """
        self._matrix = matrix
        self._means = tf.Variable(tf.zeros(matrix.shape), name="mean_gradients")
        self._squares = tf.Variable(tf.zeros(matrix.shape), name="mean_squares")
        self._steps = tf.Variable(tf.zeros(matrix.shape[:1], tf.int32), name="steps_of_rows")
        self.variables = [self._means, self._squares, self._steps]

    def apply(self, gradient: tf.IndexedSlices, learning_rate: tf.Tensor | float) -> None:
        """Take a step.

        Args:
            gradient: each row once, see `sum_by_row`.
            learning_rate: of this step.
        """
        rows, values = gradient.indices, gradient.values
        steps = tf.gather(self._steps, rows) + 1
        means = MEAN_DECAY * tf.gather(self._means, rows) + (1 - MEAN_DECAY) * values
        squares = SQUARE_DECAY * tf.gather(self._squares, rows) + (1 - SQUARE_DECAY) * values**2
        power = tf.cast(steps, tf.float32)[:, tf.newaxis]
        mean = means / (1 - MEAN_DECAY**power)
        length = tf.sqrt(squares / (1 - SQUARE_DECAY**power)) + EPSILON
        moved = tf.gather(self._matrix, rows) - learning_rate * mean / length
        new = ((self._steps, steps), (self._means, means), (self._squares, squares), (self._matrix, moved))
        for variable, of_rows in new:
            variable.scatter_update(tf.IndexedSlices(of_rows, rows))
