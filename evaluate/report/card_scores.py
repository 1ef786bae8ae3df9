"""A model's scores in its model card, where the Hugging Face hub and people look for them.

In the front matter as the hub's `model-index` (https://huggingface.co/docs/hub/model-cards), in the text as a
table; written again, they replace what was written before.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from pathlib import Path

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate.comparison.side_by_side import Report
from smaller_labse.evaluate.report.tables import PLUS_MINUS, averages_table, by_task, parts_table

CARD = "README.md"
TASKS = {"sts": "semantic-similarity", "bucc": "bitext-mining"}  # else it is translation retrieval
RETRIEVAL = "translation-retrieval"
BEGIN, END = "<!-- smaller-labse: scores -->", "<!-- smaller-labse: end of scores -->"
KEYS = ("metrics", "model-index")  # of the front matter, which are ours
FRONT_MATTER = re.compile(r"---\n((?:(?!---\n).*\n)*)---\n")
OLD_SCORES = re.compile(rf"\n*{BEGIN}.*?{END}\n*", flags=re.DOTALL)
KEY = re.compile(r"([A-Za-z_][\w-]*)\s*:")


def write_scores(folder: Path, report: Report, number: int) -> None:
    """Write a model's scores into its card.

    Args:
        folder: the model's, with a `README.md` that begins with front matter.
        report: what was measured.
        number: which of the report's models it is.

    Raises:
        SmallerLabseError: there is no such card.
    """
    card = require_card(folder)
    front = FRONT_MATTER.match(card)
    matter = _without_keys(front[1]) + _model_index(report, number)
    text = OLD_SCORES.sub("\n\n", card[front.end() :]).rstrip()
    with new_file(folder / CARD, overwrite=True) as partial:
        partial.write_text(f"---\n{matter}---\n{text}\n\n{_text(report)}", encoding="utf-8")


def require_card(folder: Path) -> str:
    """A model's card.

    Raises:
        SmallerLabseError: there is none that begins with front matter.
    """
    file = folder / CARD
    try:
        card = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        card = ""
    if not FRONT_MATTER.match(card):
        raise SmallerLabseError(f"{file}: no model card with front matter, expected one of make-smaller's")
    return card


def _without_keys(matter: str) -> str:
    """Front matter without our keys and what is below them."""
    kept, is_ours = [], False
    for line in matter.splitlines(keepends=True):
        if key := KEY.match(line):
            is_ours = key[1] in KEYS
        if not is_ours:
            kept.append(line)
    return "".join(kept)


def _model_index(report: Report, number: int) -> str:
    """YAML; strings are written as JSON, which is YAML too."""
    averages = [line for line in report.averages if isfinite(line.values[number])]
    if not averages:
        return ""
    lines = [
        "metrics:",
        *(f"- {metric}" for metric in sorted({_metric_id(line.metric) for line in averages})),
    ]
    lines += ["model-index:", f"- name: {_quoted(report.models[number].model.name)}", "  results:"]
    for line in averages:
        parts = by_task(report)[line.task, line.metric]
        lines += [
            "  - task:",
            f"      type: {TASKS.get(line.task, RETRIEVAL)}",
            "    dataset:",
            f"      name: {_quoted(line.task)}",
            f"      type: {_quoted(line.task)}",
            "    metrics:",
            f"    - type: {_metric_id(line.metric)}",
            f"      name: {_quoted(f'{line.metric}, mean of {len(parts)}')}",
            f"      value: {line.values[number]:.4f}",
        ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _metric_id(metric: str) -> str:
    return metric.lower().replace(" ", "_")


def _text(report: Report) -> str:
    parts = [f"{BEGIN}\n## Scores\n", averages_table(report).markdown(), PLUS_MINUS + "\n"]
    for (task, metric), lines in by_task(report).items():
        parts.append(f"### {task}, {metric}\n\n{parts_table(report, lines).markdown()}")
    return "\n".join([*parts, f"{END}\n"])
