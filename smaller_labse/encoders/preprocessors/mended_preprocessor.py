"""The mended preprocessor, with the same interface as LaBSE's: nothing of a text is lost.

What is done stands in `originals/tokenizers/wordpiece.py` (`MendedWordPiece`); here it is done by tf-text.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
import tensorflow_text as text

from smaller_labse.encoders.preprocessors.bert_preprocessor import VocabularyTable
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH, merge_words
from smaller_labse.encoders.preprocessors.split_words import split_words
from smaller_labse.encoders.preprocessors.text_preprocessor import SENTENCES, TextPreprocessor
from smaller_labse.originals.tokenizers.compiled.mended_words import (
    DELETIONS,
    LONGEST_PART,
    SINGLES,
    SPACES,
    pattern,
)
from smaller_labse.originals.tokenizers.vocabulary import read_pieces
from smaller_labse.originals.tokenizers.wordpiece import CONTINUATION, UNKNOWN, MendedWordPiece

PARTS = f"(?s).{{1,{LONGEST_PART}}}"


class MendedPreprocessor(TextPreprocessor):
    """Turns strings into an encoder's inputs; see `TextPreprocessor`."""

    def __init__(
        self, vocabulary: Path, sequence_length: int = DEFAULT_SEQUENCE_LENGTH, prompt: str = ""
    ) -> None:
        """Read the vocabulary.

        Args:
            vocabulary: a WordPiece vocabulary, one token per line.
            sequence_length: how many tokens the encoder's inputs hold, `[CLS]` and `[SEP]` included.
            prompt: what goes before every sentence.

        Raises:
            SmallerLabseError: a special token is missing.
        """
        tokenizer = MendedTokenizer(vocabulary)
        super().__init__(tokenizer, tokenizer.special_ids, sequence_length, prompt)


class MendedTokenizer(VocabularyTable):
    """Splits strings into words, and words into tokens."""

    def __init__(self, vocabulary: Path) -> None:
        """See `MendedPreprocessor`."""
        super().__init__(vocabulary)
        self._pieces = text.WordpieceTokenizer(
            self._table,
            token_out_type=tf.int32,
            max_bytes_per_word=MendedWordPiece.longest_word,
            max_chars_per_token=_longest(read_pieces(vocabulary)),  # or a word takes time by its square
            unknown_token=UNKNOWN,
        )

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """The ids of the tokens of `sentences` (strings [batch]): int32 [batch, words, tokens]."""
        # What is no UTF-8 becomes U+FFFD, as where Python decodes it, and is deleted.
        readable = tf.strings.unicode_transcode(sentences, "UTF-8", "UTF-8")
        cleaned = tf.strings.regex_replace(readable, pattern(DELETIONS), "")
        single = pattern(SINGLES)
        words = split_words(cleaned, f"{pattern(SPACES)}+|{single}", single)
        parts = merge_words(words.with_values(split_words(words.values, PARTS, PARTS)))
        return self._pieces.tokenize(parts)


def _longest(pieces: list[str]) -> int:
    """The longest piece, in characters; of a piece that continues a word without its mark."""
    return max(len(piece.removeprefix(CONTINUATION)) for piece in pieces)
