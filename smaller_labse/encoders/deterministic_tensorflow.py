"""Compare models without the noise that TensorFlow adds of its own accord."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf


@contextmanager
def deterministic_tensorflow() -> Iterator[None]:
    """Compute in float32, and graphs as they stand, while the block lasts.

    The graph optimizer's arithmetic pass adds three tensors in an order that changes from one loading of a
    model to the next, so that LaBSE itself, loaded twice, differs from itself by up to 1e-5. And on a GPU
    TensorFlow may round what it multiplies to TF32. Without both, two models of the same arithmetic and the
    same weights agree to the bit. For a few texts, optimizing a graph takes longer than it saves, too.
    """
    optimizer = tf.config.optimizer
    is_off = optimizer.get_experimental_options().get("disable_meta_optimizer", False)
    rounded = tf.config.experimental.tensor_float_32_execution_enabled()
    optimizer.set_experimental_options({"disable_meta_optimizer": True})
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        yield
    finally:
        optimizer.set_experimental_options({"disable_meta_optimizer": is_off})
        tf.config.experimental.enable_tensor_float_32_execution(rounded)


@contextmanager
def additions_in_order() -> Iterator[None]:
    """While the block lasts, what is added in graphs is added in the same order by every process.

    For training, which is to be the same in the next run: only the graph optimizer's arithmetic pass is off.
    """
    optimizer = tf.config.optimizer
    before = optimizer.get_experimental_options().get("arithmetic_optimization", True)
    optimizer.set_experimental_options({"arithmetic_optimization": False})
    try:
        yield
    finally:
        optimizer.set_experimental_options({"arithmetic_optimization": before})
