"""A vocabulary: the file that lists its tokens, its fingerprint, and a subset of its tokens."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import LARGEST, read_limited

NOT_KEPT = -1  # what `VocabularySubset.to_new_ids` says of a token that is not kept


@dataclass(frozen=True, eq=False)
class VocabularySubset:
    """Which tokens of an original vocabulary are kept, and in which order: new id → original id.

    Attributes:
        original_ids: the original id of each new id, int32 [kept]; every id once.
        original_size: how many tokens the original vocabulary has (rows of the embedding matrix).
        names: original id → what a kept token is called, where that is not the original's own text, as of
            lists that were stripped; see `select_vocab.choosing.stripped_tokens`.

    Raises:
        SmallerLabseError: the ids are not integers, one stands twice, or one is outside of the original.

    Example:
        >>> subset = VocabularySubset(np.array([0, 3, 5], np.int32), original_size=6)
        >>> subset.to_new_ids(np.array([5, 4, 0])).tolist()
        [2, -1, 0]
        >>> subset.to_original_ids(np.array([2, 0])).tolist()
        [5, 0]
        >>> subset.contains(np.array([5, 4])).tolist()
        [True, False]
    """

    original_ids: np.ndarray
    original_size: int
    names: Mapping[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        ids = np.asarray(self.original_ids)
        if ids.ndim != 1 or not len(ids) or not np.issubdtype(ids.dtype, np.integer):
            raise SmallerLabseError(
                f"kept ids: found {ids.dtype} {list(ids.shape)}, expected one or more integers; select again"
            )
        if ids.min() < 0 or ids.max() >= self.original_size:
            raise SmallerLabseError(
                f"kept ids: found {ids.min():,} to {ids.max():,}, but the original has "
                f"{self.original_size:,} tokens; selection and model do not belong together"
            )
        if len(distinct_ids(ids)) < len(ids):
            raise SmallerLabseError("kept ids: an id stands there twice; select again")
        ids = ids.astype(np.int32)
        ids.flags.writeable = False
        object.__setattr__(self, "original_ids", ids)

    def __len__(self) -> int:
        return len(self.original_ids)

    @property
    def digest(self) -> str:
        """SHA-256 of the original ids by new id, int32, little-endian, in hexadecimal."""
        return sha256(self.original_ids.astype("<i4").tobytes()).hexdigest()

    @cached_property
    def new_ids(self) -> np.ndarray:
        """Original id → new id, int32 [original_size]; `NOT_KEPT` for tokens that are not kept."""
        new_ids = np.full(self.original_size, NOT_KEPT, np.int32)
        new_ids[self.original_ids] = np.arange(len(self.original_ids), dtype=np.int32)
        new_ids.flags.writeable = False
        return new_ids

    def pieces_of(self, original: Sequence[str]) -> list[str]:
        """The kept tokens by new id, of the original's by original id.

        >>> VocabularySubset(np.array([0, 2]), 3, {2: "b"}).pieces_of(["a", "x", " b"])
        ['a', 'b']
        """
        return [self.names.get(token_id, original[token_id]) for token_id in self.original_ids.tolist()]

    def to_new_ids(self, ids: np.ndarray) -> np.ndarray:
        """Original ids → new ids, int32 of the same shape; `NOT_KEPT` for tokens that are not kept."""
        return self.new_ids[ids]

    def to_original_ids(self, ids: np.ndarray) -> np.ndarray:
        """New ids → original ids, int32 of the same shape."""
        return self.original_ids[ids]

    def contains(self, ids: np.ndarray) -> np.ndarray:
        """Which of these original ids are kept, bool of the same shape."""
        return self.new_ids[ids] != NOT_KEPT

    def same_tokens(self, original: np.ndarray, smaller: np.ndarray) -> np.ndarray:
        """Which texts have the same tokens from both tokenizers.

        Args:
            original: the original tokenizer's ids, int [..., length].
            smaller: the smaller tokenizer's, of the same shape.

        Returns:
            bool [...]: whether all ids of a text are the same tokens.
        """
        return (self.original_ids[smaller] == original).all(axis=-1)


def require_tokens(subset: VocabularySubset, pieces: int, file: Path) -> None:
    """Check that a subset can be one of this tokenizer's vocabulary.

    Args:
        subset: the kept tokens; its original may have more, which pad the embedding matrix and are no pieces.
        pieces: how many pieces the tokenizer has.
        file: the tokenizer's, for messages.

    Raises:
        SmallerLabseError: it is a subset of another vocabulary, or keeps ids that no piece has.
    """
    last = int(subset.original_ids.max())
    if subset.original_size < pieces or last >= pieces:
        raise SmallerLabseError(
            f"{file}: {pieces:,} pieces, but the kept ids go up to {last:,} of {subset.original_size:,}; "
            "tokenizer and selection do not belong together"
        )


def require_own_names(subset: VocabularySubset, file: Path) -> None:
    """Refuse a subset whose tokens are called otherwise than the original's, where they cannot be.

    Args:
        subset: the kept tokens.
        file: the tokenizer's, for messages.

    Raises:
        SmallerLabseError: a token is.
    """
    for name in subset.names.values():
        raise SmallerLabseError(
            f"{file}: its tokens cannot get other names, such as {name!r}, as only those of WordPiece can; "
            "select without --strip"
        )


def distinct_ids(ids: np.ndarray) -> np.ndarray:
    """The ids, ascending, each once.

    As `np.unique` says, which takes 70 times as long for a whole vocabulary (numpy 2.4 hashes integers).

    Example:
        >>> distinct_ids(np.array([3, 1, 3])).tolist()
        [1, 3]
    """
    ordered = np.sort(ids)
    return ordered[np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]]


def ids_without(ids: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The ids that are not among the others, ascending, each once.

    Example:
        >>> ids_without(np.array([3, 1, 2, 3]), np.array([1])).tolist()
        [2, 3]
    """
    return distinct_ids(ids[~np.isin(ids, others)])


