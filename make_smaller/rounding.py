"""Rounding to float16: what it changed of the embedding matrix and of embeddings, which are others then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smaller_labse.common.result_table import Table
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.select_vocab.selection import Selection

ALL = "all"
NO_LANGUAGE = ""


@dataclass(frozen=True)
class EmbeddingChange:
    """How far the embeddings of texts with the same tokens moved.

    Attributes:
        language: of the texts; "all" for all that were compared.
        texts: how many were compared.
        largest_difference: absolute, over all components.
        mean_cosine: of each text's two embeddings.
        lowest_cosine: that of the text that moved furthest.
    """

    language: str
    texts: int
    largest_difference: float
    mean_cosine: float
    lowest_cosine: float


@dataclass(frozen=True)
class Rounding:
    """What rounding changed.

    Attributes:
        dtype: what the numbers were rounded to, "float16".
        rows_changed: how many kept rows of the embedding matrix are no longer the original's to the bit.
        largest_row_difference: of their numbers, absolute.
        embeddings: one for each language, and one for all; empty where embeddings were not measured.
    """

    dtype: str
    rows_changed: int
    largest_row_difference: float
    embeddings: tuple[EmbeddingChange, ...] = ()

    @property
    def summary(self) -> str:
        """What became of the rows, in words.

        Example:
            >>> Rounding("float16", rows_changed=367, largest_row_difference=0.000976).summary
            'equal after rounding to float16, which changed 367 of them by up to 9.8e-04'
        """
        if not self.rows_changed:
            return f"equal after rounding to {self.dtype}, which changed none of them"
        return (
            f"equal after rounding to {self.dtype}, which changed {self.rows_changed:,} of them by up to "
            f"{self.largest_row_difference:.1e}"
        )

    @property
    def moved(self) -> str:
        """What became of the embeddings, in words."""
        if not self.embeddings:
            return "how far embeddings moved was not measured"
        total = self.embeddings[-1]
        return (
            f"measured on {total.texts} texts with the same tokens, embeddings moved by "
            f"{total.largest_difference:.1e} at most, cosine at least {total.lowest_cosine:.6f}"
        )


def rounding_texts(selection: Selection) -> list[tuple[str, str]]:
    """Texts to measure with, each behind its language: all stored lines, and our own sentences."""
    builtin = builtin_sentences()
    return [
        (code, text)
        for code in selection.languages or builtin
        for text in dict.fromkeys((*selection.sentences.get(code, ()), *builtin.get(code, ())))
    ]


def measure_embeddings(
    original: np.ndarray, rounded: np.ndarray, languages: Sequence[str]
) -> tuple[EmbeddingChange, ...]:
    """Compare the embeddings of texts, each language's and all together.

    Args:
        original: float32 [texts, hidden size], at least one.
        rounded: likewise.
        languages: of each text; `NO_LANGUAGE` for texts that count among all only.

    Example:
        >>> change, = measure_embeddings(np.array([[3.0, 4.0]]), np.array([[3.0, 4.5]]), [NO_LANGUAGE])
        >>> change.language, change.texts, change.largest_difference, round(change.lowest_cosine, 4)
        ('all', 1, 0.5, 0.9985)
    """
    differences = np.abs(original - rounded).max(axis=1)
    lengths = np.linalg.norm(original, axis=1) * np.linalg.norm(rounded, axis=1)
    products = np.einsum("ij,ij->i", original, rounded, dtype=np.float64)
    cosines = np.minimum(products / np.maximum(lengths, np.finfo(np.float32).tiny), 1.0)
    groups = {code: np.array([each == code for each in languages]) for code in languages if code}
    return tuple(
        EmbeddingChange(
            language,
            int(chosen.sum()),
            float(differences[chosen].max()),
            float(cosines[chosen].mean()),
            float(cosines[chosen].min()),
        )
        for language, chosen in (groups | {ALL: np.ones(len(differences), bool)}).items()
    )


def change_table(changes: Sequence[EmbeddingChange]) -> Table:
    """One row for each language, and one for all."""
    rows = [
        (
            change.language,
            f"{change.texts:,}",
            f"{change.largest_difference:.1e}",
            f"{change.mean_cosine:.6f}",
            f"{change.lowest_cosine:.6f}",
        )
        for change in changes
    ]
    return Table(("language", "texts", "largest difference", "mean cosine", "lowest cosine"), rows)
