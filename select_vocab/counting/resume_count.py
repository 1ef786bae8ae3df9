"""Resume an interrupted count behind the lines that were counted, if the text still begins with them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.file_lock import locked
from smaller_labse.common.progress import progress
from smaller_labse.corpora.languages import language_label
from smaller_labse.corpora.line_batches import LineBatch, LineFilter, read_batches
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.counted_before import find_pipe, what_differs
from smaller_labse.select_vocab.counting.counts import Counts
from smaller_labse.select_vocab.counting.counts_file import read_counts, read_metadata
from smaller_labse.select_vocab.counting.passed_lines import PassedLines, pass_over


@dataclass(frozen=True)
class Begun:
    """A count that has begun.

    Attributes:
        batches: the lines to come.
        passed: the lines before them.
        counts: of the lines before them; None where there are none.
    """

    batches: Iterator[LineBatch]
    passed: PassedLines
    counts: Counts | None = None


def resume_count(
    source: Source,
    file: Path,
    tokenizer: Tokenizer,
    line_filter: LineFilter,
    report: Callable[[str], None],
) -> Begun:
    """Begin a source, behind the lines that were counted until an earlier count was interrupted."""
    batches = read_batches(source, line_filter)
    counts = None
    if not find_pipe(source):
        counts = _read_unfinished(source, file, tokenizer, line_filter, report)
    if counts is None or counts.total_lines is None or counts.text_digest is None:
        return Begun(batches, PassedLines())
    with progress(f"reading {source.words} again", counts.total_lines, "lines") as advance:
        found = pass_over(batches, counts.total_lines, counts.text_digest, advance)
    if found is None:
        report(f"{source.words}: counting from the first line; {source.description} was changed since")
        return Begun(read_batches(source, line_filter), PassedLines())
    named = language_label(source.language.code, source.name)
    report(f"continuing {named} after {counts.total_lines:,} lines that are counted and have not changed")
    passed, rest = found
    return Begun(rest, passed, counts)


def unfinished_file(file: Path) -> Path:
    """Where the counts of a text's first lines are kept until its counts file is written."""
    return file.with_name(f".{file.name}.partial")


def lock_file(file: Path) -> Path:
    """What a run holds locked while it counts into a counts file."""
    return file.with_name(f".{file.name}.lock")


def shards_folder(file: Path) -> Path:
    """Where the shards of a counts file that Ray counts lie until they are merged."""
    return file.with_name(f".{file.stem}.shards")


def remove_unfinished(file: Path) -> None:
    """Remove what interrupted counts left of a counts file that is there, unless a run counts it again."""
    if not any(each(file).exists() for each in (unfinished_file, shards_folder, lock_file)):
        return
    with locked(lock_file(file), wait=False) as ours:
        if ours:
            discard_unfinished(file)


def discard_unfinished(file: Path) -> None:
    """Likewise, for the run that holds the lock."""
    unfinished_file(file).unlink(missing_ok=True)
    shutil.rmtree(shards_folder(file), ignore_errors=True)


def _read_unfinished(
    source: Source,
    file: Path,
    tokenizer: Tokenizer,
    line_filter: LineFilter,
    report: Callable[[str], None] = lambda message: None,
) -> Counts | None:
    """The counts of the source's first lines, where a count was interrupted.

    Args:
        source: the text; whether it still begins with these lines is for the caller to see.
        file: the counts file that was to be written.
        tokenizer: the original's.
        line_filter: which lines count.
        report: is told why counts that are there are not gone on with.

    Returns:
        None where there are none, or those of another vocabulary, corpus or line filter.
    """
    unfinished = unfinished_file(file)
    if not unfinished.exists():
        return None
    try:
        metadata = read_metadata(unfinished)
        other = what_differs(metadata, source, tokenizer, line_filter)
        if other is None:
            return read_counts(unfinished, tokenizer.pieces, tokenizer.fingerprint, tokenizer.preprocessor)
        reason = f"what was counted until it was interrupted is of another {other}"
    except SmallerLabseError as error:
        reason = str(error)
    report(f"{source.words}: counting from the first line; {reason}")
    return None
