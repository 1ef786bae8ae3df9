"""GELU by tanh out of PyTorch's modules: what is written computes it, wherever x is, but for rounding."""

from __future__ import annotations

import math

import numpy as np

from smaller_labse.encoders.lealla.tanh_gelu import GLU, HARDSWISH, IDENTITY, tanh_gelu_modules

LARGEST_ERROR = 5e-7  # relative to x, or to 1 where x is smaller; docs/design.md and the model cards say so


def hardswish(values: np.ndarray) -> np.ndarray:
    return values * np.clip(values + np.float32(3), 0, 6) / np.float32(6)


def glu(values: np.ndarray) -> np.ndarray:
    passed, gate = np.split(values, 2, axis=-1)
    with np.errstate(over="ignore"):
        return passed / (1 + np.exp(-gate))


def test_they_are_gelu_by_tanh_to_float32_s_rounding():
    far = np.logspace(-8, 6, 5_000)
    inputs = np.concatenate([np.linspace(-12, 12, 240_001), far, -far]).astype(np.float32)
    weight, bias = np.array([[1.0, 0], [-3.0, 0.5]], np.float32), np.array([0.0, 0.25], np.float32)
    features = np.stack([inputs, np.zeros_like(inputs)], axis=1)
    outputs = features
    activations = {HARDSWISH: hardswish, GLU: glu, IDENTITY: lambda values: values}
    modules = tanh_gelu_modules(weight, bias)
    for module in modules:
        outputs = outputs @ module.weight.T + (0 if module.bias is None else module.bias)
        outputs = activations[module.activation](outputs)
        assert outputs.dtype == np.float32
    x = features.astype(np.float64) @ weight.T + bias
    expected = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    assert (np.abs(outputs - expected) / np.maximum(np.abs(x), 1)).max() < LARGEST_ERROR
    assert [module.weight.shape for module in modules] == [(4, 2), (8, 4), (4, 8), (2, 2)]
