"""Words are those of tf-text's own tokenizers, and no graph checks row splits that an operation just made."""

from __future__ import annotations

import tensorflow as tf
import tensorflow_text as text

from smaller_labse.encoders.preprocessors.split_words import split_by_script, split_words

STRINGS = [
    "a b  c",
    "",
    "  ",
    "x, y!",
    "2 3 猫が、カナ😀 ¡x! ami\u00a0! привет",
    b"\xff\xfe a \xe7",
    "a" * 300,
]
SPEC = tf.TensorSpec([None], tf.string)


def operations(function: tf.types.experimental.PolymorphicFunction) -> set[str]:
    return {operation.type for operation in function.get_concrete_function().graph.get_operations()}


def test_words_are_those_of_regex_split():
    split = tf.function(lambda strings: split_words(strings, r"\s+|[,!]", "[,!]"), input_signature=[SPEC])
    assert not operations(split) & {"If", "StatelessIf", "Assert"}
    for strings in (STRINGS, [], [""]):
        given = tf.constant(strings, tf.string)
        expected = text.regex_split(given, r"\s+|[,!]", "[,!]")
        assert split(given).to_list() == expected.to_list()


def test_words_are_those_of_the_script_tokenizer_and_some_are_taken_apart():
    def of_two_bytes(words: tf.Tensor) -> tf.Tensor:
        return tf.strings.length(words) == 2

    split = tf.function(lambda strings: split_by_script(strings, of_two_bytes), input_signature=[SPEC])
    assert not operations(split) & {"If", "StatelessIf", "Assert"}
    for strings in ([*STRINGS, "ab γδ", "¡!"], [], [""]):
        given = tf.constant(strings, tf.string)
        words = text.UnicodeScriptTokenizer().tokenize(given).to_list()
        expected = [
            [part for word in of_one for part in (_characters(word) if len(word) == 2 else [word])]
            for of_one in words
        ]
        assert split(given).to_list() == expected


def _characters(word: bytes) -> list[bytes]:
    return [character.encode() for character in word.decode()]
