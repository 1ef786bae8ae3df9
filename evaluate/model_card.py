"""A model's scores in its model card, where the Hugging Face hub and people look for them.

In the front matter as the hub's `model-index` (https://huggingface.co/docs/hub/model-cards), in the text as a
table; written again, they replace what was written before.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from smaller_labse.evaluate.report_markdown import PLUS_MINUS, averages_table, by_task, parts_table
from smaller_labse.evaluate.side_by_side import Report
from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.outputs import new_file

CARD = "README.md"
TASKS = {"sts": "semantic-similarity", "bucc": "bitext-mining"}  # else it is translation retrieval
RETRIEVAL = "translation-retrieval"
HEADING = "## Scores"
FRONT_MATTER = re.compile(r"---\n(.*?\n)---\n", flags=re.DOTALL)
OLD_INDEX = re.compile(r"^(?:model-index|metrics):\n(?:[ -].*\n)*", flags=re.MULTILINE)


def write_scores(folder: Path, report: Report, number: int) -> None:
    """Write a model's scores into its card.

    Args:
        folder: the model's, with a `README.md` that begins with front matter.
        report: what was measured.
        number: which of the report's models it is.

    Raises:
        SmallerLabseError: there is no such card.
    """
    file = folder / CARD
    try:
        card = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        card = ""
    front = FRONT_MATTER.match(card)
    if front is None:
        raise SmallerLabseError(
            f"{file}: no model card that begins with front matter, as make-smaller writes it"
        )
    matter = OLD_INDEX.sub("", front[1]) + _model_index(folder.name, report, number)
    text = re.sub(rf"\n{HEADING}\n.*?(?=\n## |\Z)", "", card[front.end() :], flags=re.DOTALL)
    with new_file(file, overwrite=True) as partial:
        partial.write_text(f"---\n{matter}---\n{text.rstrip()}\n\n{_text(report)}", encoding="utf-8")


def _model_index(name: str, report: Report, number: int) -> str:
    """YAML; strings are written as JSON, which is YAML too."""
    metrics = sorted({_metric_id(line.metric) for line in report.averages})
    lines = [
        "metrics:",
        *(f"- {metric}" for metric in metrics),
        "model-index:",
        f"- name: {json.dumps(name)}",
    ]
    lines.append("  results:")
    for line in report.averages:
        parts = [
            f"{other.part}"
            for other in report.lines
            if (other.task, other.metric) == (line.task, line.metric)
        ]
        lines += [
            "  - task:",
            f"      type: {TASKS.get(line.task, RETRIEVAL)}",
            "    dataset:",
            f"      name: {json.dumps(line.task)}",
            f"      type: {json.dumps(line.task)}",
            "    metrics:",
            f"    - type: {_metric_id(line.metric)}",
            f"      name: {json.dumps(f'{line.metric}, mean of {len(parts)}')}",
            f"      value: {line.values[number]:.4f}",
        ]
    return "\n".join(lines) + "\n"


def _metric_id(metric: str) -> str:
    return metric.lower().replace(" ", "_")


def _text(report: Report) -> str:
    parts = [f"{HEADING}\n", averages_table(report).markdown(), PLUS_MINUS + "\n"]
    for (task, metric), lines in by_task(report).items():
        parts.append(f"### {task}, {metric}\n\n{parts_table(report, lines).markdown()}")
    return "\n".join(parts)
