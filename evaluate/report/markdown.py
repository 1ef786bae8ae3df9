"""A comparison as tables, and as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from smaller_labse.common.result_table import Table
from smaller_labse.evaluate.comparison.lost_tokens import Kept, LostPiece
from smaller_labse.evaluate.comparison.side_by_side import Line, Report
from smaller_labse.evaluate.metrics.bootstrap import Difference

MOST_LOST = 10
PLUS_MINUS = (
    "Differences to the original in points, their 95% interval in brackets (paired bootstrap, 1,000 draws); "
    "those whose interval leaves out 0 are marked *."
)


def sizes_table(report: Report) -> Table:
    """What each model needs."""
    rows = []
    first = report.models[0].size
    for measured in report.models:
        size = measured.size
        rate = "–" if size.texts_per_second is None else f"{size.texts_per_second:,.0f}"
        rows.append(
            [
                measured.model.name,
                f"{size.rows:,}",
                f"{100 * size.rows / first.rows:.1f}%",
                f"{size.parameters / 1e6:,.1f}M",
                f"{size.bytes_on_disk / 1e6:,.0f} MB",
                f"{size.resident_bytes / 1e6:,.0f} MB",
                rate,
            ]
        )
    return Table(
        ["", "rows", "of the original's", "parameters", "on disk", "in memory", "texts a second"], rows
    )


def averages_table(report: Report) -> Table:
    """The mean of every task, and differences."""
    return _lines_table(report, report.averages, lambda line: f"{line.task}, {line.metric}")


def parts_table(report: Report, lines: Sequence[Line]) -> Table:
    """Every part, and differences."""
    return _lines_table(report, lines, lambda line: line.part)


def kept_table(kept: Sequence[Kept]) -> Table:
    """What became of each language's texts."""
    rows = [
        [
            part.language,
            f"{part.texts:,}",
            f"{100 * part.unchanged / part.texts:.2f}%" if part.texts else "–",
            f"{part.original_unknowns:,}",
            f"{part.new_unknowns:,}",
        ]
        for part in kept
    ]
    return Table(["", "texts", "unchanged", "unknown to the original", "new unknown"], rows)


def lost_table(lost: Sequence[LostPiece], most: int = MOST_LOST) -> Table:
    """The lost pieces that matter most, with examples."""
    rows = [
        [
            _plain(piece.piece),
            f"{piece.texts:,}",
            piece.language,
            _plain(piece.example),
            _plain(" ".join(piece.before)),
            _plain(" ".join(piece.after)),
        ]
        for piece in lost[:most]
    ]
    return Table(["piece", "texts", "language", "for example", "pieces before", "pieces now"], rows)


def report_markdown(report: Report, pictures: Mapping[str, str]) -> str:
    """The whole report.

    Args:
        report: what was measured.
        pictures: file name → what it shows, in the order in which they appear.
    """
    original, *smaller = (measured.model.name for measured in report.models)
    parts = [f"# {', '.join(smaller) or original}: what was lost?\n", sizes_table(report).markdown()]
    parts.append(f"## Scores\n\n{averages_table(report).markdown()}\n{PLUS_MINUS}\n")
    parts += [f"![{shown}]({file})\n" for file, shown in pictures.items()]
    for (task, metric), lines in by_task(report).items():
        parts.append(f"## {task}, {metric}\n\n{parts_table(report, lines).markdown()}")
    for name, kept, lost in zip(smaller, report.kept, report.lost, strict=True):
        parts.append(f"## Texts and pieces: {name}\n\n{kept_table(kept).markdown()}")
        if lost:
            parts.append(f"The lost pieces that most texts used:\n\n{lost_table(lost).markdown()}")
    return "\n".join(parts)


def by_task(report: Report) -> dict[tuple[str, str], list[Line]]:
    """(Task, metric) → its lines."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in report.lines:
        groups.setdefault((line.task, line.metric), []).append(line)
    return groups


def _lines_table(report: Report, lines: Sequence[Line], name) -> Table:
    models = [measured.model.name for measured in report.models]
    columns = ["", models[0], *(cell for model in models[1:] for cell in (model, "difference"))]
    rows = []
    for line in lines:
        cells = [name(line), f"{100 * line.values[0]:.2f}"]
        for value, change in zip(line.values[1:], line.differences, strict=True):
            cells += [f"{100 * value:.2f}", describe_difference(change)]
        rows.append(cells)
    return Table(columns, rows)


def describe_difference(change: Difference) -> str:
    """A difference in points with its interval, marked where it is certain."""
    mark = " *" if change.is_certain else ""
    return f"{100 * change.value:+.2f} [{100 * change.low:+.2f}, {100 * change.high:+.2f}]{mark}"


def _plain(text: str) -> str:
    """Text that Markdown is to show as it stands; tables see to the "|"."""
    for special, written in (("\\", "\\\\"), ("<", "&lt;"), ("*", "\\*"), ("_", "\\_"), ("`", "\\`")):
        text = text.replace(special, written)
    return " ".join(text.split())
