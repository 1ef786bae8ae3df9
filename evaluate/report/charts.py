"""The report's pictures, as SVG: colours that colour-blind people tell apart, shapes that print in grey.

They are as wide as a telephone's screen shows without making their letters too small, and panels stand below
each other. Every bar begins at 0; what does not is a dot. The colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from smaller_labse.common.result_table import wrap_text
from smaller_labse.corpora.languages import language_label
from smaller_labse.evaluate.comparison.provenance import describe_provenance
from smaller_labse.evaluate.comparison.side_by_side import Line, Report

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCH = "///"
WIDTH = 4.8  # inches; on a screen of 390 pixels letters are three quarters of their size
LETTERS = 10  # points, matplotlib's own
LINE = 0.24  # inches
LONGEST_NAME = 26  # of a model, in a line


def overview_chart(report: Report, task: str, metric: str) -> str:
    """Where the parameters are and, below it, a task's numbers, one per pair of languages."""
    samples = _sample_means(report, task, metric)
    names = _names(report)
    tallest = max(name.count("\n") + 1 for name in names)
    heights = (0.9 + LINE * len(names) * tallest, 0.9 + LINE * len(samples) + _lines(names) * LINE)
    figure, (above, below) = _new_figure(heights)
    _draw_parameters(above, report)
    _draw_marks(below, report, samples, _short_labels(list(samples), directions=False))
    below.set_xlabel(_plain(f"{task}, {metric}, percent"))
    for panel, columns in ((above, 2), (below, _legend_columns(names))):
        panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=columns, frameon=False)
    _sign(figure, report, task)
    return _svg(figure)


def parts_chart(report: Report, task: str, metric: str) -> str:
    """Every part's number, one mark per model; the two directions of a language stand side by side."""
    parts = {line.part: line.values for line in report.lines if (line.task, line.metric) == (task, metric)}
    names = _names(report)
    figure, (axes,) = _new_figure([0.9 + LINE * len(parts) + _lines(names) * LINE])
    _draw_marks(axes, report, parts, _short_labels(list(parts), directions=True))
    axes.set_xlabel(_plain(f"{task}, {metric}, percent"))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=_legend_columns(names), frameon=False)
    _sign(figure, report, task)
    return _svg(figure)


def _draw_parameters(axes: Axes, report: Report) -> None:
    names = _names(report)
    matrices = [measured.size.embedding_parameters / 1e6 for measured in report.models]
    totals = [measured.size.parameters / 1e6 for measured in report.models]
    layers = [total - matrix for total, matrix in zip(totals, matrices, strict=True)]
    axes.barh(names, layers, color=COLOURS[1], label="layers")
    label = "embedding matrix"
    axes.barh(names, matrices, left=layers, color="white", edgecolor=COLOURS[2], hatch=HATCH, label=label)
    for place, total in enumerate(totals):
        axes.annotate(
            f"{total:,.1f}M", (total, place), xytext=(3, 0), textcoords="offset points", va="center"
        )
    axes.invert_yaxis()
    axes.set_xlim(0, 1.25 * max(totals))
    axes.set_xlabel("million parameters")


def _draw_marks(
    axes: Axes, report: Report, parts: Mapping[str, Sequence[float]], labels: Sequence[str]
) -> None:
    """Draw each part as a row, from above, and in it one mark per model."""
    places = range(len(parts))
    for number, name in enumerate(_names(report)):
        axes.plot(
            [100 * values[number] for values in parts.values()],
            places,
            MARKERS[number % len(MARKERS)],
            color=COLOURS[number % len(COLOURS)],
            markerfacecolor="none" if number else COLOURS[0],
            markersize=9 if number else 5,  # so that equal marks are all seen
            label=name,
        )
    axes.set_yticks(places, list(map(_plain, labels)))
    axes.set_ylim(len(parts) - 0.5, -0.5)
    axes.grid(axis="y", linewidth=0.4)


def _sample_means(report: Report, task: str, metric: str) -> dict[str, list[float]]:
    """The mean over a sample's parts of each model's numbers, by its first part, such as "en→fr"."""
    samples: dict[str, list[list[float]]] = {}
    names: dict[str, str] = {}
    for scores in zip(*(measured.scores for measured in report.models), strict=True):
        if (scores[0].task, scores[0].metric) == (task, metric):
            samples.setdefault(scores[0].sample, []).append([score.value for score in scores])
            names.setdefault(scores[0].sample, scores[0].part)
    return {
        names[sample] if "→" in names[sample] else sample: [
            fmean(of_model) for of_model in zip(*values, strict=True)
        ]
        for sample, values in samples.items()
    }


