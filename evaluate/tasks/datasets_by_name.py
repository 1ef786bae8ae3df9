"""Test data by name, from the Hugging Face hub through `datasets`: Tatoeba, BUCC, STS17, FLORES-200.

The repositories, revisions and formats are those that mteb 2.26 reads (`mteb/tasks/` in
github.com/embeddings-benchmark/mteb):

- `tatoeba`: a configuration a language, `fra-eng`, with `sentence1` in it and `sentence2` in English;
- `bucc`: BUCC 2018's training split, a configuration a pair, `fr-en`, of one record: the lists `sentence1`,
  `sentence2`, and `gold`, pairs of their numbers from 1 on;
- `sts17`: a configuration a pair, `en-de`, with `sentence1`, `sentence2` and `score`;
- `flores200`: one configuration, a column a language, `fra_Latn`, each row one sentence in all of them; the
  split `devtest`.

Instead of the hub, a folder in the same layout is read: "tatoeba=FOLDER".
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.language_files import expand_user
from smaller_labse.corpora.languages import Language
from smaller_labse.corpora.records.dataset_lines import open_dataset
from smaller_labse.evaluate.tasks.bitext_mining import BitextMining, Split
from smaller_labse.evaluate.tasks.sts import Sts
from smaller_labse.evaluate.tasks.translation_retrieval import CODES, ENGLISH, TranslationRetrieval

BUCC_PAIRS = ("de-en", "fr-en", "ru-en", "zh-en")
STS17_PAIRS = (
    *("ar-ar", "en-ar", "en-de", "en-en", "en-tr", "es-en", "es-es", "fr-en", "it-en", "ko-ko", "nl-en"),
)
FLORES_ENGLISH = "eng_Latn"
FLORES_NAME = re.compile(r"[a-z]{3}_[A-Z][a-z]{3}")
# FLORES-200 names a language of its own where ISO 639's usual code means several (a macrolanguage).
FLORES_CODES = {
    **{"ar": "arb_Arab", "az": "azj_Latn", "fa": "pes_Arab", "ko": "kor_Hang", "ku": "kmr_Latn"},
    **{"lv": "lvs_Latn", "mg": "plt_Latn", "mn": "khk_Cyrl", "ms": "zsm_Latn", "ne": "npi_Deva"},
    **{"no": "nob_Latn", "or": "ory_Orya", "sq": "als_Latn", "sw": "swh_Latn", "tl": "tgl_Latn"},
    **{"uz": "uzn_Latn", "yi": "ydd_Hebr"},
}


@dataclass(frozen=True)
class Dataset:
    """Test data on the hub.

    Attributes:
        path: the repository, or a local folder in its layout.
        revision: the commit; None for a local folder.
        split: the split that is measured on.
        instead: what to do without the hub.
    """

    path: str
    revision: str | None
    split: str
    instead: str

    @property
    def source(self) -> str:
        """What a report calls it."""
        revision = "" if self.revision is None else f" of revision {self.revision[:7]}"
        return f"{self.path}{revision} ({self.split})"

    def columns(self, config: str | None, names: Sequence[str] | None = None) -> dict[str, list[Any]]:
        """Columns of a configuration, whole.

        Args:
            config: its name; None where there is only one.
            names: of the columns; None for all.

        Raises:
            SmallerLabseError: it cannot be reached, has no such columns, or no record.
        """
        table = open_dataset(self.path, config, self.split, self.instead, self.revision)
        source = " ".join(part for part in (self.path, config, self.split) if part)
        missing = [name for name in names or () if name not in table.column_names]
        if missing:
            raise SmallerLabseError(
                f"{source}: no column {missing[0]!r}, it has {', '.join(table.column_names)}; "
                f"{self.instead} instead"
            )
        if not len(table):
            raise SmallerLabseError(f"{source}: no record in it")
        return {name: list(table[name]) for name in names or table.column_names}

    def texts(self, config: str | None, names: Sequence[str]) -> list[tuple[str, ...]]:
        """Columns of text; see `columns`.

        Raises:
            SmallerLabseError: as `columns`, or a record holds something else than text.
        """
        columns = self.columns(config, names)
        return [self.only_texts(config, name, columns[name]) for name in names]

    def only_texts(self, config: str | None, name: str, texts: Sequence[Any]) -> tuple[str, ...]:
        """Values that were read of a configuration's column, all of them text.

        Raises:
            SmallerLabseError: one is something else.
        """
        for number, text in enumerate(texts, start=1):
            if not isinstance(text, str):
                source = " ".join(part for part in (self.path, config) if part)
                raise SmallerLabseError(
                    f"{source}: record {number} has {repr(text)[:60]} in {name!r}, expected text"
                )
        return tuple(texts)


DatasetTask = TranslationRetrieval | BitextMining | Sts
DATASETS: Mapping[str, Dataset] = {
    "tatoeba": Dataset(
        "mteb/tatoeba-bitext-mining",
        "69e8f12da6e31d59addadda9a9c8a2e601a0e282",
        "test",
        "give files: --tatoeba FOLDER",
    ),
    "bucc": Dataset(
        "mteb/BUCC", "414572247440f0ccacf7eb0bb70a31533a0e5443", "test", "give files: --bucc FOLDER"
    ),
    "sts17": Dataset(
        "mteb/sts17-crosslingual-sts",
        "faeb762787bd10488a50c8b5be4a3b82e411949c",
        "test",
        "give files: --sts NAME=FILE",
    ),
    "flores200": Dataset(
        "mteb/FloresBitextMining",
        "2144d16cc15edd22d4a9237d12bff5f31f5c07fc",
        "devtest",
        "give files: --parallel en=FILE,fr=FILE",
    ),
}


def read_dataset(text: str, languages: Sequence[Language] | None = None) -> list[DatasetTask]:
    """Read test data by name: one task per language or pair of languages.

    Args:
        text: "tatoeba", "bucc", "sts17" or "flores200"; or "tatoeba=FOLDER" for a local folder in the
            layout of the hub's.
        languages: which, English being the other one; None for all that there are.

    Raises:
        UsageError: there are no data of that name.
        SmallerLabseError: they cannot be reached, are not of the format, or have none of the languages.

    Example:
        >>> tasks = read_dataset("tatoeba", parse_languages("fr,de"))  # doctest: +SKIP
        >>> [task.languages for task in tasks]  # doctest: +SKIP
        [('en', 'fr'), ('en', 'de')]
    """
    name, equals, place = text.partition("=")
    if name not in DATASETS or (equals and not place):
        raise UsageError(f"--dataset {text!r}: expected {', '.join(DATASETS)}, or NAME=FOLDER of one of them")
    dataset = DATASETS[name]
    if place:
        folder = expand_user(place)
        if not folder.is_dir():
            raise SmallerLabseError(f"{folder}: no such folder; expected one in the layout of {dataset.path}")
        dataset = Dataset(os.fspath(folder), None, dataset.split, dataset.instead)
    tasks = READERS[name](dataset, languages)
    if not tasks:
        wanted = ", ".join(language.code for language in languages or ())
        raise SmallerLabseError(f"--dataset {text}: it has no pair of the languages {wanted}")
    return [replace(task, source=dataset.source) for task in tasks]


def _read_tatoeba(dataset: Dataset, languages: Sequence[Language] | None) -> list[DatasetTask]:
    if languages is None:
        iso3 = [name.removesuffix("-eng") for name in _configs(dataset) if name.endswith("-eng")]
        iso3.sort(key=lambda code: CODES.get(code, code))
    else:
        iso3 = [language.iso3 for language in languages if language.code != ENGLISH.code]
    tasks: list[DatasetTask] = []
    for code in iso3:
        foreign, english = dataset.texts(f"{code}-eng", ("sentence1", "sentence2"))
        names = (ENGLISH.code, CODES.get(code, code))
        tasks.append(TranslationRetrieval(names, english, foreign, "tatoeba"))
    return tasks


def _read_bucc(dataset: Dataset, languages: Sequence[Language] | None) -> list[DatasetTask]:
    tasks: list[DatasetTask] = []
    for pair in _wanted_pairs(BUCC_PAIRS, languages):
        columns = dataset.columns(pair, ("sentence1", "sentence2", "gold"))
        (left, right, gold), *more = zip(*columns.values(), strict=True)
        if more or not all(isinstance(cell, list) for cell in (left, right, gold)):
            raise SmallerLabseError(f"{dataset.path} {pair}: expected one record of three lists")
        first_texts = dataset.only_texts(pair, "sentence1", left)
        second_texts = dataset.only_texts(pair, "sentence2", right)
        pairs: dict[tuple[int, int], int] = {}
        for number, cells in enumerate(gold, start=1):
            first, second = _require_two_integers(dataset, pair, number, cells)
            if not (1 <= first <= len(left) and 1 <= second <= len(right)):
                raise SmallerLabseError(
                    f"{dataset.path} {pair}: the true pair {number} names the sentences {first} and "
                    f"{second}, but there are {len(left):,} and {len(right):,}"
                )
            pairs[first - 1, second - 1] = number
        first_code, _, second_code = pair.partition("-")
        tasks.append(BitextMining((first_code, second_code), Split(first_texts, second_texts, pairs), None))
    return tasks


def _read_sts17(dataset: Dataset, languages: Sequence[Language] | None) -> list[DatasetTask]:
    tasks: list[DatasetTask] = []
    for pair in _wanted_pairs(STS17_PAIRS, languages):
        left, right = dataset.texts(pair, ("sentence1", "sentence2"))
        scores = dataset.columns(pair, ("score",))["score"]
        for number, score in enumerate(scores, start=1):
            if not isinstance(score, int | float) or not math.isfinite(score):
                raise SmallerLabseError(
                    f"{dataset.path} {pair}: record {number} has the score {score!r}, expected a number"
                )
        tasks.append(Sts(pair, left, right, tuple(map(float, scores))))
    return tasks


def _read_flores200(dataset: Dataset, languages: Sequence[Language] | None) -> list[DatasetTask]:
    table = dataset.columns(None)
    if languages is None:
        codes = {name: name for name in table if FLORES_NAME.fullmatch(name) and name != FLORES_ENGLISH}
    else:
        codes = {_flores_code(one): one.code for one in languages if one.code != ENGLISH.code}
    tasks: list[DatasetTask] = []
    for column, code in codes.items():
        for name in (FLORES_ENGLISH, column):
            if name not in table:
                raise SmallerLabseError(f"{dataset.path}: no language {name} in it")
        english, foreign = (dataset.only_texts(None, name, table[name]) for name in (FLORES_ENGLISH, column))
        tasks.append(TranslationRetrieval((ENGLISH.code, code), english, foreign, "flores200"))
    return tasks


def _require_two_integers(dataset: Dataset, pair: str, number: int, cells: Any) -> tuple[int, int]:
    if isinstance(cells, list) and len(cells) == 2 and all(type(cell) is int for cell in cells):
        return cells[0], cells[1]
    raise SmallerLabseError(
        f"{dataset.path} {pair}: the true pair {number} is {str(cells)[:60]}, expected the numbers of two "
        "sentences"
    )


READERS: Mapping[str, Callable[[Dataset, Sequence[Language] | None], list[DatasetTask]]] = {
    "tatoeba": _read_tatoeba,
    "bucc": _read_bucc,
    "sts17": _read_sts17,
    "flores200": _read_flores200,
}


def _configs(dataset: Dataset) -> list[str]:
    import datasets

    try:
        return datasets.get_dataset_config_names(dataset.path, revision=dataset.revision)
    except Exception as error:
        # datasets raises whatever its transport raises.
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise SmallerLabseError(
            f"{dataset.path}: cannot be reached ({reason}); check the network, or {dataset.instead}"
        ) from error


def _wanted_pairs(pairs: Sequence[str], languages: Sequence[Language] | None) -> list[str]:
    """Of pairs such as "en-de", those of the languages and English; English alone does not count."""
    if languages is None:
        return list(pairs)
    wanted = {language.code for language in languages}
    known = wanted | {ENGLISH.code}
    return [pair for pair in pairs if set(pair.split("-")) & wanted and set(pair.split("-")) <= known]


def _flores_code(language: Language) -> str:
    """A language's name in FLORES-200: ISO 639-3, and the script that is usual or that its code names."""
    import langcodes

    if language.code in FLORES_CODES:
        return FLORES_CODES[language.code]
    tag = langcodes.Language.get(language.code).maximize()
    return f"{tag.to_alpha3()}_{tag.script}"
