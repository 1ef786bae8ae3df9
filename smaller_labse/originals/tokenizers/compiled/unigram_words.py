"""Words whose characters a Unigram tokenizer's normalizer takes one by one, for our own compiled loop.

Nearly all words are plain: the normalizer has no rule for several of their characters together. The others
are left to the library tokenizers.
"""

from __future__ import annotations

import base64
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from smaller_labse.common.compiled import compiled
from smaller_labse.originals.tokenizers.compiled.huggingface_words import OTHER_SPACES, word_kinds
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    COMBINING,
    INSIDE,
    NOT_PLAIN,
    Pieces,
    Strings,
    join_strings,
    match_best,
    new_pieces,
)
from smaller_labse.originals.tokenizers.normalizer import META_SPACE, flat_steps

UNKNOWN_PENALTY = 10.0  # tokenizers' models/unigram/model.rs, K_UNK_PENALTY
# Unicode's Grapheme_Cluster_Break=SpacingMark with the category Lo (UAX 29): the vowel am of Thai and of Lao.
SPACING_LETTERS = (0x0E33, 0x0EB3)
LONGEST_RULE = 64  # bytes; SentencePiece's own have 18 at most
PRE_TOKENIZERS = (["Metaspace"], ["WhitespaceSplit", "Metaspace"])


@dataclass(frozen=True)
class PlainWords:
    """A Unigram model for plain words.

    Attributes:
        rewrites: what becomes of each code point, int32 [KINDS], see `match_best`.
        rewritten: the strings that it names; the first is what stands before every word.
        pieces: the model's.
        scores: of the pieces, each in the slot of its node, float64 [slots].
        unknown_score: of a character that no piece holds.
        unknown_id: the id of the unknown piece.
    """

    rewrites: np.ndarray
    rewritten: Strings
    pieces: Pieces
    scores: np.ndarray
    unknown_score: float
    unknown_id: int

    def tokenize(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokenize those of the words that are plain.

        Args:
            text: n words one after the other in UTF-8, uint8 [bytes].
            starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [n + 1].

        Returns:
            The token ids of their pieces, int32 [total]; how many belong to each word, int64 [n]; which words
            are plain, bool [n].
        """
        words = len(starts) - 1
        ids = np.empty(starts[-1] - starts[0] + words, np.int32)
        ends, is_plain = np.empty(words, np.int64), np.empty(words, bool)
        match_best(
            *(text, starts, self.rewrites, self.rewritten, self.pieces, self.scores),
            *(self.unknown_id, self.unknown_score, ids, ends, is_plain),
        )
        return ids[: ends[-1] if words else 0], np.diff(ends, prepend=0), is_plain


def find_plain_words(content: dict[str, Any]) -> PlainWords | None:
    """The plain words of a Unigram `tokenizer.json`; None where there are none for sure.

    Args:
        content: of the file, checked.
    """
    model = content["model"]
    kinds = word_kinds(content)
    splitters = [step.get("type") for step in flat_steps(content.get("pre_tokenizer"))]
    if kinds is None or splitters not in PRE_TOKENIZERS:
        return None
    if model.get("unk_id") is None or model.get("byte_fallback") or not all(p for p, _ in model["vocab"]):
        return None
    marks = _marks_of_added_tokens(content)
    charsmaps = _charsmaps(content)
    if marks is None or charsmaps is None:
        return None
    rewrites, strings = _rewrites(kinds, marks, charsmaps)
    pieces = new_pieces([piece.encode() for piece, _ in model["vocab"]], np.arange(len(model["vocab"])))
    scores = np.array([score for _, score in model["vocab"]], np.float64)
    return PlainWords(
        rewrites=rewrites,
        rewritten=join_strings([META_SPACE.encode(), *strings]),
        pieces=pieces,
        scores=scores[pieces.ids],
        unknown_score=scores.min() - UNKNOWN_PENALTY,
        unknown_id=model["unk_id"],
    )


def _marks_of_added_tokens(content: dict[str, Any]) -> set[str] | None:
    """Characters of which every added token has one, no letters or digits; None where one has no such."""
    marks: set[str] = set()
    for token in content.get("added_tokens") or []:
        found = {character for character in token["content"] if not character.isalnum()}
        if not found:
            return None
        marks |= found
    return marks


def _charsmaps(content: dict[str, Any]) -> list[bytes] | None:
    """The tables of the normalizer; None where it does more than tables and spaces."""
    charsmaps = []
    for step in flat_steps(content.get("normalizer")):
        if step["type"] == "Precompiled":
            charsmaps.append(base64.b64decode(step["precompiled_charsmap"]))
        elif step["type"] != "Strip" and step.get("pattern") not in OTHER_SPACES:
            return None
    return charsmaps if len(charsmaps) <= 1 else None


def _rewrites(kinds: np.ndarray, marks: set[str], charsmaps: list[bytes]) -> tuple[np.ndarray, list[bytes]]:
    """What becomes of each code point, see `match_best`, and the strings from number 1 on.

    A rule for one code point that a mark follows is a rule for both (tokenizers' normalizers/precompiled.rs
    looks at short graphemes as a whole); so a mark after a rewritten code point is not plain.
    """
    combining = _combining_marks()
    plain = kinds == INSIDE
    plain[combining] = True
    plain[[ord(mark) for mark in marks]] = False
    if any(not end_longer_rules(_trie(charsmap), plain) for charsmap in charsmaps):
        plain[:] = False
    rewrites = np.where(plain, 0, NOT_PLAIN).astype(np.int32)
    rewrites[combining[plain[combining]]] = COMBINING
    if not charsmaps:
        return rewrites, []
    from tokenizers.normalizers import Precompiled

    normalize = Precompiled(charsmaps[0]).normalize_str
    numbers: dict[bytes, int] = {}
    for point in np.flatnonzero(plain).tolist():
        character = chr(point)
        becomes = normalize(character)
        if becomes == character:
            continue
        stays = all(rewrites[ord(one)] in (0, COMBINING) for one in becomes)
        if not (0 < len(becomes) <= len(character.encode()) and stays):
            rewrites[point] = NOT_PLAIN
            continue
        number = numbers.setdefault(becomes.encode(), len(numbers) + 1)
        rewrites[point] = COMBINING - number if rewrites[point] == COMBINING else number
    return rewrites, list(numbers)


@cache
def _combining_marks() -> np.ndarray:
    """The code points that continue a grapheme: Unicode's categories Mn, Mc and Me, and `SPACING_LETTERS`."""
    planes = (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1000))
    marks = [point for point in planes if unicodedata.category(chr(point))[0] == "M"]
    return np.array([*marks, *SPACING_LETTERS])


