"""Text files, or folders of them: their lines, or their texts, one per record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.decompressed_lines import (
    decompressed_lines,
    line_parts,
    split_lines,
)
from smaller_labse.corpora.defaults import TEXT_FIELD
from smaller_labse.corpora.records.file_records import (
    JSON_LINES,
    has_fields,
    read_record_parts,
    read_records,
    require_text_file,
    text_ending,
)
from smaller_labse.corpora.shards.parted_text import PartedText
from smaller_labse.corpora.text_path import AnyTextPath, TextPath

FOLDER_ENDINGS = (".txt", *JSON_LINES, ".csv", ".parquet")


def find_text_files(path: AnyTextPath, with_tables: bool = False) -> list[AnyTextPath]:
    """The file itself, or all text files of a folder in the order of their names.

    Args:
        path: a file with any ending that is not one of something else, or a folder, of which the files are
            taken that end in one of `FOLDER_ENDINGS`, compressed ones too.
        with_tables: take a folder's .tsv files, too, which may be word lists.

    Raises:
        SmallerLabseError: the path does not exist, a folder holds no such file, or a file is no text.
    """
    if not path.exists():
        raise SmallerLabseError(f"{path}: there is no such file or folder of text")
    if not path.is_dir():
        require_text_file(path)
        return [path]
    endings = (*FOLDER_ENDINGS, ".tsv") if with_tables else FOLDER_ENDINGS
    files = sorted(file for file in path.rglob("*") if text_ending(file) in endings and file.is_file())
    if not files:
        raise SmallerLabseError(
            f"{path}: no file in it ends in {', '.join(endings)} (or one of these and .gz, .zst, .xz, .bz2)"
        )
    return files


def require_fields(files: Iterable[TextPath], text_field: str | None) -> None:
    """Refuse a field's name where no file has fields.

    Raises:
        UsageError: all files are plain text.
    """
    files = list(files)
    if text_field is not None and not any(map(has_fields, files)):
        raise UsageError(
            f"--text-field {text_field}: {files[0]} is plain text, which has no fields; leave the option out"
        )


def read_lines(path: TextPath, text_field: str | None = None) -> Iterator[str]:
    """Yield the lines of a file, or of all files of a folder in the order of their names.

    Args:
        path: see `find_text_files`.
        text_field: the field or column that holds text, in files that have some; its text may hold several
            lines, and where it is null it has none. None for "text".

    Example:
        for line in read_lines(Path("corpus/en.jsonl.gz"), text_field="body"):
            ...

    Raises:
        SmallerLabseError: see `find_text_files` and `read_records`.
    """
    for file in find_text_files(path, with_tables=text_field is not None):
        records = read_records(file, text_field or TEXT_FIELD)
        if not has_fields(file):
            yield from records  # type: ignore[misc] # plain text, never null
            continue
        for text in records:
            if text is not None:
                yield from split_lines(text)


def parted_file(file: TextPath, text_field: str | None = None) -> PartedText:
    """A file, whose lines are those of `read_lines`, but faster.

    Raises:
        SmallerLabseError: there is no such file; reading has the errors of `read_records`.
    """
    size = file.stat().st_size if file.is_file() else 1
    if has_fields(file):
        return PartedText(size, partial(read_record_parts, file, text_field or TEXT_FIELD))
    require_text_file(file)
    return PartedText(size, partial(line_parts, file))


def read_sentences(path: Path) -> list[str]:
    """Read the texts of a file, one per record, empty ones too: lines of plain text, mostly.

    Args:
        path: see `find_text_files`; where records have fields, the one that is called "text" holds the text.

    Raises:
        SmallerLabseError: the file is missing, empty or not UTF-8, or a text is null.
    """
    sentences = []
    for file in find_text_files(path):
        for number, text in enumerate(
            read_records(file, advice="give the one that holds text that name"), start=1
        ):
            if text is None:
                raise SmallerLabseError(f"{file}: record {number} has no text (null), expected one in each")
            sentences.append(text)
    return _require_some(sentences, path)


def read_plain_lines(file: Path) -> list[str]:
    """Read the lines of a file as they stand, whatever its name says of them; empty ones are lines too.

    Raises:
        SmallerLabseError: the file is missing, empty or not UTF-8.
    """
    if not file.exists():
        raise SmallerLabseError(f"{file}: there is no such file")
    return _require_some(list(decompressed_lines(file)), file)


def _require_some(sentences: list[str], file: Path) -> list[str]:
    if not sentences:
        raise SmallerLabseError(f"{file}: empty, expected one sentence per line")
    return sentences
