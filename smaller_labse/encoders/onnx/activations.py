"""Activations in a graph, written as onnxruntime knows them: it joins each GELU to one operation."""

from __future__ import annotations

import math

from smaller_labse.encoders.config import Activation
from smaller_labse.encoders.onnx.graph import Graph


def activate(graph: Graph, inputs: str, activation: Activation) -> str:
    """Add an activation; a "glu" halves the last axis, the others keep the shape."""
    if activation == "identity":
        return inputs
    if activation == "tanh":
        return graph.add("Tanh", inputs)
    if activation == "hardswish":  # arXiv 1905.02244, section 5.2
        capped = graph.add(
            "Clip", graph.add("Add", inputs, graph.number(3)), graph.number(0), graph.number(6)
        )
        return graph.add("Div", graph.add("Mul", inputs, capped), graph.number(6))
    if activation == "glu":  # arXiv 1612.08083, section 3
        passed, gate = graph.split(inputs, 2, axis=-1)
        return graph.add("Mul", passed, graph.add("Sigmoid", gate))
    return _gelu(graph, inputs) if activation == "gelu" else _gelu_by_tanh(graph, inputs)


def _gelu(graph: Graph, inputs: str) -> str:
    """x (1 + erf(x / sqrt(2))) / 2 (arXiv 1606.08415, section 2)."""
    error = graph.add("Erf", graph.add("Div", inputs, graph.number(math.sqrt(2))))
    doubled = graph.add("Mul", inputs, graph.add("Add", error, graph.number(1)))
    return graph.add("Mul", doubled, graph.number(0.5))


def _gelu_by_tanh(graph: Graph, inputs: str) -> str:
    """x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 (there, too)."""
    cube = graph.add("Pow", inputs, graph.number(3))
    inner = graph.add("Add", inputs, graph.add("Mul", cube, graph.number(0.044715)))
    tanh = graph.add("Tanh", graph.add("Mul", inner, graph.number(math.sqrt(2 / math.pi))))
    half = graph.add("Mul", inputs, graph.number(0.5))
    return graph.add("Mul", half, graph.add("Add", tanh, graph.number(1)))
