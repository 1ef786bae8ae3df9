"""The counts in a folder: those that a selection is made from, and whether a text was counted before."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import progress
from smaller_labse.corpora.languages import Language, find_language, name_language
from smaller_labse.corpora.line_batches import LineFilter, TextDigest, line_filter_of, read_batches
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.choosing.token_lists import say_missing
from smaller_labse.select_vocab.counting.counts_file import NO_SAMPLE, Counts, read_counts, read_metadata
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
        languages: read only these; empty for all.
        skip_missing: see `read_frequencies`.

    Raises:
        UsageError: a language has no counts.
        SmallerLabseError: a folder holds none, two files count the same, or a file cannot be read.
    """
    wanted = {language.code for language in languages}
    counts: dict[str, Counts] = {}
    for file in [file for path in paths for file in _counts_files(path)]:
        one = _read_one(file, tokenizer, wanted, skip_missing)
        if one is None or (wanted and one.language not in wanted):
            continue
        if one.name in counts:
            raise SmallerLabseError(
                f"{file}: {one.name} is given twice; add them up with `select-vocab merge`"
            )
        counts[one.name] = one
    lacking = wanted - {one.language for one in counts.values()}
    if paths and lacking:
        find_language(min(lacking))  # a name that means no language is a mistake sooner than counts that lack
        named = ", ".join(str(name_language(code, of_wikipedia=True)) for code in sorted(lacking))
        raise UsageError(f"no counts of {named} among {', '.join(map(str, paths))}; count first")
    return list(counts.values())


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


def _read_one(file: Path, tokenizer: Tokenizer, wanted: set[str], skip_missing: bool) -> Counts | None:
    named = FREQUENCIES.fullmatch(file.name)
    if named is None:
        return read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
    language = name_language(named["name"], of_wikipedia=True)
    if wanted and language.code not in wanted:
        return None
    counts, missing = read_frequencies(file, named["name"], language.code, tokenizer, skip_missing)
    say_missing(file, missing)
    return counts


def require_same_counts(
    source: Source, file: Path, fingerprint: str, line_filter: LineFilter, sample: bool = True
) -> str:
    """Refuse a counts file that holds other counts than this source would give.

    A text on this machine is read again, which takes a small part of the time that counting takes, and its
    digest compared with the one in the file. A dataset on the hub is named by its dump and is not read again.

    Returns:
        What is known of it, for people, e.g. "en: counted before, its text has not changed".

    Raises:
        SmallerLabseError: it holds counts of another vocabulary, corpus or line filter, or of the text before
            it was changed, or the text can be read only once.
    """
    metadata = read_metadata(file)
    other = _what_differs(metadata, source, fingerprint, line_filter)
    if other:
        raise SmallerLabseError(
            f"{file} exists and holds counts of another {other}; choose another folder or add --overwrite"
        )
    if not sample and metadata["sample"] != NO_SAMPLE:
        raise SmallerLabseError(
            f"{file} holds lines of its text, which --no-sample is to leave out; delete that file to count "
            "this text again, or add --overwrite to count all again"
        )
    if not source.paths:
        return f"{source.name}: counted before ({file}); --overwrite counts again"
    pipe = find_pipe(source)
    if pipe:
        raise SmallerLabseError(
            f"{file} exists, and {pipe} can be read only once, so nobody can tell whether it is the same "
            "text; choose another folder or add --overwrite"
        )
    if "text_digest" not in metadata:
        return (
            f"{source.name}: counted before ({file}), by a version that did not note the text's digest; "
            "if the text has changed since, count again with --overwrite"
        )
    if _digest(source, line_filter) != metadata["text_digest"]:
        raise SmallerLabseError(
            f"{file} holds counts of {source.description} from before it was changed, or of another text of "
            "that name; delete that file to count this text again, or add --overwrite to count all again"
        )
    return f"{source.name}: counted before ({file}), its text has not changed"


def unfinished_file(file: Path) -> Path:
    """Where the counts of a text's first lines are kept until its counts file is written."""
    return file.with_name(f".{file.name}.partial")


def read_unfinished(
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
        other = _what_differs(metadata, source, tokenizer.fingerprint, line_filter)
        if other is None:
            return read_counts(unfinished, tokenizer.pieces, tokenizer.fingerprint)
        reason = f"what was counted until it was interrupted is of another {other}"
    except SmallerLabseError as error:
        reason = str(error)
    report(f"{source.name}: counting from the first line; {reason}")
    return None


def find_pipe(source: Source) -> Path | None:
    """A path of the source that can be read only once; None where there is none."""
    return next((path for path in source.paths if not path.is_file() and not path.is_dir()), None)


def _what_differs(
    metadata: Mapping[str, str], source: Source, fingerprint: str, line_filter: LineFilter
) -> str | None:
    """In what a counts file differs from what this source would give, e.g. "corpus (a.txt, now b.txt)"."""
    expected = {
        "fingerprint": (fingerprint, "vocabulary"),
        "corpus": (source.stored_corpus, "corpus"),
        "filter": (line_filter_of(source, line_filter).to_json(), "line filter"),
    }
    for key, (value, called) in expected.items():
        # Counts of earlier versions hold the paths of their texts.
        if metadata[key] != value and not (key == "corpus" and metadata[key] == source.description):
            return f"{called} ({metadata[key]}, now {value})"
    return None


def _digest(source: Source, line_filter: LineFilter) -> str:
    digest = TextDigest()
    most = line_filter_of(source, line_filter).max_lines
    with progress(f"checking {source.name}", most, "lines") as advance:
        for batch in read_batches(source, line_filter):
            batch.add_to(digest)
            advance(len(batch.lines))
    return digest.hexdigest()
