"""What Ray's workers do: count a shard, or number lines. Nothing here imports Ray.

A worker is a process that lives on from task to task, so it opens the model once, and knows the words that it
has tokenized before.
"""

from __future__ import annotations

import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.line_batches import LineFilter, number_lines
from smaller_labse.corpora.shards.parted_text import PartedText
from smaller_labse.corpora.shards.shard import Shard
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.count_sources import count_source, new_counters
from smaller_labse.select_vocab.counting.counts_file import write_counts
from smaller_labse.select_vocab.counting.shard_of_counts import ShardOfCounts, plan_of
from smaller_labse.select_vocab.counting.word_counter import WordCounter

Result = TypeVar("Result")


@dataclass(frozen=True)
class RayJob:
    """What all tasks of one run have in common.

    Attributes:
        model: the original, where every worker finds it.
        preprocessor: see `open_original`.
        fingerprint: of the vocabulary that it is to have.
        line_filter: which lines count.
        sample: whether counts hold some of the lines.
        threads: of each task.
        name: another for each run, so that a worker keeps nothing of an earlier one.
    """

    model: str
    preprocessor: str | None
    fingerprint: str
    line_filter: LineFilter
    sample: bool
    threads: int
    name: str


@dataclass(frozen=True)
class CountedShard:
    """A shard's counts file.

    Attributes:
        file: what it holds.
        lines: how many were counted.
        seconds: how long that took.
        node: the name of the machine.
    """

    file: bytes
    lines: int
    seconds: float
    node: str


@dataclass(frozen=True)
class Refusal:
    """Why a worker could not do a task.

    Attributes:
        message: one line.
        node: the name of the machine.
    """

    message: str
    node: str


def count_shard(job: RayJob, source: Source, shard: Shard) -> CountedShard | Refusal:
    """Count a shard of a source whose lines are numbered, where they must be."""
    return _or_refusal(lambda: _count_shard(job, source, shard))


def number_text(job: RayJob, source: Source, text: int | None) -> tuple[tuple[int, ...], ...] | Refusal:
    """The numbers of lines, see `LineNumbers`, of one of a source's texts, or of all of them."""

    def number() -> tuple[tuple[int, ...], ...]:
        texts = _opened_texts(job, source)
        return number_lines(texts if text is None else [texts[text]], job.line_filter).texts

    return _or_refusal(number)


def _or_refusal(do: Callable[[], Result]) -> Result | Refusal:
    try:
        return do()
    except SmallerLabseError as error:
        return Refusal(str(error), platform.node())


def _count_shard(job: RayJob, source: Source, shard: Shard) -> CountedShard:
    begin = time.monotonic()
    tokenizer, counters = _opened(job)
    if tokenizer.fingerprint != job.fingerprint:
        raise SmallerLabseError(
            f"{job.model}: it has another vocabulary here than where the command was given"
        )
    texts = [] if source.is_word_list else _opened_texts(job, source)
    source = replace(source, shard=shard, open_texts=lambda: texts)
    counts = count_source(source, tokenizer, job.line_filter, counters)
    counts = replace(
        counts,
        sample=counts.sample if job.sample else (),
        shard=ShardOfCounts(shard, plan_of(source), job.sample),
    )
    assert counts.total_lines is not None  # as of all that was counted
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / source.file_name
        write_counts(counts, tokenizer.pieces, file)
        return CountedShard(file.read_bytes(), counts.total_lines, time.monotonic() - begin, platform.node())


@lru_cache(maxsize=1)
def _opened(job: RayJob) -> tuple[Tokenizer, list[WordCounter]]:
    tokenizer = open_original(job.model, job.preprocessor).tokenizer
    return tokenizer, new_counters(tokenizer, job.threads)


_texts: dict[tuple[str, str], list[PartedText]] = {}


def _opened_texts(job: RayJob, source: Source) -> list[PartedText]:
    """A source's texts; of a dataset they are found once, which asks the hub."""
    if source.files:
        return list(source.parted_texts())
    key = (job.name, source.name)
    if key not in _texts:
        _texts.clear()
        _texts[key] = list(source.parted_texts())
    return _texts[key]
