"""Counting of sources: each one's tokens, exactly as the model's own preprocessor splits its text."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Advance, progress
from smaller_labse.corpora.sample import LineSampler
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counts_file import Counts, LineFilter, read_metadata, write_counts
from smaller_labse.select_vocab.word_counter import WordCounter

BATCH_LINES = 4096
BATCH_CHARACTERS = 1 << 17  # so that a batch of long lines does not take more memory than others
BATCHES_AHEAD = 2  # for each worker


def count_sources(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    folder: Path,
    line_filter: LineFilter = LineFilter(),  # noqa: B008 - frozen
    workers: int | None = None,
    overwrite: bool = False,
) -> list[Path]:
    """Count every source into `folder`/`name`.parquet; what was counted before is not counted again.

    Args:
        sources: the text, see `corpora.sources`.
        tokenizer: the original's.
        folder: where the counts files are, or will be, each written when its source is done.
        line_filter: which lines count.
        workers: threads that count; None for one per core. The result does not depend on it.
        overwrite: count again, even what was counted before.

    Returns:
        The counts files, in the order of `sources`.

    Raises:
        SmallerLabseError: a source has no line, `folder` is a file, or a file in it holds other counts.
    """
    if folder.exists() and not folder.is_dir():
        raise SmallerLabseError(f"{folder} is a file, expected a folder; choose another place")
    files = [folder / f"{source.name}.parquet" for source in sources]
    todo = [
        (source, file)
        for source, file in zip(sources, files, strict=True)
        if overwrite or not _is_counted(source, file, tokenizer.fingerprint, _filter_of(source, line_filter))
    ]
    counters = new_counters(tokenizer, workers) if todo else []
    for source, file in todo:
        most = _filter_of(source, line_filter).max_lines
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
    line_filter = _filter_of(source, line_filter)
    sampler, total = LineSampler(), 0
    counters = counters or new_counters(tokenizer)
    for counter in counters:
        counter.reset()
    for batch in _counted(_batches(_lines(source, line_filter)), counters):
        sampler.add(batch.lines)
        total += int(batch.times.sum())
        advance(len(batch.lines))
    occurrences = sum(counter.occurrences for counter in counters)
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
        lines=sum(counter.lines for counter in counters),
        sample=sampler.sample(),
        word_list=source.is_word_list,
    )


def new_counters(tokenizer: Tokenizer, workers: int | None = None) -> list[WordCounter]:
    """Counters for so many threads; None for one per core."""
    return [WordCounter(tokenizer) for _ in range(workers or os.cpu_count() or 1)]


@dataclass(frozen=True)
class _Batch:
    """Some lines and how often each occurs, int64 [lines]: once, but for those of a list of words."""

    lines: list[str]
    times: np.ndarray


def _filter_of(source: Source, line_filter: LineFilter) -> LineFilter:
    """A list of words is counted whole: its words are short, and its lines are no text's."""
    return LineFilter(longer_than=0, max_lines=None) if source.is_word_list else line_filter


def _lines(source: Source, line_filter: LineFilter) -> Iterator[tuple[str, int]]:
    if source.is_word_list:
        return source.read()
    passing = ((line, 1) for line in source.read() if len(line) > line_filter.longer_than)
    return islice(passing, line_filter.max_lines)


def _counted(batches: Iterator[_Batch], counters: Sequence[WordCounter]) -> Iterator[_Batch]:
    """Count batches in a thread for each counter, a few batches ahead; yield them when they are counted."""
    idle: SimpleQueue[WordCounter] = SimpleQueue()
    for counter in counters:
        idle.put(counter)

    def count_batch(batch: _Batch) -> _Batch:
        counter = idle.get()
        counter.add(batch.lines, batch.times)
        idle.put(counter)
        return batch

    with ThreadPoolExecutor(len(counters)) as pool:
        running: deque[Future[_Batch]] = deque()
        for batch in batches:
            running.append(pool.submit(count_batch, batch))
            if len(running) > BATCHES_AHEAD * len(counters):
                yield running.popleft().result()
        for counted in running:
            yield counted.result()


def _batches(lines: Iterator[tuple[str, int]]) -> Iterator[_Batch]:
    texts, times, characters = [], [], 0
    for line, count in lines:
        texts.append(line)
        times.append(count)
        characters += len(line)
        if len(texts) == BATCH_LINES or characters >= BATCH_CHARACTERS:
            yield _Batch(texts, np.array(times, dtype=np.int64))
            texts, times, characters = [], [], 0
    if texts:
        yield _Batch(texts, np.array(times, dtype=np.int64))


def _is_counted(source: Source, file: Path, fingerprint: str, line_filter: LineFilter) -> bool:
    """Whether the file holds these counts already.

    Raises:
        SmallerLabseError: it holds other counts.
    """
    if not file.exists():
        return False
    metadata = read_metadata(file)
    expected = {
        "fingerprint": (fingerprint, "vocabulary"),
        "corpus": (source.description, "corpus"),
        "filter": (line_filter.to_json(), "line filter"),
    }
    for key, (value, called) in expected.items():
        if metadata[key] != value:
            raise SmallerLabseError(
                f"{file} exists and holds counts of another {called} ({metadata[key]}, now {value}); "
                "choose another folder or add --overwrite"
            )
    return True