def read_pieces(file: Path) -> list[str]:
    """Read a vocabulary file: one piece per line, each ended by a line feed and nothing else.

    Pieces may hold U+2028, U+00A0 and other spaces, so only the line feed separates them.

    Raises:
        SmallerLabseError: the file is empty, too large, not UTF-8, or names a piece twice.
    """
    pieces = read_piece_lines(file)
    if not pieces:
        raise SmallerLabseError(f"{file}: no piece in it, expected one per line")
    if len(set(pieces)) == len(pieces):
        return pieces
    seen: dict[str, int] = {}
    for line, piece in enumerate(pieces, start=1):
        if piece in seen:
            raise SmallerLabseError(f"{file}: the piece {piece!r} stands in lines {seen[piece]} and {line}")
        seen[piece] = line
    return pieces


def read_piece_lines(file: Path) -> list[str]:
    """Read a list of pieces, one per line, exactly as they stand there.

    Raises:
        SmallerLabseError: the file cannot be read, is too large, or not UTF-8.
    """
    try:
        text = read_limited(file, LARGEST, "a list of tokens").decode("utf-8")
    except FileNotFoundError:
        raise SmallerLabseError(f"{file}: there is no such file") from None
    except IsADirectoryError:
        raise SmallerLabseError(f"{file}: a folder, expected a file with one piece per line") from None
    except UnicodeDecodeError as error:
        raise SmallerLabseError(f"{file}: not UTF-8 (byte {error.start + 1}); save it as UTF-8") from None
    lines = text.split("\n")
    return lines[:-1] if lines[-1] == "" else lines


def vocabulary_fingerprint(pieces: Iterable[str]) -> str:
    """SHA-256, in hexadecimal, of the vocabulary as a file: each piece and a line feed, in UTF-8.

    Example:
        >>> vocabulary_fingerprint(["a", "b"])[:8]
        '911169dd'
    """
    return hashlib.sha256("".join(f"{piece}\n" for piece in pieces).encode("utf-8")).hexdigest()


def write_pieces(pieces: Iterable[str], file: Path) -> None:
    """Write a vocabulary file: one piece per line, each ended by a line feed, in UTF-8."""
    file.write_bytes("".join(f"{piece}\n" for piece in pieces).encode("utf-8"))
