"""A picture of a training: the loss and the held-out score over its steps, drawn from its log."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")  # https://jfly.uni-koeln.de/color/
MARKERS = ("s", "^", "D", "v", "P")
TOTAL = "#000000"
SIZE = (6.4, 6.0)  # inches
DOTS = 110  # per inch
SMOOTHED = 30  # the loss is a mean of so many parts of the log; a batch's own would be a band of noise


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def draw_training(log: Path, objectives: Sequence[str], measure: str, picture: Path) -> None:
    """Draw the loss, its objectives and, below, the held-out score.

    Args:
        log: JSON objects in lines, with "step" and "seconds", and "loss" (the weighted value of each
            objective) or "held_out" (a share of 1) and "is_best" (whether the state was the best so far).
        objectives: what they are, in the order of "loss".
        measure: what the held-out score is.
        picture: the PNG to write.

    Example:
        draw_training(folder / "training.jsonl", ["features"], "precision at 1", folder / "training.png")
    """
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    training_figure(lines, objectives, measure).savefig(picture, format="png")


def training_figure(lines: Sequence[dict[str, Any]], objectives: Sequence[str], measure: str) -> Figure:
    """The same of the log's lines, not saved yet: the loss above, the held-out score below."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DOTS, layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    _draw_loss(above, [line for line in lines if "loss" in line], objectives)
    _draw_held_out(below, [line for line in lines if "held_out" in line], measure)
    for panel in (above, below):
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(linewidth=0.4)
    seconds = lines[-1]["seconds"] if lines else 0
    below.set_xlabel(f"steps; all of them took {_duration(seconds)}")
    return figure


def _draw_loss(axes: Axes, lines: Sequence[dict[str, Any]], objectives: Sequence[str]) -> None:
    axes.set_ylabel("loss")
    if not lines:
        return
    steps = _smooth(np.array([[line["step"]] for line in lines], np.float64))[:, 0]
    losses = _smooth(np.array([line["loss"] for line in lines], np.float64))
    axes.plot(steps, losses.sum(axis=1), color=TOTAL, marker=_dot(steps, "o"), label="loss")
    if losses.shape[1] > 1:
        for number, values in enumerate(losses.T):
            marker = _dot(steps, MARKERS[number % len(MARKERS)])
            colour = COLOURS[number % len(COLOURS)]
            name = objectives[number] if number < len(objectives) else f"objective {number + 1}"
            axes.plot(steps, values, color=colour, marker=marker, label=name)
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=4, frameon=False)


def _draw_held_out(axes: Axes, lines: Sequence[dict[str, Any]], measure: str) -> None:
    axes.set_ylabel(f"held out: {measure},\npercent")
    if not lines:
        return
    steps = [line["step"] for line in lines]
    scores = [100 * line["held_out"] for line in lines]
    axes.plot(steps, scores, color=COLOURS[0], marker="s", markerfacecolor="white")
    best = max((number for number, line in enumerate(lines) if line.get("is_best")), default=0)
    axes.plot(steps[best], scores[best], color=COLOURS[0], marker="s")
    axes.annotate(
        f"best: {scores[best]:.1f}, taken",
        (steps[best], scores[best]),
        xytext=(0, 7),  # above it there is next to nothing
        textcoords="offset points",
        ha="right" if steps[best] > max(steps) / 2 else "left",
    )
    axes.margins(y=0.2)


def _smooth(values: np.ndarray) -> np.ndarray:
    """The means of at most `SMOOTHED` parts of equal length, float [parts, columns]."""
    return np.stack([part.mean(axis=0) for part in np.array_split(values, min(len(values), SMOOTHED))])


def _dot(steps: np.ndarray, marker: str) -> str:
    """No marker where points make a line by themselves."""
    return marker if len(steps) < SMOOTHED else ""


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{seconds:.0f} seconds" if minutes < 2 else f"{minutes:,} minutes"
