"""The measures of a BERT encoder, read off the shapes of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS


@dataclass(frozen=True)
class EncoderShape:
    """The measures of a BERT encoder.

    Attributes:
        rows: rows of the table of word embeddings, one a piece.
        hidden_size: width of the embeddings and of every layer.
        layers: transformer blocks.
        heads: attention heads a block; `hidden_size` is a multiple of it.
        intermediate_size: width of the feed-forward layer inside a block.
        positions: the longest input, in pieces.
        types: segment types.
        pooler: whether there is BERT's pooler, a dense layer over the first piece.
    """

    rows: int
    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    positions: int
    types: int
    pooler: bool = True

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.heads

    @property
    def table_parameters(self) -> int:
        """Parameters of the table of word embeddings."""
        return self.rows * self.hidden_size

    @property
    def parameters(self) -> int:
        """Parameters of the whole encoder, the pooler included where there is one."""
        total = 0
        for shape in self.tensor_shapes().values():
            size = 1
            for length in shape:
                size *= length
            total += size
        return total

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor's name, as LaBSE on TF Hub names it, and its shape, in the checkpoint's order."""
        hidden, heads, head_size = self.hidden_size, self.heads, self.head_size
        shapes: dict[str, tuple[int, ...]] = {
            WORD_EMBEDDINGS: (self.rows, hidden),
            "position_embedding/embeddings": (self.positions, hidden),
            "type_embeddings/embeddings": (self.types, hidden),
            "embeddings/layer_norm/gamma": (hidden,),
            "embeddings/layer_norm/beta": (hidden,),
        }
        for number in range(self.layers):
            layer = f"transformer/layer_{number}"
            for part in ("query", "key", "value"):
                shapes[f"{layer}/self_attention/{part}/kernel"] = (hidden, heads, head_size)
                shapes[f"{layer}/self_attention/{part}/bias"] = (heads, head_size)
            shapes[f"{layer}/self_attention/attention_output/kernel"] = (heads, head_size, hidden)
            shapes[f"{layer}/self_attention/attention_output/bias"] = (hidden,)
            shapes[f"{layer}/self_attention_layer_norm/gamma"] = (hidden,)
            shapes[f"{layer}/self_attention_layer_norm/beta"] = (hidden,)
            shapes[f"{layer}/intermediate/kernel"] = (hidden, self.intermediate_size)
            shapes[f"{layer}/intermediate/bias"] = (self.intermediate_size,)
            shapes[f"{layer}/output/kernel"] = (self.intermediate_size, hidden)
            shapes[f"{layer}/output/bias"] = (hidden,)
            shapes[f"{layer}/output_layer_norm/gamma"] = (hidden,)
            shapes[f"{layer}/output_layer_norm/beta"] = (hidden,)
        if self.pooler:
            shapes["pooler_transform/kernel"] = (hidden, hidden)
            shapes["pooler_transform/bias"] = (hidden,)
        return shapes


def infer_shape(tensor_shapes: Mapping[str, tuple[int, ...]], source: str) -> EncoderShape:
    """Read an encoder's measures off its tensors' shapes and check that every tensor fits them.

    Args:
        tensor_shapes: name, as LaBSE on TF Hub names it → shape; tensors that are no part of the
            encoder are passed over.
        source: where the tensors come from, for messages.

    Raises:
        SmallerLabseError: a tensor is missing or has a shape that the others contradict.
    """

    def find(name: str, rank: int) -> tuple[int, ...]:
        shape = tuple(tensor_shapes.get(name, ()))
        if len(shape) != rank:
            found = f"has the shape {list(shape)}" if name in tensor_shapes else "is missing"
            raise SmallerLabseError(
                f"{source}: the tensor {name} {found}; expected an encoder in LaBSE's TF Hub format"
            )
        return shape

    rows, hidden_size = find(WORD_EMBEDDINGS, 2)
    layers = 0
    while f"transformer/layer_{layers}/self_attention/query/kernel" in tensor_shapes:
        layers += 1
    shape = EncoderShape(
        rows=rows,
        hidden_size=hidden_size,
        layers=layers,
        heads=find("transformer/layer_0/self_attention/query/kernel", 3)[1],
        intermediate_size=find("transformer/layer_0/intermediate/kernel", 2)[1],
        positions=find("position_embedding/embeddings", 2)[0],
        types=find("type_embeddings/embeddings", 2)[0],
    )
    for name, expected in shape.tensor_shapes().items():
        found = find(name, len(expected))
        if found != expected:
            raise SmallerLabseError(
                f"{source}: the tensor {name} has the shape {list(found)}, expected {list(expected)}"
            )
    return shape
