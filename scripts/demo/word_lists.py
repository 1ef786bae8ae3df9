"""Write each language's word frequencies as a list that `select-vocab count` reads: `word<TAB>count`.

    python scripts/demo/word_lists.py --out FOLDER [LANGUAGE...]

The frequencies come from the packages wordfreq (14 languages) and pythainlp (Thai). Such lists are of words
alone and in lower case, so each word comes capitalized as well, and the lists are completed by punctuation,
digits and single characters. Chinese, Japanese and Thai write words without spaces between them, which a
SentencePiece model tokenizes differently from a word by itself; for them, lines of words drawn by frequency
are added. The sentences that the demo tests with are not among what is counted.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import UsageError

WITHOUT_SPACES = ("ja", "th", "zh")
OCCURRENCES = 1e9  # what a list stands for: wordfreq's rarest words, 1e-8, occur ten times in it
CAPITALIZED = 0.1  # of a word's occurrences: at the beginning of a sentence, in a title
DRAWN_LINES = 30_000
DRAWN_WORDS = 12
PUNCTUATION = ".,;:!?…-–—'’\"“”„«»()[]/%&+*=€$£°。、！？「」・（）《》，；：؟،؛"
SIGN_COUNT = 100_000
# Encodings from before Unicode: what they can write is what ordinary text of a language is written with.
ENCODINGS = {
    **dict.fromkeys(("de", "en", "es", "fr", "it", "nl", "pt"), ("cp1252",)),
    **{"ar": ("cp1256",), "pl": ("cp1250",), "ru": ("cp1251",), "th": ("cp874",), "tr": ("cp1254",)},
    **{"ja": ("cp932",), "ko": ("euc_kr",), "zh": ("gb2312", "big5")},
}


def read_frequencies(language: str) -> dict[str, float]:
    """Word → share of the language's text."""
    if language == "th":
        from pythainlp.corpus import tnc

        counts = {word: count for word, count in tnc.unigram_word_freqs().items() if word.strip()}
        total = sum(counts.values())
        # pythainlp gives them out of a set, in another order every time, and lines are drawn by their order.
        return {word: count / total for word, count in sorted(counts.items())}
    import wordfreq

    return wordfreq.get_frequency_dict(language, "best")


def list_lines(language: str, frequencies: Mapping[str, float]) -> Iterator[tuple[str, int]]:
    """Everything that is counted for a language, and how often."""
    for word, share in frequencies.items():
        count = max(1, round(share * OCCURRENCES))
        yield word, count
        capitalized = word[:1].upper() + word[1:]
        if capitalized != word:
            yield capitalized, max(1, round(CAPITALIZED * count))
    if language in WITHOUT_SPACES:
        for line in draw_lines(frequencies):
            yield line, round(OCCURRENCES / DRAWN_LINES / DRAWN_WORDS)
    for sign in [*PUNCTUATION, *map(str, range(100))]:
        yield sign, SIGN_COUNT
        yield f"a{sign}", SIGN_COUNT  # behind a word, too
    for character in characters(language):
        yield character, 1  # so that none becomes unknown


def characters(language: str) -> Iterator[str]:
    """Every character that the language's encodings can write, but for spaces and control characters."""
    for point in range(0x10000):
        character = chr(point)
        if character.isprintable() and not character.isspace() and _is_writable(character, language):
            yield character


def _is_writable(character: str, language: str) -> bool:
    for encoding in ENCODINGS[language]:
        try:
            character.encode(encoding)
        except UnicodeEncodeError:
            continue
        return True
    return False


def draw_lines(frequencies: Mapping[str, float]) -> Iterator[str]:
    """Words drawn by their frequency, without spaces between them."""
    words, shares = list(frequencies), np.array(list(frequencies.values()))
    drawn = np.random.default_rng(0).choice(len(words), (DRAWN_LINES, DRAWN_WORDS), p=shares / shares.sum())
    for row in drawn:
        yield "".join(words[number] for number in row)


def main(arguments: list[str] | None = None) -> int:
    """Run as a command with `arguments` (default: the process's) and return its exit code."""
    parser = CommandParser(prog="word_lists.py", description=(__doc__ or "").partition("\n")[0])
    parser.set_defaults(run=_write)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="default: all 15")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER")
    return run_command(parser, arguments)


def _write(options: argparse.Namespace) -> None:
    unknown = [language for language in options.languages if language not in ENCODINGS]
    if unknown:
        raise UsageError(f"the demo has no language {unknown[0]!r}; it has {', '.join(sorted(ENCODINGS))}")
    for language in options.languages or sorted(ENCODINGS):
        file = options.out / f"{language}.tsv"
        with (
            new_file(file, overwrite=True) as partial,
            partial.open("w", encoding="utf-8", newline="\n") as out,
        ):
            lines = list_lines(language, read_frequencies(language))
            out.writelines(f"{line}\t{count}\n" for line, count in lines)


if __name__ == "__main__":
    sys.exit(main())
