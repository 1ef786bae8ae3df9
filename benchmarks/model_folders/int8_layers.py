"""Which dense layers lose how much in int8: one kind, or one layer, at a time stays in float32."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from measure import Section
from model_folders.side_by_side import read_sentences

import smaller_labse
from smaller_labse.common.result_table import Table
from smaller_labse.encoders.from_huggingface import HuggingFaceEncoder, read_encoder
from smaller_labse.encoders.onnx.embedding_matrix import LOOKUPS
from smaller_labse.encoders.onnx.encoder_graph import graph_inputs, graph_outputs, put_together
from smaller_labse.encoders.onnx.graph import Graph
from smaller_labse.encoders.onnx.linear import float_linear, int8_linear, smoothed
from smaller_labse.encoders.onnx.model_file import write_model
from smaller_labse.encoders.onnx.smoothing import smoothing_factors
from smaller_labse.encoders.onnx.write_onnx import properties
from smaller_labse.originals.onnx_formats import FORMATS
from smaller_labse.originals.weights.safetensors_folder import open_safetensors

TEXTS = 600
KINDS = {
    "query, key and value": "query_key_value$",
    "attention's output": "attention_output$",
    "the inner layer": "intermediate$",
    "the outer layer": "/output$",
}
ALL, UNSMOOTHED, NONE = "all in int8", "all in int8, activations not smoothed", "$^"
EVERY = "."


def measure_layers(model: Path, scratch: Path) -> Section:
    """Measure a model folder that has a `huggingface/`."""
    folder = scratch / "layers"
    shutil.copytree(model / "huggingface", folder, ignore=shutil.ignore_patterns("*.safetensors", "onnx"))
    encoder = read_encoder(model / "huggingface", open_safetensors(model / "huggingface").tensors)
    factors = smoothing_factors(encoder.config, encoder.read_tensor, scratch)
    texts = read_sentences(scratch, TEXTS)
    exact = _embed(encoder, EVERY, {}, folder, texts)
    in_float32 = {UNSMOOTHED: NONE, ALL: NONE}
    in_float32 |= {f"{name} in float32": pattern for name, pattern in KINDS.items()}
    layers = range(encoder.config.num_hidden_layers)
    in_float32 |= {f"layer {number} in float32": f"/layer_{number}/" for number in layers}
    rows = []
    for name, pattern in in_float32.items():
        print(name, file=sys.stderr, flush=True)
        found = _embed(encoder, pattern, {} if name == UNSMOOTHED else factors, folder, texts)
        cosines, moved = (found * exact).sum(axis=1), found - exact
        distance = np.sqrt(np.var(moved, axis=0).sum() / np.var(exact, axis=0).sum())
        rows.append((name, f"{1 - cosines.mean():.5f}", f"{1 - cosines.min():.5f}", f"{100 * distance:.1f}%"))
    notes = (
        f"{TEXTS} everyday sentences in 15 languages, the embedding matrix in float32. Distance: how far "
        "embeddings moved, less what all moved alike, beside how far they lie from their mean."
    )
    columns = ("layers", "1 - cosine, mean", "the most", "distance")
    return Section(f"Layers in int8: {model.name}", Table(columns, rows), {}, notes)


def _embed(
    encoder: HuggingFaceEncoder,
    in_float32: str,
    factors: Mapping[str, np.ndarray],
    folder: Path,
    texts: list[str],
) -> np.ndarray:
    """The embeddings of texts by a file in which layers of this pattern stay in float32."""
    in_int8 = smoothed(int8_linear, factors)

    def linear(graph: Graph, name: str, inputs: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        chosen = float_linear if re.search(in_float32, name) else in_int8
        return chosen(graph, name, inputs, kernel, bias)

    file = folder / "onnx" / "model.onnx"
    file.parent.mkdir(exist_ok=True)
    graph = put_together(encoder.config, encoder.read_tensor, linear, LOOKUPS["float32"])
    notes = properties(encoder.config, FORMATS["int8"])
    write_model(file, graph, graph_inputs(), graph_outputs(encoder.config), notes)
    return smaller_labse.load(file).encode(texts, advance=lambda amount: None, normalize=True)
