"""Batches of a source's lines: those that pass the filter, how often each counts, and their digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, cast

import numpy as np

from smaller_labse.corpora.sample import hash_numbers
from smaller_labse.corpora.sources import Source

BATCH_LINES = 4096
DIGEST_DIGITS = 32
FIRST, EVEN = DRAWS = ("first", "even")
NUMBERS_AT_ONCE = 1 << 20  # are hashed
BATCH_CHARACTERS = 1 << 17  # so that a batch of long lines does not take more memory than others
BATCH_BYTES = 1 << 18  # likewise, where lines come in blocks
LINE_FEED = 10


@dataclass(frozen=True)
class LineFilter:
    """Which lines are counted.

    Attributes:
        longer_than: a line counts when it has more characters than this.
        max_lines: at most so many lines count; None counts all.
        draw: which of them: "first", or "even", those whose numbers hash lowest (see `sample.py`), which are
            spread over the whole corpus and the same whoever draws them, in whatever parts.
    """

    longer_than: int = 5
    max_lines: int | None = 1_000_000
    draw: str = FIRST

    @property
    def reads_twice(self) -> bool:
        """Whether the lines of a corpus must be numbered before they can be drawn."""
        return self.draw == EVEN and self.max_lines is not None

    def to_json(self) -> str:
        """As it stands in a counts file's metadata."""
        drawn = {} if self.draw == FIRST else {"draw": self.draw}
        return json.dumps({"longer_than": self.longer_than, "max_lines": self.max_lines} | drawn)


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


class EncodedLines(Sequence[str]):
    """Lines in UTF-8, each ended by a line feed, which are decoded when they are asked for.

    Attributes:
        encoded: the lines.
        ends: where each ends, behind its line feed, int64 [lines].

    >>> list(EncodedLines(b"one\\ntwo\\n", np.array([4, 8])))
    ['one', 'two']
    """

    def __init__(self, encoded: bytes, ends: np.ndarray) -> None:
        self.encoded, self.ends = encoded, ends

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[str]:
        return iter(self.encoded.decode().split("\n")[:-1])

    def take(self, kept: np.ndarray) -> EncodedLines:
        """Those of the lines that are to be kept, bool [lines]."""
        if kept.all():
            return self
        starts, view = np.concatenate([[0], self.ends[:-1]]), memoryview(self.encoded)
        turns = np.flatnonzero(np.diff(kept, prepend=False, append=False)).reshape(-1, 2)
        encoded = b"".join(view[starts[first] : self.ends[until - 1]] for first, until in turns.tolist())
        return EncodedLines(encoded, np.cumsum((self.ends - starts)[kept]))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return list(self)[index]
        number = range(len(self))[index]
        return self.encoded[self.ends[number - 1] if number else 0 : self.ends[number] - 1].decode()


@dataclass(frozen=True)
class LineBatch:
    """Some lines.

    Attributes:
        lines: of text, or words of a list.
        times: how often each counts, int64 [lines]: once, but for words.
        of_words: whether they are words of a list.
    """

    lines: Sequence[str]
    times: np.ndarray
    of_words: bool

    @cached_property
    def encoded(self) -> bytes:
        """The lines in UTF-8: made once, as the counter and the digest want them."""
        return self.lines.encoded if isinstance(self.lines, EncodedLines) else encode_lines(self.lines)

    def take(self, kept: np.ndarray) -> LineBatch:
        """Those of the lines that are to be kept, bool [lines]."""
        if isinstance(self.lines, EncodedLines):
            return LineBatch(self.lines.take(kept), self.times[kept], self.of_words)
        lines = [line for line, keep in zip(self.lines, kept.tolist(), strict=True) if keep]
        return LineBatch(lines, self.times[kept], self.of_words)

    def split(self, lines: int) -> tuple[LineBatch, LineBatch]:
        """The first so many lines, and the others."""
        parts = [(self.lines[which], self.times[which]) for which in (slice(lines), slice(lines, None))]
        first, others = (LineBatch(part, times, self.of_words) for part, times in parts)
        return first, others

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
    """Read a source, as far as the filter wants it; where it draws evenly, once to the end and once more."""
    line_filter = line_filter_of(source, line_filter)
    if line_filter.max_lines is None or not line_filter.reads_twice:
        yield from _first_batches(source, line_filter)
        return
    every = LineFilter(line_filter.longer_than, max_lines=None)
    total = sum(len(batch.lines) for batch in _first_batches(source, every))
    highest, before = _highest_hash(total, line_filter.max_lines), 0
    for batch in _first_batches(source, every):
        drawn = hash_numbers(np.arange(before, before + len(batch.lines), dtype=np.uint64)) <= highest
        before += len(batch.lines)
        if drawn.any():
            yield batch.take(drawn)


