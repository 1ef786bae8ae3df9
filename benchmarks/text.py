"""Text to measure with: lines of any number in 15 languages, sampled from wordfreq's word frequencies.

Lines have Wikipedia's lengths: log-normal, 73 tokens on average with LaBSE's vocabulary. Words come with
their frequencies, some capitalized, some with punctuation behind them; two in a hundred are made up of the
halves of two others, so that there are always new words and no cache holds them all. Chinese, Japanese and
Thai are written without spaces. Nothing here is sense; it is what a tokenizer's work depends on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

LANGUAGES = ("ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh")
WITHOUT_SPACES = ("ja", "th", "zh")
LINES_AT_ONCE = 10_000
MEAN_LOG_WORDS, SPREAD_LOG_WORDS = 3.65, 0.85  # of the logarithm of a line's number of words
FEWEST_WORDS, MOST_WORDS = 4, 500
CAPITALIZED, COMMA, STOP, SPACE_IN_THAI = 0.10, 0.08, 0.04, 0.26  # shares of words
MADE_UP = 0.02


def write_text(folder: Path, lines: int) -> None:
    """Write one file per language, `lines` in all; the same text every time."""
    folder.mkdir(parents=True)
    each, rest = divmod(lines, len(LANGUAGES))
    for number, code in enumerate(LANGUAGES):
        with (folder / f"{code}.txt").open("wb") as out:
            for text in sample_lines(code, each + (number < rest)):
                out.write(text)


def frequent_words(code: str, limit: int) -> list[str]:
    """The most frequent words of a language."""
    return _words(code)[0][:limit]


def sample_lines(code: str, lines: int) -> Iterator[bytes]:
    """Lines with their ends, some thousand at a time."""
    words, shares = _words(code)
    comma, stop = ("、", "。") if code in ("ja", "zh") else (",", ".")
    endings = [comma, stop, " " if code == "th" else ""]
    capitalized = [word.capitalize() for word in words]
    # Every way in which a word may stand in a line, so that a line is a choice of numbers.
    forms = pa.array([*words, *capitalized, *(word + ending for ending in endings for word in words)])
    kind_shares = [CAPITALIZED, COMMA, STOP, SPACE_IN_THAI]
    kinds = np.array([1 - sum(kind_shares), *kind_shares])
    heads = pa.array([word[: len(word) // 2 + 1] for word in words])
    tails = pa.array([word[len(word) // 2 :] for word in words])
    random = np.random.default_rng(LANGUAGES.index(code))
    up_to = np.cumsum(shares)
    separator = "" if code in WITHOUT_SPACES else " "
    for start in range(0, lines, LINES_AT_ONCE):
        count = min(LINES_AT_ONCE, lines - start)
        lengths = np.exp(random.normal(MEAN_LOG_WORDS, SPREAD_LOG_WORDS, count))
        lengths = lengths.clip(FEWEST_WORDS, MOST_WORDS).astype(np.int32)
        total = int(lengths.sum())
        chosen = np.searchsorted(up_to, random.random(total)).clip(0, len(words) - 1)
        kind = random.choice(len(kinds), size=total, p=kinds)
        drawn = forms.take(pa.array(kind * len(words) + chosen))
        made_up = random.random(total) < MADE_UP
        halves = random.integers(len(words), size=(2, int(made_up.sum())))
        new = pc.binary_join_element_wise(
            heads.take(pa.array(halves[0])), tails.take(pa.array(halves[1])), ""
        )
        drawn = pc.replace_with_mask(drawn, pa.array(made_up), new)
        offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32))
        joined = pc.binary_join(pa.ListArray.from_arrays(offsets, drawn), separator)
        yield (f"{stop}\n".join(joined.to_pylist()) + f"{stop}\n").encode()


def _words(code: str) -> tuple[list[str], np.ndarray]:
    """Words, the most frequent first, and their shares of text."""
    if code == "th":  # wordfreq has no Thai; pythainlp has words without frequencies, which Zipf's law gives
        from pythainlp.corpus import thai_words

        words = sorted(thai_words(), key=lambda word: (len(word), word))
        shares = 1 / np.arange(3, len(words) + 3)
    else:
        import wordfreq

        frequencies = wordfreq.get_frequency_dict(code, wordlist="best")
        words, shares = list(frequencies), np.fromiter(frequencies.values(), float)
    return words, shares / shares.sum()
