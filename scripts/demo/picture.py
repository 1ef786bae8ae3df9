"""One picture: where the parameters were and are, and how well translations are still found."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

# Okabe and Ito's palette (2008), told apart by colour-blind people; the hatch tells them apart in print.
BEFORE, AFTER, REST = "#999999", "#0072B2", "#E69F00"


class Model(Protocol):
    """What is drawn of a model; see `compare.Measured`."""

    table_parameters: int
    parameters: int
    accuracy: dict[str, tuple[float, float]]


def draw(original: Model, smaller: Model, pivot: str, file: Path) -> None:
    """Write the picture as PNG.

    Args:
        original: before the cut.
        smaller: after it.
        pivot: the language that the others are compared with.
        file: where to.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (sizes, accuracies) = pyplot.subplots(
        1, 2, figsize=(11, 4.6), width_ratios=(1, 2.6), layout="constrained"
    )
    _draw_sizes(sizes, original, smaller)
    _draw_accuracies(accuracies, original, smaller, pivot)
    figure.savefig(file, dpi=150)
    pyplot.close(figure)


def _draw_sizes(axes, original: Model, smaller: Model) -> None:
    names = ("original", "smaller")
    table = [model.table_parameters / 1e6 for model in (original, smaller)]
    rest = [(model.parameters - model.table_parameters) / 1e6 for model in (original, smaller)]
    axes.bar(names, rest, color=REST, label="layers")
    axes.bar(names, table, bottom=rest, color=AFTER, hatch="//", edgecolor="white", label="table of pieces")
    for place, total in enumerate(map(sum, zip(table, rest, strict=True))):
        axes.text(place, total, f"{total:.0f}M", ha="center", va="bottom")
    axes.set_title("Where the parameters are")
    axes.set_ylabel("million parameters")
    _put_legend_below(axes)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_accuracies(axes, original: Model, smaller: Model, pivot: str) -> None:
    languages = list(original.accuracy)
    for model, shift, color, hatch, name in (
        (original, -0.2, BEFORE, None, "original"),
        (smaller, 0.2, AFTER, "//", "smaller"),
    ):
        means = [sum(model.accuracy[language]) / 2 for language in languages]
        places = [place + shift for place in range(len(languages))]
        axes.bar(places, means, width=0.4, color=color, hatch=hatch, edgecolor="white", label=name)
    lowest = min(sum(pair) / 2 for model in (original, smaller) for pair in model.accuracy.values())
    axes.set_ylim(max(0, lowest - 10), 100)
    axes.set_xticks(range(len(languages)), languages)
    axes.set_title(f"Translations found, percent, mean of both directions with {pivot}")
    _put_legend_below(axes)
    axes.spines[["top", "right"]].set_visible(False)


def _put_legend_below(axes) -> None:
    axes.legend(frameon=False, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.08))
