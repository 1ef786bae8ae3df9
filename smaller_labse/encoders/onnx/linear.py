"""Dense layers in a graph: in float32, or in int8 with a scale for each token and each output channel.

In int8 a token's vector x becomes integers by its own largest number, s = max|x| / 127, so that it does not
depend on the other tokens, nor on the texts beside it: promise 7. With q = round(x / s), the integers w of
the kernel and its scales c, the layer is

    y = s · c · (q · w) + b

q is stored as q + 128 in unsigned bytes: those times signed bytes is what processors have instructions for.
Where one has AVX2 or AVX-512 and no VNNI, onnxruntime multiplies by `vpmaddubsw`, which adds two products in
16 bits and stops at 32,767 (its documents: "Quantize ONNX models", "When and why do I need to try U8U8?").
Their sum can be 2 · 255 · 127 = 64,770. So the integers of kernels are at most 64: 2 · 255 · 64 = 32,640,
which is right with every instruction.

The product is scaled by `DequantizeLinear`, and not by `Cast` and `Mul`: onnxruntime 1.32 joins those to its
MatMulIntegerToFloat, which is wrong where tokens have scales of their own and the layer a bias.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from smaller_labse.encoders.onnx.graph import Graph
from smaller_labse.encoders.onnx.quantize import quantize_channels

LARGEST_WEIGHT = 64
LARGEST_ACTIVATION = 127
ZERO = 128  # what 0 is stored as
SMALLEST = 1e-30  # for a vector of zeros, which has no scale

Linear = Callable[[Graph, str, str, np.ndarray, np.ndarray], str]


def float_linear(graph: Graph, name: str, inputs: str, kernel: np.ndarray, bias: np.ndarray) -> str:
    """Add a dense layer.

    Args:
        graph: where to.
        name: the layer's, for its constants.
        inputs: float32 [tokens, in].
        kernel: float32 [in, out].
        bias: float32 [out].

    Returns:
        The name of the output, float32 [tokens, out].
    """
    product = graph.add("MatMul", inputs, graph.tensor(f"{name}/kernel", kernel))
    return graph.add("Add", product, graph.tensor(f"{name}/bias", bias))


def int8_linear(graph: Graph, name: str, inputs: str, kernel: np.ndarray, bias: np.ndarray) -> str:
    """As `float_linear`, in int8."""
    weights, channel_scales = quantize_channels(kernel, LARGEST_WEIGHT)
    integers, token_scales = _quantize_tokens(graph, inputs)
    weights_name, zero = graph.tensor(f"{name}/kernel", weights), graph.constant(np.uint8(ZERO))
    product = graph.add("MatMulInteger", integers, weights_name, zero)
    by_token = graph.add("DequantizeLinear", product, token_scales, axis=0)
    scaled = graph.add("Mul", by_token, graph.tensor(f"{name}/scales", channel_scales))
    return graph.add("Add", scaled, graph.tensor(f"{name}/bias", bias))


def smoothed(linear: Linear, factors: Mapping[str, np.ndarray]) -> Linear:
    """Dense layers whose inputs are divided by factors, as their kernels are multiplied by them.

    Args:
        linear: how the layers are computed.
        factors: name of a layer → float32 [in]; a layer that is not there has none.
    """

    def add(graph: Graph, name: str, inputs: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        if name in factors:
            inputs = graph.add("Mul", inputs, graph.tensor(f"{name}/smoothing", 1 / factors[name]))
            kernel = kernel * factors[name][:, np.newaxis]
        return linear(graph, name, inputs, kernel, bias)

    return add


LINEARS: Mapping[str, Linear] = {"float32": float_linear, "int8": int8_linear}


def _quantize_tokens(graph: Graph, inputs: str) -> tuple[str, str]:
    """Quantize float32 [tokens, in]: uint8 of that shape, and float32 [tokens], the scales.

    QuantizeLinear with a scale for each token would do it at once, but OpenVINO 2026.4 does not take that.
    """
    high, low = (graph.add(operator, inputs, axes=[1], keepdims=1) for operator in ("ReduceMax", "ReduceMin"))
    largest = graph.add("Max", high, graph.add("Neg", low), graph.number(SMALLEST))
    ratios = graph.add("Div", graph.number(LARGEST_ACTIVATION), largest)
    # With a scale of 1 it rounds, adds the zero and cuts off in one step.
    one, zero = graph.number(1), graph.constant(np.uint8(ZERO))
    integers = graph.add("QuantizeLinear", graph.add("Mul", inputs, ratios), one, zero)
    scales = graph.add("Mul", largest, graph.number(1 / LARGEST_ACTIVATION))
    return integers, graph.add("Squeeze", scales, graph.integers(1))
