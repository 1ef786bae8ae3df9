"""What WordPiece pieces are made of: which ones text needs to stay readable, and which cannot be spelled."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence

import numpy as np

CONTINUATION = "##"


def needed_for_characters(
    seen: np.ndarray,
    pieces: Sequence[str],
    ids: dict[str, int],
    special_ids: np.ndarray,
    continuation: str = CONTINUATION,
) -> np.ndarray:
    """The pieces without which text that was readable would turn into the unknown piece.

    That is, for every character of the seen pieces, the piece that is this character alone: at the
    start of a word, continuing one, or both, whichever the vocabulary has. Where it has neither for
    the place in which a seen piece holds the character, that piece itself is needed.

    One gap is left: such a piece is of no use to a word in which a kept piece runs into its beginning,
    because a dropped one before it is now cut otherwise. Where every character has its own piece inside
    words, there is no gap; 217 of the published vocabulary's 173,347 pieces hold one that has none.

    Args:
        seen: ids of the pieces that occurred, int [n].
        pieces: every piece, by id.
        ids: every piece's id.
        special_ids: pieces that stand for no text, int [m].
        continuation: what pieces that continue a word begin with.

    Returns:
        Ids, int32, ascending; special pieces are not among them.
    """
    special = set(special_ids.tolist())
    needed: set[int] = set()
    for number in seen.tolist():
        if number in special:
            continue
        start, characters = _spelling(pieces[number], continuation)
        for character in characters:
            needed.update(ids[form] for form in (character, continuation + character) if form in ids)
        if not _spelled_by(start, characters, ids, continuation):
            needed.add(number)
    return np.array(sorted(needed - special), dtype=np.int32)


def unreadable(
    numbers: Iterable[int], pieces: Sequence[str], kept: np.ndarray, continuation: str = CONTINUATION
) -> list[int]:
    """Those pieces that the kept pieces cannot spell, so that their words become the unknown piece.

    Args:
        numbers: ids of the pieces in question.
        pieces: every piece, by id.
        kept: bool [number of pieces]; whether a piece is kept.
        continuation: what pieces that continue a word begin with.
    """
    vocabulary = {piece for piece, is_kept in zip(pieces, kept.tolist(), strict=True) if is_kept}
    return [
        number
        for number in numbers
        if not kept[number]
        and not _cut_greedily(*_spelling(pieces[number], continuation), vocabulary, continuation)
    ]


def _spelling(piece: str, continuation: str) -> tuple[bool, str]:
    """Whether a piece starts a word, and its characters."""
    # A piece that is only "##" is two number signs at the start of a word, if anything.
    continues = piece.startswith(continuation) and len(piece) > len(continuation)
    return not continues, piece[len(continuation) :] if continues else piece


def _spelled_by(start: bool, characters: str, vocabulary: Container[str], continuation: str) -> bool:
    """Whether single-character pieces alone spell this."""
    first = characters[:1] if start else continuation + characters[:1]
    return first in vocabulary and all(continuation + other in vocabulary for other in characters[1:])


def _cut_greedily(start: bool, characters: str, vocabulary: Container[str], continuation: str) -> bool:
    """Whether longest-match finds pieces for all of it."""
    position = 0
    while position < len(characters):
        prefix = "" if start and position == 0 else continuation
        for end in range(len(characters), position, -1):
            if prefix + characters[position:end] in vocabulary:
                position = end
                break
        else:
            return False
    return True
