"""Word lists: `word<TAB>count` per line, a .tsv file without names of columns."""

from __future__ import annotations

from collections.abc import Iterator

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decompressed_lines import decompressed_lines
from smaller_labse.corpora.text_path import TextPath

WORD_LIST_ENDINGS = (".tsv", ".tsv.gz", ".tsv.zst", ".tsv.xz", ".tsv.bz2")
MOST_DIGITS = 12  # of a word's count; sums over any list stay in an int64


def read_word_counts(file: TextPath) -> Iterator[tuple[str, int]]:
    """Yield the words (or sentences) of a frequency list and how often each occurs: `word<TAB>count`.

    Raises:
        SmallerLabseError: the file cannot be read, or a line is not of that form.
    """
    if not file.is_file():
        raise SmallerLabseError(f"{file}: there is no such word list")
    for number, line in enumerate(decompressed_lines(file), start=1):
        word, tab, count = line.rpartition("\t")
        if not line:
            continue
        if not tab or not word or not (count.isascii() and count.isdigit()):
            raise SmallerLabseError(
                f"{file}: line {number} is {line[:60]!r}, expected word<TAB>count; "
                "of a table, name the column that holds text with --text-field"
            )
        if len(count) > MOST_DIGITS:
            raise SmallerLabseError(f"{file}: line {number} counts {count[:60]}, more than can be added up")
        yield word, int(count)
