"""An encoder as a graph: token ids and a mask to the tokens' outputs and one embedding.

The computation is that of `encoders/bert.py`. What is constant is put together beforehand: position and
segment embeddings, the three kernels of attention, the scale of its scores. Tokens of all texts are the rows
of one matrix [tokens, hidden size], but for attention. What stands there of activations is joined to one
operation by onnxruntime: Gelu, BiasGelu, FastGelu.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.encoders.onnx.activations import activate
from smaller_labse.encoders.onnx.embedding_matrix import LOOKUPS, Lookup
from smaller_labse.encoders.onnx.graph import Graph
from smaller_labse.encoders.onnx.linear import LINEARS, Linear, float_linear, smoothed
from smaller_labse.encoders.onnx.names import EMBEDDING, IDS, MASK, TOKENS
from smaller_labse.originals.onnx_formats import OnnxFormat

if TYPE_CHECKING:
    from onnx import ValueInfoProto

MASKED_SCORE = -1e9  # as in bert.py
SHORTEST = 1e-12  # what an embedding's length is taken for at least, as torch's normalize does
FEWEST_TOKENS = 1e-9  # likewise, of sentence-transformers' mean

ReadTensor = Callable[[str], np.ndarray]


@dataclass(frozen=True)
class EncoderGraph:
    """An encoder while its graph is put together.

    Attributes:
        config: the encoder's.
        read: the float32 tensor of a name in `config.tensor_shapes()`.
        graph: where operations are added.
        linear: how the layers' dense layers are computed.
    """

    config: EncoderConfig
    read: ReadTensor
    graph: Graph
    linear: Linear

    def embed(self, lookup: Lookup) -> str:
        """Add the embeddings of tokens, positions and the first segment: [tokens, hidden size]."""
        graph, config = self.graph, self.config
        words = lookup(graph, self.read(WORD_EMBEDDINGS), IDS)
        positions = self.read("position_embedding/embeddings")[config.first_position :]
        positions = positions + self.read("type_embeddings/embeddings")[0]
        first = graph.integers(0)
        length = graph.add("Slice", graph.add("Shape", IDS), graph.integers(1), graph.integers(2))
        table = graph.tensor("position_embedding/embeddings", positions)
        embedded = graph.add("Add", words, graph.add("Slice", table, first, length, first))
        rows = graph.add("Reshape", embedded, graph.integers(-1, config.hidden_size))
        return self.normalize("embeddings/layer_norm", rows)

    def masked_scores(self) -> str:
        """Add what is added to attention's scores: [batch, 1, 1, length]."""
        graph = self.graph
        mask = graph.add("Unsqueeze", as_float(graph, MASK), graph.integers(1, 2))
        return graph.add("Mul", graph.add("Sub", graph.number(1), mask), graph.number(MASKED_SCORE))

    def transform(self, number: int, hidden: str, masked_scores: str, split_heads: str) -> str:
        """Add a layer: [tokens, hidden size] to the same.

        Args:
            number: the layer's.
            hidden: the last one's output.
            masked_scores: see `masked_scores`.
            split_heads: the shape [batch, length, 3, heads, head size], as integers.
        """
        graph, layer = self.graph, f"transformer/layer_{number}"
        attended = self.attend(f"{layer}/self_attention", hidden, masked_scores, split_heads)
        hidden = self.normalize(f"{layer}/self_attention_layer_norm", graph.add("Add", attended, hidden))
        inner = self.dense(f"{layer}/intermediate", hidden)
        output = self.dense(f"{layer}/output", activate(graph, inner, self.config.hidden_act))
        return self.normalize(f"{layer}/output_layer_norm", graph.add("Add", output, hidden))

    def attend(self, name: str, hidden: str, masked_scores: str, split_heads: str) -> str:
        """Add scaled dot-product attention; see `bert.py`."""
        graph, size = self.graph, self.config.hidden_size
        scale = np.float32(self.config.head_size**-0.5)
        parts = [self._kernel_and_bias(f"{name}/{part}", size) for part in ("query", "key", "value")]
        kernel, bias = (
            np.concatenate([tensors[0] * scale, *tensors[1:]], axis=-1)
            for tensors in zip(*parts, strict=True)
        )
        joined = self.linear(graph, f"{name}/query_key_value", hidden, kernel, bias)
        by_head = graph.add("Reshape", joined, split_heads)
        by_part = graph.add("Transpose", by_head, perm=[2, 0, 3, 1, 4])  # [3, batch, heads, length, size]
        query, key, value = (
            graph.add("Squeeze", part, graph.integers(0)) for part in graph.split(by_part, 3, axis=0)
        )
        scores = graph.add("MatMul", query, graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        attention = graph.add("Softmax", graph.add("Add", scores, masked_scores), axis=-1)
        context = graph.add("Transpose", graph.add("MatMul", attention, value), perm=[0, 2, 1, 3])
        rows = graph.add("Reshape", context, graph.integers(-1, size))
        return self.dense(f"{name}/attention_output", rows)

    def dense(self, name: str, inputs: str) -> str:
        """Add a dense layer of this name."""
        outputs = self.read(f"{name}/bias").size
        return self.linear(self.graph, name, inputs, *self._kernel_and_bias(name, outputs))

    def normalize(self, name: str, inputs: str) -> str:
        """Add layer normalization over the hidden size."""
        scale, offset = (
            self.graph.tensor(f"{name}/{part}", self.read(f"{name}/{part}")) for part in ("gamma", "beta")
        )
        epsilon = self.config.layer_norm_eps
        return self.graph.add("LayerNormalization", inputs, scale, offset, axis=-1, epsilon=epsilon)

    def pool(self, tokens: str) -> str:
        """Add the steps from the tokens' outputs, [batch, length, hidden size], to one embedding."""
        graph, pooling = self.graph, self.config.pooling
        if pooling.mode == "mean":
            counted = graph.add("Unsqueeze", as_float(graph, MASK), graph.integers(2))
            summed = _sum(graph, graph.add("Mul", tokens, counted))
            number = graph.add("Max", _sum(graph, counted), graph.number(FEWEST_TOKENS))
            pooled = graph.add("Div", summed, number)
        else:
            pooled = graph.add("Gather", tokens, graph.constant(np.int64(0)), axis=1)
        steps = [("pooler_transform", pooling.pooler_activation)] if pooling.mode == "pooler" else []
        steps += [(f"dense_{number}", dense.activation) for number, dense in enumerate(pooling.dense)]
        for name, activation in steps:  # small, so they stay in float32
            tensors = self.read(f"{name}/kernel"), self.read(f"{name}/bias")
            pooled = activate(graph, float_linear(graph, name, pooled, *tensors), activation)
        if not pooling.normalize:
            return pooled
        length = graph.add("Max", graph.add("ReduceL2", pooled, axes=[1], keepdims=1), graph.number(SHORTEST))
        return graph.add("Div", pooled, length)

    def _kernel_and_bias(self, name: str, outputs: int) -> tuple[np.ndarray, np.ndarray]:
        return self.read(f"{name}/kernel").reshape(-1, outputs), self.read(f"{name}/bias").reshape(-1)


def encoder_graph(
    config: EncoderConfig, read: ReadTensor, written: OnnxFormat, factors: Mapping[str, np.ndarray]
) -> Graph:
    """An encoder as a graph.

    It takes `input_ids` and `attention_mask`, int64 [batch, length], and returns `last_hidden_state`, float32
    [batch, length, hidden size], and `sentence_embedding`, float32 [batch, embedding size].

    Args:
        config: the encoder's, its pooling included.
        read: the float32 tensor of a name in `config.tensor_shapes()`.
        written: the format.
        factors: of its layers in int8, see `smoothing.py`; of others none.
    """
    linear = smoothed(LINEARS[written.layers], factors)
    return put_together(config, read, linear, LOOKUPS[written.matrix])


def put_together(config: EncoderConfig, read: ReadTensor, linear: Linear, lookup: Lookup) -> Graph:
    """As `encoder_graph`, with dense layers and the embedding matrix computed as these functions add them."""
    graph = Graph()
    encoder = EncoderGraph(config, read, graph, linear)
    hidden = encoder.embed(lookup)
    masked_scores, shape = encoder.masked_scores(), graph.add("Shape", IDS)
    heads = graph.integers(3, config.num_attention_heads, config.head_size)
    split_heads = graph.add("Concat", shape, heads, axis=0)
    for number in range(config.num_hidden_layers):
        hidden = encoder.transform(number, hidden, masked_scores, split_heads)
    by_text = graph.add("Concat", shape, graph.integers(config.hidden_size), axis=0)
    tokens = graph.add("Reshape", hidden, by_text, output=TOKENS)
    graph.add("Identity", encoder.pool(tokens), output=EMBEDDING)
    return graph


def graph_inputs() -> list[ValueInfoProto]:
    """What an encoder's graph takes."""
    from onnx import TensorProto, helper

    return [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in (IDS, MASK)
    ]


def graph_outputs(config: EncoderConfig) -> list[ValueInfoProto]:
    """What an encoder's graph returns."""
    from onnx import TensorProto, helper

    shapes = {TOKENS: ["batch", "length", config.hidden_size], EMBEDDING: ["batch", config.embedding_size]}
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]


def as_float(graph: Graph, name: str) -> str:
    """Add numbers of another type as float32."""
    from onnx import TensorProto

    return graph.add("Cast", name, to=TensorProto.FLOAT)


def _sum(graph: Graph, values: str) -> str:
    """Add sums over the tokens of each text: [batch, length, n] to [batch, n]."""
    return graph.add("ReduceSum", values, graph.integers(1), keepdims=0)