def _highest_hash(total: int, most: int) -> np.uint64:
    """Of `most` of so many lines, those whose numbers hash lowest, the highest hash."""
    lowest = np.zeros(0, np.uint64)
    for start in range(0, total, NUMBERS_AT_ONCE):
        numbers = np.arange(start, min(total, start + NUMBERS_AT_ONCE), dtype=np.uint64)
        lowest = np.concatenate([lowest, hash_numbers(numbers)])
        if len(lowest) > most:
            lowest = np.partition(lowest, most - 1)[:most]
    return np.uint64(lowest.max(initial=0))


def _first_batches(source: Source, line_filter: LineFilter) -> Iterator[LineBatch]:
    if source.read_blocks is not None and not source.is_word_list:
        yield from _batches_of_blocks(source.read_blocks(), line_filter)
        return
    texts: list[str] = []
    times: list[int] = []
    characters = 0
    for line, count in _lines(source, line_filter):
        texts.append(line)
        times.append(count)
        characters += len(line)
        if len(texts) == BATCH_LINES or characters >= BATCH_CHARACTERS:
            yield LineBatch(texts, np.array(times, dtype=np.int64), source.is_word_list)
            texts, times, characters = [], [], 0
    if texts:
        yield LineBatch(texts, np.array(times, dtype=np.int64), source.is_word_list)


def _batches_of_blocks(blocks: Iterable[bytes], line_filter: LineFilter) -> Iterator[LineBatch]:
    """The batches of a text that comes in blocks of whole lines."""
    left = line_filter.max_lines
    for block in blocks:
        if left == 0:
            return
        passing = _passing(block, line_filter.longer_than)
        if left is not None:
            passing = EncodedLines(passing.encoded, passing.ends[:left])
            left -= len(passing)
        start = first = 0
        while first < len(passing):
            fit = int(np.searchsorted(passing.ends, start + BATCH_BYTES, side="right"))
            until = max(first + 1, fit)
            stop = int(passing.ends[until - 1])
            lines = EncodedLines(passing.encoded[start:stop], passing.ends[first:until] - start)
            yield LineBatch(lines, np.ones(len(lines), np.int64), of_words=False)
            start, first = stop, until


def _passing(block: bytes, longer_than: int) -> EncodedLines:
    """The lines of a block that have more characters than this."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == LINE_FEED) + 1
    starts = np.concatenate([[0], ends[:-1]])
    sizes = ends - starts - 1
    passes = sizes > longer_than
    # A character has at most 4 bytes, so most lines need not be decoded to know.
    for line in np.flatnonzero(passes & (sizes <= 4 * longer_than)).tolist():
        passes[line] = len(block[starts[line] : ends[line] - 1].decode()) > longer_than
    return EncodedLines(block, ends).take(passes)


def _lines(source: Source, line_filter: LineFilter) -> Iterator[tuple[str, int]]:
    if source.is_word_list:
        return cast(Iterator[tuple[str, int]], source.read())
    lines = cast(Iterator[str], source.read())
    passing = ((line, 1) for line in lines if len(line) > line_filter.longer_than)
    return islice(passing, line_filter.max_lines)
