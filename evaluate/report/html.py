"""A comparison as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from smaller_labse.common.result_table import Table
from smaller_labse.common.visible_text import visible
from smaller_labse.evaluate.comparison.lost_tokens import LostToken
from smaller_labse.evaluate.comparison.provenance import describe_provenance
from smaller_labse.evaluate.comparison.side_by_side import Report
from smaller_labse.evaluate.report.tables import (
    averages_table,
    by_task,
    costs_table,
    parts_table,
    sizes_table,
    texts_table,
)

MANY_COLUMNS = 8  # from there on they are narrower
# On a narrow screen every row of a table is a block, each number behind its column's name.
STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #111; background: #fff; max-width: 60rem; margin: 0 auto;
       padding: 1rem; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
.wide { overflow-x: auto; }
table { overflow-wrap: normal; border-collapse: collapse; font-size: 0.9rem;
        font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.7rem; text-align: right; border-bottom: 1px solid #ccc; vertical-align: top; }
th:first-child { text-align: left; }
thead th { border-bottom: 2px solid #111; vertical-align: bottom; }
tbody th { overflow-wrap: anywhere; min-width: 8rem; } td { white-space: nowrap; }
.many { font-size: 0.75rem; } .many th, .many td { padding: 0.2rem 0.3rem; }
.many thead th { overflow-wrap: anywhere; min-width: 4.2rem; } .many td { white-space: normal; }
.note, figcaption { color: #444; font-size: 0.9rem; max-width: 42rem; }
figure { margin: 1.5rem 0; }
figure svg { width: 100%; max-width: 42rem; height: auto; }
details { margin: 0.5rem 0; } summary { cursor: pointer; }
dl { margin: 0 0 1.2rem; } dt { font-weight: 600; margin-top: 0.9rem; }
dd { margin: 0.15rem 0 0.15rem 1rem; }
.token { display: inline-block; border: 1px solid #888; border-radius: 3px; padding: 0 0.25rem;
         margin: 0.1rem; }
.gone { border: 2px solid #D55E00; font-weight: 600; }
@media (max-width: 60rem) {
  .many { font-size: 0.9rem; }
  table, tbody, tr, tbody th, td { display: block; } thead { display: none; }
  tbody th, tbody td { border: 0; padding: 0.1rem 0; }
  tbody th:first-child { font-size: 1rem; }
  td { display: flex; flex-wrap: wrap; column-gap: 1rem; }
  table { overflow-wrap: anywhere; }
  td, .many td { white-space: normal; }
  td span { margin-left: auto; }
  td::before { content: attr(data-column); color: #444; text-align: left; }
  tr { border-bottom: 1px solid #ccc; padding: 0.5rem 0; } }
@media print { body { max-width: none; font-size: 9pt; }
  figure, dd, tr { break-inside: avoid; } h2, dt { break-after: avoid; }
  th, td { white-space: normal; padding: 0.15rem 0.3rem; } }
"""


def report_html(report: Report, pictures: Sequence[tuple[str, str]]) -> str:
    """The page.

    Args:
        report: what was measured.
        pictures: what each shows, and the SVG, in the order in which they appear.
    """
    original, *smaller = (measured.model.name for measured in report.models)
    title = f"{', '.join(smaller) or original}: what was lost?"
    body = [f"<h1>{_shown(title)}</h1>", _table(sizes_table(report)), _table(costs_table(report))]
    body += ["<h2>Scores</h2>", _table(averages_table(report))]
    body += [f"<figure>{svg}<figcaption>{_shown(shown)}</figcaption></figure>" for shown, svg in pictures]
    for (task, metric), lines in by_task(report).items():
        body += [f"<h2>{_shown(f'{task}, {metric}')}</h2>", _table(parts_table(report, lines))]
    for name, changes, lost in zip(smaller, report.texts, report.lost_tokens, strict=True):
        body += [f"<h2>{_shown(f'Texts and tokens: {name}')}</h2>", _table(texts_table(changes))]
        if lost:
            body += ["<details open><summary>The lost tokens that most texts used</summary>", "<dl>"]
            body += [_lost(token) for token in lost] + ["</dl></details>"]
    said = describe_provenance(report.provenance, {one.model.name: one.prompt for one in report.models})
    body += [
        "<h2>How this was measured</h2>",
        "<ul>",
        *(f"<li>{_shown(text)}</li>" for text in said),
        "</ul>",
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_shown(title)}</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{_shown(column)}</th>' for column in table.columns)
    rows = []
    for first, *others in table.rows:
        cells = "".join(
            f'<td data-column="{_shown(column)}"><span>{_shown(cell)}</span></td>'
            for column, cell in zip(table.columns[1:], others, strict=True)
        )
        rows.append(f'<tr><th scope="row">{_shown(first)}</th>{cells}</tr>')
    notes = "".join(f'<p class="note">{_emphasized(note)}</p>' for note in table.notes)
    many = ' class="many"' if len(table.columns) > MANY_COLUMNS else ""
    table_html = f"<table{many}><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<div class="wide">{table_html}</div>{notes}'


def _emphasized(note: str) -> str:
    """A note of a table, its `*words*` standing out."""
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", _shown(note))


def _lost(lost: LostToken) -> str:
    before = "".join(_token(token, token == lost.token) for token in lost.before)
    after = "".join(_token(token, False) for token in lost.after)
    texts = "text" if lost.texts == 1 else "texts"
    return (
        f"<dt>{_shown(lost.token)} – {lost.texts:,} {texts}</dt>"
        f'<dd lang="{_shown(lost.language)}" dir="auto">{_shown(lost.example)}</dd>'
        f'<dd>before: <span dir="auto">{before}</span></dd><dd>now: <span dir="auto">{after}</span></dd>'
    )


def _shown(text: str) -> str:
    return html.escape(visible(text))


def _token(token: str, lost: bool) -> str:
    return f'<span class="token{" gone" if lost else ""}">{_shown(token)}</span>'
