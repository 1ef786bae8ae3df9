"""The report's pictures, as SVG: colours that colour-blind people tell apart, shapes that print in grey.

The colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from smaller_labse.evaluate.comparison.side_by_side import Line, Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCH = "///"
WIDTH = 7.2  # inches


def parameters_chart(report: Report) -> str:
    """Where the parameters are: in the table's rows, and elsewhere."""
    names = [measured.model.name for measured in report.models]
    tables = [measured.size.rows * _width(report) / 1e6 for measured in report.models]
    others = [
        measured.size.parameters / 1e6 - table for measured, table in zip(report.models, tables, strict=True)
    ]
    figure, axes = _new_figure(0.9 + 0.4 * len(names))
    axes.barh(names, others, color=COLOURS[1], label="layers")
    axes.barh(
        names, tables, left=others, color="white", edgecolor=COLOURS[2], hatch=HATCH, label="rows of pieces"
    )
    for place, (table, other) in enumerate(zip(tables, others, strict=True)):
        axes.text(table + other, place, f" {table + other:,.1f}M", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(table + other for table, other in zip(tables, others, strict=True)))
    axes.set_xlabel("million parameters")
    figure.legend(loc="outside upper center", ncols=2, frameon=False)
    return _svg(figure)


def parts_chart(report: Report, task: str, metric: str) -> str:
    """Every part's number, a mark a model; the two directions of a language stand side by side."""
    lines = [line for line in report.lines if (line.task, line.metric) == (task, metric)]
    figure, axes = _new_figure(1.1 + 0.2 * len(lines))
    places = range(len(lines))
    for number, measured in enumerate(report.models):
        axes.plot(
            [100 * line.values[number] for line in lines],
            places,
            MARKERS[number % len(MARKERS)],
            color=COLOURS[number % len(COLOURS)],
            markerfacecolor="none" if number else COLOURS[0],
            label=measured.model.name,
        )
    axes.set_yticks(places, [line.part for line in lines])
    axes.set_ylim(len(lines) - 0.5, -0.5)
    axes.grid(axis="y", linewidth=0.4)
    axes.set_xlabel(f"{metric}, percent")
    figure.legend(loc="outside upper center", ncols=min(4, len(report.models)), frameon=False)
    return _svg(figure)


def curve_chart(report: Report, average: Line) -> str:
    """The trade-off: rows of the table against the average number and, below, against coverage."""
    rows = [measured.size.rows for measured in report.models]
    order = sorted(range(1, len(rows)), key=lambda number: rows[number])
    figure, axes = _new_figure(5.2, panels=2)
    low = [100 * (average.values[n] - average.values[0] - average.differences[n - 1].low) for n in order]
    high = [100 * (average.differences[n - 1].high - average.values[n] + average.values[0]) for n in order]
    axes[0].errorbar(
        [rows[n] for n in order],
        [100 * average.values[n] for n in order],
        [[abs(value) for value in low], [abs(value) for value in high]],
        color=COLOURS[1],
        marker=MARKERS[1],
        capsize=3,
        label="smaller",
    )
    axes[0].axhline(100 * average.values[0], color=COLOURS[0], linestyle="--", label="original")
    axes[0].set_ylabel(f"{average.task},\n{average.metric}, percent")
    covered = [n for n in order if report.coverage[n - 1] is not None]
    axes[1].plot(
        [rows[n] for n in covered],
        [100 * report.coverage[n - 1] for n in covered],
        color=COLOURS[2],
        marker=MARKERS[2],
    )
    unchanged = [_unchanged(report, n) for n in order]
    axes[1].plot([rows[n] for n in order], unchanged, color=COLOURS[3], marker=MARKERS[3], linestyle=":")
    axes[1].set_ylabel("percent")
    axes[1].set_xlabel("rows of the table")
    axes[1].legend(["counted pieces kept (coverage)"] * bool(covered) + ["texts unchanged"], frameon=False)
    axes[0].legend(frameon=False, loc="lower right")
    for panel in axes:
        panel.set_xscale("log")
        panel.set_xticks([rows[n] for n in order], [f"{rows[n]:,}" for n in order], rotation=30, ha="right")
        panel.minorticks_off()
        panel.grid(linewidth=0.4)
    return _svg(figure)


def _unchanged(report: Report, number: int) -> float:
    kept = report.kept[number - 1]
    return 100 * sum(language.unchanged for language in kept) / sum(language.texts for language in kept)


def _width(report: Report) -> int:
    return report.models[0].size.width


def _new_figure(height: float, panels: int = 1) -> tuple[Figure, Sequence]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots(panels, 1, sharex=panels > 1)
    for panel in axes if panels > 1 else [axes]:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> str:
    from matplotlib import rc_context

    out = io.StringIO()
    # Text stays text, and the same report is the same bytes.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "smaller-labse", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]
