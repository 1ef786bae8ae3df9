"""Batches of a source's lines: those that pass the filter and are drawn, and how often each counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from smaller_labse.corpora.defaults import EVEN, FIRST, LONGER_THAN, MAX_LINES
from smaller_labse.corpora.sample import hash_lines
from smaller_labse.corpora.shards.line_numbers import LineNumbers, highest_hash
from smaller_labse.corpora.shards.parted_text import EVERY_PART, PartedText, Place
from smaller_labse.corpora.shards.shard import WHOLE, Shard, WantedParts, parts_of
from smaller_labse.corpora.shards.text_digest import TextDigest
from smaller_labse.corpora.sources import Source

BATCH_LINES = 4096
BATCH_CHARACTERS = 1 << 17  # so that a batch of long lines does not take more memory than others
BATCH_BYTES = 1 << 18  # likewise, where lines come in blocks
LINE_FEED = 10


@dataclass(frozen=True)
class LineFilter:
    """Which lines are counted.

    Attributes:
        longer_than: a line counts when it has more characters than this.
        max_lines: at most so many lines count; None counts all.
        draw: which of them: "first", or "even", those whose places hash lowest (see `sample.py`), which are
            spread over the whole corpus and the same whoever draws them, in whatever shards.
    """

    longer_than: int = LONGER_THAN
    max_lines: int | None = MAX_LINES
    draw: str = FIRST

    @property
    def reads_twice(self) -> bool:
        """Whether the lines of a corpus must be numbered before they can be drawn."""
        return self.draw == EVEN and self.max_lines is not None

    def needs_numbers(self, shard: Shard | None = None) -> bool:
        """Whether the lines must be numbered before those of a shard can be taken."""
        return self.reads_twice or (self.max_lines is not None and shard is not None)

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

    def until(self, lines: int) -> EncodedLines:
        """The first so many of the lines."""
        return self if lines >= len(self) else EncodedLines(self.encoded, self.ends[:lines])

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return list(self)[index]
        number = range(len(self))[index]
        return self.encoded[self.ends[number - 1] if number else 0 : self.ends[number] - 1].decode()


@dataclass(frozen=True)
class LineBatch:
    """Some lines of one part.

    Attributes:
        lines: of text, or words of a list.
        times: how often each counts, int64 [lines]: once, but for words.
        of_words: whether they are words of a list.
        place: the part's.
        positions: of the lines in the part, counted from 0 among those that pass the filter, int64 [lines].
    """

    lines: Sequence[str]
    times: np.ndarray
    of_words: bool
    place: Place
    positions: np.ndarray

    @cached_property
    def encoded(self) -> bytes:
        """The lines in UTF-8: made once, as the counter and the digest want them."""
        return self.lines.encoded if isinstance(self.lines, EncodedLines) else encode_lines(self.lines)

    def split(self, lines: int) -> tuple[LineBatch, LineBatch]:
        """The first so many lines, and the others."""
        first, others = (
            replace(self, lines=self.lines[which], times=self.times[which], positions=self.positions[which])
            for which in (slice(lines), slice(lines, None))
        )
        return first, others

    def add_to(self, digest: TextDigest) -> None:
        """Add the lines, and of words how often each occurs."""
        digest.add(self.place, self.encoded_with_counts)

    @property
    def encoded_with_counts(self) -> bytes:
        """The lines in UTF-8, of words with a tab and how often each occurs behind."""
        if not self.of_words:
            return self.encoded
        return encode_lines(
            f"{word}\t{count}" for word, count in zip(self.lines, self.times.tolist(), strict=True)
        )


def line_filter_of(source: Source, line_filter: LineFilter) -> LineFilter:
    """A list of words is counted whole: its words are short, and its lines are no text's."""
    return LineFilter(longer_than=0, max_lines=None) if source.is_word_list else line_filter


def numbered(source: Source, line_filter: LineFilter) -> Source:
    """The source with its lines' numbers, which takes a reading of it, where they are needed."""
    line_filter = line_filter_of(source, line_filter)
    if source.numbers is not None or not line_filter.needs_numbers(source.shard):
        return source
    return replace(source, numbers=number_lines(source.parted_texts(), line_filter))


def read_batches(source: Source, line_filter: LineFilter) -> Iterator[LineBatch]:
    """Read a source, or its shard, as far as the filter wants it; a word list is all in the first shard."""
    line_filter = line_filter_of(source, line_filter)
    if source.is_word_list:
        yield from _word_batches(source) if (source.shard or WHOLE).number == 1 else ()
        return
    texts, numbers = source.parted_texts(), numbered(source, line_filter).numbers
    wanted = parts_of(source.shard or WHOLE, [text.size for text in texts])
    if numbers is None:
        yield from _first_batches(texts, line_filter, wanted)
        return
    wanted = [parts.but_until(numbers.parts_of(text)) for text, parts in enumerate(wanted)]
    if line_filter.draw == EVEN:
        yield from _even_batches(texts, line_filter, wanted, numbers)
    else:
        yield from _numbered_batches(texts, line_filter, wanted, numbers)


