"""Translation retrieval: does each sentence find its translation among all sentences of the other language?

Precision at 1 by cosine, both ways, searched exactly; of equal sentences the first counts. It is LASER's test
on Tatoeba (arXiv 1812.10464, section 4.3 and appendix) and LaBSE's on the UN's Parallel Corpus (arXiv
2007.01852, section 5.2). Data are two line-aligned files, or a folder of Tatoeba's v1 files:
`tatoeba.{iso3}-eng.{iso3}` and `.eng`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError, all_of
from smaller_labse.corpora.language_files import expand_user
from smaller_labse.corpora.languages import LANGUAGES, Language, find_language
from smaller_labse.corpora.text_files import read_sentences
from smaller_labse.evaluate.tasks.task import Encode
from smaller_labse.metrics.nearest_neighbours import found_both_ways
from smaller_labse.metrics.scores import Score

ENGLISH = find_language("en")
FILE_NAME = re.compile(rf"tatoeba\.([a-z]{{3}})-{ENGLISH.iso3}\.(?:\1|{ENGLISH.iso3})")
BY_ISO3 = {language.iso3: language for language in LANGUAGES}
CODES = {iso3: language.code for iso3, language in BY_ISO3.items()}


@dataclass(frozen=True)
class TranslationRetrieval:
    """Sentences and their translations, line by line, as a task.

    Attributes:
        languages: what the two are called. Of Tatoeba's files English, and the other language's code:
            LaBSE's, or ISO 639-3 where LaBSE does not know the language.
        left: sentences.
        right: their translations, as many.
        name: of the task.
        source: where they come from, as the user wrote it.
    """

    languages: tuple[str, str]
    left: tuple[str, ...]
    right: tuple[str, ...]
    name: str = "retrieval"
    source: str = field(default="", repr=False, compare=False)  # no part of what is measured

    def texts(self) -> dict[str, tuple[str, ...]]:
        """Language → the sentences that are encoded."""
        return dict(zip(self.languages, (self.left, self.right), strict=True))

    def pairs(self) -> dict[str, int]:
        """How many pairs of sentences there are."""
        return {"-".join(self.languages): len(self.left)}

    def measure(self, encode: Encode) -> list[Score]:
        """Precision at 1: from left to right, and back.

        Args:
            encode: texts → embeddings of length 1, float [texts, hidden size].
        """
        left, right = self.languages
        there, back = found_both_ways(encode(self.left), encode(self.right))
        sample = f"{left}-{right}"
        return [
            Score(self.name, f"{left}→{right}", "precision at 1", there, sample),
            Score(self.name, f"{right}→{left}", "precision at 1", back, sample),
        ]


def read_parallel(text: str) -> TranslationRetrieval:
    """Read what a user writes as XX=FILE,YY=FILE.

    Raises:
        UsageError: it is not of that form.
        SmallerLabseError: a file cannot be read or is empty, or the two differ in length.
    """
    sides = [side.partition("=") for side in text.split(",")]
    if len(sides) != 2 or not all(name and equals and file for name, equals, file in sides):
        raise UsageError(f"--parallel {text!r}: expected XX=FILE,YY=FILE")
    (left, _, left_file), (right, _, right_file) = sides
    if left == right:
        raise UsageError(f"--parallel {text!r}: both sides are called {left}; name them apart")
    return TranslationRetrieval(
        (left, right),
        *_read_aligned(expand_user(left_file), expand_user(right_file)),
        source=f"{left_file}, {right_file}",
    )


def read_tatoeba(folder: Path, languages: Sequence[Language] | None = None) -> list[TranslationRetrieval]:
    """Read Tatoeba's pairs with English: one task per language, so that each one's result is kept by itself.

    Args:
        folder: holds the `tatoeba.{iso3}-eng.*` files.
        languages: to read; English is passed over. None for all that the folder holds, by code.

    Raises:
        UsageError: English is the only one of `languages`.
        SmallerLabseError: there is no such folder, a file is missing, empty or not UTF-8, or the two files
            of a language differ in length; a line for each language.
    """
    present = _find_iso3(folder)
    if languages is None:
        wanted = sorted(present, key=_code)
    else:
        wanted = [language.iso3 for language in languages if language.iso3 != ENGLISH.iso3]
        if not wanted:
            raise UsageError("English alone has no pairs; name a language to pair it with")
    return all_of(*(partial(_read_pairs, folder, iso3, present) for iso3 in wanted))


def _find_iso3(folder: Path) -> list[str]:
    """The languages, by ISO 639-3, of which a folder holds Tatoeba's pairs (or half of them)."""
    expected = f"tatoeba.xxx-{ENGLISH.iso3}.xxx"
    if not folder.is_dir():
        raise SmallerLabseError(f"{folder}: no such folder; expected one with {expected} files")
    matches = (FILE_NAME.fullmatch(file.name) for file in folder.iterdir())
    found = sorted({match[1] for match in matches if match})
    if not found:
        raise SmallerLabseError(f"{folder}: no {expected} in it, expected Tatoeba's v1 files")
    return found


def _read_pairs(folder: Path, iso3: str, present: Sequence[str]) -> TranslationRetrieval:
    files = [folder / f"tatoeba.{iso3}-{ENGLISH.iso3}.{side}" for side in (iso3, ENGLISH.iso3)]
    for file in files:
        if not file.is_file():
            others = ", ".join(sorted(str(BY_ISO3.get(other, other)) for other in present))
            raise SmallerLabseError(f"{file}: there is no such file; the folder has pairs of {others}")
    foreign, english = _read_aligned(*files)
    return TranslationRetrieval((ENGLISH.code, _code(iso3)), english, foreign, "tatoeba", str(folder))


def _read_aligned(left: Path, right: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    sentences, translations = tuple(read_sentences(left)), tuple(read_sentences(right))
    if len(sentences) != len(translations):
        raise SmallerLabseError(
            f"{left} has {len(sentences):,} lines, but {right} has {len(translations):,}; "
            "expected the translation of each line in the same line"
        )
    return sentences, translations


def _code(iso3: str) -> str:
    return CODES.get(iso3, iso3)
