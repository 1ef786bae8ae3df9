"""The counts in folders and files that a selection is made from."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.languages import (
    Language,
    find_language,
    language_label,
    name_language,
    normalized_name,
)
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.choosing.token_lists import say_missing
from smaller_labse.select_vocab.counting.counts import Counts
from smaller_labse.select_vocab.counting.counts_file import preprocessor_of, read_counts, read_metadata
from smaller_labse.select_vocab.counting.published_frequencies import read_frequencies

FREQUENCIES = re.compile(r"(?P<name>.+)_freqs\.json(\.gz)?")


def read_all_counts(
    paths: Sequence[Path],
    tokenizer: Tokenizer,
    languages: Sequence[Language] = (),
    skip_missing: bool = False,
) -> list[Counts]:
    """Read counts files and published frequencies.

    Args:
        paths: files, or folders of which every counts and frequencies file is read.
        tokenizer: the original's.
        languages: read only counts of these, or that are called so, as those of a Wikipedia of another code;
            empty for all.
        skip_missing: see `read_frequencies`.

    Raises:
        UsageError: a language has no counts.
        SmallerLabseError: a folder holds none, two files count the same, or a file cannot be read.
    """
    wanted = {normalized_name(language.code): language.code for language in languages}
    counts: dict[str, Counts] = {}
    for file in [file for path in paths for file in _counts_files(path)]:
        one = _read_one(file, tokenizer, wanted.keys(), skip_missing)
        if one is None or not _is_wanted(one.language, one.name, wanted.keys()):
            continue
        if one.name in counts:
            raise SmallerLabseError(
                f"{file}: {one.name} is given twice; add them up with `select-vocab merge`"
            )
        counts[one.name] = one
    found = {normalized_name(called) for one in counts.values() for called in (one.language, one.name)}
    lacking = sorted(code for name, code in wanted.items() if name not in found)
    if paths and lacking:
        find_language(lacking[0])  # a name that means no language is a mistake sooner than counts that lack
        named = ", ".join(
            language_label(name_language(code, of_wikipedia=True).code, code) for code in lacking
        )
        raise UsageError(f"no counts of {named} among {', '.join(map(str, paths))}; count first")
    return list(counts.values())


def counted_with(paths: Sequence[Path]) -> str | None:
    """The preprocessor that the first of these counts were made with; None where no counts file says it.

    Raises:
        SmallerLabseError: see `read_all_counts`.
    """
    files = (file for path in paths for file in _counts_files(path))
    file = next((file for file in files if not FREQUENCIES.fullmatch(file.name)), None)
    return None if file is None else preprocessor_of(read_metadata(file))


def holds_frequencies(path: Path) -> bool:
    """Whether this is, or holds, a file of published frequencies."""
    names = [file.name for file in path.iterdir()] if path.is_dir() else [path.name]
    return any(map(FREQUENCIES.fullmatch, names))


def _counts_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = [file for file in path.iterdir() if file.suffix == ".parquet" or FREQUENCIES.fullmatch(file.name)]
    # A count that is being written has a name that begins with a dot.
    files = sorted(file for file in files if not file.name.startswith("."))
    if not files:
        raise SmallerLabseError(f"{path}: no counts file in it; write some with `select-vocab count`")
    return files


def _is_wanted(language: str, name: str, wanted: Set[str]) -> bool:
    """Whether counts of a language, or of this name, are among the wanted; where none are named, all are."""
    return not wanted or not wanted.isdisjoint({normalized_name(language), normalized_name(name)})


def _read_one(file: Path, tokenizer: Tokenizer, wanted: Set[str], skip_missing: bool) -> Counts | None:
    named = FREQUENCIES.fullmatch(file.name)
    if named is None:
        counted = read_counts(file, tokenizer.pieces, tokenizer.fingerprint, tokenizer.preprocessor)
        if counted.shard is not None:
            raise SmallerLabseError(
                f"{file}: counts of {counted.shard.shard.words} only; add all up with `select-vocab merge`"
            )
        if not counted.occurrences.any():
            raise SmallerLabseError(f"{file}: no token was counted in it; count again, or leave it out")
        return counted
    language = name_language(named["name"], of_wikipedia=True)
    if not _is_wanted(language.code, named["name"], wanted):
        return None
    counts, missing = read_frequencies(file, named["name"], language.code, tokenizer, skip_missing)
    say_missing(file, missing)
    return counts
