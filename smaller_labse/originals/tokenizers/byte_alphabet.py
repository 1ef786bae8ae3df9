"""How byte-level BPE writes bytes as characters, so that every piece is text."""

from __future__ import annotations

import re
from functools import lru_cache

BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")  # how SentencePiece writes a byte instead


@lru_cache(maxsize=1)
def byte_characters() -> tuple[str, ...]:
    """Byte → its character: itself where Latin-1 prints it, else one from U+0100 on, in ascending order.

    As in GPT-2 (Radford et al. 2019), `bytes_to_unicode` in its encoder.py: a space becomes Ġ.
    """
    printed = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(256) if byte not in printed]
    return tuple(chr(byte if byte in printed else 256 + others.index(byte)) for byte in range(256))


@lru_cache(maxsize=1)
def _bytes_of_characters() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(byte_characters())}


def is_byte_character(piece: str) -> bool:
    """Whether a piece stands for a single byte."""
    return piece in _bytes_of_characters()


def to_byte_characters(text: str) -> str:
    """Text as byte-level BPE's pieces write it."""
    characters = byte_characters()
    return "".join(characters[byte] for byte in text.encode("utf-8"))


def whole_characters(piece: str) -> set[str]:
    """The characters of text that lie whole in a byte-level piece; parts of others are passed over."""
    values = _bytes_of_characters()
    if not all(character in values for character in piece):
        return set()
    return set(bytes(values[character] for character in piece).decode("utf-8", errors="ignore"))
