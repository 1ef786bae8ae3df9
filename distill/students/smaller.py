"""The smaller student: which layers, which hidden size, or LEALLA's architecture; where it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from smaller_labse.common.errors import UsageError
from smaller_labse.distill.students.hidden_size import shrink_hidden_size, smaller_config
from smaller_labse.distill.students.layers import choose_layers, keep_layers
from smaller_labse.distill.students.lealla import LEALLAStudent, lealla_config, new_lealla
from smaller_labse.distill.students.student import Student
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.originals.tokenizers.wordpiece import WordPiece

FROZEN = (WORD_EMBEDDINGS, "dense_")  # of a student that keeps the hidden size: the matrix, and dense layers


@dataclass(frozen=True)
class Smaller:
    """A smaller student before training.

    Attributes:
        student: the model that it is made from, and how it is written.
        config: the student's.
        read_tensor: its tensors, by the names in `config.tensor_shapes()`.
        kept: which of the model's layers it has.
        trained: the names of the tensors that are trained.
        opening: what it is, with {} for the model's name.
        not_trained: what of the model is as it was, a sentence.
    """

    student: Student
    config: EncoderConfig
    read_tensor: Callable[[str], np.ndarray]
    kept: tuple[int, ...]
    trained: frozenset[str]
    opening: str
    not_trained: str


def smaller_student(
    student: Student,
    layers: str | None,
    hidden_size: int | None,
    like: str | None,
    needed: Callable[[int], tuple[int, ...]],
) -> Smaller:
    """Choose a smaller student.

    Args:
        student: the model that it is made from.
        layers: see `choose_layers`; None for all.
        hidden_size: smaller than the model's; None for the same.
        like: one of `LEALLA_NAMES`, which says layers and hidden size by itself; None for `layers` and
            `hidden_size`, of which one is given.
        needed: see `choose_layers`.

    Raises:
        UsageError: the model has not so many, or cannot be made so.
    """
    if like is not None:
        return _like_lealla(student, like)
    count = student.config.num_hidden_layers
    kept = choose_layers(str(count) if layers is None else layers, count, needed)
    config, read_tensor = keep_layers(student.config, student.read_tensor, kept)
    opening = f"{len(kept)} of the {count} layers of {{}} ({', '.join(map(str, kept))})"
    if hidden_size is None:
        names = (name for name in config.tensor_shapes() if not name.startswith(FROZEN))
        not_trained = "The embedding matrix was not trained: it is the original's, as is the tokenizer."
        return Smaller(student, config, read_tensor, kept, frozenset(names), opening, not_trained)
    smaller_config(config, hidden_size)  # refuses before much is computed
    before = config.hidden_size
    config, read_tensor = shrink_hidden_size(config, read_tensor, hidden_size)
    return Smaller(
        student,
        config,
        read_tensor,
        kept,
        frozenset(config.tensor_shapes()),
        f"{opening}, projected from a hidden size of {before} to {hidden_size}",
        _NEW_MATRIX,
    )


_NEW_MATRIX = (
    "The tokenizer is the original's. The embedding matrix is not: it began as a projection of the "
    "original's to the smaller hidden size, and its rows were trained."
)


def _like_lealla(student: Student, like: str) -> Smaller:
    tokenizer = student.tokenizer
    if type(tokenizer) is not WordPiece or tokenizer.lower_case:
        raise UsageError(
            f"--like {like}: expected a model in LaBSE's TF Hub format with its own preprocessor, "
            "whose vocabulary LEALLA's tokenizer can read"
        )
    own = LEALLAStudent(
        student.folder,
        student.config,
        student.read_tensor,
        LEALLATokenizer(tokenizer.file),
        student.sequence_length,
    )
    config = lealla_config(like, student.config.vocab_size)
    return Smaller(
        own,
        config,
        new_lealla(config, student.config, student.read_tensor),
        (),
        frozenset(config.tensor_shapes()),
        f"A new model of {like}'s architecture, {config.num_hidden_layers} layers of width "
        f"{config.hidden_size}, with the vocabulary of {{}}",
        "The tokens are the original's, and text is split into words as by LEALLA, by script. Nothing else "
        "is the original's: the layers began at random, and the embedding matrix was trained.",
    )
