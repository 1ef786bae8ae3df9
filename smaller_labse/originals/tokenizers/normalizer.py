"""Normalizer and pre-tokenizer of a `tokenizer.json`: their steps, and SentencePiece's table of rewrites."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError

META_SPACE = "▁"  # U+2581, what SentencePiece writes for a space
# What SentencePiece removes, and makes one, as patterns of a `Replace`.
OUTER_SPACES = r"\A +| +\z"
SPACES = " {2,}"
PARTS = ("normalizers", "pretokenizers")  # of a Sequence


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
