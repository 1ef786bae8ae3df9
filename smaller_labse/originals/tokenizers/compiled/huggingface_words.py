"""Where a `tokenizer.json` lets text be split into words whose pieces do not depend on each other.

Nearly always one space between two ordinary characters is such a place: the normalizer does not reach over
it, and the pre-tokenizer separates there. Where that cannot be said of a tokenizer, lines are tokenized as
they are.
"""

from __future__ import annotations

import base64
import unicodedata
from functools import cache
from typing import Any

import numpy as np

from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    ALONE,
    BLANK,
    CLINGING,
    INSIDE,
    KINDS,
    MARK,
)
from smaller_labse.originals.tokenizers.normalizer import META_SPACE, OUTER_SPACES, SPACES, flat_steps

SPACE_SPLITTERS = ("WhitespaceSplit", "Whitespace", "BertPreTokenizer")
WORD_SPLITTERS = (*SPACE_SPLITTERS, "Punctuation", "Digits", "Metaspace")
# Normalizers that look at a character and its combining marks at most.
LOCAL_NORMALIZERS = (
    *("NFC", "NFD", "NFKC", "NFKD", "Lowercase", "Precompiled", "Strip"),
    *(REMOVING := ("Nmt", "StripAccents", "BertNormalizer")),
)
# Patterns of spaces that a word with none at its ends does not have.
OTHER_SPACES = ({"Regex": SPACES}, {"Regex": OUTER_SPACES})
# Unicode's Grapheme_Cluster_Break=Prepend with the category Lo (UAX 29): what follows, a space too, is of the
# same grapheme, and normalizers of the type Precompiled go by graphemes.
PREPENDED = (
    *(0x0D4E, 0x111C2, 0x111C3, 0x113D1, 0x1193F, 0x11941, 0x11A3A, 0x11D46, 0x11F02),
    *range(0x11A84, 0x11A8A),
)
CHINESE = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF))
ASCII_PUNCTUATION = [*range(0x21, 0x30), *range(0x3A, 0x41), *range(0x5B, 0x61), *range(0x7B, 0x7F)]


def word_kinds(content: dict[str, Any]) -> np.ndarray | None:
    """How each code point separates words, uint8 [KINDS] (see `wordpiece_and_unigram.py`), or None.

    None where nothing does for sure.

    Args:
        content: of the `tokenizer.json`.
    """
    added = {character for token in content.get("added_tokens") or [] for character in token["content"]}
    normalizers = list(flat_steps(content.get("normalizer")))
    splitters = list(flat_steps(content.get("pre_tokenizer")))
    by_spaces = bool(splitters) and splitters[0].get("type") in SPACE_SPLITTERS
    if " " in added or not _separates(splitters, by_spaces):
        return None
    if not all(_is_local(normalizer, by_spaces) for normalizer in normalizers):
        return None
    kinds = _ordinary_characters().copy()
    if _is_bert(normalizers, splitters):
        for first, last in CHINESE:
            kinds[first : last + 1] = ALONE
        kinds[ASCII_PUNCTUATION] = ALONE
        kinds[[ord(character) for character in added]] = INSIDE  # an added token is found before all else
    return kinds


def _separates(splitters: list[dict[str, Any]], by_spaces: bool) -> bool:
    """Whether words are pre-tokens of their own, whichever stand before them."""
    if not all(splitter.get("type") in WORD_SPLITTERS for splitter in splitters):
        return False
    meta = [splitter for splitter in splitters if splitter["type"] == "Metaspace"]
    if not all(_marks_every_word(splitter) for splitter in meta):
        return False
    return by_spaces or (len(splitters) == 1 and len(meta) == 1 and meta[0].get("split", True))


def _marks_every_word(metaspace: dict[str, Any]) -> bool:
    """Files of older tokenizers say `add_prefix_space` where newer ones say `prepend_scheme`."""
    if metaspace.get("replacement") != META_SPACE:
        return False
    scheme = metaspace.get("prepend_scheme")
    return scheme == "always" if scheme is not None else bool(metaspace.get("add_prefix_space", True))


def _is_local(normalizer: dict[str, Any], by_spaces: bool) -> bool:
    kind = normalizer.get("type")
    if kind == "Replace":
        pattern = normalizer.get("pattern")
        if pattern in OTHER_SPACES:
            return True
        text = pattern.get("String") if isinstance(pattern, dict) else None
        return by_spaces and isinstance(text, str) and not any(map(str.isspace, text))
    if kind == "Precompiled":
        return not _may_replace_spaces(base64.b64decode(normalizer["precompiled_charsmap"]))
    return kind in LOCAL_NORMALIZERS and (by_spaces or kind not in REMOVING)


def _may_replace_spaces(charsmap: bytes) -> bool:
    """Whether a rule of a charsmap (see `read_charsmap`) may replace something with a space in it.

    The rules' left sides are a double-array trie (darts-clone's darts.h): in a unit, bits 0-7 and 31 are the
    label, bits 10-30, shifted by 8 more where bit 9 is set, the distance (exclusive or) to its children's.
    """
    size = int.from_bytes(charsmap[:4], "little")
    units = np.frombuffer(charsmap, "<u4", size // 4, offset=4).astype(np.int64)
    distances = (units >> 10) << ((units & (1 << 9)) >> 6)
    children = np.arange(len(units)) ^ distances ^ ord(" ")
    inside = children < len(units)
    labels = units[np.where(inside, children, 0)] & 0x800000FF
    return bool((inside & (labels == ord(" ")) & (units < 1 << 31)).any())


def _is_bert(normalizers: list[dict[str, Any]], splitters: list[dict[str, Any]]) -> bool:
    """Whether Chinese characters and punctuation are words by themselves, as in BERT."""
    return (
        [splitter["type"] for splitter in splitters] == ["BertPreTokenizer"]
        and [normalizer.get("type") for normalizer in normalizers] == ["BertNormalizer"]
        and bool(normalizers[0].get("handle_chinese_chars", True))
    )


@cache
def _ordinary_characters() -> np.ndarray:
    """INSIDE for letters, digits, punctuation and symbols, MARK for combining marks, BLANK for the space.

    CLINGING is all else: what a normalizer may turn into a space, or remove.
    """
    kinds = np.full(KINDS, CLINGING, np.uint8)
    for point in range(KINDS):
        character = chr(point)
        if not (_is_ordinary(character) or _is_mark(character)):
            continue
        # As NFKC leaves it, it must begin and end with such characters, too.
        normalized = unicodedata.normalize("NFKC", character)
        if _is_ordinary(normalized[0]) and _is_ordinary(normalized[-1]):
            kinds[point] = INSIDE
        elif _is_mark(normalized[0]) and (_is_ordinary(normalized[-1]) or _is_mark(normalized[-1])):
            kinds[point] = MARK
    kinds[[*PREPENDED, ord(META_SPACE)]] = CLINGING
    kinds[ord(" ")] = BLANK
    kinds.flags.writeable = False  # it is shared
    return kinds


def _is_ordinary(character: str) -> bool:
    category = unicodedata.category(character)
    return category[0] in "LNPS" and category != "Sk"


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"
