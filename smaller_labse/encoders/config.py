"""The config of a BERT encoder: its sizes and what it computes, under Hugging Face's names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS

LAYER_NORM_EPSILON = 1e-12  # the TF Model Garden's BERT encoder; the checkpoint does not record it
DROPOUT_RATE = 0.1  # while fine-tuning: BERT (arXiv 1810.04805), appendix A.2, and the Garden's default

HiddenActivation = Literal["gelu", "gelu_new", "gelu_pytorch_tanh"]
Activation = Literal["gelu", "gelu_new", "gelu_pytorch_tanh", "tanh", "identity", "hardswish", "glu"]
PoolingMode = Literal["pooler", "cls", "mean"]


@dataclass(frozen=True)
class Dense:
    """A dense layer after the pooling, as sentence-transformers' `2_Dense`.

    Attributes:
        in_features: size of what goes in.
        out_features: size of what comes out of the layer.
        activation: what follows it, "tanh", "identity", "hardswish" or "glu", which halves the size.
    """

    in_features: int
    out_features: int
    activation: Activation


@dataclass(frozen=True)
class Pooling:
    """From the last layer's outputs, one per token, to one embedding.

    Attributes:
        mode: "pooler" (BERT's: tanh of a dense layer over the first token), "cls" (the first token) or
            "mean" (over the tokens that are not padding).
        dense: dense layers after it, in order.
        normalize: whether the embedding is scaled to length 1 at last.
        pooler_activation: what the pooler has in place of BERT's tanh.
    """

    mode: PoolingMode = "pooler"
    dense: tuple[Dense, ...] = ()
    normalize: bool = False
    pooler_activation: Activation = "tanh"

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """The dense layers' tensors: name → shape."""
        shapes: dict[str, tuple[int, ...]] = {}
        for number, dense in enumerate(self.dense):
            shapes[f"dense_{number}/kernel"] = (dense.in_features, dense.out_features)
            shapes[f"dense_{number}/bias"] = (dense.out_features,)
        return shapes


LEALLA_POOLING = Pooling("pooler", normalize=True, pooler_activation="gelu_pytorch_tanh")


@dataclass(frozen=True)
class EncoderConfig:
    """The config of a BERT encoder; the fields are those of transformers' `BertConfig`.

    The defaults are what LaBSE on TF Hub computes.

    Attributes:
        vocab_size: rows of the embedding matrix, one per token.
        hidden_size: size of the token embeddings and of every layer's output.
        num_hidden_layers: transformer blocks.
        num_attention_heads: attention heads per block; `hidden_size` is a multiple of it.
        intermediate_size: size of the feed-forward layer inside a block.
        max_position_embeddings: rows of the position embeddings.
        type_vocab_size: segment types.
        hidden_act: inside the blocks: "gelu" is the exact one; "gelu_new" and "gelu_pytorch_tanh" are both
            its approximation by tanh (arXiv 1606.08415, section 2).
        layer_norm_eps: added to the variance in layer normalization.
        first_position: the row of the first token's position embedding; 0 for BERT, 2 for XLM-R, whose
            positions begin behind the padding token's id.
        pooling: from the tokens' outputs to one embedding.

    Example:
        >>> config = EncoderConfig(
        ...     vocab_size=501_153, hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
        ...     intermediate_size=3072, max_position_embeddings=512, type_vocab_size=2,
        ... )
        >>> f"{config.parameters:,} parameters, {config.word_embedding_parameters:,} of them word embeddings"
        '470,926,848 parameters, 384,885,504 of them word embeddings'
    """

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_act: HiddenActivation = "gelu_pytorch_tanh"
    layer_norm_eps: float = LAYER_NORM_EPSILON
    first_position: int = 0
    pooling: Pooling = Pooling()

    @property
    def head_size(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @property
    def max_length(self) -> int:
        """The longest input in tokens: the positions from the first token's on."""
        return self.max_position_embeddings - self.first_position

    @property
    def embedding_size(self) -> int:
        """Components of an embedding."""
        last = self.pooling.dense[-1:]
        if not last:
            return self.hidden_size
        return last[0].out_features // (2 if last[0].activation == "glu" else 1)

    @property
    def word_embedding_parameters(self) -> int:
        """Parameters of the embedding matrix."""
        return self.vocab_size * self.hidden_size

    @property
    def parameters(self) -> int:
        """Parameters of the whole encoder, pooler and dense layers included."""
        return sum(math.prod(shape) for shape in self.tensor_shapes().values())

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Every tensor's name, as LaBSE on TF Hub names it, and its shape, in the checkpoint's order.

        The dense layers behind the pooling, which LaBSE does not have, come last.
        """
        return self.bert_tensor_shapes() | self.pooling.tensor_shapes()

    def bert_tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """As `tensor_shapes`, without the dense layers: what transformers' `BertModel` holds."""
        hidden, heads, head_size = self.hidden_size, self.num_attention_heads, self.head_size
        shapes: dict[str, tuple[int, ...]] = {
            WORD_EMBEDDINGS: (self.vocab_size, hidden),
            "position_embedding/embeddings": (self.max_position_embeddings, hidden),
            "type_embeddings/embeddings": (self.type_vocab_size, hidden),
            "embeddings/layer_norm/gamma": (hidden,),
            "embeddings/layer_norm/beta": (hidden,),
        }
        for number in range(self.num_hidden_layers):
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
        if self.pooling.mode == "pooler":
            shapes["pooler_transform/kernel"] = (hidden, hidden)
            shapes["pooler_transform/bias"] = (hidden,)
        return shapes


def infer_config(tensor_shapes: Mapping[str, tuple[int, ...]], source: str) -> EncoderConfig:
    """Read the config of an encoder in LaBSE's TF Hub format off its tensors' shapes.

    Args:
        tensor_shapes: name, as LaBSE on TF Hub names it → shape; tensors that are not part of the encoder
            are ignored.
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

    vocab_size, hidden_size = find(WORD_EMBEDDINGS, 2)
    layers = 0
    while f"transformer/layer_{layers}/self_attention/query/kernel" in tensor_shapes:
        layers += 1
    config = EncoderConfig(
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        num_hidden_layers=layers,
        num_attention_heads=find("transformer/layer_0/self_attention/query/kernel", 3)[1],
        intermediate_size=find("transformer/layer_0/intermediate/kernel", 2)[1],
        max_position_embeddings=find("position_embedding/embeddings", 2)[0],
        type_vocab_size=find("type_embeddings/embeddings", 2)[0],
    )
    for name, expected in config.tensor_shapes().items():
        found = find(name, len(expected))
        if found != expected:
            raise SmallerLabseError(
                f"{source}: the tensor {name} has the shape {list(found)}, expected {list(expected)}"
            )
    return config


def is_rebuilt(config: Mapping[str, Any]) -> bool:
    """Whether an architecture is one that is rebuilt in TensorFlow: BERT's or XLM-R's encoder."""
    return (
        config.get("model_type") in ("bert", "xlm-roberta")
        and config.get("position_embedding_type", "absolute") == "absolute"
        and not config.get("is_decoder", False)
        and config.get("hidden_act") in get_args(HiddenActivation)
    )
