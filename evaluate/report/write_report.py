"""Write a comparison down: a page to look at, tables to paste, numbers to compute with, and the pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from smaller_labse.common.atomic_output import new_folder
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate.comparison.side_by_side import Line, Report
from smaller_labse.evaluate.report.html import report_html
from smaller_labse.evaluate.report.markdown import report_markdown

PAGE, TABLES, NUMBERS = "report.html", "report.md", "report.json"
FORMAT = "smaller_labse.comparison.1"


def write_report(report: Report, folder: Path, pictures: bool = True, overwrite: bool = False) -> None:
    """Write `report.html`, `report.md`, `report.json` and the pictures as SVG.

    Args:
        report: what was measured.
        folder: the folder to make; it appears whole or not at all.
        pictures: whether to draw any, for which matplotlib is needed.
        overwrite: replace an earlier report.

    Raises:
        SmallerLabseError: the folder exists.
    """
    drawn = _draw(report) if pictures else {}
    with new_folder(folder, overwrite, NUMBERS) as partial:
        for file, (_, svg) in drawn.items():
            (partial / file).write_text(svg, encoding="utf-8")
        shown = {file: what for file, (what, _) in drawn.items()}
        (partial / TABLES).write_text(report_markdown(report, shown), encoding="utf-8")
        (partial / PAGE).write_text(report_html(report, list(drawn.values())), encoding="utf-8")
        numbers = json.dumps(report_data(report), ensure_ascii=False, indent=1)
        (partial / NUMBERS).write_text(numbers + "\n", encoding="utf-8")


def require_matplotlib() -> None:
    """See that pictures can be drawn, before any work is done.

    Raises:
        SmallerLabseError: matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise SmallerLabseError(
            "pictures need matplotlib; install it: pip install 'smaller-labse[report]', or add --no-pictures"
        )


def report_data(report: Report) -> dict[str, Any]:
    """The report as plain data; shares and correlations as they are, not in percent."""
    return {
        "format": FORMAT,
        "models": [
            {"name": measured.model.name, "folder": measured.model.folder, **asdict(measured.size)}
            for measured in report.models
        ],
        "averages": [_line_data(line) for line in report.averages],
        "scores": [_line_data(line) for line in report.lines],
        "texts": [[asdict(language) for language in kept] for kept in report.kept],
        "lost_pieces": [[asdict(piece) for piece in lost] for lost in report.lost],
        "coverage": list(report.coverage),
    }


def _line_data(line: Line) -> dict[str, Any]:
    # A correlation with what does not vary is no number, which JSON has no word for.
    return {
        "task": line.task,
        "part": line.part,
        "metric": line.metric,
        "values": [_number(value) for value in line.values],
        "differences": [
            {name: _number(value) for name, value in asdict(change).items()} for change in line.differences
        ],
    }


def _number(value: float) -> float | None:
    return value if value == value else None


def _draw(report: Report) -> dict[str, tuple[str, str]]:
    """File name → what the picture shows, and the picture."""
    from smaller_labse.evaluate.report.charts import curve_chart, parameters_chart, parts_chart

    pictures = {"parameters.svg": ("Where the parameters are", parameters_chart(report))}
    for line in report.averages:
        name = f"{line.task}, {line.metric}"
        file = name.replace(", ", "_").replace(" ", "_").lower()
        if len(report.models) > 2:
            shown = f"The trade-off: rows of the table against {name} (95% intervals) and coverage"
            pictures[f"curve_{file}.svg"] = (shown, curve_chart(report, line))
        shown = f"{name}, side by side"
        pictures[f"{file}.svg"] = (shown, parts_chart(report, line.task, line.metric))
    return pictures
