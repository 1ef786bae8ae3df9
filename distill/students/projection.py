"""The projection: a dense layer from the student's embeddings to the teacher's, where their sizes differ.

Feature distillation then compares the student's embedding x as x·W with the teacher's (LEALLA, arXiv
2302.08387; sentence-transformers' `EmbedDistillLoss`, after arXiv 2301.12005). W is trained along, and is no
part of the student unless that is asked for. It has no bias, so that only the direction of x matters for that
of x·W, which may stand before or behind a scaling to length 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from smaller_labse.encoders.config import Dense, EncoderConfig

FITTED_TEXTS = 2048
RIDGE = 1e-3  # added to the mean square of each of the embeddings' components, in units of their average


def fit_projection(student: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The projection that training begins with, by ridge regression.

        W = (XᵀX + λI)⁻¹ XᵀY, λ = RIDGE · trace(XᵀX) / size

    Args:
        student: X, the student's embeddings of some texts before it is trained, float [n, size].
        targets: Y, the teacher's in the same order, float [n, teacher's size].

    Returns:
        W, float32 [size, teacher's size].

    >>> fit_projection(np.eye(2), np.array([[1, 0, 0], [0, 1, 0]])).round(2).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
    """
    known = np.asarray(student, np.float64)
    squares = known.T @ known
    ridge = RIDGE * np.trace(squares) / len(squares)
    kernel = np.linalg.solve(
        squares + ridge * np.eye(len(squares)), known.T @ np.asarray(targets, np.float64)
    )
    return kernel.astype(np.float32)


def with_projection(
    config: EncoderConfig, read_tensor: Callable[[str], np.ndarray], kernel: np.ndarray
) -> tuple[EncoderConfig, Callable[[str], np.ndarray], str]:
    """An encoder with the projection as one more dense layer behind the pooling.

    Args:
        config: the encoder's without it.
        read_tensor: from each name in `config.tensor_shapes()` to that tensor.
        kernel: the projection, float32 [size, teacher's size].

    Returns:
        The same two of the encoder with it, and the name of the kernel in there.
    """
    size, teachers = kernel.shape
    dense = (*config.pooling.dense, Dense(size, teachers, "identity"))
    name = f"dense_{len(dense) - 1}"
    added = {f"{name}/kernel": kernel, f"{name}/bias": np.zeros(teachers, np.float32)}
    projected = replace(config, pooling=replace(config.pooling, dense=dense))
    return projected, lambda each: added[each] if each in added else read_tensor(each), f"{name}/kernel"
