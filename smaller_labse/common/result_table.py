"""Tables of results: lined up on a terminal, Markdown in files and pipes, JSON for programs."""

from __future__ import annotations

import json
import re
import shutil
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from smaller_labse.common.atomic_output import new_file, require_absent, require_not_read
from smaller_labse.common.errors import UsageError
from smaller_labse.common.visible_text import markdown_text, visible

EMPHASIS = re.compile(r"\*([^*]+)\*")
WIDTH = 80  # columns of text that every terminal and editor shows
GAP = "  "  # between columns
WIDEST_WORD = 16  # of a heading; a longer one is broken


@dataclass(frozen=True)
class Table:
    """A small table of text.

    Attributes:
        columns: the headings; the first column is text and stands left, the others are numbers and
            stand right.
        rows: each has as many cells as there are columns.
        notes: sentences that stand below the table and say what is in it; `*` around a word stands out.
        together: how many columns, from the last one on, are never parted from each other.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    together: int = 1

    def markdown(self, width: int | None = None) -> str:
        """The table as GitHub Markdown, columns padded so that it reads well as plain text too.

        Cells are shown as they are: nothing in them is obeyed, neither by Markdown nor by a terminal.

        Args:
            width: of a line, in characters, as far as a name and one column fit into it: where there are
                more columns, the others follow in a table below, with the first one again. None for any.

        >>> print(Table(("", "tokens"), [("English", "12,345"), ("Thai", "67")]).markdown(), end="")
        |         | tokens |
        | ------- | -----: |
        | English | 12,345 |
        | Thai    |     67 |
        """
        cells = [list(self.columns), *(list(row) for row in self.rows)]
        cells = [[markdown_text(cell) for cell in row] for row in cells]
        widths = [max(3, *(len(row[column]) for row in cells)) for column in range(len(self.columns))]
        rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
        blocks = [[*range(1, len(widths))]]
        if width is not None:  # a column takes 3 more, for "| " before and " " behind it, and the last "|" 1
            blocks = _blocks([each + 3 - len(GAP) for each in widths], width - 3, self.together)
        text = ""
        for block in blocks:
            for row in [cells[0], rule, *cells[1:]]:
                padded = [row[0].ljust(widths[0]), *(row[column].rjust(widths[column]) for column in block)]
                text += "| " + " | ".join(padded) + " |\n"
            text += "\n"
        return text[:-1] + "".join(f"\n{_emphasized(note)}\n" for note in self.notes)

    def text(self, width: int) -> str:
        """The table for a terminal: no line is wider, no number is broken.

        Headings, and if need be what stands in the first column, take several lines. Where there are too
        many columns, the others follow below, with the first one again.

        >>> table = Table(("", "lines unchanged", "new unknown"), [("Italian (it)", "99.2%", "0.01%")])
        >>> print(table.text(40), end="")
                          lines      new
                      unchanged  unknown
        ────────────────────────────────
        Italian (it)      99.2%    0.01%
        """
        table = replace(
            self,
            columns=[visible(column) for column in self.columns],
            rows=[[visible(cell) for cell in row] for row in self.rows],
        )
        heads, widths = _fit(table, width)
        text = ""
        for block in _blocks(widths, width, self.together):
            shown = [0, *block]
            lines = [_line([heads[column] for column in shown], [widths[column] for column in shown])]
            lines.append("─" * (sum(widths[column] for column in shown) + len(GAP) * len(block)))
            for row in table.rows:
                cells = [wrap_text(row[0], widths[0]), *([row[column]] for column in block)]
                lines.append(_line(cells, [widths[column] for column in shown]))
            text += "\n".join(lines) + "\n\n"
        notes = (
            textwrap.fill(visible(EMPHASIS.sub(r"\1", note)), width, break_on_hyphens=False)
            for note in self.notes
        )
        return "\n".join([text.rstrip("\n"), *(f"\n{note}" for note in notes)]) + "\n"


def _emphasized(note: str) -> str:
    """A note as Markdown: nothing in it is obeyed but the stars around words."""
    kept = EMPHASIS.sub("\ue000\\1\ue000", note)
    return markdown_text(kept).replace("\ue000", "*")


def print_table(table: Table) -> None:
    """Print a table on standard output: lined up for the width of a terminal, Markdown when piped."""
    if sys.stdout.isatty():
        print("\n" + table.text(shutil.get_terminal_size().columns), end="")
    else:
        print(table.markdown(), end="")


def _fit(table: Table, width: int) -> tuple[list[list[str]], list[int]]:
    """Each heading's lines, and each column's width."""
    longest = [max(map(cell_len, column), default=0) for column in zip(*table.rows, strict=True)]
    longest = longest or [0] * len(table.columns)
    whole = [max(cells, cell_len(head)) for cells, head in zip(longest, table.columns, strict=True)]
    if sum(whole) + len(GAP) * (len(whole) - 1) <= width:
        return [[head] for head in table.columns], whole
    first = min(whole[0], max(width // 3, width - len(GAP) * (len(whole) - 1) - sum(longest[1:])))
    widths = [first]
    for cells, head in zip(longest[1:], table.columns[1:], strict=True):
        word = max((cell_len(part) for part in re.split(r"[\s-]+", head)), default=0)
        widths.append(max(cells, min(word + 1, WIDEST_WORD)))
    heads = [wrap_text(head, column) for head, column in zip(table.columns, widths, strict=True)]
    return heads, [first] + [
        max([cells, *map(cell_len, head)]) for cells, head in zip(longest[1:], heads[1:], strict=True)
    ]


def _blocks(widths: Sequence[int], width: int, together: int) -> list[list[int]]:
    """Which columns beside the first stand side by side, as many as fit."""
    first = 1 + (len(widths) - 1) % together
    groups = [[column] for column in range(1, first)]
    groups += [[*range(start, start + together)] for start in range(first, len(widths), together)]
    blocks: list[list[int]] = [[]]
    for group in groups:
        taken = sum(len(GAP) + widths[column] for column in (*blocks[-1], *group))
        if blocks[-1] and widths[0] + taken > width:
            blocks.append([])
        blocks[-1] += group
    return blocks


def _line(cells: Sequence[Sequence[str]], widths: Sequence[int]) -> str:
    """Cells of several lines side by side; the first stands left and above, the others right and below."""
    height = max(map(len, cells))
    lines = []
    for number in range(height):
        parts = []
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            above = height - len(cell) if column else 0
            part = cell[number - above] if 0 <= number - above < len(cell) else ""
            space = " " * (width - cell_len(part))
            parts.append(space + part if column else part + space)
        lines.append(GAP.join(parts).rstrip())
    return "\n".join(lines)


def wrap_text(text: str, width: int) -> list[str]:
    """Lines of text, broken at spaces and, in names of models and folders, behind what joins their parts."""
    wrapper = textwrap.TextWrapper(max(1, width))
    wrapper.wordsep_re = re.compile(r"(\s+|[^\s/_.-]*[/_.-]+)")
    return wrapper.wrap(text) or [""]


def require_result_files_absent(
    json_file: Path | None, markdown_file: Path | None, overwrite: bool, read: Sequence[Path] = ()
) -> None:
    """Refuse files that may not be written, before any work is done.

    Args:
        json_file: None for no such file.
        markdown_file: likewise.
        overwrite: replace earlier ones.
        read: what the results are made from, see `require_not_read`.

    Raises:
        UsageError: both are the same file, or one is something that is read.
        SmallerLabseError: one exists and may not be replaced.
    """
    for file in (json_file, markdown_file):
        if file is not None:
            require_absent(file, overwrite)
            require_not_read(file, read, overwrite)
    if json_file is not None and markdown_file is not None and json_file.resolve() == markdown_file.resolve():
        raise UsageError(f"--json and --markdown name the same file, {json_file}")


def write_result_files(
    data: dict[str, Any], table: Table, json_file: Path | None, markdown_file: Path | None, overwrite: bool
) -> None:
    """Write the files that are wanted.

    Args:
        data: plain data, for `json_file`.
        table: the same for people, for `markdown_file`.
        json_file: None for no such file.
        markdown_file: likewise.
        overwrite: replace earlier ones.

    Raises:
        SmallerLabseError: a file exists and may not be replaced.
    """
    if json_file is not None:
        with new_file(json_file, overwrite) as partial:
            text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2)
            partial.write_text(text + "\n", encoding="utf-8")
    if markdown_file is not None:
        with new_file(markdown_file, overwrite) as partial:
            partial.write_text(table.markdown(WIDTH), encoding="utf-8")
