"""Counting on a Ray cluster: the shards are tasks, and what is done is kept whatever dies.

Shards lie in a hidden folder beside the counts file, `.en.shards`, until all are there and are merged.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.file_lock import locked
from smaller_labse.common.progress import progress
from smaller_labse.common.workplace import made
from smaller_labse.corpora.defaults import EVEN
from smaller_labse.corpora.line_batches import line_filter_of
from smaller_labse.corpora.shards.line_numbers import LineNumbers
from smaller_labse.corpora.shards.shard import Shard
from smaller_labse.corpora.sources import Source
from smaller_labse.corpora.text_path import TextPath
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.count_sources import find_uncounted
from smaller_labse.select_vocab.counting.counted_before import find_pipe, what_differs
from smaller_labse.select_vocab.counting.counts_file import read_metadata, write_counts
from smaller_labse.select_vocab.counting.merge_shards import merge_shards
from smaller_labse.select_vocab.counting.resume_count import discard_unfinished, lock_file, shards_folder
from smaller_labse.select_vocab.counting.shard_of_counts import ShardOfCounts, plan_of, read_shard
from smaller_labse.select_vocab.on_ray.cluster import RayCluster, connected
from smaller_labse.select_vocab.on_ray.tasks import CountedShard, RayJob, count_shard, number_text

SHARD_BYTES = 1 << 26  # of text, about 2 seconds' counting
MOST_SHARDS = 1000  # of a source, unless the user wants more: each must be read to be merged
STAMP = "text.json"  # the sizes and times of the files that a folder's shards are of


def count_on_ray(
    sources: Sequence[Source],
    tokenizer: Tokenizer,
    folder: Path,
    job: RayJob,
    address: str,
    shards: int | None = None,
    overwrite: bool = False,
    report: Callable[[str], None] = lambda message: None,
) -> list[Path]:
    """As `count_sources`, on a cluster.

    Args:
        sources: the text, where every worker finds it.
        tokenizer: the original's.
        folder: where the counts files are, or will be.
        job: what all tasks have in common.
        address: the cluster's, see `connected`.
        shards: how many of each source; None for one for each `SHARD_BYTES`.
        overwrite: count again, even what was counted before.
        report: is told of each shard's time, and of what was counted before.

    Raises:
        UsageError: Ray is not installed, or a file to replace is one that is read.
        SmallerLabseError: the cluster cannot be reached, a worker lacks the model or the text, or see
            `count_sources`.
    """
    for pipe in filter(None, map(find_pipe, sources)):
        raise SmallerLabseError(f"{pipe} can be read only once, so it has no shards; save the text as a file")
    files, todo = find_uncounted(sources, tokenizer, folder, job.line_filter, overwrite, report, job.sample)
    if not todo:
        return files
    with ExitStack() as stack:
        stack.enter_context(made(folder))
        for source, file in todo:
            if not stack.enter_context(locked(lock_file(file), wait=False)):
                raise SmallerLabseError(
                    f"{source.name}: another run is counting it into {folder}; wait for that"
                )
        cluster = stack.enter_context(connected(address))
        divided = []
        for source, file in todo:
            numbered = _numbered(source, job, cluster, report)
            of = shards or _number_of_shards(numbered)
            divided.append(_DividedSource(numbered, file, plan_of(numbered), of))
        _count(divided, tokenizer, job, cluster, overwrite, report)
    return files


@dataclass(frozen=True)
class _DividedSource:
    """A source, the counts file that it will have, how it is divided (`plan_of`), in how many shards."""

    source: Source
    file: Path
    plan: str
    of: int

    @property
    def folder(self) -> Path:
        return shards_folder(self.file)

    def file_of(self, number: int) -> Path:
        return self.folder / replace(self.source, shard=Shard(number, self.of)).file_name

    def files(self) -> list[Path]:
        return [self.file_of(number) for number in range(1, self.of + 1)]

    def missing(
        self, tokenizer: Tokenizer, job: RayJob, overwrite: bool, report: Callable[[str], None]
    ) -> list[int]:
        """The shards that are not there; what is there of an earlier text, or another command, is removed."""
        if overwrite:
            shutil.rmtree(self.folder, ignore_errors=True)
        stats = [file.stat() for file in _files_read(self.source)]
        stamp = json.dumps([[stat.st_size, stat.st_mtime_ns] for stat in stats])
        if self.folder.exists() and not _holds(self.folder / STAMP, stamp):
            report(f"{self.source.name}: {self.source.description} has changed; its shards are counted again")
            shutil.rmtree(self.folder)
        self.folder.mkdir(exist_ok=True)
        if not (self.folder / STAMP).exists():
            with new_file(self.folder / STAMP) as written:
                written.write_text(stamp)
        missing = [number for number in range(1, self.of + 1) if not self._has(number, tokenizer, job)]
        if len(missing) < self.of:
            report(
                f"{self.source.name}: {self.of - len(missing):,} of {self.of:,} shards were counted before"
            )
        return missing

    def _has(self, number: int, tokenizer: Tokenizer, job: RayJob) -> bool:
        if not self.file_of(number).exists():
            return False
        try:
            metadata = read_metadata(self.file_of(number))
            found = read_shard(metadata)
            other = what_differs(metadata, self.source, tokenizer, job.line_filter)
        except (SmallerLabseError, ValueError, LookupError, TypeError):
            return False
        return other is None and found == ShardOfCounts(Shard(number, self.of), self.plan, job.sample)


def _holds(file: Path, text: str) -> bool:
    return file.exists() and file.read_text() == text


def _number_of_shards(source: Source) -> int:
    if source.is_word_list:
        return 1
    texts = source.parted_texts()
    size = sum(text.size for text in texts)
    return min(MOST_SHARDS, max(1, -(-size // SHARD_BYTES) if source.files else len(texts)))


def _numbered(source: Source, job: RayJob, cluster: RayCluster, report: Callable[[str], None]) -> Source:
    """Number a source's lines, if that is needed; for an even draw each of its texts by a task of its own."""
    line_filter = line_filter_of(source, job.line_filter)
    if line_filter.max_lines is None:
        return source
    report(f"{source.name}: numbering the lines of {source.description}")
    texts = range(len(source.parted_texts())) if line_filter.draw == EVEN else [None]
    given = cluster.share(job), cluster.share(source)
    tasks = ((text or 0, (*given, text)) for text in texts)
    numbers = {}
    with progress(f"numbering {source.name}", len(texts), "texts") as advance:
        for text, found in cluster.run(number_text, tasks):
            numbers[text] = found
            advance(1)
    return replace(
        source, numbers=LineNumbers(tuple(one for text in sorted(numbers) for one in numbers[text]))
    )