def _trie(charsmap: bytes) -> np.ndarray:
    """The double-array trie of a charsmap (see `read_charsmap`), uint32 [units]."""
    return np.frombuffer(charsmap, "<u4", int.from_bytes(charsmap[:4], "little") // 4, offset=4)


@compiled
def end_longer_rules(units: np.ndarray, plain: np.ndarray) -> bool:
    """See that no rule for several code points can apply to plain ones: its last is not plain any more.

    For the units see `huggingface_words._may_replace_spaces`; bit 8 of one says that a rule ends there.

    Args:
        units: the trie, uint32 [units].
        plain: bool [KINDS].

    Returns:
        Whether the trie was understood.
    """
    path = np.empty(LONGEST_RULE, np.uint8)
    nodes, labels = np.zeros(LONGEST_RULE + 1, np.int64), np.zeros(LONGEST_RULE + 1, np.int64)
    depth, visited = 0, 0
    while depth >= 0:
        labels[depth] += 1
        if labels[depth] > 255:
            depth -= 1
            continue
        unit = np.int64(units[nodes[depth]])
        child = nodes[depth] ^ ((unit >> 10) << ((unit & 0x200) >> 6)) ^ labels[depth]
        if child >= len(units) or np.int64(units[child]) & 0x800000FF != labels[depth]:
            continue
        visited += 1
        if depth == LONGEST_RULE or visited > 1 << 20:
            return False  # rules so long, or so many, are no normalizer's
        path[depth] = labels[depth]
        if units[child] & 0x100:
            end_rule(path[: depth + 1], plain)
        depth += 1
        nodes[depth], labels[depth] = child, 0
    return True


@compiled
def end_rule(rule: np.ndarray, plain: np.ndarray) -> None:
    """The same for one rule's left side, UTF-8."""
    point, points, place = np.int64(0), 0, 0
    while place < len(rule):
        byte = np.int64(rule[place])
        width = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
        point = byte if width == 1 else byte & (0x7F >> width)
        for following in rule[place + 1 : place + width]:
            point = point << 6 | (np.int64(following) & 0x3F)
        if point >= len(plain) or not plain[point]:
            return
        points, place = points + 1, place + width
    if points > 1:
        plain[point] = False
