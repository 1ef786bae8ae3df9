"""How BERT-shaped encoders differ in what they compute, beside their measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LAYER_NORM_EPSILON = 1e-12  # the TF Model Garden's BERT encoder; the checkpoint does not record it
DROPOUT_RATE = 0.1  # while fine-tuning: BERT (arXiv 1810.04805), appendix A.2, and the Garden's default

Activation = Literal["gelu", "gelu_tanh", "tanh", "identity"]


@dataclass(frozen=True)
class Dense:
    """A dense layer after the pooling, as sentence-transformers' `2_Dense`.

    Attributes:
        inputs: width of what goes in.
        outputs: width of what comes out.
        activation: "tanh" or "identity".
    """

    inputs: int
    outputs: int
    activation: Activation


@dataclass(frozen=True)
class Pooling:
    """From the pieces' outputs to one embedding.

    Attributes:
        mode: "pooler" (BERT's: tanh of a dense layer over the first piece), "cls" (the first piece) or
            "mean" (over the pieces that are no padding).
        dense: dense layers after it, in order.
        normalize: whether the embedding is brought to length 1 at last.
    """

    mode: Literal["pooler", "cls", "mean"] = "pooler"
    dense: tuple[Dense, ...] = ()
    normalize: bool = False

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """The dense layers' tensors: name → shape."""
        shapes: dict[str, tuple[int, ...]] = {}
        for number, dense in enumerate(self.dense):
            shapes[f"dense_{number}/kernel"] = (dense.inputs, dense.outputs)
            shapes[f"dense_{number}/bias"] = (dense.outputs,)
        return shapes


@dataclass(frozen=True)
class Arithmetic:
    """What an encoder computes. The defaults are LaBSE's on TF Hub.

    Attributes:
        activation: inside the blocks: "gelu" is the exact one, "gelu_tanh" its approximation
            (arXiv 1606.08415, section 2).
        epsilon: added to the variance in layer normalization.
        first_position: the row of the first piece's position embedding; XLM-R's is 2.
        pooling: from the pieces' outputs to one embedding.
    """

    activation: Activation = "gelu_tanh"
    epsilon: float = LAYER_NORM_EPSILON
    first_position: int = 0
    pooling: Pooling = Pooling()
