"""A report as Markdown, to paste."""

from __future__ import annotations

from collections.abc import Mapping

from smaller_labse.common.result_table import WIDTH
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.evaluate.comparison.provenance import describe_provenance
from smaller_labse.evaluate.comparison.side_by_side import Report
from smaller_labse.evaluate.report.lost_list import lost_list
from smaller_labse.evaluate.report.tables import (
    averages_table,
    by_task,
    costs_table,
    parts_table,
    sizes_table,
    texts_table,
)


def report_markdown(report: Report, pictures: Mapping[str, str]) -> str:
    """The whole report.

    Args:
        report: what was measured.
        pictures: file name → what it shows, in the order in which they appear.
    """
    original, *smaller = (markdown_text(measured.model.name) for measured in report.models)
    parts = [f"# {', '.join(smaller) or original}: what was lost?\n"]
    parts += [table(report).markdown(WIDTH) for table in (sizes_table, costs_table)]
    parts.append(f"## Scores\n\n{averages_table(report).markdown(WIDTH)}")
    parts += [f"![{markdown_text(shown)}]({file})\n" for file, shown in pictures.items()]
    for (task, metric), lines in by_task(report).items():
        parts.append(
            f"## {markdown_text(f'{task}, {metric}')}\n\n{parts_table(report, lines).markdown(WIDTH)}"
        )
    for name, changes, lost in zip(smaller, report.texts, report.lost_tokens, strict=True):
        parts.append(f"## Texts and tokens: {name}\n\n{texts_table(changes).markdown(WIDTH)}")
        if lost:
            parts.append(f"The lost tokens that most texts used:\n\n{lost_list(lost)}")
    said = describe_provenance(report.provenance, {one.model.name: one.prompt for one in report.models})
    parts.append(
        "## How this was measured\n\n" + "".join(f"- {markdown_text(sentence)}\n" for sentence in said)
    )
    return "\n".join(parts)
