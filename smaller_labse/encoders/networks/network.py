"""The protocol `Network`: what a sentence encoder needs of a loaded model, whichever library computes it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np


class PreparedTexts(Protocol):
    """Texts that were tokenized and truncated, to be embedded in batches."""

    @property
    def lengths(self) -> np.ndarray:
        """Tokens of each text, special ones included, int [texts]."""
        ...

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """The embeddings of some of the texts.

        Args:
            batch: which ones, int [batch].

        Returns:
            float32 [batch, embedding size].
        """
        ...


class Network(Protocol):
    """A loaded model.

    Attributes:
        pieces: its vocabulary: token id → token.
        special_tokens: how many tokens it puts around every text.
        sequence_length: the length in tokens that it truncates texts at by default, special ones included.
        positions: the greatest length that it can take; None where there is no limit.
        embedding_size: of an embedding, in components.
        embedding_matrix_shape: vocabulary size and hidden size.
        parameters: how many numbers it consists of.
        pads: whether texts of different lengths may be in one batch.
        computed_by: a library and its number of threads, where we choose that; else "".
    """

    pieces: Sequence[str]
    special_tokens: int
    sequence_length: int
    positions: int | None
    embedding_size: int
    embedding_matrix_shape: tuple[int, int]
    parameters: int
    pads: bool
    computed_by: str

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The token ids of texts, whole, without special ones: int32 [tokens] for each text."""
        ...

    def prepare(self, texts: Sequence[str], length: int) -> PreparedTexts:
        """Tokenize texts and truncate them at `length` tokens, special ones included."""
        ...

    def exact(self) -> AbstractContextManager[None]:
        """While it lasts, the same arithmetic on the same numbers gives the same embeddings to the bit."""
        ...
