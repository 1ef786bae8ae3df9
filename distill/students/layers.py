"""Layers: which ones of an encoder a student keeps, and an encoder with those alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from smaller_labse.common.errors import UsageError
from smaller_labse.encoders.config import EncoderConfig

LAYER = re.compile(r"transformer/layer_(\d+)/(.+)")


def choose_layers(written: str, layers: int, needed: Callable[[int], tuple[int, ...]]) -> tuple[int, ...]:
    """Which layers are kept.

    Args:
        written: how many, or their numbers with commas between, from 0 on.
        layers: how many there are.
        needed: chooses as many as it is told to; it is asked where fewer are kept than there are, and they
            are not named.

    Raises:
        UsageError: it is neither, there are not so many, or one is named twice or out of order.

    >>> first = lambda count: tuple(range(count))
    >>> choose_layers("3", 12, first), choose_layers("0,11", 12, first), choose_layers("2", 2, first)
    ((0, 1, 2), (0, 11), (0, 1))
    """
    numbers = written.split(",")
    if not all(re.fullmatch(r"\s*\d{1,4}\s*", number, re.ASCII) for number in numbers):
        raise UsageError(f"--layers {written}: expected a number of layers, or their numbers, such as 0,2,4")
    chosen = tuple(map(int, numbers))
    if len(chosen) == 1:
        [count] = chosen
        if not 1 <= count <= layers:
            raise UsageError(f"--layers {written}: the model has {layers} layers, expected 1 to {layers}")
        return tuple(range(layers)) if count == layers else needed(count)
    if max(chosen) >= layers:
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
