"""Factors by which activations lose less in int8: SmoothQuant (arXiv 2211.10438), without any text.

A few channels of a token's vector are ten times as large as the others, in every text the same ones, and the
token's one scale is that of the largest. A dense layer x · W is (x / f) · (f · W) for any factors f, one for
each channel, so some of that difference can go into the kernel, whose scales are one for each output:

    f = sqrt(rms(x) / rms(W))

with the root mean square of a channel of x, and of its row of the kernel (the paper's equation 4 with a
strength of one half; it takes maxima). Which channels are large depends on the model and hardly on what it
reads, so x comes from short sequences of tokens, evenly drawn from the vocabulary. Of multilingual-e5-small
with 15 languages, embeddings of text are then nearer to float32's: 1 - cosine is 0.0005, without factors
0.0011, and factors from 350 texts are no better. Of a layer's four dense layers the two behind a
normalization have factors; the others, behind attention and the activation function, gain nothing by them.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.encoders.onnx.embedding_matrix import LOOKUPS
from smaller_labse.encoders.onnx.encoder_graph import ReadTensor, graph_inputs, put_together
from smaller_labse.encoders.onnx.graph import Graph
from smaller_labse.encoders.onnx.linear import float_linear
from smaller_labse.encoders.onnx.model_file import write_model
from smaller_labse.encoders.onnx.names import IDS, MASK

LAYERS = ("transformer/layer_{}/self_attention/query_key_value", "transformer/layer_{}/intermediate")
SEQUENCES, LENGTH = 32, 8  # of tokens; some hundred are enough
SMALLEST = 1e-6
LARGEST_FACTOR = 64.0
STEPS = 8  # of factors between 1 and 2, so that a last digit of an activation seldom changes a byte of a file


def smoothed_layers(config: EncoderConfig) -> list[str]:
    """The dense layers that have factors, each one for every channel of the hidden size."""
    return [name.format(number) for number in range(config.num_hidden_layers) for name in LAYERS]


def smoothing_factors(config: EncoderConfig, read: ReadTensor, scratch: Path) -> dict[str, np.ndarray]:
    """The factors of an encoder's layers.

    Args:
        config: the encoder's.
        read: the float32 tensor of a name in `config.tensor_shapes()`.
        scratch: a folder for the encoder's layers in float32, meanwhile.

    Returns:
        Name → float32 [hidden size], about 1 in the mean.
    """
    length = min(LENGTH, config.max_length)
    drawn = np.linspace(0, config.vocab_size - 1, SEQUENCES * length).astype(np.int64)
    rows = read(WORD_EMBEDDINGS)[drawn]
    kernels: dict[str, np.ndarray] = {}
    smoothed = set(smoothed_layers(config))

    def measured_linear(graph: Graph, name: str, inputs: str, kernel: np.ndarray, bias: np.ndarray) -> str:
        if name in smoothed:
            kernels[name] = np.sqrt(np.mean(np.square(kernel), axis=1))
            squares = graph.add("Mul", inputs, inputs)
            graph.add("ReduceMean", squares, output=_mean_square(name), axes=[0], keepdims=0)
        return float_linear(graph, name, inputs, kernel, bias)

    def read_drawn(name: str) -> np.ndarray:
        return rows if name == WORD_EMBEDDINGS else read(name)

    few = replace(config, vocab_size=len(drawn))
    graph = put_together(few, read_drawn, measured_linear, LOOKUPS["float32"])
    ids = np.arange(len(drawn)).reshape(length, SEQUENCES).T  # each has tokens of the whole vocabulary
    squares = _run(graph, list(kernels), config.hidden_size, ids, scratch)
    return {name: _factors(np.sqrt(squares[name]), kernel) for name, kernel in kernels.items()}


def _factors(activations: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Factors by root mean squares, both float32 [in]."""
    logarithms = np.log2(np.maximum(activations, SMALLEST) / np.maximum(kernel, SMALLEST)) / 2
    factors = 2 ** (np.rint((logarithms - logarithms.mean()) * STEPS) / STEPS)
    return np.clip(factors, 1 / LARGEST_FACTOR, LARGEST_FACTOR).astype(np.float32)


def _run(
    graph: Graph, layers: list[str], hidden_size: int, ids: np.ndarray, scratch: Path
) -> dict[str, np.ndarray]:
    """The mean squares of the layers' inputs over all tokens: name → float32 [in]."""
    import onnxruntime
    from onnx import TensorProto, helper

    outputs = [
        helper.make_tensor_value_info(_mean_square(name), TensorProto.FLOAT, [hidden_size]) for name in layers
    ]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the same sums on any number of cores
    options.log_severity_level = 3  # errors; that the pooling leads nowhere is none
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        file = Path(folder) / "layers.onnx"
        write_model(file, graph, graph_inputs(), outputs, {})
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        found = session.run([each.name for each in outputs], {IDS: ids, MASK: np.ones_like(ids)})
    return dict(zip(layers, found, strict=True))


def _mean_square(layer: str) -> str:
    return f"{layer}/mean_square"
