"""Merged weights: an original with the layers and rows of a smaller model that was tuned."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.distill.students.student import ReadTensor, Student
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig

LEAST_COSINE = 0.5  # of rows before and after tuning, which moves them a little; of others' it is near 0
COMPARED_ROWS = 2000
ROWS_AT_A_TIME = 65536


def require_same_encoder(original: EncoderConfig, tuned: EncoderConfig, name: str) -> None:
    """Check that two encoders differ in nothing but their vocabularies.

    Args:
        original: the original's.
        tuned: the tuned model's.
        name: the tuned model's, for messages.

    Raises:
        SmallerLabseError: they differ; the message says in what.
    """
    if tuned.num_hidden_layers != original.num_hidden_layers:
        raise SmallerLabseError(
            f"{name}: {tuned.num_hidden_layers} layers, the original has {original.num_hidden_layers}; only "
            "a model with all of its original's layers can be grafted, such as one that was tuned"
        )
    for field in fields(EncoderConfig):
        ours, theirs = getattr(tuned, field.name), getattr(original, field.name)
        if field.name != "vocab_size" and ours != theirs:
            raise SmallerLabseError(
                f"{name}: {field.name} is {ours}, the original's is {theirs}; give the original that this "
                "model was trimmed from"
            )


def count_changed_rows(original: Student, tuned: Student, kept: np.ndarray, name: str) -> int:
    """How many rows of the embedding matrix tuning changed.

    Args:
        original: the original.
        tuned: the tuned model.
        kept: the original id of each of its tokens, int [kept].
        name: the tuned model's, for messages.

    Raises:
        SmallerLabseError: the rows have nothing to do with each other.
    """
    before = original.read_tensor(WORD_EMBEDDINGS)
    after = tuned.read_tensor(WORD_EMBEDDINGS)[: len(kept)]
    some = np.linspace(0, len(kept) - 1, min(COMPARED_ROWS, len(kept))).astype(np.int64)
    cosine = _mean_cosine(before[kept[some]], after[some])
    if cosine < LEAST_COSINE:
        raise SmallerLabseError(
            f"{name}: its rows of the embedding matrix have a mean cosine of {cosine:.2f} to the original's; "
            "give the original that this model was trimmed from"
        )
    parts = range(0, len(kept), ROWS_AT_A_TIME)
    changed = (
        (before[kept[start : start + ROWS_AT_A_TIME]] != after[start : start + ROWS_AT_A_TIME]).any(axis=1)
        for start in parts
    )
    return sum(int(part.sum()) for part in changed)


def merged_tensors(original: Student, tuned: Student, kept: np.ndarray) -> ReadTensor:
    """The tensors of the original with what was tuned; the embedding matrix is read when asked for.

    Args:
        original: the original.
        tuned: the tuned model, whose encoder differs in the vocabulary alone.
        kept: the original id of each of its tokens, int [kept].

    Returns:
        From a name in `original.config.tensor_shapes()` to that tensor, float32.
    """

    def read(name: str) -> np.ndarray:
        if name != WORD_EMBEDDINGS:
            return tuned.read_tensor(name)
        matrix = original.read_tensor(name)
        matrix = matrix if matrix.flags.writeable else matrix.copy()
        matrix[kept] = tuned.read_tensor(name)[: len(kept)]
        return matrix

    return read


def _mean_cosine(left: np.ndarray, right: np.ndarray) -> float:
    lengths = np.linalg.norm(left, axis=1) * np.linalg.norm(right, axis=1)
    return float(np.mean(np.sum(left * right, axis=1)[lengths > 0] / lengths[lengths > 0]))
