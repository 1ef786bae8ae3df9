"""Tables of results: lined up on a terminal, Markdown in files and pipes, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaller_labse.common.atomic_output import new_file, require_absent, require_not_read
from smaller_labse.common.errors import UsageError
from smaller_labse.common.visible_text import drawing_stream, markdown_text, visible


@dataclass(frozen=True)
class Table:
    """A small table of text.

    Attributes:
        columns: the headings; the first column is text and stands left, the others are numbers and
            stand right.
        rows: each has as many cells as there are columns.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table as GitHub Markdown, columns padded so that it reads well as plain text too.

        Cells are shown as they are: nothing in them is obeyed, neither by Markdown nor by a terminal.

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
        lines = []
        for row in [cells[0], rule, *cells[1:]]:
            first, *others = zip(row, widths, strict=True)
            padded = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
            lines.append("| " + " | ".join(padded) + " |")
        return "\n".join(lines) + "\n"


def print_table(table: Table) -> None:
    """Print a table on standard output: drawn on a terminal, Markdown when piped."""
    if not sys.stdout.isatty():
        print(table.markdown(), end="")
        return
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table as RichTable

    drawn = RichTable(box=box.SIMPLE_HEAD)
    for number, column in enumerate(table.columns):
        drawn.add_column(escape(visible(column)), justify="left" if number == 0 else "right")
    for row in table.rows:
        drawn.add_row(*(escape(visible(cell)) for cell in row))
    Console(file=drawing_stream(sys.stdout)).print(drawn)


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
            partial.write_text(table.markdown(), encoding="utf-8")
