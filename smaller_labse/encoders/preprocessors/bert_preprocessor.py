"""LaBSE's preprocessor: from strings to an encoder's inputs by tf-text's BertTokenizer.

The same as the TF Model Garden's layers `BertTokenizer` and `BertPackInputs`, which LaBSE's preprocessor on
TF Hub was exported from (official/nlp/modeling/layers/text_layers.py).
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import tensorflow as tf
import tensorflow_text as text

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
from smaller_labse.encoders.preprocessors.split_words import BertWords
from smaller_labse.encoders.preprocessors.text_preprocessor import SENTENCES, TextPreprocessor
from smaller_labse.originals.tokenizers.wordpiece import END, MASK, PADDING, START, UNKNOWN

SPECIAL_TOKENS = {
    "padding_id": PADDING,
    "start_of_sequence_id": START,
    "end_of_segment_id": END,
    "mask_id": MASK,
}


class BertPreprocessor(TextPreprocessor):
    """Turns strings into an encoder's inputs; see `TextPreprocessor`.

    Example:
        >>> preprocess = BertPreprocessor(Path("vocab.txt"))  # doctest: +SKIP
        >>> preprocess(tf.constant(["Hello, world."]))["input_word_ids"].shape  # doctest: +SKIP
        TensorShape([1, 128])
    """

    def __init__(
        self,
        vocabulary: Path,
        lower_case: bool = False,
        sequence_length: int = DEFAULT_SEQUENCE_LENGTH,
        prompt: str = "",
    ) -> None:
        """Read the vocabulary.

        Args:
            vocabulary: a WordPiece vocabulary, one token per line.
            lower_case: whether to lower-case the text and to strip its accents; LaBSE does not.
            sequence_length: how many tokens the encoder's inputs hold, `[CLS]` and `[SEP]` included.
            prompt: what goes before every sentence.

        Raises:
            SmallerLabseError: a special token is missing.
        """
        tokenizer = BertTokenizer(vocabulary, lower_case)
        super().__init__(tokenizer, tokenizer.special_ids, sequence_length, prompt)


class VocabularyTable(tf.Module):
    """The tokens of a vocabulary and their ids; what tokenizers with such a vocabulary have in common.

    Attributes:
        special_ids: the special tokens' ids, by the names that TF Hub gives them.
    """

    def __init__(self, vocabulary: Path) -> None:
        """See `BertPreprocessor`."""
        super().__init__(name="tokenize")
        self._table = tf.lookup.StaticHashTable(_VocabularyFile(vocabulary), default_value=-1)
        for token in (*SPECIAL_TOKENS.values(), UNKNOWN):
            if self._find(token) < 0:
                raise SmallerLabseError(
                    f"{vocabulary}: {token} is missing, expected it among the tokens of a BERT vocabulary"
                )
        self.special_ids = {name: self._find(token) for name, token in SPECIAL_TOKENS.items()}

    @tf.function(input_signature=[], autograph=False)
    def get_special_tokens_dict(self) -> dict[str, tf.Tensor]:
        """`special_ids` and `vocab_size`, int32 [], for users of the SavedModel."""
        ids = {name: tf.constant(token_id) for name, token_id in self.special_ids.items()}
        return ids | {"vocab_size": tf.cast(self._table.size(), tf.int32)}

    def _find(self, token: str) -> int:
        return int(self._table.lookup(tf.constant(token)))


class BertTokenizer(VocabularyTable):
    """Splits strings into words, and words into tokens."""

    def __init__(self, vocabulary: Path, lower_case: bool) -> None:
        """See `BertPreprocessor`."""
        super().__init__(vocabulary)
        self._tokenizer = text.BertTokenizer(
            self._table, lower_case=lower_case, token_out_type=tf.int32, basic_tokenizer_class=BertWords
        )

    @tf.function(input_signature=[SENTENCES], autograph=False)
    def __call__(self, sentences: tf.Tensor) -> tf.RaggedTensor:
        """The ids of the tokens of `sentences` (strings [batch]): int32 [batch, words, tokens]."""
        return self._tokenizer.tokenize(sentences)


class _VocabularyFile(tf.lookup.TextFileInitializer):
    """A vocabulary file as the content of a lookup table: token → number of its line, from 0 on.

    TensorFlow takes tables of one name for the same table, and by default names them after the file's path,
    which a SavedModel then holds. Named after the content, two vocabularies that lay at the same path are two
    tables, and the same model has the same bytes wherever it was made.
    """

    def __init__(self, vocabulary: Path) -> None:
        self._digest = hashlib.sha256(vocabulary.read_bytes()).hexdigest()
        super().__init__(
            str(vocabulary),
            key_dtype=tf.string,
            key_index=tf.lookup.TextFileIndex.WHOLE_LINE,
            value_dtype=tf.int64,
            value_index=tf.lookup.TextFileIndex.LINE_NUMBER,
        )

    @property
    def _shared_name(self) -> str:
        return f"vocabulary_{self._digest}"
