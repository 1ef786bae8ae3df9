"""Which tensors of an encoder are trained: its embedding matrix, the lowest layers too, or all."""

from __future__ import annotations

import re

from smaller_labse.common.errors import UsageError
from smaller_labse.distill.students.layers import LAYER
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig

MATRIX, ALL = "matrix", "all"
LOWEST = re.compile(r"lowest:(\d{1,4})", re.ASCII)
NOT_WRITTEN = "dense_"  # layers behind the pooling, which a student has from its model as they are
BEHIND = ("pooler_transform", NOT_WRITTEN)  # what follows all layers


def choose_trained(written: str, config: EncoderConfig) -> frozenset[str]:
    """The names of the tensors that are trained.

    Args:
        written: "matrix"; "lowest:4", which is all that comes before layer 4, counted from 0; or "all", which
            are all but dense layers behind the pooling.
        config: the encoder's.

    Raises:
        UsageError: it is none of these, or there are not so many layers.
    """
    names = config.tensor_shapes()
    if written == MATRIX:
        return frozenset({WORD_EMBEDDINGS})
    if written == ALL:
        return frozenset(name for name in names if not name.startswith(NOT_WRITTEN))
    lowest = LOWEST.fullmatch(written)
    if lowest is None:
        raise UsageError(f"--train {written}: expected matrix, lowest:N with a number of layers, or all")
    layers = int(lowest[1])
    if not 1 <= layers <= config.num_hidden_layers:
        raise UsageError(
            f"--train {written}: the model has {config.num_hidden_layers} layers, expected "
            f"lowest:1 to lowest:{config.num_hidden_layers}"
        )
    return frozenset(name for name in names if not name.startswith(BEHIND) and _layer(name) < layers)


def _layer(name: str) -> int:
    """The layer that a tensor belongs to; −1 for what comes before them all."""
    layer = LAYER.fullmatch(name)
    return int(layer[1]) if layer else -1
