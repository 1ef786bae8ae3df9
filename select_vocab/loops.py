"""The compiled loops of counting: text → words → pieces → counts.

A line's pieces depend on its words one by one, and words repeat, so a word is cut into pieces once and
afterwards found in a hash table. What remains to be done for every character and every piece is done here,
in machine code (numba), without Python's lock.

All loops are in this one file because numba, when it looks for code that it compiled earlier, notices
changes only in the file where a function stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numba
import numpy as np

Function = TypeVar("Function", bound=Callable)

# How a code point separates words.
INSIDE = 0  # part of a word
SPACE = 1  # between words and part of none
ALONE = 2  # a word by itself
BLANK = 3  # a SPACE between two characters that are INSIDE or ALONE, otherwise INSIDE
CLINGING = 4  # INSIDE, and a BLANK beside it belongs to its word
KINDS = 0x110000  # code points; the kinds of all of them are an array, uint8 [KINDS]

LINE_FEED = 10
LONGEST_WORD = (
    100  # bytes; tf-text's WordpieceTokenizer has `[UNK]` for longer ones (its `max_bytes_per_word`)
)

# FNV-1a (Fowler, Noll & Vo; RFC 9923), 64 bits.
FNV_BASIS = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)

ONE, HALF, LOWER_HALF = np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFF)


def compiled(function: Function) -> Function:
    """Compile a function at its first call; the machine code is kept for the next process."""
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # there is no folder to keep it in
        return numba.njit(nogil=True)(function)


class ByteTable(NamedTuple):
    """A hash table of different byte strings, numbered from 0 in the order in which they came.

    Attributes:
        slots: uint64 [power of 2]; a string is in the slot that its hash says, or in the first free one after
            it, as the upper half of its hash and, in the lower 32 bits, its number plus 1; 0 where empty.
        starts: string n is `text[starts[n] : starts[n + 1]]`, int64 [capacity + 1].
        text: uint8 [bytes].
        size: how many strings there are, int64 [1].
    """

    slots: np.ndarray
    starts: np.ndarray
    text: np.ndarray
    size: np.ndarray


def new_byte_table(capacity: int, text_bytes: int) -> ByteTable:
    """An empty table for so many strings of so many bytes together.

    All memory is touched at once: what a process takes then does not depend on how full the table gets.
    """
    slots = 1 << (2 * capacity - 1).bit_length()
    return ByteTable(
        slots=np.full(slots, 0, np.uint64),
        starts=np.full(capacity + 1, 0, np.int64),
        text=np.full(text_bytes, 0, np.uint8),
        size=np.full(1, 0, np.int64),
    )


def as_bytes(lines: Sequence[str]) -> np.ndarray:
    """Lines without line feeds in UTF-8, each ended by one, uint8 [bytes]."""
    return np.frombuffer("".join(f"{line}\n" for line in lines).encode(), np.uint8)


def most_words(size: int) -> int:
    """How many different words a text of so many bytes can have: 128 of one byte, all others have two."""
    return 128 + size // 2


class Pieces(NamedTuple):
    """The pieces that can stand in one place of a word.

    Attributes:
        table: the pieces.
        ids: their ids, int32 [pieces].
        prefixes: 0 where a hash is that of no piece's beginning, uint8 [2**22]; a search can end there.
    """

    table: ByteTable
    ids: np.ndarray
    prefixes: np.ndarray


def new_pieces(pieces: list[tuple[bytes, int]]) -> Pieces:
    """A table of pieces, all different and none empty, each given with its id."""
    strings = [piece for piece, _ in pieces]
    text = np.frombuffer(b"".join(strings), np.uint8)
    starts = np.zeros(len(strings) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)), out=starts[1:])
    table = new_byte_table(len(strings), len(text))
    ids = np.fromiter((number for _, number in pieces), np.int32, len(strings))
    prefixes = np.zeros(1 << 22, np.uint8)
    add_pieces(table, text, starts, prefixes)
    return Pieces(table, ids, prefixes)


@compiled
def add_pieces(table, text, starts, prefixes):
    for number in range(len(starts) - 1):
        code = FNV_BASIS
        for place in range(starts[number], starts[number + 1]):
            code = (code ^ np.uint64(text[place])) * FNV_PRIME
            prefixes[first_slot(code, len(prefixes))] = 1
        find_or_add(table, text, starts[number], starts[number + 1], code)


@compiled
def first_slot(code, slots):
    """Where to look for a hash first among `slots`, a power of 2."""
    return np.int64(code ^ (code >> HALF)) & (slots - 1)


@compiled
def find(table, text, start, stop, code):
    """The number of the string `text[start:stop]`, whose hash is `code`; -1 where it is not in the table."""
    slot = first_slot(code, len(table.slots))
    while table.slots[slot]:
        entry = table.slots[slot]
        if not (entry ^ code) >> HALF:
            number = np.int32((entry & LOWER_HALF) - ONE)
            if is_string(table, number, text, start, stop):
                return number
        slot = (slot + 1) & (len(table.slots) - 1)
    return np.int32(-1)


@compiled
def is_string(table, number, text, start, stop):
    first = table.starts[number]
    if table.starts[number + 1] - first != stop - start:
        return False
    for offset in range(stop - start):  # noqa: SIM110 - all() of a generator cannot be compiled
        if table.text[first + offset] != text[start + offset]:
            return False
    return True


@compiled
def find_or_add(table, text, start, stop, code):
    """As `find`; a string that is not in the table is added. There must be room for it."""
    number = find(table, text, start, stop, code)
    if number >= 0:
        return number
    number = table.size[0]
    first = table.starts[number]
    for offset in range(stop - start):
        table.text[first + offset] = text[start + offset]
    table.starts[number + 1] = first + stop - start
    table.size[0] = number + 1
    slot = first_slot(code, len(table.slots))
    while table.slots[slot]:
        slot = (slot + 1) & (len(table.slots) - 1)
    table.slots[slot] = (code & ~LOWER_HALF) | np.uint64(number + 1)
    return np.int32(number)


@compiled
def decode(text, place):
    """The code point at a place of valid UTF-8, and how many bytes it has."""
    byte = np.int64(text[place])
    if byte < 0x80:
        return byte, 1
    second = np.int64(text[place + 1]) & 0x3F
    if byte < 0xE0:
        return (byte & 0x1F) << 6 | second, 2
    third = np.int64(text[place + 2]) & 0x3F
    if byte < 0xF0:
        return (byte & 0x0F) << 12 | second << 6 | third, 3
    fourth = np.int64(text[place + 3]) & 0x3F
    return (byte & 0x07) << 18 | second << 12 | third << 6 | fourth, 4


@compiled
def number_words(text, kinds, table, numbers, ends):
    """Split lines into words and number the words as they are in the table; new ones are added to it.

    Args:
        text: lines in UTF-8, each ended by a line feed, uint8 [bytes].
        kinds: how code points separate words, uint8 [KINDS].
        table: has room for `len(text)` more words and bytes.
        numbers: int32 [at least bytes]; the words' numbers are written here.
        ends: int64 [lines]; how many words there are up to each line's end is written here.

    Returns:
        How many words there are.
    """
    words, line, place, start = 0, 0, 0, -1
    code, before = FNV_BASIS, SPACE
    while place < len(text):
        point, size = decode(text, place)
        kind = SPACE if point == LINE_FEED else kinds[point]
        if kind == BLANK:
            after, _ = decode(text, place + 1)  # there is a line feed at least
            separates = before in (INSIDE, ALONE) and after != LINE_FEED
            separates = separates and kinds[after] in (INSIDE, ALONE)
            before = BLANK
            kind = SPACE if separates else INSIDE
        else:
            before = kind
        if start >= 0 and kind in (SPACE, ALONE):
            numbers[words] = find_or_add(table, text, start, place, code)
            words, start = words + 1, -1
        if kind != SPACE:
            if start < 0:
                start, code = place, FNV_BASIS
            for offset in range(size):
                code = (code ^ np.uint64(text[place + offset])) * FNV_PRIME
            if kind == ALONE:
                numbers[words] = find_or_add(table, text, start, place + size, code)
                words, start = words + 1, -1
        elif point == LINE_FEED:
            ends[line] = words
            line += 1
        place += size
    return words


@compiled
def match_longest(text, starts, beginnings, continuations, unknown, ids, ends):
    """Cut words as WordPiece does: the longest piece that fits, again and again.

    Args:
        text: the words one after the other in UTF-8, uint8 [bytes].
        starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [words + 1].
        beginnings: the `Pieces` that begin a word.
        continuations: those that go on in it, without their `##`.
        unknown: the id of a word that no pieces spell, or of more than `LONGEST_WORD` bytes.
        ids: int32 [at least bytes]; the words' pieces are written here.
        ends: int64 [words]; how many pieces there are up to each word's end is written here.
    """
    total = 0
    for word in range(len(starts) - 1):
        first, place, stop = total, starts[word], starts[word + 1]
        fits = stop - place <= LONGEST_WORD
        while fits and place < stop:
            pieces = beginnings if place == starts[word] else continuations
            longest, end, code = np.int32(-1), place, FNV_BASIS
            for until in range(place + 1, stop + 1):
                code = (code ^ np.uint64(text[until - 1])) * FNV_PRIME
                if not pieces.prefixes[first_slot(code, len(pieces.prefixes))]:
                    break
                if until < stop and text[until] & 0xC0 == 0x80:
                    continue  # within a character
                number = find(pieces.table, text, place, until, code)
                if number >= 0:
                    longest, end = number, until
            fits = longest >= 0
            if fits:
                ids[total] = pieces.ids[longest]
                total += 1
                place = end
        if not fits:
            ids[first] = unknown
            total = first + 1
        ends[word] = total


@compiled
def tally(numbers, ends, times, ids, id_starts, first_line, counts):
    """Count the pieces of lines.

    Args:
        numbers: of the lines' words, int32 [words].
        ends: how many words there are up to each line's end, int64 [lines].
        times: how often each line counts, int64 [lines].
        ids: the pieces of all known words.
        id_starts: those of word n are `ids[id_starts[n] : id_starts[n + 1]]`, int64.
        first_line: a number for the first line; larger than 0, and than those of all earlier lines.
        counts: of every piece its occurrences, the lines that hold it, and the number of the last of them,
            int64 [pieces, 3].
    """
    word = 0
    for line in range(len(ends)):
        while word < ends[line]:
            known = numbers[word]
            for place in range(id_starts[known], id_starts[known + 1]):
                piece = ids[place]
                counts[piece, 0] += times[line]
                if counts[piece, 2] != first_line + line:
                    counts[piece, 2] = first_line + line
                    counts[piece, 1] += times[line]
            word += 1
