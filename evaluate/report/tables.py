"""The tables of a report: sizes, scores with differences, unchanged texts, lost tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smaller_labse.common.result_table import Table
from smaller_labse.evaluate.comparison.lost_tokens import LostToken, TextChanges
from smaller_labse.evaluate.comparison.side_by_side import Line, Report
from smaller_labse.evaluate.metrics.bootstrap import Difference

MOST_LOST = 10  # of the lost tokens that a report holds, as Markdown shows them
PLUS_MINUS = (
    "Differences to the original in points, their 95% interval in brackets (paired bootstrap, 1,000 draws); "
    "those whose interval leaves out 0 are marked *."
)


def sizes_table(report: Report) -> Table:
    """What each model needs: one row per model."""
    original = report.models[0].size
    rows = []
    for measured in report.models:
        size = measured.size
        rows.append(
            [
                measured.model.name,
                f"{size.vocabulary_size:,}",
                f"{100 * size.vocabulary_size / original.vocabulary_size:.1f}%",
                f"{size.parameters / 1e6:,.1f}M",
                _megabytes(size.bytes_on_disk),
                _megabytes(size.resident_bytes),
                _megabytes(size.peak_bytes),
                "–" if size.texts_per_second is None else f"{size.texts_per_second:,.0f}",
            ]
        )
    columns = ["", "vocabulary size", "of the original's", "parameters", "on disk"]
    return Table([*columns, "loaded in memory", "peak memory", "texts per second"], rows)


def averages_table(report: Report) -> Table:
    """The mean of every task, and differences: one row per task and metric."""
    return _lines_table(report, report.averages, lambda line: f"{line.task}, {line.metric}")


def parts_table(report: Report, lines: Sequence[Line]) -> Table:
    """Some parts of a task, and differences: one row per part."""
    return _lines_table(report, lines, lambda line: line.part)


def texts_table(changes: Sequence[TextChanges]) -> Table:
    """What became of the texts: one row per language."""
    rows = [
        [
            of_language.language,
            f"{of_language.texts:,}",
            f"{100 * of_language.unchanged / of_language.texts:.2f}%" if of_language.texts else "–",
            f"{of_language.original_unknowns:,}",
            f"{of_language.new_unknowns:,}",
        ]
        for of_language in changes
    ]
    return Table(["", "texts", "unchanged", "unknown to the original", "new unknown"], rows)


def lost_table(lost: Sequence[LostToken], most: int = MOST_LOST) -> Table:
    """The lost tokens that most texts used, each with an example."""
    rows = [
        [
            token.token,
            f"{token.texts:,}",
            token.language,
            token.example,
            " ".join(token.before),
            " ".join(token.after),
        ]
        for token in lost[:most]
    ]
    return Table(["token", "texts", "language", "for example", "tokens before", "tokens now"], rows)


def by_task(report: Report) -> dict[tuple[str, str], list[Line]]:
    """(Task, metric) → its parts' lines."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in report.lines:
        groups.setdefault((line.task, line.metric), []).append(line)
    return groups


def describe_difference(change: Difference) -> str:
    """A difference in points with its interval, marked where it is certain.

    Example:
        >>> describe_difference(Difference(-0.012, -0.02, -0.004))
        '-1.20 [-2.00, -0.40] *'
    """
    mark = " *" if change.is_certain else ""
    return f"{100 * change.value:+.2f} [{100 * change.low:+.2f}, {100 * change.high:+.2f}]{mark}"


def _lines_table(report: Report, lines: Sequence[Line], name: Callable[[Line], str]) -> Table:
    models = [measured.model.name for measured in report.models]
    columns = ["", models[0], *(cell for model in models[1:] for cell in (model, "difference"))]
    rows = []
    for line in lines:
        cells = [name(line), f"{100 * line.values[0]:.2f}"]
        for value, change in zip(line.values[1:], line.differences, strict=True):
            cells += [f"{100 * value:.2f}", describe_difference(change)]
        rows.append(cells)
    return Table(columns, rows)


def _megabytes(number: int | None) -> str:
    return "–" if number is None else f"{number / 1e6:,.0f} MB"
