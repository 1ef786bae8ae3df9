"""LEALLA's tensors under the names of LaBSE on TF Hub, and its config."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.config import LEALLA_POOLING, EncoderConfig
from smaller_labse.encoders.config import WORD_EMBEDDINGS as LABSE_WORD_EMBEDDINGS
from smaller_labse.originals.weights.lealla_checkpoint import PREFIX, LEALLACheckpoint
from smaller_labse.originals.weights.stored_tensor import StoredTensor

if TYPE_CHECKING:
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef

# LaBSE's names → the original BERT's (google-research/bert), as LEALLA's are.
MODULES = {
    "word_embeddings/embeddings": "embeddings/word_embeddings",
    "position_embedding/embeddings": "embeddings/position_embeddings",
    "type_embeddings/embeddings": "embeddings/token_type_embeddings",
    "embeddings/layer_norm": "embeddings/LayerNorm",
    "pooler_transform": "pooler/dense",
}
LAYER_MODULES = {
    "self_attention/query": "attention/self/query",
    "self_attention/key": "attention/self/key",
    "self_attention/value": "attention/self/value",
    "self_attention/attention_output": "attention/output/dense",
    "self_attention_layer_norm": "attention/output/LayerNorm",
    "intermediate": "intermediate/dense",
    "output": "output/dense",
    "output_layer_norm": "output/LayerNorm",
}
PUBLISHED_HEADS = {128: 8, 192: 12, 256: 8}  # by hidden size: small, base, large


@dataclass(frozen=True)
class LEALLAWeights:
    """LEALLA's weights.

    Attributes:
        checkpoint: where they lie.
        config: the encoder's.
    """

    checkpoint: LEALLACheckpoint
    config: EncoderConfig

    def read(self, name: str) -> np.ndarray:
        """The float32 tensor of a name in `config.tensor_shapes()`."""
        return self.checkpoint.read(lealla_name(name)).reshape(self.config.tensor_shapes()[name])

    def word_embeddings(self) -> StoredTensor:
        """The embedding matrix."""
        return self.checkpoint.find(lealla_name(LABSE_WORD_EMBEDDINGS))


def read_weights(checkpoint: LEALLACheckpoint) -> LEALLAWeights:
    """Find LEALLA's tensors and its config; no values are read.

    Raises:
        SmallerLabseError: a tensor is missing or has a shape that the others contradict.
    """
    shapes = checkpoint.shapes
    layers = 0
    while f"{PREFIX}encoder/layer_{layers}/attention/self/query/kernel" in shapes:
        layers += 1
    inner = shapes.get(f"{PREFIX}encoder/layer_0/intermediate/dense/kernel", ())
    types = shapes.get(lealla_name("type_embeddings/embeddings"), ())
    vocab_size, hidden_size = checkpoint.embedding_matrix_shape
    if len(inner) != 2 or len(types) != 2 or checkpoint.positions is None:
        raise SmallerLabseError(
            f"{checkpoint.folder}: no layer 0, position or token type embeddings in the checkpoint, expected "
            "LEALLA's"
        )
    config = EncoderConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=_find_heads(checkpoint, hidden_size),
        intermediate_size=inner[1],
        max_position_embeddings=checkpoint.positions,
        type_vocab_size=types[0],
        pooling=LEALLA_POOLING,
    )
    for name, shape in config.tensor_shapes().items():
        found = shapes.get(lealla_name(name))
        if found is None or int(np.prod(found)) != int(np.prod(shape)):
            raise SmallerLabseError(
                f"{checkpoint.folder}: the tensor {lealla_name(name)} has the shape "
                f"{None if found is None else list(found)}, expected {int(np.prod(shape)):,} values"
            )
    return LEALLAWeights(checkpoint, config)


def lealla_name(name: str) -> str:
    """A tensor's name in LEALLA.

    >>> lealla_name("transformer/layer_3/self_attention/query/kernel")
    'student_bert/encoder/layer_3/attention/self/query/kernel'
    """
    if name in MODULES:
        return PREFIX + MODULES[name]
    module, parameter = name.rsplit("/", 1)
    layer = re.fullmatch(r"transformer/layer_(\d+)/(.+)", module)
    theirs = f"encoder/layer_{layer[1]}/{LAYER_MODULES[layer[2]]}" if layer else MODULES[module]
    return f"{PREFIX}{theirs}/{parameter}"


def _find_heads(checkpoint: LEALLACheckpoint, hidden_size: int) -> int:
    """How many heads the attention has: no tensor's shape says it, but shapes in the graph do.

    Raises:
        SmallerLabseError: nothing says it for certain.
    """
    from smaller_labse.originals.weights.saved_model_graph import read_graph

    found = set(_heads_in(read_graph(checkpoint.folder).meta_graphs[0], hidden_size))
    if len(found) == 1:
        return found.pop()
    if not found and hidden_size in PUBLISHED_HEADS:
        return PUBLISHED_HEADS[hidden_size]
    raise SmallerLabseError(
        f"{checkpoint.folder}: its graph does not say how many heads {hidden_size} components are split into "
        f"(found {sorted(found)}); expected one of LEALLA's three models"
    )


def _heads_in(graph: MetaGraphDef, hidden_size: int) -> Iterator[int]:
    """The heads in shapes of four dimensions that end with [heads, hidden size / heads]."""
    from tensorflow.python.framework.tensor_util import MakeNdarray

    nodes = {node.name: node for node in graph.graph_def.node}

    def constant(name: str) -> np.ndarray | None:
        node = nodes.get(name.split(":")[0])
        return MakeNdarray(node.attr["value"].tensor) if node is not None and node.op == "Const" else None

    for node in graph.graph_def.node:
        if node.op != "Reshape":
            continue
        shape = nodes.get(node.input[1].split(":")[0])
        if shape is not None and shape.op == "Pack" and len(shape.input) == 4:
            sizes = [constant(name) for name in shape.input[-2:]]
        elif shape is not None and (values := constant(shape.name)) is not None and values.shape == (4,):
            sizes = list(values[-2:])
        else:
            continue
        heads, size = (-1 if value is None else int(value) for value in sizes)
        if heads > 0 and heads * size == hidden_size:
            yield heads
