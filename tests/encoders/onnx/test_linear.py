"""A dense layer in int8 is exact in its integers, whatever instructions the processor has."""

from __future__ import annotations

import numpy as np
import pytest

from smaller_labse.encoders.onnx.graph import Graph
from smaller_labse.encoders.onnx.linear import LARGEST_WEIGHT, int8_linear

onnxruntime = pytest.importorskip("onnxruntime")
helper = pytest.importorskip("onnx").helper


def test_the_largest_numbers_do_not_overflow():
    """Two products of 255 and 127 would: `vpmaddubsw` stops at 32,767."""
    size = 64
    kernel = np.ones((size, 3), np.float32)
    graph = Graph()
    graph.add("Identity", int8_linear(graph, "layer", "x", kernel, np.float32([0, 1, 2])), output="y")
    float_type = helper.np_dtype_to_tensor_dtype(np.dtype("float32"))
    described = helper.make_graph(
        graph.nodes,
        "layer",
        [helper.make_tensor_value_info("x", float_type, ["tokens", size])],
        [helper.make_tensor_value_info("y", float_type, ["tokens", 3])],
        [
            helper.make_tensor(
                name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape, values.tobytes(), raw=True
            )
            for name, values in graph.constants.items()
        ],
    )
    model = helper.make_model(described, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inputs = np.float32([np.full(size, 3), np.full(size, -5), np.zeros(size)])
    (found,) = session.run(None, {"x": inputs})
    np.testing.assert_allclose(found, inputs @ kernel + np.float32([0, 1, 2]), rtol=1e-6)
    assert np.iinfo(np.int16).max >= 2 * 255 * LARGEST_WEIGHT
