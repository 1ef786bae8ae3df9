"""Held-out scores: what a training brought or cost each language, with 95% intervals.

Before and after it the student answered the same held-out examples, so the interval of the change is that of
a paired bootstrap over them (`smaller_labse/metrics/bootstrap.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from smaller_labse.corpora.languages import language_label
from smaller_labse.metrics.bootstrap import Difference, difference
from smaller_labse.metrics.scores import Score

DIGITS = 5  # in the manifest


@dataclass(frozen=True)
class HeldOutScore:
    """The score of one language, or of all alike, on the same held-out examples.

    Attributes:
        examples: how many there are.
        before: the student's, before training.
        after: the same afterwards.
        change: afterwards less before, and its 95% interval.
        teacher: the teacher's own; None where it was not measured.
    """

    examples: int
    before: float
    after: float
    change: Difference
    teacher: float | None = None

    def as_json(self) -> dict[str, Any]:
        """What the manifest says."""
        found = {
            "examples": self.examples,
            "before": round(self.before, DIGITS),
            "after": round(self.after, DIGITS),
            "change": round(self.change.value, DIGITS),
            "interval": [round(self.change.low, DIGITS), round(self.change.high, DIGITS)],
        }
        return found if self.teacher is None else {**found, "teacher": round(self.teacher, DIGITS)}


@dataclass(frozen=True)
class HeldOutScores:
    """Before and after training.

    Attributes:
        measure: what the scores are, as a reader says it.
        average: over the languages, all alike.
        languages: of each, by its code.
        no_teacher: why the teacher's own are not among them, a sentence in Markdown; "" where they are.
    """

    measure: str
    average: HeldOutScore
    languages: Mapping[str, HeldOutScore]
    no_teacher: str = ""

    def as_json(self) -> dict[str, Any]:
        """What the manifest says."""
        languages = {code: of_language.as_json() for code, of_language in self.languages.items()}
        return {"measure": self.measure, **self.average.as_json(), "languages": languages}

    def table(self) -> str:
        """What the model card says: a table in Markdown, in percent."""
        has_teacher = self.average.teacher is not None
        heads = ["language", "examples", *["teacher"] * has_teacher, "before", "after", "change"]
        ruler = ["---", *["---:"] * (len(heads) - 1)]
        named = [(language_label(code), score) for code, score in self.languages.items()]
        rows = [_row(name, score) for name, score in [*named, ("average", self.average)]]
        return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ruler, *rows))


def compare_held_out(
    measure: str,
    before: Mapping[str, np.ndarray],
    after: Mapping[str, np.ndarray],
    teacher: Mapping[str, np.ndarray] | None = None,
    no_teacher: str = "",
) -> HeldOutScores:
    """Compare a student before and after training.

    Args:
        measure: what the values are.
        before: a value for each held-out example of each language, by its code, float [examples].
        after: the same, of the same examples in the same order.
        teacher: likewise; None where it was not measured.
        no_teacher: then why, a sentence in Markdown.
    """

    def score(codes: Sequence[str]) -> HeldOutScore:
        old, new = ([_as_score(code, values[code]) for code in codes] for values in (before, after))
        return HeldOutScore(
            examples=sum(len(before[code]) for code in codes),
            before=_mean(before, codes),
            after=_mean(after, codes),
            change=difference(old, new),
            teacher=None if teacher is None else _mean(teacher, codes),
        )

    languages = {code: score([code]) for code in before}
    return HeldOutScores(measure, score(list(before)), languages, no_teacher)


def _as_score(code: str, values: np.ndarray) -> Score:
    return Score("held out", code, "mean", values, sample=code)


def _mean(values: Mapping[str, np.ndarray], codes: Sequence[str]) -> float:
    return float(np.mean([values[code].mean() for code in codes]))


def _row(name: str, score: HeldOutScore) -> list[str]:
    teacher = () if score.teacher is None else (score.teacher,)
    shares = [f"{100 * share:.1f}" for share in (*teacher, score.before, score.after)]
    ends = score.change.value, score.change.low, score.change.high
    change, low, high = (f"{100 * end:+.1f}" for end in ends)
    return [name, f"{score.examples:,}", *shares, f"{change} ({low} to {high})"]
