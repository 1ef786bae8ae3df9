"""WordPiece vocabularies: cutting text with tf-text's BertTokenizer, and what its pieces are made of.

WordPiece (Schuster & Nakajima 2012; Devlin et al. 2019, arXiv 1810.04805) cuts a word greedily: the longest
piece that begins it, then again and again the longest `##` piece that continues it, and `[UNK]` for the
whole word where it gets stuck. A word whose pieces are all kept is therefore cut the same from a subset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.original import read_pieces, vocabulary_fingerprint

CONTINUATION = "##"
UNKNOWN = "[UNK]"
SPECIAL = re.compile(r"\[(PAD|UNK|CLS|SEP|MASK|unused\d+)\]")


class WordPiece:
    """An original's WordPiece vocabulary and tokenizer.

    Attributes:
        kind: "wordpiece".
        file: the vocabulary file.
        pieces: every piece, by id.
        lower_case: whether text is lower-cased and its accents are stripped before it is cut.
        fingerprint: SHA-256 of the vocabulary (see `vocabulary_fingerprint`).
    """

    kind = "wordpiece"

    def __init__(self, file: Path, lower_case: bool = False) -> None:
        """Read a vocabulary file, one piece a line.

        Raises:
            SmallerLabseError: the file is no vocabulary, or has no `[UNK]`.
        """
        self.file = file
        self.pieces: list[str] = read_pieces(file)
        self.lower_case = lower_case
        self.fingerprint: str = vocabulary_fingerprint(self.pieces)
        self.ids: dict[str, int] = {piece: number for number, piece in enumerate(self.pieces)}
        if UNKNOWN not in self.ids:
            raise SmallerLabseError(f"{file}: no piece {UNKNOWN}, which every WordPiece vocabulary has")

    @property
    def unknown_id(self) -> int:
        return self.ids[UNKNOWN]

    @cached_property
    def special_ids(self) -> np.ndarray:
        """Ids of `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]` and the `[unused…]` ones; int32, ascending."""
        found = [number for number, piece in enumerate(self.pieces) if SPECIAL.fullmatch(piece)]
        return np.array(found, dtype=np.int32)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Cut lines as the model's preprocessor does, without `[CLS]` and `[SEP]`.

        Args:
            lines: n lines of text.

        Returns:
            The ids of all lines' pieces one after the other, int32 [total], and how many belong to each
            line, int64 [n].
        """
        if not lines:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
        import tensorflow as tf

        ragged = self._bert_tokenizer.tokenize(tf.constant(list(lines))).merge_dims(1, 2)
        return ragged.flat_values.numpy(), ragged.row_lengths().numpy()

    @cached_property
    def _bert_tokenizer(self):
        import tensorflow as tf
        import tensorflow_text as text

        # From memory: TensorFlow would take a table that it read earlier from a file of the same name.
        numbers = tf.range(len(self.pieces), dtype=tf.int64)
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(self.pieces), numbers), default_value=-1
        )
        return text.BertTokenizer(table, lower_case=self.lower_case, token_out_type=tf.int32)

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """The pieces without which text that was readable would turn into `[UNK]`.

        That is, for every character of the seen pieces, the piece that is this character alone: at the
        start of a word, continuing one, or both, whichever the vocabulary has. Where it has neither for
        the place in which a seen piece holds the character, that piece itself is needed.

        One gap is left: such a piece is of no use to a word in which a kept piece runs into its beginning,
        because a dropped one before it is now cut otherwise. Where every character has its own piece inside
        words, there is no gap; 217 of the published vocabulary's 173,347 pieces hold one that has none.

        Args:
            seen: ids of the pieces that occurred, int [n].

        Returns:
            Ids, int32, ascending; special pieces are not among them.
        """
        special = set(self.special_ids.tolist())
        needed: set[int] = set()
        for number in seen.tolist():
            if number in special:
                continue
            start, characters = self._spelling(self.pieces[number])
            for character in characters:
                needed.update(
                    self.ids[form] for form in (character, CONTINUATION + character) if form in self.ids
                )
            if not self._spelled_by(start, characters, self.ids):
                needed.add(number)
        return np.array(sorted(needed - special), dtype=np.int32)

    def unreadable(self, pieces: Iterable[int], kept: np.ndarray) -> list[int]:
        """Those of `pieces` that the kept pieces cannot spell, so that their words become `[UNK]`.

        Args:
            pieces: ids.
            kept: bool [number of pieces]; whether a piece is kept.
        """
        vocabulary = {piece for piece, is_kept in zip(self.pieces, kept.tolist(), strict=True) if is_kept}
        return [
            number
            for number in pieces
            if not kept[number] and not self._cut_greedily(*self._spelling(self.pieces[number]), vocabulary)
        ]

    def _spelling(self, piece: str) -> tuple[bool, str]:
        """Whether a piece starts a word, and its characters."""
        # A piece that is only "##" is two number signs at the start of a word, if anything.
        continues = piece.startswith(CONTINUATION) and len(piece) > len(CONTINUATION)
        return not continues, piece[len(CONTINUATION) :] if continues else piece

    @staticmethod
    def _spelled_by(start: bool, characters: str, vocabulary: dict[str, int]) -> bool:
        """Whether single-character pieces alone spell this."""
        first = characters[:1] if start else CONTINUATION + characters[:1]
        return first in vocabulary and all(CONTINUATION + other in vocabulary for other in characters[1:])

    @staticmethod
    def _cut_greedily(start: bool, characters: str, vocabulary: set[str]) -> bool:
        """Whether longest-match finds pieces for all of it."""
        position = 0
        while position < len(characters):
            prefix = "" if start and position == 0 else CONTINUATION
            for end in range(len(characters), position, -1):
                if prefix + characters[position:end] in vocabulary:
                    position = end
                    break
            else:
                return False
        return True