def curve_chart(report: Report, average: Line) -> str:
    """The trade-off: vocabulary size against the average number and, below, against coverage."""
    sizes = [measured.size.vocabulary_size for measured in report.models]
    order = sorted(range(1, len(sizes)), key=lambda number: sizes[number])
    figure, axes = _new_figure((2.8, 2.8), sharex=True)
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
    axes[0].set_ylabel(_plain(f"{average.task},\n{average.metric}, percent"))
    covered = [(sizes[n], 100 * share) for n in order if (share := report.coverage[n - 1]) is not None]
    if covered:
        label = "counted tokens kept (coverage)"
        axes[1].plot(*zip(*covered, strict=True), color=COLOURS[2], marker=MARKERS[2], label=label)
    unchanged = [_unchanged(report, n) for n in order]
    axes[1].plot(
        [sizes[n] for n in order],
        unchanged,
        label="texts unchanged",
        color=COLOURS[3],
        marker=MARKERS[3],
        linestyle=":",
    )
    axes[1].set_ylabel("percent")
    axes[1].set_xlabel("vocabulary size")
    for panel in axes:
        panel.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, frameon=False)
    _sign(figure, report, average.task)
    for panel in axes:
        panel.set_xscale("log")
        panel.set_xticks([sizes[n] for n in order], [f"{sizes[n]:,}" for n in order], rotation=30, ha="right")
        panel.minorticks_off()
        panel.grid(linewidth=0.4)
    return _svg(figure)


def _unchanged(report: Report, number: int) -> float:
    changes = report.texts[number - 1]
    return 100 * sum(part.unchanged for part in changes) / sum(part.texts for part in changes)


def _names(report: Report) -> list[str]:
    """The models' names, long ones in several lines."""
    return [_plain("\n".join(wrap_text(measured.model.name, LONGEST_NAME))) for measured in report.models]


def _plain(text: str) -> str:
    """Text in which matplotlib finds no formula between two dollar signs."""
    return text.replace("$", r"\$")


def _lines(names: Sequence[str]) -> int:
    return sum(name.count("\n") + 1 for name in names)


def _legend_columns(names: Sequence[str]) -> int:
    """As many as have room beside each other."""
    return max(1, min(len(names), 40 // (5 + max(len(line) for name in names for line in name.split("\n")))))


def _short_labels(parts: Sequence[str], directions: bool) -> list[str]:
    """What rows are called: "en→fr" and "en→it" by what they have not in common, "French (fr)".

    Args:
        parts: e.g. "en→fr" and "fr→en"; others stay as they are.
        directions: whether to tell the two apart, "→ French (fr)" and "French (fr) →".
    """
    pairs = [part.split("→") for part in parts]
    common = set.intersection(*map(set, pairs))
    if len(common) != 1 or any(len(pair) != 2 for pair in pairs):
        return list(parts)
    labels = []
    for first, second in pairs:
        other = second if first in common else first
        ends = ("→ ", "") if other == second else ("", " →")
        labels.append(language_label(other).join(ends if directions else ("", "")))
    return labels


def _sign(figure: Figure, report: Report, task: str) -> None:
    """Say below a picture what was measured on, how and when."""
    of_task = replace(
        report.provenance, data=tuple(data for data in report.provenance.data if data.task == task)
    )
    said = describe_provenance(of_task, {one.model.name: one.prompt for one in report.models})
    figure.supxlabel(
        _plain("\n".join(textwrap.wrap(" ".join(said), 54, break_on_hyphens=False))),
        fontsize=0.9 * LETTERS,
        color="#444444",
        ha="center",
    )


def _new_figure(heights: Sequence[float], sharex: bool = False) -> tuple[Figure, Sequence[Axes]]:
    """A figure of panels below each other, of these heights in inches."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, sum(heights) + 0.5), layout="constrained")
    panels = figure.subplots(len(heights), 1, sharex=sharex, height_ratios=heights, squeeze=False)
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
