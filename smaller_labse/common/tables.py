"""Results as tables: lined up for people on a terminal, Markdown in files and pipes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """A small table of text.

    Attributes:
        columns: the headings; the first column is text and stands left, the others are numbers and
            stand right.
        rows: as many cells a row as there are columns.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table as GitHub Markdown, columns padded so that it reads well as plain text too."""
        cells = [list(self.columns), *(list(row) for row in self.rows)]
        cells = [[cell.replace("|", "\\|") for cell in row] for row in cells]
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
        drawn.add_column(escape(column), justify="left" if number == 0 else "right")
    for row in table.rows:
        drawn.add_row(*map(escape, row))
    Console().print(drawn)
