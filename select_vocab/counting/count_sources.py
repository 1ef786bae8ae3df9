"""Counting of sources: each one's tokens, exactly as the model's own preprocessor splits its text."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from smaller_labse.common.atomic_output import require_absent, require_not_read
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.file_lock import locked
from smaller_labse.common.progress import Advance, progress
from smaller_labse.common.workplace import made, put_right_in
from smaller_labse.corpora.languages import language_label
from smaller_labse.corpora.line_batches import LineBatch, LineFilter, line_filter_of, numbered, read_batches
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.counted_before import find_pipe, require_same_counts
from smaller_labse.select_vocab.counting.counts import Counts
from smaller_labse.select_vocab.counting.counts_file import write_counts
from smaller_labse.select_vocab.counting.passed_lines import PassedLines
from smaller_labse.select_vocab.counting.resume_count import (
    Begun,
    discard_unfinished,
    lock_file,
    remove_unfinished,
    resume_count,
    unfinished_file,
)
from smaller_labse.select_vocab.counting.shard_of_counts import ShardOfCounts, plan_of
from smaller_labse.select_vocab.counting.shared_numbers import number_together
from smaller_labse.select_vocab.counting.word_counter import WordCounter

BATCHES_AHEAD = 6  # for each worker
SECONDS_BETWEEN_SAVES = 60.0  # what an interrupted count loses at most


def count_sources(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    folder: Path,
    line_filter: LineFilter = LineFilter(),  # noqa: B008 - frozen
    workers: int | None = None,
    overwrite: bool = False,
    report: Callable[[str], None] = lambda message: None,
    sample: bool = True,
) -> list[Path]:
    """Count every source into `folder`/`name`.parquet; what was counted before is not counted again.

    What another run is counting into this folder comes last: it is waited for, and what that wrote is taken.

    Args:
        sources: the text, see `corpora.sources`.
        tokenizer: the original's.
        folder: where the counts files are, or will be, each written when its source is done.
        line_filter: which lines count.
        workers: threads that count; None for one per core. The result does not depend on it.
        overwrite: count again, even what was counted before.
        report: is told of each file that was counted before and is taken as it is, where an interrupted
            count goes on, and what is waited for.
        sample: whether the files hold some of the lines, see `corpora/sample.py`.

    Returns:
        The counts files, in the order of `sources`.

    Raises:
        UsageError: a file to replace is one that is read.
        SmallerLabseError: a source has no line, `folder` is a file, or a file in it holds other counts, or
            those of the text before it was changed.
    """
    files, todo = find_uncounted(sources, tokenizer, folder, line_filter, overwrite, report, sample)
    counters = new_counters(tokenizer, workers) if todo else []
    numbers = {file: f"language {number} of {len(files)}" for number, file in enumerate(files, start=1)}

    def count_one(source: Source, file: Path) -> None:
        if file.exists() and not overwrite:  # another run has counted it meanwhile
            report(require_same_counts(source, file, tokenizer, line_filter, sample))
            return
        source = _numbered(source, line_filter, folder, report)
        begun = resume_count(source, file, tokenizer, line_filter, report)
        save = None
        if not source.is_word_list and not find_pipe(source):
            save = partial(write_counts, pieces=tokenizer.pieces, file=unfinished_file(file), overwrite=True)
        most = line_filter_of(source, line_filter).max_lines
        to_come = None if most is None or source.shard is not None else most - begun.passed.total
        named = language_label(source.language.code, source.words)
        with progress(f"counting {named}, {numbers[file]}", to_come, "lines") as advance:
            counts = count_source(source, tokenizer, line_filter, counters, advance, begun, save)
        counts = counts if sample else replace(counts, sample=())
        if source.shard is not None:
            counts = replace(counts, shard=ShardOfCounts(source.shard, plan_of(source), sample))
        write_counts(counts, tokenizer.pieces, file, overwrite)
        discard_unfinished(file)

    with made(folder):
        waited_for = []
        for source, file in todo:
            with locked(lock_file(file), wait=False) as ours:
                if ours:
                    count_one(source, file)
                else:
                    waited_for.append((source, file))
        for source, file in waited_for:
            report(f"{source.words}: waiting for another run, which counts it into {folder}")
            with locked(lock_file(file), wait=True):
                count_one(source, file)
    return files


def find_uncounted(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    folder: Path,
    line_filter: LineFilter,
    overwrite: bool,
    report: Callable[[str], None],
    sample: bool,
) -> tuple[list[Path], list[tuple[Source, Path]]]:
    """All counts files, and those of them that are to be written, each with its source.

    The arguments and errors are those of `count_sources`.
    """
    if folder.exists() and not folder.is_dir():
        raise SmallerLabseError(f"{folder} is a file, expected a folder; choose another place")
    files = [folder / source.file_name for source in sources]
    put_right_in(folder)
    todo = []
    for source, file in zip(sources, files, strict=True):
        require_not_read(file, source.paths, overwrite)
        if overwrite or not file.exists():
            require_absent(file, overwrite)
            todo.append((source, file))
        else:
            report(require_same_counts(source, file, tokenizer, line_filter, sample))
            remove_unfinished(file)
    return files, todo


def count_source(
    source: Source,
    tokenizer: Tokenizer,
    line_filter: LineFilter = LineFilter(),  # noqa: B008 - frozen
    counters: Sequence[WordCounter] = (),
    advance: Advance = lambda amount: None,
    begun: Begun | None = None,
    save: Callable[[Counts], None] | None = None,
) -> Counts:
    """Count one source and write nothing.

    Args:
        source: the text.
        tokenizer: the original's.
        line_filter: which lines count.
        counters: what to count with; empty for new ones, one per core.
        advance: is told how many more lines are counted.
        begun: where to begin; None for the first line.
        save: is given the counts of the lines so far, without a sample, now and then while more are to come.

    Raises:
        SmallerLabseError: no line of it passes the filter, or none holds a token.
    """
    line_filter = line_filter_of(source, line_filter)
    begun = begun or Begun(read_batches(source, line_filter), PassedLines())
    passed, earlier, began_at = begun.passed, begun.counts, begun.passed.total
    counters = counters or new_counters(tokenizer)
    for counter in counters:
        counter.reset()

    def counts_so_far() -> Counts:
        occurrences = np.sum([counter.occurrences for counter in counters], axis=0)
        lines = np.sum([counter.lines for counter in counters], axis=0)
        if earlier is not None and earlier.lines is not None:
            occurrences, lines = occurrences + earlier.occurrences, lines + earlier.lines
        return Counts(
            name=source.name,
            language=source.language.code,
            corpus=source.stored_corpus,
            line_filter=line_filter,
            fingerprint=tokenizer.fingerprint,
            total_lines=passed.total,
            occurrences=occurrences,
            lines=lines,
            word_list=source.is_word_list,
            text_digest=passed.digest.hexdigest(),
            preprocessor=tokenizer.preprocessor,
        )

    for first in begun.batches:
        if save is not None and passed.total > began_at:
            save(counts_so_far())
        for batch in _counted(_for_a_while(first, begun.batches), counters):
            passed.add(batch)
            advance(len(batch.lines))
    counts = replace(counts_so_far(), sample=passed.sampler.sample())
    if source.shard is None:
        require_tokens(counts, line_filter, source.description)
    return counts


def _for_a_while(first: LineBatch, others: Iterator[LineBatch]) -> Iterator[LineBatch]:
    """The batches until it is time to save."""
    end = time.monotonic() + SECONDS_BETWEEN_SAVES
    yield first
    while time.monotonic() < end and (batch := next(others, None)) is not None:
        yield batch


def _numbered(source: Source, line_filter: LineFilter, folder: Path, report: Callable[[str], None]) -> Source:
    """Number a source's lines, if that is needed to take some of them."""
    pipe = find_pipe(source)
    if pipe and source.shard is not None:
        raise SmallerLabseError(f"{pipe} can be read only once, so it has no shards; save the text as a file")
    if not line_filter_of(source, line_filter).needs_numbers(source.shard) or source.numbers is not None:
        return source
    if pipe:
        raise SmallerLabseError(
            f"{pipe} can be read only once; --draw even numbers all lines before it draws them, so "
            "save the text as a file, or leave --draw out"
        )
    if line_filter.reads_twice:
        report(f"{source.words}: numbering the lines of {source.description}, to draw evenly from them")
        if source.shard is not None and source.files:
            kept = folder / f".{source.name}.numbers"
            return replace(source, numbers=number_together(source, line_filter, kept))
    return numbered(source, line_filter)


