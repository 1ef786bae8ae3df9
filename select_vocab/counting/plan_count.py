"""The plan of a count: what there is to read, what is done already, and about how long the rest takes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decompressed_lines import COMPRESSIONS
from smaller_labse.corpora.defaults import FIRST
from smaller_labse.corpora.languages import language_label
from smaller_labse.corpora.line_batches import LineBatch, LineFilter, line_filter_of, read_batches
from smaller_labse.corpora.records.file_records import has_fields
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.counted_before import find_pipe, what_differs
from smaller_labse.select_vocab.counting.counts_file import read_metadata
from smaller_labse.select_vocab.counting.resume_count import unfinished_file
from smaller_labse.select_vocab.counting.word_counter import WordCounter

MEASURED_SECONDS = 1.0  # of one thread's counting, for each source


@dataclass(frozen=True)
class PlannedSource:
    """What counting one source would be.

    Attributes:
        label: the language, for people.
        state: "" where all is to be done, else what is there already.
        to_read: the files and their bytes, or where the text is streamed from.
        lines: how many lines would be counted; None where only reading it all would tell.
        about: how true that is: "" where all of them were read, else "about" or "at most".
        seconds: about how long they take; None likewise.
        is_to_do: whether it would be counted.
    """

    label: str
    state: str
    to_read: str
    lines: int | None = None
    about: str = ""
    seconds: float | None = None
    is_to_do: bool = False

    def __str__(self) -> str:
        """In one line."""
        if self.lines is None:
            work = "nobody knows how many lines before they are read" if not self.state else ""
        else:
            work = f"{self.about} {self.lines:,} line{'s' * (self.lines != 1)}".strip()
            if self.seconds is not None:
                work += f", {_duration(self.seconds)}"
        return f"{self.label}: {'; '.join(part for part in (self.to_read, work, self.state) if part)}"


def plan_count(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    folder: Path,
    line_filter: LineFilter,
    workers: int | None,
    overwrite: bool,
    report: Callable[[str], None],
    began: float,
) -> list[Path]:
    """Report what `count_sources` with the same arguments would do; nothing is written.

    Args:
        sources, tokenizer, folder, line_filter, workers, overwrite, report: as of `count_sources`.
        began: when the command or the call did, by `time.monotonic`; it took so long to import and to open
            what counting needs, too.

    Returns:
        The counts files that there would be, in the order of `sources`.

    Raises:
        SmallerLabseError: a text cannot be read.
    """
    threads = workers or os.cpu_count() or 1
    counter, files = WordCounter(tokenizer), [folder / source.file_name for source in sources]
    # What is compiled and read at the first line is not measured.
    counter.add(["one line"], np.ones(1, np.int64))
    to_start = time.monotonic() - began
    planned = []
    for source, file in zip(sources, files, strict=True):
        planned.append(plan_source(source, file, tokenizer, line_filter, counter, threads, overwrite))
        report(str(planned[-1]))
    if todo := [source for source in planned if source.is_to_do]:
        report(_together(todo, to_start, threads))
    return files


def _together(planned: Sequence[PlannedSource], to_start: float, threads: int) -> str:
    """How long all of it takes, in one line."""
    known = [source.seconds for source in planned if source.seconds is not None]
    said = f"together {_duration(to_start + sum(known))} with {threads} thread{'s' * (threads != 1)}"
    said += f", {_duration(to_start)} of it to start"
    unknown = len(planned) - len(known)
    return said if not unknown else f"{said}, and {unknown} of {len(planned)} texts, however long they are"


def plan_source(
    source: Source,
    file: Path,
    tokenizer: Tokenizer,
    line_filter: LineFilter,
    counter: WordCounter,
    workers: int,
    overwrite: bool,
) -> PlannedSource:
    """Look at a source and count its first lines for a moment; nothing is written.

    Args:
        source: the text.
        file: the counts file that it would be counted into.
        tokenizer: the original's.
        line_filter: which lines count.
        counter: to count with; what it counted before is forgotten.
        workers: how many threads would count.
        overwrite: whether what is there would be replaced.

    Raises:
        SmallerLabseError: the text cannot be read.
    """
    label, to_read = language_label(source.language.code, source.words), _what_to_read(source)
    if file.exists() and not overwrite:
        other = what_differs(read_metadata(file), source, tokenizer, line_filter)
        state = f"{file} holds counts of another {other}; count will refuse it" if other else "counted before"
        return PlannedSource(label, state, to_read)
    if pipe := find_pipe(source):
        return PlannedSource(label, f"{pipe} can be read only once, so it is not looked at", to_read)
    line_filter = line_filter_of(source, line_filter)
    state = "its text is read twice, to draw evenly" if line_filter.reads_twice else ""
    if unfinished_file(file).exists():
        state = _begun(unfinished_file(file)) or state
    measured = replace(line_filter, draw=FIRST)
    if source.shard is not None:  # whose first lines are numbered before any is read
        measured = replace(measured, max_lines=None)
    piece = _measure(read_batches(source, measured), counter)
    lines, about = _estimate(source, line_filter, piece)
    seconds = None if lines is None else piece.seconds_for(lines, workers)
    return PlannedSource(label, state, to_read, lines, about, seconds, is_to_do=True)


@dataclass(frozen=True)
class _Piece:
    """A text's first lines.

    Attributes:
        lines: how many.
        size: their bytes, in a file.
        reading, counting: how many seconds a thread took for each; one reads while others count.
        is_all: whether there are no more.
    """

    lines: int
    size: int
    reading: float
    counting: float
    is_all: bool

    def seconds_for(self, lines: int, threads: int) -> float:
        """How long so many lines take."""
        return lines / max(1, self.lines) * max(self.reading, self.counting / threads)


def _measure(batches: Iterator[LineBatch], counter: WordCounter) -> _Piece:
    lines, size, reading, counting = 0, 0, 0.0, 0.0
    counter.reset()
    begin = time.monotonic()
    for batch in batches:
        read = time.monotonic()
        counter.add_batch(batch)
        lines, size = lines + len(batch.lines), size + len(batch.encoded_with_counts)
        end = time.monotonic()
        reading, counting, begin = reading + read - begin, counting + end - read, end
        if reading + counting > MEASURED_SECONDS:
            return _Piece(lines, size, reading, counting, is_all=False)
    return _Piece(lines, size, reading + time.monotonic() - begin, counting, is_all=True)


def _estimate(source: Source, line_filter: LineFilter, piece: _Piece) -> tuple[int | None, str]:
    """How many lines would be counted, and how true that is; None where nobody knows."""
    most = line_filter.max_lines
    shards = source.shard.of if source.shard is not None and not source.is_word_list else 1
    if piece.is_all:
        if shards == 1 or most is None:
            return piece.lines, ""
        return min(piece.lines, most // shards), "about"
    is_plain = all(
        (source.is_word_list or not has_fields(file)) and file.suffix.lower() not in COMPRESSIONS
        for file in source.files
    )
    if not source.files or not is_plain:
        return most, "at most"
    in_all = round(piece.lines * sum(file.stat().st_size for file in source.files) / piece.size)
    return (in_all if most is None else min(in_all, most)) // shards, "about"


def _what_to_read(source: Source) -> str:
    if not source.files:
        return f"streamed from {source.description}"
    size = sum(file.stat().st_size for file in source.files)
    return f"{len(source.files)} file{'s' * (len(source.files) != 1)} of {size:,} bytes"


def _begun(unfinished: Path) -> str:
    try:
        return f"{int(read_metadata(unfinished)['lines']):,} lines were counted before it was interrupted"
    except SmallerLabseError:
        return ""


def _duration(seconds: float) -> str:
    """About how long, for people.

    >>> _duration(0.3), _duration(90), _duration(8000)
    ('less than 1 s', 'about 90 s', 'about 133 min')
    """
    if seconds < 1:
        return "less than 1 s"
    return f"about {round(seconds)} s" if seconds < 300 else f"about {round(seconds / 60)} min"
