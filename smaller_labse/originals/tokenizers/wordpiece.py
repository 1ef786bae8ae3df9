"""WordPiece vocabularies, tokenized as tf-text's BertTokenizer does, and what their pieces are made of.

WordPiece (Schuster & Nakajima 2012; Devlin et al. 2019, arXiv 1810.04805) tokenizes a word greedily: the
longest piece that begins it, then again and again the longest `##` piece that continues it, and `[UNK]` for
the whole word where it gets stuck. A word whose pieces are all kept is therefore tokenized the same from a
subset. The loop itself is `match_longest` in `compiled/wordpiece_and_unigram.py`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.preprocessors import FAITHFUL, MENDED
from smaller_labse.originals.tokenizers.base import BertTokenizerSetup, MendedSetup, TensorFlowSetup
from smaller_labse.originals.tokenizers.compiled.bert_words import bert_kinds, tokenize_by_words
from smaller_labse.originals.tokenizers.compiled.mended_words import LONGEST_PART, mend_words, mended_kinds
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    LONGEST_WORD,
    Pieces,
    match_longest,
    new_pieces,
)
from smaller_labse.originals.tokenizers.kept_characters import wordpiece_characters, wordpiece_unreadable
from smaller_labse.originals.tokenizers.tokenizer_files import VOCABULARY
from smaller_labse.originals.tokenizers.vocabulary import (
    VocabularySubset,
    distinct_ids,
    read_pieces,
    require_tokens,
    vocabulary_fingerprint,
    write_pieces,
)

PADDING, UNKNOWN, START, END, MASK = "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"
SPECIAL = re.compile(r"\[(PAD|UNK|CLS|SEP|MASK|unused\d+)\]")
CONTINUATION = "##"  # what pieces that continue a word begin with


class WordPiece:
    """A WordPiece vocabulary and tokenizer; a `Tokenizer`.

    Attributes:
        lower_case: whether text is lower-cased and its accents are stripped before it is tokenized.

    Example:
        >>> import tempfile
        >>> folder = tempfile.TemporaryDirectory()
        >>> file = Path(folder.name) / "vocab.txt"
        >>> write_pieces(["[PAD]", "[UNK]", "un", "##able", "able"], file)
        >>> tokenizer = WordPiece(file)
        >>> ids, lengths = tokenizer.tokenize(["unable", "able to"])
        >>> ids.tolist(), lengths.tolist()
        ([2, 3, 4, 1], [2, 2])
        >>> folder.cleanup()
    """

    kind = "wordpiece"
    preprocessor = FAITHFUL
    without_embedding: tuple[str, ...] = ()
    longest_word = LONGEST_WORD  # bytes; longer ones are `[UNK]`

    def __init__(self, file: Path, lower_case: bool = False) -> None:
        """Read a vocabulary file, one piece per line.

        Raises:
            SmallerLabseError: the file is no vocabulary, or has no `[UNK]`.
        """
        self.file = file
        self.pieces: list[str] = read_pieces(file)
        self.lower_case = lower_case
        self.fingerprint: str = vocabulary_fingerprint(self.pieces)
        self.ids: dict[str, int] = {piece: token_id for token_id, piece in enumerate(self.pieces)}
        if UNKNOWN not in self.ids:
            raise SmallerLabseError(f"{file}: no piece {UNKNOWN}, which every WordPiece vocabulary has")

    @property
    def unknown_id(self) -> int:
        return self.ids[UNKNOWN]

    @cached_property
    def special_ids(self) -> np.ndarray:
        """Ids of `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]` and the `[unused…]` ones; int32, ascending."""
        return np.array(special_pieces(self.pieces), dtype=np.int32)

    @property
    def ranked_ids(self) -> np.ndarray:
        """See `Tokenizer`; the vocabulary's own order."""
        return np.arange(len(self.pieces), dtype=np.int32)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `Tokenizer`; a line feed in a line is a space."""
        if not lines:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
        if self.word_kinds is None:
            return self._tokenize_with_tensorflow(lines)
        return tokenize_by_words(lines, self.word_kinds, self.tokenize_words)

    @property
    def word_kinds(self) -> np.ndarray | None:
        """See `words.bert_kinds`; None where text is lower-cased first, which words alone do not show."""
        return None if self.lower_case else bert_kinds()

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Tokenizer`; the same tokens as tf-text's WordpieceTokenizer."""
        ids = np.empty(starts[-1] - starts[0], np.int32)
        ends = np.empty(len(starts) - 1, np.int64)
        match_longest(text, starts, *self._matched, self.unknown_id, self.longest_word, ids, ends)
        return ids[: ends[-1] if len(ends) else 0], np.diff(ends, prepend=0)

    @cached_property
    def _matched(self) -> tuple[Pieces, Pieces]:
        """The pieces that begin words and those that go on in them."""
        # In words there is no piece that looks like a continuation: `#` is a word by itself.
        pieces = "\n".join(self.pieces).encode().split(b"\n")
        mark = CONTINUATION.encode()
        continues = np.fromiter((piece.startswith(mark) for piece in pieces), bool, len(pieces))
        filled = np.fromiter(map(len, pieces), np.int64, len(pieces)) > np.where(continues, len(mark), 0)
        beginnings = [piece for piece in pieces if piece and not piece.startswith(mark)]
        continuations = [piece[len(mark) :] for piece in pieces if piece.startswith(mark) and piece != mark]
        return (
            new_pieces(beginnings, np.flatnonzero(filled & ~continues)),
            new_pieces(continuations, np.flatnonzero(filled & continues)),
        )

    def _tokenize_with_tensorflow(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        import tensorflow as tf

        ragged = self._bert_tokenizer.tokenize(tf.constant(list(lines))).merge_dims(1, 2)
        return ragged.flat_values.numpy(), ragged.row_lengths().numpy()

    @cached_property
    def _bert_tokenizer(self) -> Any:
        import tensorflow as tf
        import tensorflow_text as text

        # From memory: TensorFlow would take a table that it read earlier from a file of the same name.
        token_ids = tf.range(len(self.pieces), dtype=tf.int64)
        table = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(tf.constant(self.pieces), token_ids), default_value=-1
        )
        return text.BertTokenizer(table, lower_case=self.lower_case, token_out_type=tf.int32)

    def with_dependencies(self, ids: np.ndarray) -> np.ndarray:
        """The ids themselves, ascending: longest-match needs no pieces besides those that it finds."""
        return distinct_ids(ids).astype(np.int32)

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """See `kept_characters.wordpiece_characters`."""
        return wordpiece_characters(seen, self.pieces, self.ids, self.special_ids, CONTINUATION)

    def unreadable(self, ids: Iterable[int], kept: np.ndarray) -> list[int]:
        """See `kept_characters.wordpiece_unreadable`."""
        return wordpiece_unreadable(ids, self.pieces, kept, CONTINUATION)

    def text_of(self, token_id: int) -> str:
        """See the function `text_of`."""
        return text_of(self.pieces[token_id])

    def write_subset(self, subset: VocabularySubset, folder: Path) -> None:
        """Write `vocab.txt`; see `Tokenizer`."""
        require_tokens(subset, len(self.pieces), self.file)
        write_pieces(subset.pieces_of(self.pieces), folder / VOCABULARY)

    def write_for_tensorflow(self, folder: Path) -> TensorFlowSetup:
        """Write `vocab.txt`; see `Tokenizer`."""
        write_pieces(self.pieces, folder / VOCABULARY)
        return BertTokenizerSetup(folder / VOCABULARY, self.lower_case)


