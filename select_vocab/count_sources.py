"""Counting of sources: each one's tokens, exactly as the model's own preprocessor splits its text."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from smaller_labse.common.atomic_output import require_not_read
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Advance, progress
from smaller_labse.corpora.line_batches import LineBatch, LineFilter, TextDigest, line_filter_of, read_batches
from smaller_labse.corpora.sample import LineSampler
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counts_file import Counts, write_counts
from smaller_labse.select_vocab.counts_folder import require_same_counts
from smaller_labse.select_vocab.word_counter import WordCounter

BATCHES_AHEAD = 2  # for each worker


def count_sources(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    folder: Path,
    line_filter: LineFilter = LineFilter(),  # noqa: B008 - frozen
    workers: int | None = None,
    overwrite: bool = False,
    report: Callable[[str], None] = lambda message: None,
) -> list[Path]:
    """Count every source into `folder`/`name`.parquet; what was counted before is not counted again.

    Args:
        sources: the text, see `corpora.sources`.
        tokenizer: the original's.
        folder: where the counts files are, or will be, each written when its source is done.
        line_filter: which lines count.
        workers: threads that count; None for one per core. The result does not depend on it.
        overwrite: count again, even what was counted before.
        report: is told of each file that was counted before and is taken as it is.

    Returns:
        The counts files, in the order of `sources`.

    Raises:
        UsageError: a file to replace is one that is read.
        SmallerLabseError: a source has no line, `folder` is a file, or a file in it holds other counts, or
            those of the text before it was changed.
    """
    if folder.exists() and not folder.is_dir():
        raise SmallerLabseError(f"{folder} is a file, expected a folder; choose another place")
    files = [folder / f"{source.name}.parquet" for source in sources]
    todo = []
    for source, file in zip(sources, files, strict=True):
        require_not_read(file, source.paths, overwrite)
        if overwrite or not file.exists():
            todo.append((source, file))
        else:
            report(require_same_counts(source, file, tokenizer.fingerprint, line_filter))
    counters = new_counters(tokenizer, workers) if todo else []
    for source, file in todo:
        most = line_filter_of(source, line_filter).max_lines
        with progress(f"counting {source.name}", most, "lines") as advance:
            counts = count_source(source, tokenizer, line_filter, counters, advance)
        write_counts(counts, tokenizer.pieces, file, overwrite)
    return files


def count_source(
    source: Source,
    tokenizer: Tokenizer,
    line_filter: LineFilter = LineFilter(),  # noqa: B008 - frozen
    counters: Sequence[WordCounter] = (),
    advance: Advance = lambda amount: None,
) -> Counts:
    """Count one source and write nothing.

    Args:
        source: the text.
        tokenizer: the original's.
        line_filter: which lines count.
        counters: what to count with; empty for new ones, one per core.
        advance: is told how many more lines are counted.

    Raises:
        SmallerLabseError: no line of it passes the filter, or none holds a token.
    """
    line_filter = line_filter_of(source, line_filter)
    sampler, digest, total = LineSampler(), TextDigest(), 0
    counters = counters or new_counters(tokenizer)
    for counter in counters:
        counter.reset()
    for batch in _counted(read_batches(source, line_filter), counters):
        sampler.add(batch.lines)
        batch.add_to(digest)
        total += int(batch.times.sum())
        advance(len(batch.lines))
    occurrences = np.sum([counter.occurrences for counter in counters], axis=0)
    if not total:
        raise SmallerLabseError(
            f"{source.name}: no line in {source.description} has more than "
            f"{line_filter.longer_than} characters, so there is nothing to count"
        )
    if not occurrences.any():
        raise SmallerLabseError(
            f"{source.name}: the {total:,} lines of {source.description} are white space and control "
            "characters, so there is nothing to count"
        )
    return Counts(
        name=source.name,
        language=source.language.code,
        corpus=source.description,
        line_filter=line_filter,
        fingerprint=tokenizer.fingerprint,
        total_lines=total,
        occurrences=occurrences,
        lines=np.sum([counter.lines for counter in counters], axis=0),
        sample=sampler.sample(),
        word_list=source.is_word_list,
        text_digest=digest.hexdigest(),
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
        counter.add(batch.lines, batch.times, batch.encoded)
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
