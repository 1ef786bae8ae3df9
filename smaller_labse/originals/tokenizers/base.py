"""What a family of tokenizers must be able to do, so that counting and selecting need not know it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tfhub import Original, find_vocabulary
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.originals.weights.checkpoint import Checkpoint


class Tokenizer(Protocol):
    """An original's vocabulary and its way of cutting text; `WordPiece` is one.

    Attributes:
        kind: the family's name in `selection.json`.
        file: the vocabulary file.
        pieces: every piece, by id.
        ids: every piece's id.
        fingerprint: see `vocabulary_fingerprint`.
        unknown_id: the id of the piece that stands for what cannot be read; None where there is none.
        special_ids: the pieces that are always kept, int32, ascending.
        word_kinds: how code points separate words whose pieces do not depend on each other, uint8 [KINDS],
            see `loops.py`; None where lines can only be cut whole.
    """

    kind: str
    file: Path
    pieces: list[str]
    ids: dict[str, int]
    fingerprint: str
    unknown_id: int | None
    special_ids: np.ndarray
    word_kinds: np.ndarray | None

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Cut n lines: ids of all pieces, int32 [total], and how many each line has, int64 [n]."""
        ...

    def cut_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cut words, word n being `text[starts[n] : starts[n + 1]]` in UTF-8; otherwise as `tokenize`."""
        ...

    def closed(self, ids: np.ndarray) -> np.ndarray:
        """These ids and those without which text would not be cut into them, int32, ascending."""
        ...

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """Ids without which text made of the seen pieces could become unreadable, int32, ascending."""
        ...

    def unreadable(self, pieces: Iterable[int], kept: np.ndarray) -> list[int]:
        """Those of `pieces` that the kept ones (bool, by id) cannot spell."""
        ...

    def write_subset(self, kept_ids: np.ndarray, folder: Path) -> None:
        """Write the tokenizer's files with the kept pieces only, numbered in the order of `kept_ids`."""
        ...


def open_tokenizer(original: Original, checkpoint: Checkpoint) -> Tokenizer:
    """The original's own tokenizer.

    Args:
        original: the original.
        checkpoint: its encoder's.

    Raises:
        SmallerLabseError: the vocabulary is not the table's, or not the preprocessor's.
    """
    file = find_vocabulary(original.encoder)
    tokenizer = WordPiece(file, lower_case=bool(checkpoint.read_attribute("do_lower_case")))
    rows, _ = checkpoint.embedding_matrix_shape
    if len(tokenizer.pieces) != rows:
        raise SmallerLabseError(
            f"{file}: {len(tokenizer.pieces):,} pieces, but the table of word embeddings has {rows:,} rows; "
            "they do not belong together"
        )
    if original.preprocess is not None:
        other = find_vocabulary(original.preprocess)
        if other.read_bytes() != file.read_bytes():
            raise SmallerLabseError(
                f"{other}: not the same vocabulary as {file}; preprocessor and encoder do not belong together"
            )
    return tokenizer
