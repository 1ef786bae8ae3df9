"""Factors make activations easier to quantize, and change nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.encoders.config import WORD_EMBEDDINGS, Pooling
from smaller_labse.encoders.onnx.encoder_graph import encoder_graph, graph_inputs, graph_outputs
from smaller_labse.encoders.onnx.model_file import write_model
from smaller_labse.encoders.onnx.names import EMBEDDING, IDS, MASK
from smaller_labse.make_smaller.example import random_tensors
from smaller_labse.originals.onnx_formats import FORMATS
from tests.small_originals import XLM_ROBERTA

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

from smaller_labse.encoders.onnx.smoothing import (  # noqa: E402 - it needs them
    LENGTH,
    SEQUENCES,
    STEPS,
    smoothed_layers,
    smoothing_factors,
)

CONFIG = replace(XLM_ROBERTA, vocab_size=SEQUENCES * LENGTH, pooling=Pooling("mean", normalize=True))
LARGE = 5  # a channel
FIRST, *_ = smoothed_layers(CONFIG)


def read_with_a_large_channel(name: str) -> np.ndarray:
    """Random weights, but for one channel that is 30 times the others behind every normalization."""
    values = random_tensors(CONFIG)(name).copy()
    if name.endswith("layer_norm/gamma"):
        values[LARGE] *= 30
    return values


def embed(tmp_path: Path, name: str, factors: dict[str, np.ndarray]) -> np.ndarray:
    """The embeddings of random sequences by a file of this format."""
    file = tmp_path / "model.onnx"
    graph = encoder_graph(CONFIG, read_with_a_large_channel, FORMATS[name], factors)
    write_model(file, graph, graph_inputs(), graph_outputs(CONFIG), {})
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    ids = np.random.default_rng(3).integers(0, CONFIG.vocab_size, (40, 12))
    return session.run([EMBEDDING], {IDS: ids, MASK: np.ones_like(ids)})[0]


def test_with_factors_a_large_channel_costs_half_as_much_at_most(tmp_path: Path):
    factors = smoothing_factors(CONFIG, read_with_a_large_channel, tmp_path)
    assert list(factors) == smoothed_layers(CONFIG)
    assert not list(tmp_path.iterdir())
    exact = embed(tmp_path, "float32", {})
    np.testing.assert_allclose(embed(tmp_path, "float32", factors), exact, atol=2e-6)
    lost = [1 - (embed(tmp_path, "int8", each) * exact).sum(axis=1).mean() for each in (factors, {})]
    assert lost[0] < lost[1] / 2


def test_the_first_layer_s_factors_are_the_formula_s(tmp_path: Path):
    read = read_with_a_large_channel
    rows = read(WORD_EMBEDDINGS).reshape(LENGTH, SEQUENCES, -1)  # every row once, evenly drawn
    positions = read("position_embedding/embeddings")[CONFIG.first_position :][:LENGTH, np.newaxis]
    inputs = rows + positions + read("type_embeddings/embeddings")[0]
    inputs = (inputs - inputs.mean(-1, keepdims=True)) / np.sqrt(
        inputs.var(-1, keepdims=True) + CONFIG.layer_norm_eps
    )
    inputs = inputs * read("embeddings/layer_norm/gamma") + read("embeddings/layer_norm/beta")
    attention = FIRST.rpartition("/")[0]
    kernels = [read(f"{attention}/{part}/kernel") for part in ("query", "key", "value")]
    kernels[0] = kernels[0] * CONFIG.head_size**-0.5
    kernel = np.concatenate([each.reshape(CONFIG.hidden_size, -1) for each in kernels], axis=1)
    expected = np.sqrt(np.sqrt((inputs**2).mean((0, 1))) / np.sqrt((kernel**2).mean(1)))
    expected /= np.exp(np.log(expected).mean())
    factors = smoothing_factors(CONFIG, read, tmp_path)[FIRST]
    assert np.abs(np.log2(factors / expected)).max() < 0.5 / STEPS + 1e-4
    assert factors.argmax() == LARGE
