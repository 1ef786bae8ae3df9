"""Lost tokens: which texts a trimmed model tokenizes otherwise than its original."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.base import Tokenizer

TEXTS_AT_A_TIME = 8192


class LostTokens:
    """Compares a trimmed model's tokens with its original's.

    Example:
        have_lost_tokens = LostTokens(trimmed.tokenizer, trimmed.pieces, original.tokenizer, original.pieces)
        have_lost_tokens(["a text whose tokens are kept", "another"])  # array([False,  True])
    """

    def __init__(
        self, trimmed: Tokenizer, pieces: Sequence[str], original: Tokenizer, original_pieces: Sequence[str]
    ) -> None:
        """Find each of the trimmed model's tokens in the original.

        Args:
            trimmed: the trimmed model's tokenizer.
            pieces: what its tokens are called by id, see `Lineage.original_pieces`.
            original: the original's tokenizer.
            original_pieces: likewise.

        Raises:
            SmallerLabseError: the original does not have a token.
        """
        ids = {piece: token_id for token_id, piece in enumerate(original_pieces)}
        missing = [piece for piece in pieces if piece not in ids]
        if missing:
            raise SmallerLabseError(
                f"the teacher does not have {len(missing):,} of the model's tokens, such as {missing[0]!r}; "
                "expected the model that it was trimmed from"
            )
        self._trimmed, self._original = trimmed, original
        self._original_ids = np.array([ids[piece] for piece in pieces], np.int64)

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Which texts have other tokens than from the original, bool [texts]."""
        parts = [
            self._differ(texts[start : start + TEXTS_AT_A_TIME])
            for start in range(0, len(texts), TEXTS_AT_A_TIME)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, bool)

    def _differ(self, texts: Sequence[str]) -> np.ndarray:
        ids, lengths = self._trimmed.tokenize(texts)
        expected, expected_lengths = self._original.tokenize(texts)
        differ = lengths != expected_lengths
        alike = np.repeat(~differ, lengths)
        other = self._original_ids[ids[alike]] != expected[np.repeat(~differ, expected_lengths)]
        differ[np.repeat(np.arange(len(texts)), lengths)[alike][other]] = True
        return differ