class MendedWordPiece(WordPiece):
    """A WordPiece vocabulary, tokenized by the mended preprocessor; a `Tokenizer`.

    Every Unicode space is a space, control characters are deleted, and no word is too long: one of more than
    `LONGEST_PART` characters is read as several. The library tokenizers reads the `tokenizer.json` of such a
    model the same, for every text (`huggingface_wordpiece.py`).
    """

    preprocessor = MENDED
    longest_word = LONGEST_PART * 4  # bytes of that many characters

    def __init__(self, file: Path) -> None:
        """Read a vocabulary file, one piece per line.

        Raises:
            SmallerLabseError: see `WordPiece`.
        """
        super().__init__(file)
        self.fingerprint = mended_fingerprint(self.fingerprint)

    @property
    def word_kinds(self) -> np.ndarray:
        """See `mended_kinds`."""
        return mended_kinds()

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Tokenizer`."""
        parts, part_starts, ends = mend_words(text, starts)
        ids, lengths = super().tokenize_words(parts, part_starts)
        pieces = np.concatenate([[0], np.cumsum(lengths)])[ends]
        return ids, np.diff(pieces, prepend=0)

    def write_for_tensorflow(self, folder: Path) -> MendedSetup:
        """Write `vocab.txt`; see `Tokenizer`."""
        write_pieces(self.pieces, folder / VOCABULARY)
        return MendedSetup(folder / VOCABULARY)


def mended_fingerprint(fingerprint: str) -> str:
    """Of a vocabulary that the mended preprocessor reads, where `fingerprint` is the vocabulary's alone."""
    return hashlib.sha256(f"{MENDED} {fingerprint}".encode()).hexdigest()


def differs_by_preprocessor(fingerprint: str, preprocessor: str, pieces: Sequence[str]) -> bool:
    """Whether a fingerprint is that of this vocabulary, read by this preprocessor.

    Of a fingerprint that is not the expected one, to say whether it is the preprocessor that differs.
    """
    of_vocabulary = vocabulary_fingerprint(pieces)
    return fingerprint == (mended_fingerprint(of_vocabulary) if preprocessor == MENDED else of_vocabulary)


def special_pieces(pieces: Iterable[str]) -> list[int]:
    """Ids of those pieces that BERT's vocabularies have for no text, `[PAD]` and the like; ascending."""
    in_brackets = [(token_id, piece) for token_id, piece in enumerate(pieces) if piece[:1] == "["]
    return [token_id for token_id, piece in in_brackets if SPECIAL.fullmatch(piece)]


def text_of(piece: str, continuation: str = CONTINUATION) -> str:
    """The text of a piece: what continues a word without its mark, nothing of `[PAD]` and the like.

    Example:
        >>> text_of("##able"), text_of("able"), text_of("[unused7]")
        ('able', 'able', '')
    """
    if SPECIAL.fullmatch(piece):
        return ""
    # A piece that is only "##" is two number signs at the start of a word, if anything.
    continues = piece.startswith(continuation) and len(piece) > len(continuation)
    return piece[len(continuation) :] if continues else piece