def number_lines(texts: Sequence[PartedText], line_filter: LineFilter) -> LineNumbers:
    """Read the texts and number the lines that pass the filter; where it takes the first ones, only those."""
    most = line_filter.max_lines if line_filter.draw == FIRST else None
    total, numbers = 0, []
    for text in texts:
        of_text: list[int] = []
        for part, block in text.read_parts(EVERY_PART):
            of_text += [0] * (part + 1 - len(of_text))
            lines = int(np.count_nonzero(_passes(block, line_filter.longer_than)[1]))
            of_text[part] += lines
            total += lines
            if most is not None and total >= most:
                break
        numbers.append(tuple(of_text))
        if most is not None and total >= most:
            break
    found = LineNumbers(tuple(numbers))
    return found if most is None else found.first(most)


def _first_batches(
    texts: Sequence[PartedText], line_filter: LineFilter, wanted: Sequence[WantedParts]
) -> Iterator[LineBatch]:
    """Every line of the places, or as many as the filter takes, from the first."""
    left = line_filter.max_lines
    for place, lines, before in _passing_lines(texts, line_filter, wanted):
        if left is not None:
            lines = lines.until(left)
            left -= len(lines)
        yield from _batches(lines, place, np.arange(before, before + len(lines)))
        if left == 0:
            return


def _numbered_batches(
    texts: Sequence[PartedText], line_filter: LineFilter, wanted: Sequence[WantedParts], numbers: LineNumbers
) -> Iterator[LineBatch]:
    """Of each place the first lines, as many as the numbers say."""
    for place, lines, before in _passing_lines(texts, line_filter, wanted):
        lines = lines.until(max(0, numbers.of(place) - before))
        yield from _batches(lines, place, np.arange(before, before + len(lines)))


def _even_batches(
    texts: Sequence[PartedText], line_filter: LineFilter, wanted: Sequence[WantedParts], numbers: LineNumbers
) -> Iterator[LineBatch]:
    """The lines whose places hash lowest."""
    assert line_filter.max_lines is not None  # else there is nothing to draw
    highest = highest_hash(numbers, line_filter.max_lines)
    for place, lines, before in _passing_lines(texts, line_filter, wanted):
        positions = np.arange(before, before + len(lines))
        drawn = hash_lines(place, positions.astype(np.uint64)) <= highest
        if drawn.any():
            yield from _batches(lines.take(drawn), place, positions[drawn])


def _passing_lines(
    texts: Sequence[PartedText], line_filter: LineFilter, wanted: Sequence[WantedParts]
) -> Iterator[tuple[Place, EncodedLines, int]]:
    """The lines that pass the filter, block by block, and how many of the same part went before."""
    for number, (text, parts) in enumerate(zip(texts, wanted, strict=True)):
        if parts.are_before(0):
            continue
        part_before, before = -1, 0
        for part, block in text.read_parts(parts):
            before = before if part == part_before else 0
            ends, passes = _passes(block, line_filter.longer_than)
            lines = EncodedLines(block, ends).take(passes)
            yield Place(number, part), lines, before
            part_before, before = part, before + len(lines)


def _batches(lines: EncodedLines, place: Place, positions: np.ndarray) -> Iterator[LineBatch]:
    """Lines of a part in batches."""
    start = first = 0
    while first < len(lines):
        fit = int(np.searchsorted(lines.ends, start + BATCH_BYTES, side="right"))
        until = max(first + 1, fit)
        stop = int(lines.ends[until - 1])
        some = EncodedLines(lines.encoded[start:stop], lines.ends[first:until] - start)
        yield LineBatch(some, np.ones(len(some), np.int64), False, place, positions[first:until])
        start, first = stop, until


def _passes(block: bytes, longer_than: int) -> tuple[np.ndarray, np.ndarray]:
    """Where a block's lines end, int64 [lines], and which have more characters than this, bool [lines]."""
    ends = np.flatnonzero(np.frombuffer(block, np.uint8) == LINE_FEED) + 1
    starts = np.concatenate([[0], ends[:-1]])
    sizes = ends - starts - 1
    passes = sizes > longer_than
    # A character has at most 4 bytes, so most lines need not be decoded to know.
    for line in np.flatnonzero(passes & (sizes <= 4 * longer_than)).tolist():
        passes[line] = len(block[starts[line] : ends[line] - 1].decode()) > longer_than
    return ends, passes


def _word_batches(source: Source) -> Iterator[LineBatch]:
    words: list[str] = []
    times: list[int] = []
    before = characters = 0

    def batch() -> LineBatch:
        positions = np.arange(before, before + len(words))
        return LineBatch(words, np.array(times, dtype=np.int64), True, Place(0, 0), positions)

    for word, count in cast(Iterator[tuple[str, int]], source.read()):
        words.append(word)
        times.append(count)
        characters += len(word)
        if len(words) == BATCH_LINES or characters >= BATCH_CHARACTERS:
            yield batch()
            before += len(words)
            words, times, characters = [], [], 0
    if words:
        yield batch()
