"""The tables of a report: sizes, scores with differences, unchanged texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from smaller_labse.common.result_table import Table
from smaller_labse.corpora.languages import language_label
from smaller_labse.evaluate.comparison.lost_tokens import TextChanges
from smaller_labse.evaluate.comparison.results import ModelSize
from smaller_labse.evaluate.comparison.side_by_side import Line, Report
from smaller_labse.metrics.bootstrap import Difference

SIZE_NOTES = (
    "On disk: the files of the format that was loaded; a model folder may hold a second one.",
    "Memory is that of the process: when it has loaded the model and encoded one text, and the most that it "
    "had while it encoded all.",
)
COST_NOTES = (
    "Wall time, once, on this machine: other work shows in it. *Load*: until the model has encoded one text; "
    "importing libraries is not in it. *Texts per second*: the median of the tasks, and the slowest and the "
    "fastest. *tokenizer.json*: loaded alone, and by how much its process grew; "
    "SavedModels have their tokenizer in the graph.",
)
SCORE_NOTES = (
    "In percent; a task's number is the mean of its parts. Differences to the original in points, their 95% "
    "interval in brackets (paired bootstrap, 1,000 draws), and a star where the interval leaves out 0.",
)
TEXT_NOTES = (
    "*Unchanged*: the share of texts that both models split into the same tokens, and so embed alike. "
    "*Unknown to the original*: tokens that the original cannot read. *New unknown*: tokens that the smaller "
    "model cannot read and the original can.",
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
            ]
        )
    columns = ["", "vocabulary size", "of the original's", "parameters", "on disk"]
    return Table([*columns, "loaded in memory", "peak memory"], rows, SIZE_NOTES)


def costs_table(report: Report) -> Table:
    """How long each model took, and what its tokenizer takes: one row per model."""
    rows = [
        [
            measured.model.name,
            _seconds(measured.size.load_seconds),
            _rate(measured.size),
            _seconds(measured.size.tokenizer_seconds),
            _megabytes(measured.size.tokenizer_bytes),
        ]
        for measured in report.models
    ]
    columns = ["", "load", "texts per second", "load tokenizer.json", "its memory"]
    return Table(columns, rows, COST_NOTES)


def averages_table(report: Report) -> Table:
    """The mean of every task, and differences: one row per task and metric."""
    return _lines_table(report, report.averages, lambda line: f"{line.task}, {line.metric}", SCORE_NOTES)


def parts_table(report: Report, lines: Sequence[Line]) -> Table:
    """Some parts of a task, and differences: one row per part."""
    return _lines_table(report, lines, lambda line: part_label(line.part))


def texts_table(changes: Sequence[TextChanges]) -> Table:
    """What became of the texts: one row per language."""
    rows = [
        [
            language_label(of_language.language),
            f"{of_language.texts:,}",
            f"{100 * of_language.unchanged / of_language.texts:.2f}%" if of_language.texts else "–",
            f"{of_language.original_unknowns:,}",
            f"{of_language.new_unknowns:,}",
        ]
        for of_language in changes
    ]
    return Table(["", "texts", "unchanged", "unknown to the original", "new unknown"], rows, TEXT_NOTES)


def by_task(report: Report) -> dict[tuple[str, str], list[Line]]:
    """(Task, metric) → its parts' lines."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in report.lines:
        groups.setdefault((line.task, line.metric), []).append(line)
    return groups


def part_label(part: str) -> str:
    """A part as people read it.

    >>> part_label("en→fr"), part_label("de-en cosine forward")
    ('English (en) → French (fr)', 'de-en cosine forward')
    """
    sides = part.split("→")
    return " → ".join(map(language_label, sides)) if len(sides) == 2 else part


def describe_difference(change: Difference) -> str:
    """A difference in points with its interval, marked where it is certain.

    Example:
        >>> describe_difference(Difference(-0.012, -0.02, -0.004))
        '-1.20 [-2.00, -0.40] *'
    """
    mark = " *" if change.is_certain else ""
    return f"{100 * change.value:+.2f} [{100 * change.low:+.2f}, {100 * change.high:+.2f}]{mark}"


def _lines_table(
    report: Report, lines: Sequence[Line], name: Callable[[Line], str], notes: Sequence[str] = ()
) -> Table:
    models = [measured.model.name for measured in report.models]
    columns = ["", "pairs", models[0], *(cell for model in models[1:] for cell in (model, "difference"))]
    rows = []
    for line in lines:
        cells = [name(line), f"{line.pairs:,}", f"{100 * line.values[0]:.2f}"]
        for value, change in zip(line.values[1:], line.differences, strict=True):
            cells += [f"{100 * value:.2f}", describe_difference(change)]
        rows.append(cells)
    return Table(columns, rows, notes, together=2 if len(models) > 1 else 1)


def _rate(size: ModelSize) -> str:
    if size.texts_per_second is None:
        return "–"
    return f"{size.texts_per_second:,.1f} ({size.least_per_second:,.1f} to {size.most_per_second:,.1f})"


def _seconds(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds:.2f} s"


def _megabytes(number: int | None) -> str:
    return "–" if number is None else f"{number / 1e6:,.0f} MB"
