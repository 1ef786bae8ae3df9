"""Kept characters: the tokens without which text that could be read would become unknown (promise 2).

What makes a character readable differs between the families, so each has its function here, and beside it one
that says which tokens a vocabulary cannot spell any more.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence

import numpy as np

from smaller_labse.originals.tokenizers.normalizer import META_SPACE


def wordpiece_characters(
    seen: np.ndarray,
    pieces: Sequence[str],
    ids: Mapping[str, int],
    special_ids: np.ndarray,
    continuation: str,
) -> np.ndarray:
    """WordPiece's: for every character of the seen pieces, the piece that is this character alone.

    At the start of a word, continuing one, or both, whichever the vocabulary has. Where it has neither for
    the place in which a seen piece holds the character, that piece itself is needed.

    One gap is left: such a piece is of no use to a word in which a kept piece runs into its beginning,
    because a dropped one before it is now tokenized otherwise. Where every character has its own piece
    inside words, there is no gap; 217 of the published vocabulary's 173,347 pieces hold one that has none.

    Args:
        seen: ids of the pieces that occurred, int [n].
        pieces: every piece, by token id.
        ids: every piece's token id.
        special_ids: pieces that stand for no text, int [m].
        continuation: what pieces that continue a word begin with.

    Returns:
        Token ids, int32, ascending; special pieces are not among them.

    Example:
        >>> pieces = ["a", "b", "##b", "ab"]
        >>> ids = {piece: token_id for token_id, piece in enumerate(pieces)}
        >>> wordpiece_characters(np.array([3]), pieces, ids, np.array([]), "##").tolist()
        [0, 1, 2]
    """
    special = set(special_ids.tolist())
    needed: set[int] = set()
    for token_id in seen.tolist():
        if token_id in special:
            continue
        start, characters = _spelling(pieces[token_id], continuation)
        for character in characters:
            needed.update(ids[form] for form in (character, continuation + character) if form in ids)
        if not _wordpiece_spelled_by_characters(start, characters, ids, continuation):
            needed.add(token_id)
    return np.array(sorted(needed - special), dtype=np.int32)


def wordpiece_unreadable(
    ids: Iterable[int], pieces: Sequence[str], kept: np.ndarray, continuation: str
) -> list[int]:
    """WordPiece's pieces that the kept ones cannot spell, so that their words become the unknown piece.

    Args:
        ids: token ids of the pieces in question.
        pieces: every piece, by token id.
        kept: bool [number of pieces]; whether a piece is kept.
        continuation: what pieces that continue a word begin with.

    Example:
        >>> wordpiece_unreadable([2, 3], ["a", "##b", "ab", "ba"], np.array([True, True, False, False]), "##")
        [3]
    """
    vocabulary = {piece for piece, is_kept in zip(pieces, kept.tolist(), strict=True) if is_kept}
    return [
        token_id
        for token_id in ids
        if not kept[token_id]
        and not _longest_match_spells(*_spelling(pieces[token_id], continuation), vocabulary, continuation)
    ]


def unigram_characters(
    seen: np.ndarray, pieces: Sequence[str], ids: Mapping[str, int], special_ids: np.ndarray
) -> np.ndarray:
    """Unigram's: for every character of the seen pieces, the piece that is this character alone.

    With and without a space (▁) before it, whichever the vocabulary has. Where all its characters have such a
    piece, a seen piece can be spelled, and a character that has one is never unknown to either library.
    Where one has none, which no trainer leaves behind, the seen piece itself is needed; another
    segmentation of the same text, with the unknown piece in it, may still win over it.

    Args:
        seen: ids of the pieces that occurred, int [n].
        pieces: every piece, by token id.
        ids: every piece's token id.
        special_ids: pieces that stand for no text, int [m].

    Returns:
        Token ids, int32, ascending; special pieces are not among them.
    """
    special = set(special_ids.tolist())
    needed: set[int] = set()
    for token_id in seen.tolist():
        if token_id in special:
            continue
        piece = pieces[token_id]
        needed.update(ids[form] for form in _unigram_forms(piece) if form in ids)
        if not _unigram_spelled_by_characters(piece, ids):
            needed.add(token_id)
    return np.array(sorted(needed - special), dtype=np.int32)


def unigram_unreadable(ids: Iterable[int], pieces: Sequence[str], kept: np.ndarray) -> list[int]:
    """Unigram's pieces that the kept ones cannot spell, so that text with them becomes unknown.

    Args:
        ids: token ids of the pieces in question.
        pieces: every piece, by token id.
        kept: whether a piece is kept, bool [number of pieces].
    """
    vocabulary = {piece for piece, is_kept in zip(pieces, kept.tolist(), strict=True) if is_kept}
    return [
        token_id
        for token_id in ids
        if not kept[token_id] and not _unigram_spelled_by_pieces(pieces[token_id], vocabulary)
    ]


def bpe_characters(
    seen: np.ndarray,
    pieces: Sequence[str],
    ids: Mapping[str, int],
    special_ids: np.ndarray,
    characters_of: Callable[[str], Iterable[str]],
    forms_of: Callable[[str], Iterable[str]],
) -> np.ndarray:
    """BPE's: the piece of every character of the seen pieces, with and without a space before it.

    Whichever the vocabulary has. Without them a character would fall apart into bytes, or become the unknown
    piece where the tokenizer knows no bytes.

    Args:
        seen: ids of the pieces that occurred, int [n].
        pieces: every piece, by token id.
        ids: every piece's token id.
        special_ids: pieces that stand for no text, int [m].
        characters_of: a piece's characters; of byte-level pieces those that are whole in it.
        forms_of: how a character is written in pieces, with and without a space before it.

    Returns:
        Token ids, int32, ascending; special pieces are not among them, and their dependencies need not be.
    """
    special = set(special_ids.tolist())
    characters = {
        character
        for token_id in seen.tolist()
        if token_id not in special
        for character in characters_of(pieces[token_id])
    }
    needed = {ids[form] for one in characters for form in forms_of(one) if form in ids}
    return np.array(sorted(needed - special), dtype=np.int32)


def bpe_unreadable(ids: Iterable[int], pieces: Sequence[str], kept: np.ndarray) -> list[int]:
    """BPE's pieces that hold a character without a kept piece of its own; where no bytes take its place.

    Args:
        ids: token ids of the pieces in question.
        pieces: every piece, by token id.
        kept: whether a piece is kept, bool [number of pieces].
    """
    vocabulary = {piece for piece, is_kept in zip(pieces, kept.tolist(), strict=True) if is_kept}
    return [
        token_id
        for token_id in ids
        if not kept[token_id] and not all(character in vocabulary for character in pieces[token_id])
    ]


def _spelling(piece: str, continuation: str) -> tuple[bool, str]:
    """Whether a piece starts a word, and its characters."""
    # A piece that is only "##" is two number signs at the start of a word, if anything.
    continues = piece.startswith(continuation) and len(piece) > len(continuation)
    return not continues, piece[len(continuation) :] if continues else piece


def _wordpiece_spelled_by_characters(
    start: bool, characters: str, vocabulary: Container[str], continuation: str
) -> bool:
    """Whether single-character pieces alone spell this."""
    first = characters[:1] if start else continuation + characters[:1]
    return first in vocabulary and all(continuation + other in vocabulary for other in characters[1:])


def _longest_match_spells(
    start: bool, characters: str, vocabulary: Container[str], continuation: str
) -> bool:
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


def _unigram_forms(piece: str) -> Iterable[str]:
    """Every character of a piece, each with and without a space before it."""
    for character in set(piece):
        yield character
        yield META_SPACE + character


def _unigram_spelled_by_characters(piece: str, vocabulary: Container[str]) -> bool:
    """Whether pieces of one character, the first with or without the space before it, spell this."""
    if piece.startswith(META_SPACE) and piece[:2] in vocabulary and all(c in vocabulary for c in piece[2:]):
        return True
    return all(character in vocabulary for character in piece)


def _unigram_spelled_by_pieces(piece: str, vocabulary: set[str]) -> bool:
    """Whether pieces of any length spell this."""
    reached = [True] + [False] * len(piece)
    for end in range(1, len(piece) + 1):
        reached[end] = any(reached[start] and piece[start:end] in vocabulary for start in range(end))
    return reached[-1]
