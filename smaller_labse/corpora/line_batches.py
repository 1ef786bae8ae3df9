"""Batches of a source's lines: those that pass the filter, how often each counts, and their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import cast

import numpy as np

from smaller_labse.corpora.sources import Source

BATCH_LINES = 4096
DIGEST_DIGITS = 32
BATCH_CHARACTERS = 1 << 17  # so that a batch of long lines does not take more memory than others


@dataclass(frozen=True)
class LineFilter:
    """Which lines are counted.

    Attributes:
        longer_than: a line counts when it has more characters than this.
        max_lines: counting stops after so many lines; None counts all.
    """

    longer_than: int = 5
    max_lines: int | None = 1_000_000

    def to_json(self) -> str:
        """As it stands in a counts file's metadata."""
        return json.dumps({"longer_than": self.longer_than, "max_lines": self.max_lines})


def encode_lines(lines: Iterable[str]) -> bytes:
    """Lines in UTF-8, a line feed after each.

    >>> encode_lines(["one", "two"])
    b'one\\ntwo\\n'
    """
    return "\n".join([*lines, ""]).encode()


class TextDigest:
    """The first 128 bits of SHA-256 (FIPS 180-4) of lines: whether a text is still the same.

    It is of the lines and not of the file. So it is the same in whatever folder, format or compression they
    stand, says nothing of what was not read, and may stand in outputs that are equal on every machine, byte
    by byte, which a time of modification may not.

    >>> digest = TextDigest()
    >>> digest.add(["one", "two"])
    >>> digest.hexdigest()
    'c3f9c8c283a2b1f2f1896f27a01cbe3c'
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, lines: Iterable[str]) -> None:
        """Add the text's next lines; how they are shared out among calls makes no difference."""
        self.add_encoded(encode_lines(lines))

    def add_encoded(self, lines: bytes) -> None:
        """Add the text's next lines as `encode_lines` gives them."""
        self._hash.update(lines)

    def add_words(self, words: Iterable[str], counts: Iterable[int]) -> None:
        """Add the next words of a word list."""
        self.add(f"{word}\t{count}" for word, count in zip(words, counts, strict=True))

    def hexdigest(self) -> str:
        """Of all that was added, 32 hexadecimal digits."""
        return self._hash.hexdigest()[:DIGEST_DIGITS]


@dataclass(frozen=True)
class LineBatch:
    """Some lines.

    Attributes:
        lines: of text, or words of a list.
        times: how often each counts, int64 [lines]: once, but for words.
        of_words: whether they are words of a list.
    """

    lines: list[str]
    times: np.ndarray
    of_words: bool

    @cached_property
    def encoded(self) -> bytes:
        """The lines in UTF-8: made once, as the counter and the digest want them."""
        return encode_lines(self.lines)

    def add_to(self, digest: TextDigest) -> None:
        """Add the lines, and of words how often each occurs."""
        if self.of_words:
            digest.add_words(self.lines, self.times.tolist())
        else:
            digest.add_encoded(self.encoded)


def line_filter_of(source: Source, line_filter: LineFilter) -> LineFilter:
    """A list of words is counted whole: its words are short, and its lines are no text's."""
    return LineFilter(longer_than=0, max_lines=None) if source.is_word_list else line_filter


def read_batches(source: Source, line_filter: LineFilter) -> Iterator[LineBatch]:
    """Read a source, as far as the filter wants it."""
    texts: list[str] = []
    times: list[int] = []
    characters = 0
    for line, count in _lines(source, line_filter_of(source, line_filter)):
        texts.append(line)
        times.append(count)
        characters += len(line)
        if len(texts) == BATCH_LINES or characters >= BATCH_CHARACTERS:
            yield LineBatch(texts, np.array(times, dtype=np.int64), source.is_word_list)
            texts, times, characters = [], [], 0
    if texts:
        yield LineBatch(texts, np.array(times, dtype=np.int64), source.is_word_list)


def _lines(source: Source, line_filter: LineFilter) -> Iterator[tuple[str, int]]:
    if source.is_word_list:
        return cast(Iterator[tuple[str, int]], source.read())
    lines = cast(Iterator[str], source.read())
    passing = ((line, 1) for line in lines if len(line) > line_filter.longer_than)
    return islice(passing, line_filter.max_lines)
