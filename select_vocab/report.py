"""A selection as a table for people: what each language keeps, and what it costs."""

from __future__ import annotations

from smaller_labse.common.tables import Table, print_table
from smaller_labse.select_vocab.selection import Selection


def coverage_table(selection: Selection) -> Table:
    """What the selection keeps of each language; shares in percent."""
    columns = ("language", "pieces seen", "kept", "coverage", "lines unchanged", "unknown", "new unknown")
    rows = [
        (
            language.name,
            f"{language.seen:,}",
            f"{language.kept:,}",
            _percent(language.coverage),
            "-" if language.unchanged is None else _percent(language.unchanged, 1),
            _percent(language.unknown),
            _percent(language.new_unknown),
        )
        for language in selection.coverage
    ]
    return Table(columns, rows)


def size_table(selection: Selection, parameters: int) -> Table:
    """Rows and parameters before and after.

    Args:
        selection: the selection.
        parameters: of the original, all of them.
    """
    rows_before, rows_after = selection.original_rows, len(selection.kept_ids)
    rest = parameters - rows_before * selection.hidden_size

    def row(name: str, before: int, after: int, text: str) -> tuple[str, ...]:
        return name, text.format(before), text.format(after), f"{after / before:.1%}"

    millions = "{:,.1f}M"
    table_before, table_after = (rows * selection.hidden_size / 1e6 for rows in (rows_before, rows_after))
    return Table(
        ("", "original", "smaller", "left"),
        [
            row("rows", rows_before, rows_after, "{:,}"),
            row("parameters in the table", table_before, table_after, millions),
            row("parameters in all", rest / 1e6 + table_before, rest / 1e6 + table_after, millions),
        ],
    )


def print_selection(selection: Selection, parameters: int) -> None:
    """Print both tables."""
    if selection.coverage:
        print_table(coverage_table(selection))
        print()
    print_table(size_table(selection, parameters))


def _percent(share: float, digits: int = 2) -> str:
    return f"{share:.{digits}%}"
