"""Text as words: how LEALLA splits it, where the Unicode script changes, code point by code point.

tf-text's operations know scripts, punctuation and emoji by the tables of some version of Unicode, which other
libraries need not have; so these operations are asked, once in a process.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    COMMON,
    COMMON_SPACE,
    DELETED,
    EMOJI,
    HAN,
    KINDS,
    NOT_THERE,
    PUNCTUATION,
    separate_characters,
)

DELETED_CHARACTERS = r"\p{Cc}|\p{Cf}"
BEGINS_WITH_HAN = r"\p{Han}.*"
# Planes 4 to 13 are empty, 15 and 16 private: one code point of theirs is asked, and stands for all.
OTHER_PLANES = (slice(0x40000, 0xE0000), slice(0xF0000, KINDS))
POINTS = np.array(  # surrogates are in no text
    [*range(0xD800), *range(0xE000, 0x40001), *range(0xE0000, 0xF0001)]
)


class ScriptWords(NamedTuple):
    """What LEALLA's tokenization sees in code points.

    Attributes:
        kinds: how each separates words, uint8 [KINDS]: `DELETED`, `COMMON_SPACE`, or a script's number from
            `COMMON` on.
        marks: `PUNCTUATION`, `EMOJI`, `HAN` and `NOT_THERE` of each, a bit each, uint8 [KINDS].
    """

    kinds: np.ndarray
    marks: np.ndarray

    def separate(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Delete what is deleted, and take those words apart whose characters are tokenized one by one.

        Args:
            text: n words one after the other in UTF-8, uint8 [bytes].
            starts: word i is `text[starts[i] : starts[i + 1]]`, int64 [n + 1].

        Returns:
            The parts in the same form, text and starts, and how many there are up to each word's end,
            int64 [n].
        """
        size = int(starts[-1] - starts[0])
        parts, part_starts = np.empty(size, np.uint8), np.zeros(size + 1, np.int64)
        ends = np.empty(len(starts) - 1, np.int64)
        total = separate_characters(text, starts, self.marks, parts, part_starts, ends)
        return parts, part_starts[: total + 1], ends


@cache
def script_words() -> ScriptWords:
    """Ask tf-text's operations; they are imported, which takes seconds.

    Raises:
        SmallerLabseError: there are more scripts than numbers for them.
    """
    import_tensorflow_quietly()
    import tensorflow as tf
    import tensorflow_text as text

    characters = tf.strings.unicode_encode(POINTS.astype(np.int32)[:, np.newaxis], "UTF-8")
    marks = np.zeros(KINDS, np.uint8)
    for found, mark in (
        (text.wordshape(characters, text.WordShape.IS_PUNCT_OR_SYMBOL), PUNCTUATION),
        (text.wordshape(characters, text.WordShape.HAS_EMOJI), EMOJI),
        (tf.strings.regex_full_match(characters, BEGINS_WITH_HAN), HAN),
    ):
        marks[POINTS[found.numpy()]] |= mark
    deleted = tf.strings.regex_full_match(characters, DELETED_CHARACTERS).numpy()
    marks[POINTS[deleted]] = NOT_THERE
    is_space = text.UnicodeScriptTokenizer().tokenize(characters).row_lengths().numpy() == 0
    kinds = np.zeros(KINDS, np.uint8)
    kinds[POINTS] = _script_numbers(is_space)
    marks[POINTS[is_space]] |= NOT_THERE
    kinds[POINTS[is_space & (kinds[POINTS] == COMMON)]] = COMMON_SPACE
    kinds[POINTS[deleted]] = DELETED
    for array in (kinds, marks):
        for plane in OTHER_PLANES:
            array[plane] = array[plane.start]
        array.flags.writeable = False  # they are shared
    return ScriptWords(kinds, marks)


def _script_numbers(is_space: np.ndarray) -> np.ndarray:
    """The script of each of `POINTS` as a number from `COMMON` on, int64, as tf-text's tokenizer knows it.

    TensorFlow's own operation for it has another version's table, so the tokenizer itself is asked: where it
    splits all characters in a row, whether the scripts of the runs so found are the same, and between which
    characters it takes no notice of a space.

    Args:
        is_space: which of them are spaces, bool [POINTS].
    """
    ends = np.append(_splits(POINTS), True) | is_space | np.append(is_space[1:], False)
    lasts = np.flatnonzero(ends)
    run_of = np.searchsorted(lasts, np.arange(len(POINTS)))
    scripts = np.full(len(lasts), -1)
    spaces = is_space[lasts]
    left, others, script = np.flatnonzero(~spaces), np.flatnonzero(spaces), COMMON
    while len(left):
        # The first that is left beside each of the others: a b a c a d …
        one = POINTS[lasts[left[0]]]
        same = ~_splits(_alternating(one, POINTS[lasts[left]]))[::2]
        scripts[left[same]] = script
        if len(others):
            around = _splits(np.append(_alternating(one, POINTS[lasts[others]]), one), keep_spaces=False)
            scripts[others[~around[1::2]]] = script
            others = others[around[1::2]]
        left, script = left[~same], script + 1
    if script > np.iinfo(np.uint8).max + 1 or len(others):
        raise SmallerLabseError(
            f"tensorflow-text knows {script - COMMON} scripts and {len(others)} spaces of none of them, "
            "expected fewer; install the version that this was made for"
        )
    return scripts[run_of]


def _alternating(one: int, points: np.ndarray) -> np.ndarray:
    return np.stack([np.full(len(points), one), points], axis=1).reshape(-1)


def _splits(points: np.ndarray, keep_spaces: bool = True) -> np.ndarray:
    """Between which neighbours of these code points tf-text's tokenizer splits, bool [points - 1].

    Its operation is called by itself: what its method does around it, decoding text and checking row splits,
    takes seconds for all the calls that are needed here.
    """
    from tensorflow_text.python.ops.unicode_script_tokenizer import gen_unicode_script_tokenizer as operations

    _, _, word_starts, _, _ = operations.unicode_script_tokenize_with_offsets(
        input_values=points.astype(np.int32), input_splits=[0, len(points)], keep_whitespace=keep_spaces
    )
    splits = np.zeros(len(points), bool)
    splits[word_starts.numpy()] = True
    return splits[1:]