def _count(
    divided: Sequence[_DividedSource],
    tokenizer: Tokenizer,
    job: RayJob,
    cluster: RayCluster,
    overwrite: bool,
    report: Callable[[str], None],
) -> None:
    """Count what is missing, and merge a source's shards as soon as all are there."""
    missing = {each.file: set(each.missing(tokenizer, job, overwrite, report)) for each in divided}
    shared_job = cluster.share(job)

    def tasks() -> Iterator[tuple[tuple[_DividedSource, int], tuple[object, ...]]]:
        for each in divided:
            source = cluster.share(each.source)
            for number in sorted(missing[each.file]):
                yield (each, number), (shared_job, source, Shard(number, each.of))

    for each in divided:
        if not missing[each.file]:
            _merge(each, tokenizer, overwrite)
    with progress("counting on Ray", sum(map(len, missing.values())), "shards") as advance:
        for (each, number), counted in cluster.run(count_shard, list(tasks()), job.threads):
            _keep(counted, each.file_of(number))
            report(_describe(each, number, counted))
            advance(1)
            missing[each.file].remove(number)
            if not missing[each.file]:
                _merge(each, tokenizer, overwrite)


def _files_read(source: Source) -> Sequence[TextPath]:
    """The files that a text is read from, those in a dataset's folder, too; none where it lies on a hub."""
    if source.files:
        return source.files
    found = ((path, file) for path in source.paths for file in sorted(path.rglob("*")))
    return [  # but hidden ones, which datasets does not read, and among which our own may be
        file
        for path, file in found
        if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
    ]


def _keep(counted: CountedShard, file: Path) -> None:
    """Let the file appear whole; of thousands in a folder, each without a look at the others."""
    partial = file.with_name(f".{file.name}.partial")
    partial.write_bytes(counted.file)
    partial.replace(file)


def _merge(each: _DividedSource, tokenizer: Tokenizer, overwrite: bool) -> None:
    write_counts(merge_shards(each.files(), tokenizer), tokenizer.pieces, each.file, overwrite)
    discard_unfinished(each.file)


def _describe(each: _DividedSource, number: int, counted: CountedShard) -> str:
    which = f"{each.source.name}, {Shard(number, each.of).words}"
    rate = counted.lines / counted.seconds
    return f"{which}: {counted.lines:,} lines in {counted.seconds:.1f} s, {rate:,.0f} lines/s, {counted.node}"
