"""Retrieval in two line-aligned files, as from the UN's Parallel Corpus: precision at 1, both ways.

The test of the LaBSE paper (arXiv 2007.01852, section 5.2): every sentence looks for its translation among
all sentences of the other file, by cosine, exactly. Of equal sentences the first counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.text_files import read_sentences
from smaller_labse.evaluate.metrics.nearest_neighbours import found_both_ways
from smaller_labse.evaluate.metrics.scores import Score


@dataclass(frozen=True)
class Parallel:
    """Two files of translations, as a task.

    Attributes:
        languages: what the two are called.
        left: sentences.
        right: their translations, as many.
        name: of the task.
    """

    languages: tuple[str, str]
    left: tuple[str, ...]
    right: tuple[str, ...]
    name: str = "retrieval"

    def texts(self) -> dict[str, tuple[str, ...]]:
        """Language → the sentences that are encoded."""
        return dict(zip(self.languages, (self.left, self.right), strict=True))

    def measure(self, encode: Callable[[Sequence[str]], np.ndarray]) -> list[Score]:
        """Precision at 1 both ways.

        Args:
            encode: texts → embeddings of length 1, float [texts, width].
        """
        left, right = self.languages
        there, back = found_both_ways(encode(self.left), encode(self.right))
        sample = f"{left}-{right}"
        return [
            Score(self.name, f"{left}→{right}", "precision at 1", there, sample),
            Score(self.name, f"{right}→{left}", "precision at 1", back, sample),
        ]


def read_parallel(text: str) -> Parallel:
    """Read what a user writes as XX=FILE,YY=FILE.

    Raises:
        UsageError: it is not of that form.
        SmallerLabseError: a file cannot be read or is empty, or the two differ in length.
    """
    sides = [side.partition("=") for side in text.split(",")]
    if len(sides) != 2 or not all(name and equals and file for name, equals, file in sides):
        raise UsageError(f"--parallel {text!r}: expected XX=FILE,YY=FILE")
    (left, _, left_file), (right, _, right_file) = sides
    if left == right:
        raise UsageError(f"--parallel {text!r}: both sides are called {left}; name them apart")
    sentences = [tuple(read_sentences(Path(file))) for file in (left_file, right_file)]
    if len(sentences[0]) != len(sentences[1]):
        raise SmallerLabseError(
            f"{left_file} has {len(sentences[0]):,} lines, but {right_file} has {len(sentences[1]):,}; "
            "expected the translation of each line in the same line"
        )
    return Parallel((left, right), *sentences)
