"""The report's pictures, as SVG: colours that colour-blind people tell apart, shapes that print in grey.

The colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from smaller_labse.evaluate.comparison.side_by_side import Line, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCH = "///"
WIDTH = 7.2  # inches


def overview_chart(report: Report, task: str, metric: str) -> str:
    """Where the parameters are and, beside it, a task's numbers, one per pair of languages."""
    samples = _sample_means(report, task, metric)
    height = max(1.5, 0.9 + 0.24 * len(samples))
    figure, (left, right) = _new_figure(height, columns=(1, 1.4), width=1.5 * WIDTH)
    _draw_parameters(left, report)
    _draw_marks(right, report, samples)
    right.set_xlabel(f"{task}, {metric}, percent")
    for panel in (left, right):
        panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)
    return _svg(figure)


def parts_chart(report: Report, task: str, metric: str) -> str:
    """Every part's number, one mark per model; the two directions of a language stand side by side."""
    parts = {line.part: line.values for line in report.lines if (line.task, line.metric) == (task, metric)}
    figure, (axes,) = _new_figure(1.1 + 0.2 * len(parts))
    _draw_marks(axes, report, parts)
    axes.set_xlabel(f"{metric}, percent")
    figure.legend(loc="outside upper center", ncols=min(4, len(report.models)), frameon=False)
    return _svg(figure)


def _draw_parameters(axes: Axes, report: Report) -> None:
    names = [measured.model.name for measured in report.models]
    matrices = [measured.size.embedding_parameters / 1e6 for measured in report.models]
    totals = [measured.size.parameters / 1e6 for measured in report.models]
    layers = [total - matrix for total, matrix in zip(totals, matrices, strict=True)]
    axes.barh(names, layers, color=COLOURS[1], label="layers")
    label = "embedding matrix"
    axes.barh(names, matrices, left=layers, color="white", edgecolor=COLOURS[2], hatch=HATCH, label=label)
    for place, total in enumerate(totals):
        axes.text(total, place, f" {total:,.1f}M", va="center")
    axes.invert_yaxis()
    axes.set_xlim(0, 1.15 * max(totals))
    axes.set_xlabel("million parameters")


def _draw_marks(axes: Axes, report: Report, parts: Mapping[str, Sequence[float]]) -> None:
    """Draw each part as a row, from above, and in it one mark per model."""
    places = range(len(parts))
    for number, measured in enumerate(report.models):
        axes.plot(
            [100 * values[number] for values in parts.values()],
            places,
            MARKERS[number % len(MARKERS)],
            color=COLOURS[number % len(COLOURS)],
            markerfacecolor="none" if number else COLOURS[0],
            markersize=9 if number else 5,  # so that equal marks are all seen
            label=measured.model.name,
        )
    axes.set_yticks(places, list(parts))
    axes.set_ylim(len(parts) - 0.5, -0.5)
    axes.grid(axis="y", linewidth=0.4)


def _sample_means(report: Report, task: str, metric: str) -> dict[str, list[float]]:
    """Sample, such as "en-fr" → the mean over its parts of each model's numbers."""
    samples: dict[str, list[list[float]]] = {}
    for scores in zip(*(measured.scores for measured in report.models), strict=True):
        if (scores[0].task, scores[0].metric) == (task, metric):
            samples.setdefault(scores[0].sample, []).append([score.value for score in scores])
    return {
        sample: [fmean(of_model) for of_model in zip(*values, strict=True)]
        for sample, values in samples.items()
    }


def curve_chart(report: Report, average: Line) -> str:
    """The trade-off: vocabulary size against the average number and, below, against coverage."""
    sizes = [measured.size.vocabulary_size for measured in report.models]
    order = sorted(range(1, len(sizes)), key=lambda number: sizes[number])
    figure, axes = _new_figure(5.2, rows=2)
    low = [100 * (average.values[n] - average.values[0] - average.differences[n - 1].low) for n in order]
    high = [100 * (average.differences[n - 1].high - average.values[n] + average.values[0]) for n in order]
    axes[0].errorbar(
        [sizes[n] for n in order],
        [100 * average.values[n] for n in order],
        [[abs(value) for value in low], [abs(value) for value in high]],
        color=COLOURS[1],
        marker=MARKERS[1],
        capsize=3,
        label="smaller",
    )
    axes[0].axhline(100 * average.values[0], color=COLOURS[0], linestyle="--", label="original")
    axes[0].set_ylabel(f"{average.task},\n{average.metric}, percent")
    covered = [(sizes[n], 100 * share) for n in order if (share := report.coverage[n - 1]) is not None]
    axes[1].plot(
        [size for size, _ in covered],
        [percent for _, percent in covered],
        color=COLOURS[2],
        marker=MARKERS[2],
    )
    unchanged = [_unchanged(report, n) for n in order]
    axes[1].plot([sizes[n] for n in order], unchanged, color=COLOURS[3], marker=MARKERS[3], linestyle=":")
    axes[1].set_ylabel("percent")
    axes[1].set_xlabel("vocabulary size")
    axes[1].legend(["counted tokens kept (coverage)"] * bool(covered) + ["texts unchanged"], frameon=False)
    axes[0].legend(frameon=False, loc="lower right")
    for panel in axes:
        panel.set_xscale("log")
        panel.set_xticks([sizes[n] for n in order], [f"{sizes[n]:,}" for n in order], rotation=30, ha="right")
        panel.minorticks_off()
        panel.grid(linewidth=0.4)
    return _svg(figure)


def _unchanged(report: Report, number: int) -> float:
    changes = report.texts[number - 1]
    return 100 * sum(part.unchanged for part in changes) / sum(part.texts for part in changes)


def _new_figure(
    height: float, rows: int = 1, columns: Sequence[float] = (1,), width: float = WIDTH
) -> tuple[Figure, Sequence[Axes]]:
    """A figure of some panels, below each other or, of these relative widths, beside each other."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    panels = figure.subplots(rows, len(columns), sharex=rows > 1, width_ratios=columns, squeeze=False)
    for panel in panels.flat:
        panel.spines[["top", "right"]].set_visible(False)
    return figure, list(panels.flat)


def _svg(figure: Figure) -> str:
    from matplotlib import rc_context

    out = io.StringIO()
    # Text stays text, and the same report is the same bytes.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "smaller-labse", "font.family": "sans-serif"}):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()[out.getvalue().index("<svg") :]
