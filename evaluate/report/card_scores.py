"""A model's scores in its model card, where the Hugging Face hub and people look for them.

In the front matter as the hub's `model-index` (https://huggingface.co/docs/hub/model-cards), in the text as a
table; written again, they replace what was written before.
"""

from __future__ import annotations

import re
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.result_table import WIDTH
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.evaluate.comparison.provenance import (
    Provenance,
    TestData,
    describe_data,
    describe_provenance,
)
from smaller_labse.evaluate.comparison.side_by_side import Report
from smaller_labse.evaluate.report.tables import averages_table, by_task, parts_table
from smaller_labse.make_smaller.manifest import note_files
from smaller_labse.originals.folder_check import require_whole_manifest
from smaller_labse.originals.model_folder import HUGGINGFACE, MODEL_CARD
from smaller_labse.originals.original_card import OUR_TAG

if TYPE_CHECKING:
    from huggingface_hub import EvalResult, ModelCard

TASKS = {"sts": "semantic-similarity", "bucc": "bitext-mining"}  # else it is translation retrieval
RETRIEVAL = "translation-retrieval"
BEGIN, END = "<!-- smaller-labse: scores -->", "<!-- smaller-labse: end of scores -->"
OLD_SCORES = re.compile(rf"\n*{BEGIN}.*?{END}\n*", flags=re.DOTALL)


def write_scores(folder: Path, report: Report, number: int) -> None:
    """Write a model's scores into its card, and into that of its `huggingface/`, which people publish.

    Of the front matter `metrics` and `model-index` are replaced, of the text the scores that were written
    before; all else stays.

    Args:
        folder: the model's, with a `README.md` that begins with front matter.
        report: what was measured.
        number: which of the report's models it is.

    Raises:
        SmallerLabseError: there is no such card, or the manifest is damaged.
    """
    require_whole_manifest(folder)
    cards = {folder: require_card(folder)}
    if (folder / HUGGINGFACE / MODEL_CARD).is_file():
        of_part = require_card(folder / HUGGINGFACE)
        if OUR_TAG in (of_part.data.get("tags") or ()):  # version 0.1.0 left the original's card there
            cards[folder / HUGGINGFACE] = of_part
    for place, card in cards.items():
        _write_scores(place / MODEL_CARD, card, report, number)
    note_files(folder, [place / MODEL_CARD for place in cards])


def _write_scores(file: Path, card: ModelCard, report: Report, number: int) -> None:
    results = _eval_results(report, number)
    card.data["eval_results"] = results or None
    card.data["model_name"] = report.models[number].model.name if results else None
    card.data["metrics"] = sorted({result.metric_type for result in results}) or None
    text = OLD_SCORES.sub("\n\n", card.text).rstrip()
    card.text = f"{text}\n\n{_text(report)}"
    with new_file(file, overwrite=True) as partial:
        partial.write_text(str(card), encoding="utf-8", newline="\n")


def require_card(folder: Path) -> ModelCard:
    """A model's card.

    Raises:
        SmallerLabseError: there is none that begins with front matter, or that is not readable.
    """
    from huggingface_hub import ModelCard

    file = folder / MODEL_CARD
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if not re.match(r"---\n(.*\n)*?---\n", text):
        raise SmallerLabseError(f"{file}: no model card with front matter, expected one of make-smaller's")
    try:
        return ModelCard(text, ignore_metadata_errors=True)  # of the results of others, which are replaced
    except Exception as error:  # YAML's errors, and ValueError
        reason = " ".join(str(error).split())[:200]
        raise SmallerLabseError(f"{file}: its front matter is not readable as YAML ({reason})") from None


def _eval_results(report: Report, number: int) -> list[EvalResult]:
    """The mean of every task and metric, as far as it is a number."""
    from huggingface_hub import EvalResult

    parts = by_task(report)
    data: dict[str, list[TestData]] = {}
    for one in _without_sources(report.provenance).data:
        data.setdefault(one.task, []).append(one)
    return [
        EvalResult(
            task_type=TASKS.get(line.task, RETRIEVAL),
            dataset_type=line.task,
            dataset_name=describe_data(line.task, data[line.task]) if line.task in data else line.task,
            metric_type=line.metric.lower().replace(" ", "_"),
            metric_name=f"{line.metric}, mean of {len(parts[line.task, line.metric])}",
            metric_value=round(line.values[number], 4),
        )
        for line in report.averages
        if isfinite(line.values[number])
    ]


def _text(report: Report) -> str:
    parts = [f"{BEGIN}\n## Scores\n", averages_table(report).markdown(WIDTH)]
    for (task, metric), lines in by_task(report).items():
        parts.append(f"### {task}, {metric}\n\n{parts_table(report, lines).markdown(WIDTH)}")
    prompts = {one.model.name: one.prompt for one in report.models}
    said = describe_provenance(_without_sources(report.provenance), prompts)
    parts.append("".join(f"- {markdown_text(sentence)}\n" for sentence in said))
    return "\n".join([*parts, f"{END}\n"])


def _without_sources(provenance: Provenance) -> Provenance:
    """Without where the data lie, as cards are published and paths are not."""
    return replace(provenance, data=tuple(replace(data, source="") for data in provenance.data))
