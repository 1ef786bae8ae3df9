"""Compiled loops: split text into words, WordPiece's longest match, Unigram's best path, tally counts.

A line's pieces depend on its words one by one, and words repeat, so a word is tokenized once and
afterwards found in a hash table. What remains to be done for every character and every piece is done here,
in machine code (numba), without Python's lock.

All loops are in this one file because numba, when it looks for code that it compiled earlier, notices
changes only in the file where a function stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from smaller_labse.common.compiled import compiled
from smaller_labse.corpora.line_batches import encode_lines

# How a code point separates words.
INSIDE = 0  # part of a word
SPACE = 1  # between words and part of none
ALONE = 2  # a word by itself
BLANK = 3  # a SPACE between INSIDE, ALONE or MARK and INSIDE or ALONE, otherwise INSIDE
CLINGING = 4  # INSIDE, and a BLANK beside it belongs to its word
MARK = 5  # INSIDE, and a BLANK before it belongs to its word
DELETED = 6  # part of the word that it stands behind, which is tokenized without it
COMMON_SPACE = 7  # a DELETED behind a word of the script COMMON, otherwise a SPACE
COMMON = 8  # from here on, a number for each script: a word ends where another script begins
KINDS = 0x110000  # code points; the kinds of all of them are an array, uint8 [KINDS]

# What a tokenizer that goes by scripts sees in a code point, a bit each.
PUNCTUATION, EMOJI, HAN, NOT_THERE = 1, 2, 4, 8

LINE_FEED = 10
LONGEST_WORD = (
    100  # bytes; tf-text's WordpieceTokenizer has `[UNK]` for longer ones (its `max_bytes_per_word`)
)

NOT_PLAIN, COMBINING = -1, -2  # see `match_best`
LONGEST_PLAIN_WORD = 4096  # bytes; longer ones are better left to a library than given memory
MOST_BYTES_A_BYTE = 4  # a rewritten string has at most as many characters as its code point has bytes

# FNV-1a (Fowler, Noll & Vo; RFC 9923), 64 bits.
FNV_BASIS = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)

WORDS_AT_ONCE = 1024  # are split off before they are looked up; what that takes stays in the nearest cache
PIECES_AT_ONCE = 1024  # likewise, of one line, before they are counted
IN_SLOT = 16  # bytes of a word as two integers, which are compared faster than a string
# To mix the two: odd numbers, the first 2**64 by the golden ratio (Knuth, TAOCP 3, section 6.4).
LOW_FACTOR, HIGH_FACTOR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
BYTE, ALL_BUT_BYTE = np.uint64(8), np.uint64(56)
TWO_BYTES, THREE_BYTES, ALL_BYTES = np.uint64(16), np.uint64(24), np.uint64(64)

ZERO, ONE, HALF, LOWER_HALF = np.uint64(0), np.uint64(1), np.uint64(32), np.uint64(0xFFFFFFFF)
# Of an edge, see `Pieces`.
ENDS, GOES_ON, POINT_SHIFT, NODE_SHIFT = np.uint64(1), np.uint64(2), np.uint64(2), np.uint64(23)


class WordTable(NamedTuple):
    """A hash table of different words, numbered from 0 in the order in which they came.

    Attributes:
        slots: uint64 [power of 2, 3]; a word is in the slot that its hash says, or in the first free one
            after it: its last 8 bytes as an integer, those before them likewise, and its length, shifted by
            32, with its number plus 1; 0 where empty.
        starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [capacity + 1].
        text: uint8 [bytes].
        size: how many words there are, int64 [1].
    """

    slots: np.ndarray
    starts: np.ndarray
    text: np.ndarray
    size: np.ndarray


def new_word_table(capacity: int, text_bytes: int) -> WordTable:
    """An empty table for so many words of so many bytes together.

    All memory is touched at once: what a process takes then does not depend on how full the table gets.
    """
    slots = 1 << (2 * capacity - 1).bit_length()
    return WordTable(
        slots=np.full((slots, 3), 0, np.uint64),
        starts=np.full(capacity + 1, 0, np.int64),
        text=np.full(text_bytes, 0, np.uint8),
        size=np.full(1, 0, np.int64),
    )


def as_bytes(lines: Sequence[str], kinds: np.ndarray, encoded: bytes | None = None) -> np.ndarray:
    """Lines in UTF-8, each ended by a line feed, uint8 [bytes].

    A line feed in one becomes a space, or nothing where it is of the kind `DELETED`.

    Args:
        lines: of text.
        kinds: how code points separate words, uint8 [KINDS].
        encoded: what `encode_lines` makes of them, where it is at hand.
    """
    text = encode_lines(lines) if encoded is None else encoded
    if text.count(b"\n") > len(lines):
        instead = "" if kinds[LINE_FEED] == DELETED else " "
        return as_bytes([line.replace("\n", instead) for line in lines], kinds)
    return np.frombuffer(text, np.uint8)


def most_words(size: int) -> int:
    """How many different words a text of so many bytes can have: 128 of one byte, all others have two."""
    return 128 + size // 2


class Pieces(NamedTuple):
    """The pieces that can stand in one place of a word: a trie whose edges are in one hash table.

    A node is a beginning of pieces, and is called by the slot in which the edge to it stands; the root, which
    has none, by the number of slots. So one look into memory says whether a piece goes on with a character.

    Attributes:
        edges: uint64 [power of 2]; the node that an edge comes from plus 1, shifted by 23, its code point,
            shifted by 2, and two bits: a piece ends there (1), a piece goes on there (2); 0 where empty. An
            edge is in the slot that its hash says, or in the first free one after it.
        ids: the pieces' ids, each in the slot of its node, int32 [slots].
    """

    edges: np.ndarray
    ids: np.ndarray


def new_pieces(pieces: list[bytes], ids: np.ndarray) -> Pieces:
    """A table of pieces, all different and none empty; `ids` are theirs, int [pieces]."""
    text, starts = join_strings(pieces)
    slots = 1 << max(4, 2 * len(pieces) - 1).bit_length()
    while True:
        found = Pieces(np.full(slots, 0, np.uint64), np.full(slots, 0, np.int32))
        if add_pieces(found.edges, found.ids, text, starts, ids.astype(np.int32)):
            return found
        slots *= 2


class Strings(NamedTuple):
    """Byte strings: string n is `text[starts[n] : starts[n + 1]]`; uint8 [bytes] and int64 [strings + 1]."""

    text: np.ndarray
    starts: np.ndarray


def join_strings(strings: list[bytes]) -> Strings:
    """Byte strings, one behind the other."""
    starts = np.zeros(len(strings) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, strings), np.int64, len(strings)), out=starts[1:])
    return Strings(np.frombuffer(b"".join(strings), np.uint8), starts)


@compiled
def add_pieces(
    edges: np.ndarray, ids: np.ndarray, text: np.ndarray, starts: np.ndarray, of_pieces: np.ndarray
) -> bool:
    """Add pieces, see `Pieces`; False where their edges fill more than five eighths of the slots."""
    free = len(edges) // 8 * 5
    for number in range(len(starts) - 1):
        place, node = starts[number], np.int64(len(edges))
        while place < starts[number + 1]:
            point, width = decode(text, place)
            place += width
            edge = edge_of(node, point)
            if node < len(edges):
                edges[node] |= GOES_ON
            node = edge_slot(edges, edge)
            if not edges[node]:
                if not free:
                    return False
                free -= 1
                edges[node] = edge
        edges[node] |= ENDS
        ids[node] = of_pieces[number]
    return True


@compiled
def edge_of(node: int | np.int64, point: np.int64) -> np.uint64:
    """An edge from a node, without the two bits; see `Pieces`."""
    return np.uint64(node + 1) << NODE_SHIFT | np.uint64(point) << POINT_SHIFT


@compiled
def edge_slot(edges: np.ndarray, edge: np.uint64) -> np.int64:
    """The slot in which an edge is, or would be."""
    slot = first_slot(edge * LOW_FACTOR, len(edges))
    while edges[slot] and edges[slot] & ~(ENDS | GOES_ON) != edge:
        slot = (slot + 1) & (len(edges) - 1)
    return slot


@compiled
def first_slot(code: np.uint64, slots: int) -> np.int64:
    """Where to look for a hash first among `slots`, a power of 2."""
    return np.int64(code ^ (code >> HALF)) & (slots - 1)


@compiled
def append(table: WordTable, text: np.ndarray, start: int, stop: int) -> np.int32:
    """Give the word `text[start:stop]` the next number, which is returned; no slot holds it yet."""
    number = table.size[0]
    first = table.starts[number]
    for offset in range(stop - start):
        table.text[first + offset] = text[start + offset]
    table.starts[number + 1] = first + stop - start
    table.size[0] = number + 1
    return np.int32(number)


@compiled
def decode(text: np.ndarray, place: int) -> tuple[np.int64, int]:
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
def number_words(
    text: np.ndarray,
    kinds: np.ndarray,
    table: WordTable,
    numbers: np.ndarray,
    ends: np.ndarray,
) -> int:
    """Split lines into words and number the words as they are in the table; new ones are added to it.

    Args:
        text: lines in UTF-8, each ended by a line feed, uint8 [bytes].
        kinds: how code points separate words, uint8 [KINDS].
        table: has room for `most_words(len(text))` more words, of `len(text)` bytes.
        numbers: int32 [at least bytes]; the words' numbers are written here.
        ends: int64 [lines]; how many words there are up to each line's end is written here.

    Returns:
        How many words there are.
    """
    lows, highs = np.empty(WORDS_AT_ONCE, np.uint64), np.empty(WORDS_AT_ONCE, np.uint64)
    places = np.empty((WORDS_AT_ONCE, 2), np.int64)
    words, waiting, line, place, start, script = 0, 0, 0, 0, -1, INSIDE
    low, high, before, again = ZERO, ZERO, SPACE, -1
    while place < len(text):
        # Most characters are inside of words: they have a short loop of their own.
        while again < 0:
            byte = np.int64(text[place])
            if byte < 0x80:
                if kinds[byte] != INSIDE or byte == LINE_FEED:
                    break
                point, size, bits = byte, 1, BYTE
            elif byte < 0xE0:
                second = np.int64(text[place + 1])
                if kinds[(byte & 0x1F) << 6 | (second & 0x3F)] != INSIDE:
                    break
                point, size, bits = byte << 8 | second, 2, TWO_BYTES
            elif byte < 0xF0:
                second, third = np.int64(text[place + 1]), np.int64(text[place + 2])
                if kinds[(byte & 0x0F) << 12 | (second & 0x3F) << 6 | (third & 0x3F)] != INSIDE:
                    break
                point, size, bits = byte << 16 | second << 8 | third, 3, THREE_BYTES
            else:
                break
            if start < 0:
                start, low, high = place, ZERO, ZERO
            high = high << bits | low >> (ALL_BYTES - bits)
            low = low << bits | np.uint64(point)
            place += size
            before = INSIDE
        point, size = decode(text, place)
        kind = SPACE if point == LINE_FEED else kinds[point]
        if again >= 0:
            kind, again = again, -1
        elif kind >= DELETED:
            if kind <= COMMON_SPACE:
                belongs = start >= 0 and (kind == DELETED or script == COMMON)
                kind = INSIDE if belongs else SPACE
            elif start < 0:
                script = kind
        elif kind == BLANK:
            after, _ = decode(text, place + 1)  # there is a line feed at least
            separates = before in (INSIDE, ALONE, MARK) and after != LINE_FEED
            separates = separates and kinds[after] in (INSIDE, ALONE)
            before = BLANK
            kind = SPACE if separates else INSIDE
        else:
            before = kind
        end = -1
        if start >= 0 and (kind in (SPACE, ALONE) or (kind >= COMMON and kind != script)):
            end, again = place, kind  # the word ends before what stands here, whose turn comes next
            script = kind
        elif kind == SPACE:
            if point == LINE_FEED:
                ends[line] = words
                line += 1
            place += size
        else:
            if start < 0:
                start, low, high = place, ZERO, ZERO
            for at in range(place, place + size):
                high = high << BYTE | low >> ALL_BUT_BYTE
                low = low << BYTE | np.uint64(text[at])
            place += size
            if kind == ALONE:
                end = place
        if end < 0:
            continue
        lows[waiting], highs[waiting] = low, high
        places[waiting, 0], places[waiting, 1] = start, end
        words, waiting, start = words + 1, waiting + 1, -1
        if waiting == WORDS_AT_ONCE:
            look_up(text, lows, highs, places, table, numbers[words - waiting : words])
            waiting = 0
    look_up(text, lows, highs, places, table, numbers[words - waiting : words])
    return words


@compiled
def look_up(
    text: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
    places: np.ndarray,
    table: WordTable,
    numbers: np.ndarray,
) -> None:
    """Number some words; see `number_words`.

    Many in a row, because the processor then waits for the memory of several at once.

    Args:
        text: uint8 [bytes].
        lows: of each word its last 8 bytes, uint64 [at least words].
        highs: those before them.
        places: where each begins and ends, int64 [at least words, 2].
        table: of all words; new ones are added to it.
        numbers: int32 [words]; the numbers are written here.
    """
    slots = table.slots
    for word in range(len(numbers)):
        start, end, low, high = places[word, 0], places[word, 1], lows[word], highs[word]
        length, code = np.uint64(end - start) << HALF, low ^ high * HIGH_FACTOR
        if end - start > IN_SLOT:
            code ^= hash_of(text, start, end - IN_SLOT)
        slot = np.int64(code * LOW_FACTOR >> HALF) & (len(slots) - 1)
        while slots[slot, 2]:
            if slots[slot, 0] == low and slots[slot, 1] == high and slots[slot, 2] & ~LOWER_HALF == length:
                number = np.int64(slots[slot, 2] & LOWER_HALF) - 1
                if end - start <= IN_SLOT or begins_so(table, number, text, start, end - IN_SLOT):
                    break
            slot = (slot + 1) & (len(slots) - 1)
        if not slots[slot, 2]:
            slots[slot, 0], slots[slot, 1] = low, high
            slots[slot, 2] = length | np.uint64(append(table, text, start, end) + 1)
        numbers[word] = np.int32((slots[slot, 2] & LOWER_HALF) - ONE)


@compiled
def begins_so(table: WordTable, number: np.int64, text: np.ndarray, start: int, stop: int) -> bool:
    """Whether a word of the table begins with `text[start:stop]`, which is no longer than it."""
    first = table.starts[number] - start
    for place in range(start, stop):  # noqa: SIM110 - all() of a generator cannot be compiled
        if table.text[first + place] != text[place]:
            return False
    return True


@compiled
def hash_of(text: np.ndarray, start: int, stop: int) -> np.uint64:
    """FNV-1a of `text[start:stop]`."""
    code = FNV_BASIS
    for place in range(start, stop):
        code = (code ^ np.uint64(text[place])) * FNV_PRIME
    return code


@compiled
def match_longest(
    text: np.ndarray,
    starts: np.ndarray,
    beginnings: Pieces,
    continuations: Pieces,
    unknown: int,
    longest_word: int,
    ids: np.ndarray,
    ends: np.ndarray,
) -> None:
    """Tokenize words as WordPiece does: the longest piece that fits, again and again.

    Args:
        text: the words one after the other in UTF-8, uint8 [bytes].
        starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [words + 1].
        beginnings: the `Pieces` that begin a word.
        continuations: those that go on in it, without their `##`.
        unknown: the id of a word that no pieces spell, or of more than `longest_word` bytes.
        longest_word: see `unknown`.
        ids: int32 [at least bytes]; the words' pieces are written here.
        ends: int64 [words]; how many pieces there are up to each word's end is written here.
    """
    total = 0
    for word in range(len(starts) - 1):
        first, place, stop = total, starts[word], starts[word + 1]
        fits = stop - place <= longest_word
        while fits and place < stop:
            pieces = beginnings if place == starts[word] else continuations
            longest, end, node, until = np.int64(-1), place, np.int64(len(pieces.edges)), place
            while until < stop:
                point, width = decode(text, until)
                node = edge_slot(pieces.edges, edge_of(node, point))
                if not pieces.edges[node]:
                    break
                until += width
                if pieces.edges[node] & ENDS:
                    longest, end = node, until
                if not pieces.edges[node] & GOES_ON:
                    break
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
def separate_characters(
    text: np.ndarray,
    starts: np.ndarray,
    marks: np.ndarray,
    parts: np.ndarray,
    part_starts: np.ndarray,
    ends: np.ndarray,
) -> int:
    """Take words apart that begin with a Han character, hold an emoji, or are punctuation and symbols only.

    Args:
        text: the words one after the other in UTF-8, uint8 [bytes].
        starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [words + 1].
        marks: what every code point is, uint8 [KINDS]; those `NOT_THERE` are left out.
        parts: uint8 [at least bytes]; words, and the characters of those that are taken apart, are written
            here.
        part_starts: int64 [at least bytes + 1]; where each begins, and the last ends, is written here.
        ends: int64 [words]; how many parts there are up to each word's end is written here.

    Returns:
        How many parts there are.
    """
    total, size = 0, 0
    part_starts[0] = 0
    for word in range(len(starts) - 1):
        first, place = size, starts[word]
        any_of, all_of = np.int64(0), np.int64(PUNCTUATION)
        while place < starts[word + 1]:
            point, width = decode(text, place)
            mark = np.int64(marks[point])
            if not mark & NOT_THERE:
                any_of |= mark & (HAN | EMOJI if size == first else EMOJI)
                all_of &= mark
                for at in range(place, place + width):
                    parts[size] = text[at]
                    size += 1
            place += width
        if any_of | all_of:
            at = first
            while at < size:
                at += decode(parts, at)[1]
                total += 1
                part_starts[total] = at
        elif size > first:
            total += 1
            part_starts[total] = size
        ends[word] = total
    return total


@compiled
def divide_words(
    text: np.ndarray,
    starts: np.ndarray,
    kinds: np.ndarray,
    longest: int,
    parts: np.ndarray,
    part_starts: np.ndarray,
    ends: np.ndarray,
) -> int:
    """Leave out of words what is `DELETED`, and divide long ones.

    Args:
        text: the words one after the other in UTF-8, uint8 [bytes].
        starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [words + 1].
        kinds: of every code point, uint8 [KINDS].
        longest: how many characters a part has at most.
        parts: uint8 [at least bytes]; the parts are written here.
        part_starts: int64 [at least bytes + 1]; where each begins, and the last ends, is written here.
        ends: int64 [words]; how many parts there are up to each word's end is written here.

    Returns:
        How many parts there are.
    """
    total, size = 0, 0
    part_starts[0] = 0
    for word in range(len(starts) - 1):
        place, characters = starts[word], 0
        while place < starts[word + 1]:
            point, width = decode(text, place)
            if kinds[point] != DELETED:
                if characters == longest:
                    total, characters = total + 1, 0
                    part_starts[total] = size
                for at in range(place, place + width):
                    parts[size] = text[at]
                    size += 1
                characters += 1
            place += width
        if characters:
            total += 1
            part_starts[total] = size
        ends[word] = total
    return total


@compiled
def match_best(
    text: np.ndarray,
    starts: np.ndarray,
    rewrites: np.ndarray,
    rewritten: Strings,
    pieces: Pieces,
    scores: np.ndarray,
    unknown: int,
    unknown_score: float,
    ids: np.ndarray,
    ends: np.ndarray,
    is_plain: np.ndarray,
) -> None:
    """Tokenize words as Unigram does: pieces whose scores have the largest sum (Kudo 2018, section 3.2).

    Sums, and which of two equal ones wins, are those of tokenizers' models/unigram/model.rs (its
    `encode_optimized`), in the same order, so that every result is the same.

    Args:
        text: the words one after the other in UTF-8, uint8 [bytes].
        starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [words + 1].
        rewrites: what becomes of each code point, int32 [KINDS]: 0 itself; n > 0 string n of `rewritten`;
            `COMBINING` and `COMBINING - n` likewise, but not where a rewritten one stands before it;
            `NOT_PLAIN` what depends on others. Words where something depends on others, or of more than
            `LONGEST_PLAIN_WORD` bytes, are left out.
        rewritten: `Strings`; string 0 stands before every word. None of the others has more characters
            than what it is for has bytes.
        pieces: all `Pieces`.
        scores: of the pieces, each in the slot of its node, float64 [slots].
        unknown: the id of characters that no piece holds; several in a row are one.
        unknown_score: the score of one of them.
        ids: int32 [at least bytes and words]; the words' pieces are written here.
        ends: int64 [words]; how many pieces there are up to each word's end is written here.
        is_plain: bool [words]; whether a word was not left out is written here.
    """
    before = rewritten.starts[1]
    longest = before + LONGEST_PLAIN_WORD * MOST_BYTES_A_BYTE
    word_text = np.empty(longest, np.uint8)
    best_scores, best_starts = np.empty(longest + 1, np.float64), np.empty(longest + 1, np.int32)
    best_nodes = np.empty(longest + 1, np.int32)
    total = 0
    for word in range(len(starts) - 1):
        size = rewrite(text, starts[word], starts[word + 1], rewrites, rewritten, word_text)
        is_plain[word] = size >= 0
        if size < 0:
            ends[word] = total
            continue
        best_starts[: size + 1] = -1
        best_scores[0] = 0.0
        place = 0
        while place < size:
            alone, node, until, next_place = False, np.int64(len(pieces.edges)), place, size
            while until < size:
                point, width = decode(word_text, until)
                is_first = until == place
                until += width
                if is_first:
                    next_place = until
                node = edge_slot(pieces.edges, edge_of(node, point))
                if not pieces.edges[node]:
                    break
                if pieces.edges[node] & ENDS:
                    alone = alone or is_first
                    score = scores[node] + best_scores[place]
                    if best_starts[until] < 0 or score > best_scores[until]:
                        best_scores[until], best_starts[until], best_nodes[until] = score, place, node
                if not pieces.edges[node] & GOES_ON:
                    break
            if not alone:
                score = unknown_score + best_scores[place]
                if best_starts[next_place] < 0 or score > best_scores[next_place]:
                    best_scores[next_place], best_starts[next_place] = score, place
                    best_nodes[next_place] = -1
            place = next_place
        # Back along the best path, from the word's end to its beginning.
        first, end, unknown_end = total, size, -1
        piece = piece_at(pieces, best_nodes[end], unknown) if size else unknown
        while end > 0:
            start = best_starts[end]
            before = piece_at(pieces, best_nodes[start], unknown) if start else -1
            if piece == unknown and before == unknown:  # not the first of unknown characters in a row
                unknown_end = max(end, unknown_end)
            else:
                if piece == unknown:
                    piece = piece_or(unknown, pieces, word_text, start, max(end, unknown_end))
                    unknown_end = -1
                ids[total] = piece
                total += 1
            end, piece = start, before
        for turned in range((total - first) // 2):
            other = total - 1 - turned
            ids[first + turned], ids[other] = ids[other], ids[first + turned]
        ends[word] = total


@compiled
def rewrite(
    text: np.ndarray, start: int, stop: int, rewrites: np.ndarray, rewritten: Strings, word_text: np.ndarray
) -> int:
    """Write a word as it is tokenized to `word_text`; returns its bytes, -1 where it is not plain."""
    if stop - start > LONGEST_PLAIN_WORD:
        return -1
    size, before = 0, 0
    for byte in rewritten.text[: rewritten.starts[1]]:
        word_text[size] = byte
        size += 1
    place = start
    while place < stop:
        point, width = decode(text, place)
        string = rewrites[point]
        if string == NOT_PLAIN or (string <= COMBINING and before > 0):
            return -1
        before = string = COMBINING - string if string <= COMBINING else string
        source, first, end = text, place, place + width
        if string > 0:
            source, first, end = rewritten.text, rewritten.starts[string], rewritten.starts[string + 1]
        for at in range(first, end):
            word_text[size] = source[at]
            size += 1
        place += width
    return size


@compiled
def piece_at(pieces: Pieces, node: int, unknown: int) -> int:
    """The id of the piece that ends in a node, `unknown` where it is negative."""
    return unknown if node < 0 else pieces.ids[node]


@compiled
def piece_or(unknown: int, pieces: Pieces, text: np.ndarray, start: int, stop: int) -> int:
    """The id of the piece `text[start:stop]`, or `unknown`."""
    node = np.int64(len(pieces.edges))
    while start < stop:
        point, width = decode(text, start)
        node = edge_slot(pieces.edges, edge_of(node, point))
        if not pieces.edges[node]:
            return unknown
        start += width
    return pieces.ids[node] if pieces.edges[node] & ENDS else unknown


@compiled
def tally(
    numbers: np.ndarray,
    ends: np.ndarray,
    times: np.ndarray,
    ids: np.ndarray,
    id_starts: np.ndarray,
    first_line: int,
    counts: np.ndarray,
) -> None:
    """Count the pieces of lines.

    Args:
        numbers: of the lines' words, int32 [words].
        ends: how many words there are up to each line's end, int64 [lines].
        times: how often each line counts, int64 [lines].
        ids: of the pieces of all known words their rows in `counts`, int32.
        id_starts: those of word n are `ids[id_starts[n] : id_starts[n + 1]]`, int64.
        first_line: a number for the first line; larger than 0, and than those of all earlier lines.
        counts: of a piece, in its row, the occurrences, the lines that hold it, and the number of the last of
            them, int64 [pieces, 3].
    """
    gathered, word = np.empty(PIECES_AT_ONCE, np.int32), 0
    for line in range(len(ends)):
        mark, count = first_line + line, times[line]
        while word < ends[line]:
            # First gathered, then counted: the processor then waits for the memory of several at once.
            total, fits = 0, True
            while fits and word < ends[line]:
                place, stop = id_starts[numbers[word]], id_starts[numbers[word] + 1]
                fits = total + stop - place <= PIECES_AT_ONCE
                if fits:
                    while place < stop:
                        gathered[total] = ids[place]
                        total, place = total + 1, place + 1
                    word += 1
            add_to_counts(gathered[:total], count, mark, counts)
            if not total and not fits:  # one word of more pieces than are gathered at once
                add_to_counts(ids[place:stop], count, mark, counts)
                word += 1


@compiled
def add_to_counts(pieces: np.ndarray, count: int, mark: int, counts: np.ndarray) -> None:
    """Count pieces of a line, `count` times each; for the other arguments see `tally`."""
    for piece in pieces:
        row = np.uint32(piece)  # never negative, so that its place needs no second look
        counts[row, 0] += count
        counts[row, 1] += count * (counts[row, 2] != mark)  # no branch, which nobody can predict
        counts[row, 2] = mark