def require_tokens(counts: Counts, line_filter: LineFilter, text: str) -> None:
    """Refuse counts of nothing.

    Raises:
        SmallerLabseError: no line was counted, or none holds a token.
    """
    language = language_label(counts.language, counts.name)
    if not counts.total_lines:
        raise SmallerLabseError(
            f"{language}: no line in {text} has more than "
            f"{line_filter.longer_than} characters, so there is nothing to count"
        )
    if not counts.occurrences.any():
        raise SmallerLabseError(
            f"{language}: the {counts.total_lines:,} lines of {text} are white space and control characters, "
            "so there is nothing to count"
        )


def new_counters(tokenizer: Tokenizer, workers: int | None = None) -> list[WordCounter]:
    """Counters for so many threads; None for one per core."""
    return [WordCounter(tokenizer) for _ in range(workers or os.cpu_count() or 1)]


def _counted(batches: Iterator[LineBatch], counters: Sequence[WordCounter]) -> Iterator[LineBatch]:
    """Count batches in a thread for each counter, a few batches ahead; yield them when they are counted."""
    idle: SimpleQueue[WordCounter] = SimpleQueue()
    for counter in counters:
        idle.put(counter)

    def count_batch(batch: LineBatch) -> LineBatch:
        counter = idle.get()
        try:
            counter.add_batch(batch)
        finally:  # or, where it cannot be counted, the batches behind it would wait for a counter forever
            idle.put(counter)
        return batch

    with ThreadPoolExecutor(len(counters)) as pool:
        running: deque[Future[LineBatch]] = deque()
        for batch in batches:
            running.append(pool.submit(count_batch, batch))
            if len(running) > BATCHES_AHEAD * len(counters):
                yield running.popleft().result()
        for counted in running:
            yield counted.result()
