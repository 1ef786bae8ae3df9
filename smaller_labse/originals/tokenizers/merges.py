"""The merges of a BPE tokenizer, and the pieces that they pass through on the way to another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset


class Merges:
    """Merges by id, in their order: the first that applies anywhere in a word is done first.

    Attributes:
        table: left, right and resulting piece of each merge, int32 [merges, 3].
    """

    def __init__(self, table: np.ndarray, pieces: Sequence[str], ids: dict[str, int]) -> None:
        """Take parsed merges (see `parse_merges`), and every piece by id and its id."""
        self.table = table
        self._pieces, self._ids = pieces, ids
        # The last of two equal merges counts, as in tokenizers.
        self._ranks = {
            (left, right): (rank, result) for rank, (left, right, result) in enumerate(table.tolist())
        }

    def passed_through(self, number: int) -> set[int]:
        """The pieces that merges pass through to a piece, its first characters and itself included.

        Whatever stands around it in a word, a piece that BPE ends with was built by those merges that build
        it when it stands alone: none of them reached over its edges, and the first that applies in the word
        is, among those within it, the first that applies to it.

        Args:
            number: the piece's id.

        Returns:
            Ids; only the piece itself where merges do not build it, as added tokens, and words that are
            pieces as a whole (`ignore_merges`).
        """
        symbols = [self._ids.get(character) for character in self._pieces[number]]
        if None in symbols:
            return {number}
        passed = set(symbols)
        while len(symbols) > 1:
            applicable = [
                (*self._ranks[pair], place)
                for place, pair in enumerate(pairwise(symbols))
                if pair in self._ranks
            ]
            if not applicable:
                return {number}
            _, result, place = min(applicable, key=lambda merge: (merge[0], merge[2]))
            symbols[place : place + 2] = [result]
            passed.add(result)
        return passed | {number}

    def left_by(self, subset: VocabularySubset) -> np.ndarray:
        """The places of those merges whose three pieces are all kept, int64, ascending."""
        return np.flatnonzero(subset.contains(self.table).all(axis=1))


def parse_merges(model: dict[str, Any], ids: dict[str, int], file: Path) -> np.ndarray:
    """The merges of a BPE model as ids.

    Args:
        model: the model in a `tokenizer.json`; its merges are pairs of pieces, or in files of older
            tokenizers texts of two pieces with a space between them.
        ids: every piece's id.
        file: where it is from, for messages.

    Returns:
        Left, right and resulting piece of each merge, int32 [merges, 3].

    Raises:
        SmallerLabseError: a merge is none, or one of its pieces is not in the vocabulary.
    """
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise SmallerLabseError(f"{file}: a BPE model without a list of merges; get it again")
    table = np.empty((len(merges), 3), np.int32)
    for number, merge in enumerate(merges):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        try:
            left, right = pair
            table[number] = ids[left], ids[right], ids[left + right]
        except (KeyError, TypeError, ValueError):
            raise SmallerLabseError(
                f"{file}: merge {number + 1:,} is {merge!r}, expected two pieces whose join is a piece, too"
            ) from None
    return table
