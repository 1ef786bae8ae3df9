"""Strings split into words as tf-text's `regex_split` and `UnicodeScriptTokenizer` do, in far smaller graphs.

tf-text checks that the row splits which its operations returned are row splits, of the words and of two kinds
of offsets, which nobody asked for: most of a preprocessor's graph, and of the time to write and load it.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf
from tensorflow_text.python.ops.bert_tokenizer import BasicTokenizer
from tensorflow_text.python.ops.regex_split_ops import gen_regex_split_ops
from tensorflow_text.python.ops.unicode_script_tokenizer import gen_unicode_script_tokenizer

UTF8 = {"errors": "replace", "replacement_char": 0xFFFD}


def split_words(strings: tf.Tensor, delimiters: str, kept: str) -> tf.RaggedTensor:
    """Split strings at delimiters.

    Args:
        strings: strings [batch].
        delimiters: RE2's regular expression of what separates words.
        kept: of which delimiters are words themselves.

    Returns:
        Strings [batch, words].
    """
    words, _, _, row_splits = gen_regex_split_ops.regex_split_with_offsets(
        strings, f"({delimiters})", f"({kept})"
    )
    return tf.RaggedTensor.from_row_splits(words, row_splits, validate=False)


class BertWords(BasicTokenizer):
    """The words of tf-text's `BertTokenizer`, for its argument `basic_tokenizer_class`."""

    def tokenize(self, text_input: tf.Tensor) -> tf.RaggedTensor:
        """The words of strings [batch]: strings [batch, words]."""
        if self._lower_case:
            text_input = self.lower_case(text_input)
        cleaned = tf.strings.regex_replace(text_input, r"\p{Cc}|\p{Cf}", " ")
        return split_words(cleaned, self._delim_regex_pattern, self._keep_delim_regex_pattern)


def split_by_script(strings: tf.Tensor, is_taken_apart: Callable[[tf.Tensor], tf.Tensor]) -> tf.RaggedTensor:
    """Split strings at spaces and where the Unicode script changes, and some words into their characters.

    Args:
        strings: strings [batch].
        is_taken_apart: says of words, strings [n], which are taken apart, bool [n].

    Returns:
        Strings [batch, words].
    """
    row_splits, points = tf.raw_ops.UnicodeDecode(input=strings, input_encoding="UTF-8", **UTF8)
    points, word_splits, _, _, row_splits = gen_unicode_script_tokenizer.unicode_script_tokenize_with_offsets(
        input_values=points, input_splits=row_splits, keep_whitespace=False
    )
    starts = word_splits[:-1]
    one_by_one = is_taken_apart(_encode(points, word_splits))
    begins_word = tf.scatter_nd(tf.expand_dims(starts, 1), tf.ones_like(starts), tf.shape(points, tf.int64))
    begins_part = (begins_word > 0) | tf.gather(one_by_one, tf.cumsum(begins_word) - 1)
    size = tf.size(points, tf.int64)
    part_splits = tf.concat([tf.reshape(tf.where(begins_part), [-1]), [size]], axis=0)
    parts_before = tf.concat([[0], tf.cumsum(tf.cast(begins_part, tf.int64))], axis=0)
    rows = tf.gather(parts_before, tf.gather(word_splits, row_splits))
    return tf.RaggedTensor.from_row_splits(_encode(points, part_splits), rows, validate=False)


def _encode(points: tf.Tensor, splits: tf.Tensor) -> tf.Tensor:
    return tf.raw_ops.UnicodeEncode(input_values=points, input_splits=splits, output_encoding="UTF-8", **UTF8)
