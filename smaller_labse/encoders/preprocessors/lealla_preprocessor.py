"""LEALLA's preprocessor, with the same interface as LaBSE's: tokenization where the Unicode script changes.

What is done, and in which order, stands in `originals/tokenizers/lealla.py`; here it is done by tf-text.
"""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
import tensorflow_text as text

from smaller_labse.encoders.preprocessors.bert_preprocessor import VocabularyTable
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
from smaller_labse.encoders.preprocessors.split_words import split_by_script
from smaller_labse.encoders.preprocessors.text_preprocessor import SENTENCES, TextPreprocessor
from smaller_labse.originals.tokenizers.compiled.script_words import BEGINS_WITH_HAN, DELETED_CHARACTERS
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import LONGEST_WORD
from smaller_labse.originals.tokenizers.wordpiece import UNKNOWN


class LEALLAPreprocessor(TextPreprocessor):
    """Turns strings into an encoder's inputs; see `TextPreprocessor`. LEALLA was trained on one segment."""

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
        tokenizer = ScriptTokenizer(vocabulary)
        super().__init__(tokenizer, tokenizer.special_ids, sequence_length, prompt)


class ScriptTokenizer(VocabularyTable):
    """Splits strings into words where the script changes, and words into tokens."""

    def __init__(self, vocabulary: Path) -> None:
        """See `LEALLAPreprocessor`."""
        super().__init__(vocabulary)
        self._pieces = text.WordpieceTokenizer(
            self._table, token_out_type=tf.int32, max_bytes_per_word=LONGEST_WORD, unknown_token=UNKNOWN
        )

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """The ids of the tokens of `sentences` (strings [batch]): int32 [batch, words, tokens]."""
        cleaned = tf.strings.regex_replace(sentences, DELETED_CHARACTERS, "")
        return self._pieces.tokenize(split_by_script(cleaned, _is_taken_apart))


def _is_taken_apart(words: tf.Tensor) -> tf.Tensor:
    """Which of these words, strings [n], are tokenized character by character, bool [n]."""
    return (
        text.wordshape(words, text.WordShape.IS_PUNCT_OR_SYMBOL)
        | text.wordshape(words, text.WordShape.HAS_EMOJI)
        | tf.strings.regex_full_match(words, BEGINS_WITH_HAN)
    )
