"""A SavedModel's functions are traced once."""

from __future__ import annotations

import tensorflow as tf

from smaller_labse.encoders.write_saved_model import write_saved_model


def test_every_function_is_traced_and_written_once(tmp_path):
    traced = []

    def double(number: tf.Tensor) -> tf.Tensor:
        traced.append(number)
        return number * 2

    root = tf.Module()
    root.double = tf.function(double)
    root.serve = tf.function(lambda number: {"doubled": root.double(number)})
    spec = tf.TensorSpec([], tf.float32, name="number")

    def trace() -> dict:
        root.double.get_concrete_function(spec)
        return {"serving_default": root.serve.get_concrete_function(spec)}

    write_saved_model(root, tmp_path, trace)
    assert len(traced) == 1
    loaded = tf.saved_model.load(str(tmp_path))
    assert loaded.double(tf.constant(2.0)) == loaded.serve(tf.constant(2.0))["doubled"] == 4
