"""Shards' counts added up: to the same bytes as if the text had been counted undivided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.languages import language_label
from smaller_labse.corpora.sample import sample_lines
from smaller_labse.corpora.shards.text_digest import add_digests
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.counting.count_sources import require_tokens
from smaller_labse.select_vocab.counting.counts import Counts
from smaller_labse.select_vocab.counting.counts_file import read_counts, read_metadata
from smaller_labse.select_vocab.counting.shard_of_counts import SHARD, ShardOfCounts, read_shard

# In what shards of one count agree, and what to call it.
COMMON = {
    "fingerprint": "vocabularies",
    "preprocessor": "preprocessors",
    "language": "languages",
    "corpus": "corpora",
    "filter": "line filters",
    "word_list": "kinds of text",
}


def shards_by_name(files: Iterable[Path]) -> dict[str, list[Path]] | None:
    """The files of each language's shards, by what their counts are called; None where no file is a shard's.

    Raises:
        SmallerLabseError: a file cannot be read, or some are shards' and others are not.
    """
    found: dict[str, list[Path]] = {}
    whole = []
    for file in files:
        metadata = read_metadata(file)
        if SHARD in metadata:
            found.setdefault(metadata["name"], []).append(file)
        else:
            whole.append(file)
    if found and whole:
        shard = next(iter(found.values()))[0]
        raise SmallerLabseError(
            f"{shard} holds counts of a shard, {whole[0]} whole ones; merge the shards first, and alone"
        )
    return found or None


def merge_shards(files: Sequence[Path], tokenizer: Tokenizer) -> Counts:
    """Add up the counts of all shards of a text, given in any order.

    Args:
        files: their counts files.
        tokenizer: the original's.

    Raises:
        SmallerLabseError: a shard is missing or there twice, or they are not of one command.
    """
    require_all_shards(files)
    total: Counts | None = None
    digests = []
    for counts in _read(files, tokenizer):
        assert counts.total_lines is not None and counts.lines is not None and counts.text_digest is not None
        digests.append(counts.text_digest)
        if total is None:
            total = replace(counts, shard=None)
            continue
        assert total.total_lines is not None and total.lines is not None  # as all counts that were counted
        total.occurrences[:] += counts.occurrences
        total.lines[:] += counts.lines
        total = replace(
            total,
            total_lines=total.total_lines + counts.total_lines,
            sample=sample_lines([*total.sample, *counts.sample]),
        )
    assert total is not None and total.line_filter is not None  # there is at least one file
    require_tokens(total, total.line_filter, total.corpus)
    return replace(total, text_digest=add_digests(digests))


def _read(files: Sequence[Path], tokenizer: Tokenizer) -> Iterator[Counts]:
    for file in files:
        yield read_counts(file, tokenizer.pieces, tokenizer.fingerprint, tokenizer.preprocessor)


def require_all_shards(files: Sequence[Path]) -> None:
    """Refuse files that are not all shards of one command, each once.

    Raises:
        SmallerLabseError: one is missing or there twice, or they are of different commands.
    """
    described = [(file, read_metadata(file)) for file in files]
    first_file, first = described[0]
    of_first, owners = _shard(first_file, first), dict[int, Path]()
    for file, metadata in described:
        found = _shard(file, metadata)
        if found.shard.of != of_first.shard.of:
            raise SmallerLabseError(
                f"{first_file} is {of_first.shard.words} and {file} {found.shard.words}; "
                "merge shards of one division"
            )
        for key, called in COMMON.items():
            values = first.get(key), metadata.get(key)
            if values[0] != values[1]:
                raise SmallerLabseError(
                    f"{first_file} and {file} are shards of different {called} ({values[0]}, {values[1]}); "
                    "merge shards of one command"
                )
        if found.plan != of_first.plan or found.sampled != of_first.sampled:
            what = "texts: their files differ in size or number of lines"
            if found.plan == of_first.plan:
                what = "commands: --no-sample was given for one of them"
            raise SmallerLabseError(
                f"{first_file} and {file} are shards of different {what}; count one of them again"
            )
        other = owners.setdefault(found.shard.number, file)
        if other is not file:
            raise SmallerLabseError(
                f"{other} and {file} are both {found.shard.words}, which would be added twice; leave one out"
            )
    missing = [number for number in range(1, of_first.shard.of + 1) if number not in owners]
    if missing:
        named = language_label(first["language"], first["name"])
        others = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise SmallerLabseError(
            f"{named}: shard {missing[0]} of {of_first.shard.of}{others} is missing; "
            f"count it with --shard {missing[0]}/{of_first.shard.of}"
        )


def _shard(file: Path, metadata: Mapping[str, str]) -> ShardOfCounts:
    try:
        found = read_shard(metadata)
    except (ValueError, LookupError, TypeError) as error:
        raise SmallerLabseError(f"{file}: a damaged counts file ({error}); count again") from None
    if found is None:
        raise SmallerLabseError(f"{file} holds no shard's counts; merge shards alone")
    return found
