"""Checks of what every kind of training is told, before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from smaller_labse.common.arguments import (
    check,
    device_name,
    non_negative_integer,
    non_negative_number,
    number_up_to_1,
    positive_integer,
    positive_number,
)
from smaller_labse.common.errors import UsageError

# What a student's layers multiply; its weights are float32 in any case.
AUTO, FLOAT32, BFLOAT16 = PRECISIONS = ("auto", "float32", "bfloat16")
MAX_LENGTH = 128  # in tokens, at which student and teacher truncate texts
BATCHES = ("batch_pairs", "batch_texts")

READERS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "batch_pairs": positive_integer,
        "batch_texts": positive_integer,
        "chunk_texts": positive_integer,
        "device": device_name,
        "exponent": number_up_to_1,
        "hidden_size": positive_integer,
        "learning_rate": non_negative_number,
        "lost_share": number_up_to_1,
        "margin": non_negative_number,
        "max_minutes": positive_number,
        "max_pairs": non_negative_integer,
        "max_texts": non_negative_integer,
        "scale": positive_number,
        "seed": non_negative_integer,
        "steps": positive_integer,
        **dict.fromkeys(
            ("feature_weight", "similarity_weight", "margin_weight", "retrieval_weight", "near_weight"),
            non_negative_number,
        ),
    }
)


def require_training_arguments(*, precision: str, **given: object) -> None:
    """Check arguments of `shrink`, `recover` and `tune`.

    Args:
        precision: one of `PRECISIONS`.
        given: others by their names, which are those in `READERS`; None for what was not given.

    Raises:
        UsageError: one of them is not what it must be, or a batch has nothing to compare.

    >>> require_training_arguments(precision="float32", steps=0)
    Traceback (most recent call last):
    smaller_labse.common.errors.UsageError: steps: expected a positive integer, got '0'
    """
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: expected {', '.join(PRECISIONS)}")
    for name, value in given.items():
        if isinstance(value, str) and name != "device":
            raise UsageError(f"{name}: expected a number, got the text {value!r}")
        if value is not None:
            check(name, READERS[name], value)
    for name in BATCHES:
        if given.get(name) == 1:
            option = f"--{name.replace('_', '-')}"
            raise UsageError(f"{option} 1: expected 2 or more, which are compared in a batch")


def require_weights(*weights: float) -> None:
    """Check that one of the weights of the objectives is not 0.

    Raises:
        UsageError: all are.
    """
    if not any(weights):
        raise UsageError("all weights of objectives are 0, so there is nothing to train for")


def require_chunks(chunk_texts: int | None, batch_pairs: int) -> None:
    """Check that a chunk is smaller than a batch.

    Args:
        chunk_texts: texts of a batch in memory at a time; None for all.
        batch_pairs: pairs in a batch.

    Raises:
        UsageError: it is not.
    """
    if chunk_texts is not None and chunk_texts >= 2 * batch_pairs:
        raise UsageError(
            f"--chunk-texts {chunk_texts}: a batch has {2 * batch_pairs} texts, expected fewer; leave it out"
        )
