"""Normalizer and pre-tokenizer of a `tokenizer.json`: their steps, and SentencePiece's table of rewrites."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError

META_SPACE = "▁"  # U+2581, what SentencePiece writes for a space
# What SentencePiece removes, and makes one, as patterns of a `Replace`.
OUTER_SPACES = r"\A +| +\z"
SPACES = " {2,}"
PARTS = ("normalizers", "pretokenizers")  # of a Sequence
MOST_GROWTH = 1 << 14  # by these bounds, ALBERT's may make a text 5,808 times as long
# How many times as long a step makes a text in UTF-8, at most: what Unicode's normal forms do to one
# character (UAX #15), bytes written as characters, spaces around characters, marks in place of spaces.
GROWTHS = {"NFC": 3, "NFD": 3, "NFKC": 11, "NFKD": 11, "Lowercase": 2, "BertNormalizer": 8}
GROWTHS |= {"ByteLevel": 4, "Metaspace": 8}
# Of the regular expressions those that begin with a character or a class of which there must be one.
NEVER_EMPTY = re.compile(
    r"(\\[sSdDwWnrt]|\\[pP]\{\w+\}|\[\^?(\\.|[^\[\]\\])+\]|[^\\\[\](){}|?*+.^$])"
    r"(\+|\{[1-9]\d*(,\d*)?\})?(?![?*+{])[^|]*",
    re.DOTALL,
)


def flat_steps(step: Any) -> Iterator[dict[str, Any]]:
    """A normalizer or pre-tokenizer, or None, as its steps; sequences are resolved.

    Example:
        >>> nested = {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]}
        >>> [step["type"] for step in flat_steps(nested)]
        ['NFC', 'Lowercase']
    """
    if not isinstance(step, dict):
        return
    if step.get("type") != "Sequence":
        yield step
        return
    for name in PARTS:
        parts = step.get(name)
        for part in parts if isinstance(parts, list) else ():
            yield from flat_steps(part)


def read_charsmap(step: dict[str, Any], file: Path) -> bytes:
    """The table of rewrites of a normalizer of the type Precompiled.

    It is a trie, its length in bytes before it as a little-endian uint32, and the texts that characters
    become, in UTF-8 (`DecodePrecompiledCharsMap` in sentencepiece's normalizer.cc). tokenizers does not end
    well on anything else.

    Args:
        step: the normalizer.
        file: where it is from, for messages.

    Raises:
        SmallerLabseError: it is no such table.
    """
    try:
        content = base64.b64decode(step["precompiled_charsmap"], validate=True)
    except (binascii.Error, KeyError, TypeError, ValueError) as error:
        raise _unreadable(file, error) from None
    require_charsmap(content, file)
    return content


def require_charsmap(content: bytes, file: Path) -> None:
    """Refuse bytes that are no table of rewrites, see `read_charsmap`.

    Raises:
        SmallerLabseError: they are none.
    """
    try:
        size = int.from_bytes(content[:4], "little")
        if not 0 < size <= len(content) - 4 or size % 4:
            raise ValueError("its trie is not as long as it says")
        content[4 + size :].decode("utf-8")
    except ValueError as error:
        raise _unreadable(file, error) from None


def _unreadable(file: Path, error: Exception) -> SmallerLabseError:
    return SmallerLabseError(f"{file}: its precompiled_charsmap cannot be read ({error}); get it again")


def require_bounded_growth(content: dict[str, Any], file: Path) -> None:
    """Refuse a normalizer and pre-tokenizer that could make a text very long, before a text is given to them.

    A chain of 28 rules that each write a letter twice makes 268 million letters of one. Each step's growth is
    bounded from above, whatever the text; the chain's is at most their product.

    Args:
        content: of a `tokenizer.json`.
        file: where it is from, for messages.

    Raises:
        SmallerLabseError: the bound is more than `MOST_GROWTH`, or a Precompiled normalizer is damaged.
    """
    if growth_bound(content, file) > MOST_GROWTH:
        raise SmallerLabseError(
            f"{file}: its normalizer and pre-tokenizer may make a text more than {MOST_GROWTH:,} times as "
            "long; is it the right file?"
        )


def growth_bound(content: dict[str, Any], file: Path) -> Fraction:
    """How many times as long normalizer and pre-tokenizer can make a text, in UTF-8, at most.

    Beyond `MOST_GROWTH` it is not computed to the end. For arguments and errors see `require_bounded_growth`.
    """
    growth = Fraction(1)
    for step in chain(flat_steps(content.get("normalizer")), flat_steps(content.get("pre_tokenizer"))):
        growth *= _growth(step, file)
        if growth > MOST_GROWTH:
            break
    return growth


def _growth(step: dict[str, Any], file: Path) -> Fraction:
    """How many times as long, in UTF-8, a step can make a text of at least one byte, at most."""
    kind = step.get("type")
    if kind == "Precompiled":
        texts = read_charsmap(step, file)
        texts = texts[4 + int.from_bytes(texts[:4], "little") :]
        return Fraction(max(1, *map(len, texts.split(b"\x00"))))
    if kind == "Prepend":
        return Fraction(1 + _size(step.get("prepend")))
    if kind != "Replace":
        return Fraction(GROWTHS.get(str(kind), 1))
    pattern, content = step.get("pattern"), _size(step.get("content"))
    pattern = pattern if isinstance(pattern, dict) else {}
    if needed := _size(pattern.get("String")):
        return max(Fraction(1), Fraction(content, needed))
    expression = pattern.get("Regex")
    if isinstance(expression, str) and NEVER_EMPTY.fullmatch(expression):
        return Fraction(max(1, content))
    return Fraction(1 + 2 * content)  # before and behind each letter


def _size(text: object) -> int:
    return len(text.encode("utf-8", "replace")) if isinstance(text, str) else 0
