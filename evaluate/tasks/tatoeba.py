"""Accuracy on Tatoeba: does a sentence find its translation among all sentences of the other language?

The test is LASER's (arXiv 1812.10464, section 4.3 and appendix), on its v1 files: `tatoeba.{iso3}-eng.{iso3}`
and `.eng`, whose lines are translations of each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import progress
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.result_table import Table
from smaller_labse.corpora.languages import LANGUAGES, Language, find_language
from smaller_labse.corpora.text_files import read_sentences
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.metrics.nearest_neighbours import found_both_ways
from smaller_labse.evaluate.tasks.translation_retrieval import Parallel

ENGLISH = find_language("en").iso3
FILE_NAME = re.compile(rf"tatoeba\.([a-z]{{3}})-{ENGLISH}\.(?:\1|{ENGLISH})")
CODES = {language.iso3: language.code for language in LANGUAGES}


@dataclass(frozen=True)
class Pairs:
    """The sentences of one language and their translations, line by line.

    Attributes:
        language: its code in results: LaBSE's, or ISO 639-3 where LaBSE does not know the language.
        foreign: sentences of that language.
        english: their translations, as many.
    """

    language: str
    foreign: tuple[str, ...]
    english: tuple[str, ...]


@dataclass(frozen=True)
class LanguageAccuracy:
    """How many sentences of one language found their translation.

    Attributes:
        language: see `Pairs`.
        pairs: how many sentences there are on each side.
        from_english: en→xx, English sentences looking for their translation; a share, 0 to 1.
        to_english: xx→en, the other way round.
    """

    language: str
    pairs: int
    from_english: float
    to_english: float


@dataclass(frozen=True)
class ModelAccuracy:
    """One model's accuracy.

    Attributes:
        model: its name.
        folder: where it came from.
        languages: in the order in which they were asked for.
        average_from_english: the mean of the languages, each counted alike.
        average_to_english: likewise.
    """

    model: str
    folder: str
    languages: tuple[LanguageAccuracy, ...]
    average_from_english: float
    average_to_english: float


def tatoeba(
    models: Sequence[NamedModel],
    data: Path,
    languages: Sequence[Language] | None = None,
    prompt: str | None = None,
) -> tuple[ModelAccuracy, ...]:
    """Measure models on Tatoeba, one after another.

    A sentence's nearest neighbour is the one of the highest cosine; among equally near ones the first
    counts, so of two pairs with the same translation only the first can be found.

    Args:
        models: to measure; only one is in memory at a time.
        data: the folder of the `tatoeba.{iso3}-eng.*` files.
        languages: to measure; English is passed over. All that `data` holds, by code, if left out.
        prompt: what goes before every sentence; None for each model's own.

    Raises:
        SmallerLabseError: a file is missing, empty or not UTF-8, the two files of a language differ in
            length, or a model cannot be loaded or returned NaN or infinity.
    """
    pairs = read_pairs(data, languages)
    import_tensorflow_quietly()
    from smaller_labse.encoders.load import load

    results = []
    with progress("encoding", len(models) * sum(2 * len(pair.english) for pair in pairs), "texts") as advance:
        for model in models:
            encode = partial(load(model.folder, prompt=prompt).encode, normalize=True, advance=advance)
            results.append(measure(model, pairs, encode))
            del encode  # before the next one is loaded
    return tuple(results)


def tatoeba_tasks(data: Path, languages: Sequence[Language] | None = None) -> list[Parallel]:
    """The languages as tasks, one each, so that each one's result is kept by itself; see `tatoeba`."""
    return [
        Parallel((find_language("en").code, pairs.language), pairs.english, pairs.foreign, "tatoeba")
        for pairs in read_pairs(data, languages)
    ]


def measure(
    model: NamedModel, pairs: Sequence[Pairs], encode: Callable[[Sequence[str]], np.ndarray]
) -> ModelAccuracy:
    """Measure one model.

    Args:
        model: what it is called in the result.
        pairs: at least one language's.
        encode: texts → embeddings of length 1, float [texts, width].
    """
    languages = tuple(_measure_language(pair, encode) for pair in pairs)
    return ModelAccuracy(
        model=model.name,
        folder=model.folder,
        languages=languages,
        average_from_english=fmean(language.from_english for language in languages),
        average_to_english=fmean(language.to_english for language in languages),
    )


def read_pairs(data: Path, languages: Sequence[Language] | None = None) -> list[Pairs]:
    """Read the pairs of the languages, or of all that there are; see `tatoeba`."""
    present = find_iso3(data)
    if languages is None:
        wanted = sorted(present, key=_code)
    else:
        wanted = [language.iso3 for language in languages if language.iso3 != ENGLISH]
        if not wanted:
            raise SmallerLabseError("English alone has no pairs; name a language to pair it with")
    return [_read_pair(data, iso3, present) for iso3 in wanted]


def find_iso3(data: Path) -> list[str]:
    """The languages, by ISO 639-3, of which a folder holds Tatoeba's pairs (or half of them).

    Raises:
        SmallerLabseError: there is no such folder, or it holds none.
    """
    if not data.is_dir():
        raise SmallerLabseError(f"{data}: no such folder; expected one with tatoeba.xxx-{ENGLISH}.xxx files")
    matches = (FILE_NAME.fullmatch(file.name) for file in data.iterdir())
    found = sorted({match[1] for match in matches if match})
    if not found:
        raise SmallerLabseError(f"{data}: no tatoeba.xxx-{ENGLISH}.xxx in it, expected Tatoeba's v1 files")
    return found


def accuracy_table(results: Sequence[ModelAccuracy]) -> Table:
    """Accuracy in percent: a row a model and direction, a column a language, the average last."""
    languages = [language.language for language in results[0].languages]
    rows = []
    for result in results:
        columns = result.languages
        forward = [*(column.from_english for column in columns), result.average_from_english]
        back = [*(column.to_english for column in columns), result.average_to_english]
        rows.append([f"{result.model} en→xx", *(f"{100 * share:.2f}" for share in forward)])
        rows.append([f"{result.model} xx→en", *(f"{100 * share:.2f}" for share in back)])
    return Table(["", *languages, "avg"], rows)


def _code(iso3: str) -> str:
    return CODES.get(iso3, iso3)


def _read_pair(data: Path, iso3: str, present: Sequence[str]) -> Pairs:
    files = [data / f"tatoeba.{iso3}-{ENGLISH}.{side}" for side in (iso3, ENGLISH)]
    for file in files:
        if not file.is_file():
            codes = ", ".join(sorted(_code(other) for other in present))
            raise SmallerLabseError(f"{file}: there is no such file; the folder has pairs of {codes}")
    foreign, english = (tuple(read_sentences(file)) for file in files)
    if len(foreign) != len(english):
        raise SmallerLabseError(
            f"{files[0]} has {len(foreign):,} lines, but {files[1].name} has {len(english):,}; "
            "expected the translation of each line in the same line"
        )
    return Pairs(_code(iso3), foreign, english)


def _measure_language(pairs: Pairs, encode: Callable[[Sequence[str]], np.ndarray]) -> LanguageAccuracy:
    from_english, to_english = found_both_ways(encode(pairs.english), encode(pairs.foreign))
    return LanguageAccuracy(
        language=pairs.language,
        pairs=len(pairs.english),
        from_english=float(from_english.mean()),
        to_english=float(to_english.mean()),
    )
