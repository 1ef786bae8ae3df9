"""A selection as people read it: tables of what it keeps, and a warning where that is less than asked for."""

from __future__ import annotations

from smaller_labse.common.result_table import Table
from smaller_labse.select_vocab.choosing.finished_file import MEGABYTE
from smaller_labse.select_vocab.selection import Selection

COVERAGE_NOTES = (
    "All this is of the text that was counted. *Coverage*: the share of its tokens that are kept. *Lines "
    "unchanged*: the share of its lines, of some that were drawn, that keep all their tokens, and with them "
    "their embedding. *Unknown*: the share of its tokens that the original cannot read. *New unknown*: the "
    "share that the original can read and the smaller model cannot.",
)
ESTIMATE_NOTES = (
    "All this is expected of new text of the same kind, by a Good-Turing estimate. *Never counted*: the "
    "share of its tokens that the language's counted text does not hold. Tokens that the other languages' "
    "texts keep are kept for it, too.",
)
NO_ESTIMATE = "What new text will show is estimated from lines of text, not from word lists or frequencies."


def coverage_table(selection: Selection) -> Table:
    """What the selection keeps of each language; shares in percent."""
    columns = ("language", "tokens seen", "kept", "coverage", "lines unchanged", "unknown", "new unknown")
    rows = [
        (
            language.label,
            f"{language.seen:,}",
            f"{language.kept:,}",
            _percent(language.coverage),
            _percent(language.unchanged, 1),
            _percent(language.unknown),
            _percent(language.new_unknown),
        )
        for language in selection.coverage
    ]
    return Table(columns, rows, COVERAGE_NOTES)


def has_estimate(selection: Selection) -> bool:
    """Whether there is something to show in `estimate_table`."""
    return any(language.unseen is not None for language in selection.coverage)


def estimate_table(selection: Selection) -> Table:
    """What the selection is expected to keep of new text, that is text that was not counted; in percent."""
    rows = [
        (
            language.label,
            "-" if language.lines is None else f"{language.lines:,}",
            _percent(language.unseen),
            _percent(language.expected_coverage),
            _percent(language.expected_unchanged, 1),
        )
        for language in selection.coverage
    ]
    return Table(
        ("on new text", "lines counted", "never counted", "coverage", "lines unchanged"), rows, ESTIMATE_NOTES
    )


def too_few_tokens(selection: Selection) -> str | None:
    """A warning where the vocabulary is smaller than was asked for; None where it is not."""
    found = selection.rule.get("found")
    asked = 0 if found is None else int(selection.rule["value"])
    if len(selection.subset) >= asked:
        return None
    if "filled_up" in selection.rule:
        return (
            f"asked for {asked:,} tokens, the original has only {len(selection.subset):,} that text can have"
        )
    if selection.finished_file is not None:
        asked_for = f"{selection.finished_file.max_bytes / MEGABYTE:,g} MB have room for {asked:,} tokens"
    else:
        asked_for = f"asked for {asked:,} tokens"
    return (
        f"{asked_for}, the text holds only {found:,}, with those that are always kept; count "
        "more text, or add --fill-up to take the original's own first tokens, too"
    )


def size_table(selection: Selection, parameters: int) -> Table:
    """Vocabulary size and parameters, before and after.

    Args:
        selection: the selection.
        parameters: of the original, all of them.
    """
    before, after = selection.subset.original_size, len(selection.subset)
    matrix_before, matrix_after = before * selection.hidden_size, after * selection.hidden_size
    rest = parameters - matrix_before

    def row(name: str, original: int, smaller: int) -> tuple[str, ...]:
        return name, *(f"{n / 1e6:,.1f}M" for n in (original, smaller)), f"{smaller / original:.1%}"

    rows: list[tuple[str, ...]] = [("vocabulary size", f"{before:,}", f"{after:,}", f"{after / before:.1%}")]
    asked = int(selection.rule["value"]) if "found" in selection.rule else after
    if after < asked:
        rows.append(("vocabulary size asked for", "", f"{asked:,}", f"{asked / before:.1%}"))
    filled = int(selection.rule.get("filled_up", 0))
    if filled:
        rows.append(("filled up with the original's own", "", f"{filled:,}", f"{filled / before:.1%}"))
    rows += [
        row("parameters of the embedding matrix", matrix_before, matrix_after),
        row("parameters in all", rest + matrix_before, rest + matrix_after),
    ]
    return Table(("", "original", "smaller", "left"), rows)


def _percent(share: float | None, digits: int = 2) -> str:
    return "-" if share is None else f"{share:.{digits}%}"
