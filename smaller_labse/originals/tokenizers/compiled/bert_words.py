"""Text as words: how tf-text's BertTokenizer splits it, code point by code point, and lines split so.

Its patterns (`bert_tokenizer.py` in tensorflow-text) and whatever reads them, RE2, know punctuation, control
and format characters by the tables of some version of Unicode. pyarrow brings RE2, too, so RE2 is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from smaller_labse.corpora.records.arrow_arrays import arrow_texts, numpy_booleans
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    ALONE,
    KINDS,
    SPACE,
    as_bytes,
    most_words,
    new_word_table,
    number_words,
)

SPACES = r"^[\s\p{Cc}\p{Cf}]$"  # control and format characters become spaces; of the others only ASCII's are
PUNCTUATION = r"^[!-/:-@\[-`{-~\p{P}]$"
CHINESE = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)
# Where Unicode has punctuation, control and format characters: planes 0, 1 and 14, without the surrogates.
SEARCHED = (*range(0xD800), *range(0xE000, 0x20000), *range(0xE0000, 0xE1000))


@cache
def bert_kinds() -> np.ndarray:
    """How each code point separates words for a BertTokenizer that does not lower-case, uint8 [KINDS]."""
    import pyarrow.compute as pc

    points = np.array(SEARCHED)
    characters = arrow_texts(map(chr, SEARCHED))
    kinds = np.zeros(KINDS, np.uint8)
    for pattern, kind in ((SPACES, SPACE), (PUNCTUATION, ALONE)):
        kinds[points[numpy_booleans(pc.match_substring_regex(characters, pattern))]] = kind
    for first, last in CHINESE:
        kinds[first : last + 1] = ALONE
    kinds.flags.writeable = False  # it is shared
    return kinds


def tokenize_by_words(
    lines: Sequence[str],
    kinds: np.ndarray,
    tokenize_words: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray]:
    """Tokenize lines, each different word once.

    Args:
        lines: n lines of text; see `as_bytes` for line feeds in them.
        kinds: how code points separate words, uint8 [KINDS].
        tokenize_words: see `Tokenizer.tokenize_words`.

    Returns:
        See `Tokenizer.tokenize`.
    """
    text = as_bytes(lines, kinds)
    table = new_word_table(most_words(len(text)), len(text))
    numbers, ends = np.empty(len(text), np.int32), np.empty(len(lines), np.int64)
    numbers = numbers[: number_words(text, kinds, table, numbers, ends)]
    ids, lengths = tokenize_words(table.text, table.starts[: int(table.size[0]) + 1])
    of_words = lengths[numbers]
    total = np.concatenate([[0], np.cumsum(of_words)])
    # A word's pieces stand together in `ids`; their places, for every word as it comes:
    firsts = (np.cumsum(lengths) - lengths)[numbers]
    places = np.repeat(firsts - total[:-1], of_words) + np.arange(total[-1])
    return ids[places], np.diff(total[ends], prepend=0)
