"""Semantic textual similarity: does the cosine of two sentences go with how alike people find them?

Spearman's and Pearson's correlation, within a language and across (SemEval-2017 task 1, Cer et al. 2017,
arXiv 1708.00055).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.language_files import expand_user
from smaller_labse.corpora.text_files import read_plain_lines
from smaller_labse.metrics.scores import Score

BENCHMARK_COLUMNS = 7  # of the STS benchmark's files: genre, file, year, number, score, sentence, sentence


@dataclass(frozen=True)
class Sts:
    """Pairs of sentences with scores, as a task.

    Attributes:
        languages: what the data are called, e.g. "en-de" or "fr".
        left: first sentences.
        right: second ones, as many.
        gold: how alike people found them, as many.
        source: where they come from, as the user wrote it.
    """

    languages: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    gold: tuple[float, ...]
    source: str = field(default="", repr=False, compare=False)  # no part of what is measured

    name = "sts"

    def texts(self) -> dict[str, tuple[str, ...]]:
        """Language → the sentences that are encoded."""
        first, _, second = self.languages.partition("-")
        if not second or first == second:
            return {first: self.left + self.right}
        return {first: self.left, second: self.right}

    def pairs(self) -> dict[str, int]:
        """How many pairs of sentences there are."""
        return {self.languages: len(self.left)}

    def measure(self, encode: Callable[[Sequence[str]], np.ndarray]) -> list[Score]:
        """Both correlations.

        Args:
            encode: texts → embeddings of length 1, float [texts, hidden size].
        """
        cosines = np.einsum("ij,ij->i", encode(self.left), encode(self.right))
        items = np.stack([np.array(self.gold), cosines.astype(float)], axis=1)
        metrics = ("Spearman", "Pearson")
        return [Score(self.name, self.languages, metric, items, self.languages) for metric in metrics]


def read_sts(text: str) -> Sts:
    """Read what a user writes as NAME=FILE or NAME=INPUT,GOLD.

    FILE has one pair per line, `sentence<TAB>sentence<TAB>score`, or the STS benchmark's seven columns. INPUT
    and GOLD are SemEval's: `sentence<TAB>sentence`, and one score per line; a pair without one is skipped.

    Raises:
        UsageError: it is not of that form.
        SmallerLabseError: a file cannot be read, is empty or not of its format, or all scores are the same.
    """
    name, equals, places = text.partition("=")
    if not name or not equals or not places:
        raise UsageError(f"--sts {text!r}: expected NAME=FILE or NAME=INPUT,GOLD")
    files = [expand_user(place) for place in places.split(",")]
    if len(files) > 2:
        raise UsageError(f"--sts {text!r}: {len(files)} files, expected one, or an input and its gold")
    rows = _read_one(files[0]) if len(files) == 1 else _read_two(*files)
    if len({score for *_, score in rows}) < 2:
        raise SmallerLabseError(f"{files[-1]}: all its scores are the same, expected different ones")
    left, right, gold = zip(*rows, strict=True)
    return Sts(name, left, right, gold, source=", ".join(places.split(",")))


def _read_one(file: Path) -> list[tuple[str, str, float]]:
    rows = []
    for number, line in enumerate(read_plain_lines(file), start=1):
        cells = line.split("\t")
        if len(cells) == 3:
            left, right, score = cells
        elif len(cells) >= BENCHMARK_COLUMNS:
            score, left, right = cells[4:7]
        else:
            raise SmallerLabseError(
                f"{file}: line {number} has {len(cells)} column{'s' * (len(cells) > 1)}, expected "
                f"sentence<TAB>sentence<TAB>score or the STS benchmark's {BENCHMARK_COLUMNS}"
            )
        rows.append((left, right, _number(score, file, number)))
    return rows


def _read_two(inputs: Path, gold: Path) -> list[tuple[str, str, float]]:
    pairs, scores = read_plain_lines(inputs), read_plain_lines(gold)
    if len(pairs) != len(scores):
        raise SmallerLabseError(
            f"{inputs} has {len(pairs):,} lines, but {gold} has {len(scores):,}; expected one score per pair"
        )
    rows = []
    for number, (line, score) in enumerate(zip(pairs, scores, strict=True), start=1):
        cells = line.split("\t")
        if len(cells) < 2:
            raise SmallerLabseError(
                f"{inputs}: line {number} is {line[:60]!r}, expected sentence<TAB>sentence"
            )
        if score.strip():
            rows.append((cells[0], cells[1], _number(score, gold, number)))
    return rows


def _number(text: str, file: Path, line: int) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise SmallerLabseError(f"{file}: line {line} has the score {text[:20]!r}, expected a number")
    return number
