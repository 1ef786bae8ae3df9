"""A report's folder: a page to look at, tables to paste, numbers to compute with, and the pictures."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from smaller_labse.common.atomic_output import new_folder
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate.comparison.lost_tokens import LostToken
from smaller_labse.evaluate.comparison.side_by_side import Line, Report
from smaller_labse.evaluate.report.html import report_html
from smaller_labse.evaluate.report.markdown import report_markdown

PAGE, TABLES, NUMBERS = "report.html", "report.md", "report.json"
OVERVIEW = "overview.svg"
FORMAT = "smaller_labse.comparison.2"


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
    """The report as plain data, as `report.json` holds it; shares and correlations are not in percent."""
    return {
        "format": FORMAT,
        **asdict(report.provenance),
        "models": [
            {
                "name": measured.model.name,
                "folder": measured.model.loaded,
                "rows": measured.size.vocabulary_size,
                "width": measured.size.hidden_size,
                "parameters": measured.size.parameters,
                "bytes_on_disk": measured.size.bytes_on_disk,
                "resident_bytes": measured.size.resident_bytes,
                "peak_bytes": measured.size.peak_bytes,
                "load_seconds": measured.size.load_seconds,
                "texts_per_second": measured.size.texts_per_second,
                "least_per_second": measured.size.least_per_second,
                "most_per_second": measured.size.most_per_second,
                "tokenizer_bytes": measured.size.tokenizer_bytes,
                "tokenizer_seconds": measured.size.tokenizer_seconds,
                "prompt": measured.prompt,
            }
            for measured in report.models
        ],
        "averages": [_line_data(line) for line in report.averages],
        "scores": [_line_data(line) for line in report.lines],
        "texts": [[asdict(changes) for changes in of_model] for of_model in report.texts],
        "lost_pieces": [[_lost_data(lost) for lost in of_model] for of_model in report.lost_tokens],
        "coverage": list(report.coverage),
    }


def _lost_data(lost: LostToken) -> dict[str, Any]:
    data = asdict(lost)
    return {"piece": data.pop("token"), **data}


def _line_data(line: Line) -> dict[str, Any]:
    # A correlation with what does not vary is NaN, which JSON cannot hold.
    return {
        "task": line.task,
        "part": line.part,
        "metric": line.metric,
        "pairs": line.pairs,
        "values": [_number(value) for value in line.values],
        "differences": [
            {name: _number(value) for name, value in asdict(change).items()} for change in line.differences
        ],
    }


def _number(value: float) -> float | None:
    return value if value == value else None


def _draw(report: Report) -> dict[str, tuple[str, str]]:
    """File name → what the picture shows, and the picture."""
    from smaller_labse.evaluate.report.charts import curve_chart, overview_chart, parts_chart

    first = report.averages[0]
    coverage = "coverage (the share of the counted tokens that are kept)"
    shown = f"Where the parameters are, and {first.task}, {first.metric}"
    pictures = {OVERVIEW: (shown, overview_chart(report, first.task, first.metric))}
    for line in report.averages:
        name = f"{line.task}, {line.metric}"
        file = name.replace(", ", "_").replace(" ", "_").lower()
        if len(report.models) > 2:
            shown = f"The trade-off: vocabulary size against {name} (95% intervals) and {coverage}"
            pictures[f"curve_{file}.svg"] = (shown, curve_chart(report, line))
        pictures[f"{file}.svg"] = (f"{name}, side by side", parts_chart(report, line.task, line.metric))
    return pictures
