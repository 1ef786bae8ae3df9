"""Layers: which ones of an encoder a student keeps, and an encoder with those alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from smaller_labse.common.errors import UsageError
from smaller_labse.encoders.config import EncoderConfig

LAYER = re.compile(r"transformer/layer_(\d+)/(.+)")


def choose_layers(written: str, layers: int) -> tuple[int, ...]:
    """Which layers are kept.

    Args:
        written: how many, or their numbers with commas between, from 0 on. Of a number of layers, every
            k-th is kept, the first and the last among them; of one, the first.
        layers: how many there are.

    Raises:
        UsageError: it is neither, there are not so many, or one is named twice or out of order.

    >>> choose_layers("6", 12), choose_layers("3", 12), choose_layers("0,11", 12)
    ((0, 2, 4, 6, 8, 11), (0, 5, 11), (0, 11))
    """
    numbers = written.split(",")
    if not all(re.fullmatch(r"\s*\d{1,4}\s*", number, re.ASCII) for number in numbers):
        raise UsageError(f"--layers {written}: expected a number of layers, or their numbers, such as 0,2,4")
    chosen = tuple(map(int, numbers))
    if len(chosen) == 1:
        if not 1 <= chosen[0] <= layers:
            raise UsageError(f"--layers {written}: the model has {layers} layers, expected 1 to {layers}")
        return tuple(int(place) for place in np.linspace(0, layers - 1, chosen[0]))
    if chosen[-1] >= layers or max(chosen) >= layers:
        raise UsageError(
            f"--layers {written}: the model has {layers} layers, expected numbers from 0 to {layers - 1}"
        )
    if sorted(set(chosen)) != list(chosen):
        raise UsageError(f"--layers {written}: expected each layer once, in ascending order")
    return chosen


def keep_layers(
    config: EncoderConfig, read_tensor: Callable[[str], np.ndarray], kept: tuple[int, ...]
) -> tuple[EncoderConfig, Callable[[str], np.ndarray]]:
    """An encoder that has some of another's layers, and everything else of it.

    Args:
        config: the other's.
        read_tensor: from each name in `config.tensor_shapes()` to that tensor.
        kept: which layers.

    Returns:
        The same two of the smaller encoder.
    """
    return replace(config, num_hidden_layers=len(kept)), lambda name: read_tensor(original_name(name, kept))


def original_name(name: str, kept: tuple[int, ...]) -> str:
    """What a tensor of the smaller encoder is called in the one that its layers are from.

    >>> original_name("transformer/layer_1/output/bias", (0, 5, 11)), original_name("embeddings/beta", (0, 1))
    ('transformer/layer_5/output/bias', 'embeddings/beta')
    """
    layer = LAYER.fullmatch(name)
    return f"transformer/layer_{kept[int(layer[1])]}/{layer[2]}" if layer else name
