"""Where a language's text comes from: Wikipedia, local files, or any Hugging Face dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.languages import Language, find_language
from smaller_labse.corpora.text_files import (
    WORD_COUNT_ENDINGS,
    column_lines,
    read_lines,
    read_word_counts,
)

WIKIPEDIA = "wikimedia/wikipedia"
WIKIPEDIA_DATE = "20231101"
TEXT_FIELD = "text"


@dataclass(frozen=True)
class Source:
    """The text of one language from one place, counted into one file.

    Attributes:
        name: the file's name: the language's code, or a Wikipedia's where a language has several.
        language: the language.
        description: where the text is, for people, and to tell whether it was counted before.
        read: opens the text and yields its lines; of a list of words, each word and how often it occurs.
        is_word_list: whether it is a list of words.
    """

    name: str
    language: Language
    description: str
    read: Callable[[], Iterator[str]] | Callable[[], Iterator[tuple[str, int]]]
    is_word_list: bool = False


def wikipedia_sources(
    languages: Sequence[Language], dataset: str = WIKIPEDIA, date: str = WIKIPEDIA_DATE
) -> list[Source]:
    """Every Wikipedia of the languages, streamed from a Hugging Face dataset.

    Args:
        languages: Chinese has two Wikipedias and so gives two sources.
        dataset: the dataset's name on the hub, or a local folder that is laid out like it, with a
            configuration `{date}.{wikipedia}` and a column `text`.
        date: the dump, e.g. "20231101".

    Raises:
        UsageError: a language has no Wikipedia.
    """
    sources = []
    for language in languages:
        if not language.wikipedias:
            raise UsageError(
                f"{language.name} ({language.code}) has no Wikipedia; give text of it with "
                f"--text {language.code}=FILE"
            )
        for wikipedia in language.wikipedias:
            config = f"{date}.{wikipedia.replace('_', '-')}"
            sources.append(
                Source(
                    wikipedia,
                    language,
                    f"{dataset} {config}",
                    partial(_dataset_lines, dataset, config, "train", TEXT_FIELD),
                )
            )
    return sources


def dataset_sources(
    languages: Sequence[Language], dataset: str, config: str | None, split: str, text_field: str
) -> list[Source]:
    """A Hugging Face dataset with a column of text, streamed.

    Args:
        languages: with several of them, `dataset`, `config` or `split` must differ by language.
        dataset: the dataset's name; `{code}`, `{iso3}` and `{name}` in it, in `config` and in `split` stand
            for the language's.
        config: the configuration; None where the dataset has only one.
        split: the split, e.g. "train".
        text_field: the column.

    Raises:
        UsageError: several languages would be counted from the same text.
    """
    sources = []
    for language in languages:
        filled = [fill_in(part, language) if part else None for part in (dataset, config, split)]
        description = _described([part for part in filled if part], text_field)
        sources.append(
            Source(language.code, language, description, partial(_dataset_lines, *filled, text_field))
        )
    return _require_different(sources, "--dataset, --dataset-config or --split")


def file_sources(languages: Sequence[Language], texts: Sequence[str], text_field: str) -> list[Source]:
    """Local files or folders of them.

    Args:
        languages: the languages to count; empty for all that `texts` names.
        texts: each `LANGUAGE=PATH`, or a path with `{code}`, `{iso3}` or `{name}` in the language's place.
        text_field: see `read_lines`.

    Raises:
        UsageError: a language has no text, or two languages have the same.
        SmallerLabseError: a path does not exist.
    """
    patterns: list[str] = []
    paths: dict[Language, Path] = {}
    for text in texts:
        language, separator, path = text.partition("=")
        if separator and "{" not in language and "/" not in language:
            named = find_language(language)
            if named in paths:
                raise UsageError(f"--text names {named.name} twice; put its files into one folder")
            paths[named] = Path(path)
        elif "{" in text:
            patterns.append(text)
        else:
            raise UsageError(f"--text {text}: write LANGUAGE=PATH, or put {{code}} or {{iso3}} into the path")
    wanted = list(languages) or list(paths)
    if not wanted or (patterns and not languages):
        raise UsageError("name the languages with --languages, or write --text LANGUAGE=PATH")
    sources = []
    for language in wanted:
        candidates = (
            [paths[language]] if language in paths else [Path(fill_in(p, language)) for p in patterns]
        )
        if not candidates:
            raise UsageError(
                f"no text for {language.name} ({language.code}); add --text {language.code}=PATH"
            )
        path = next((path for path in candidates if path.exists()), candidates[0])
        if not path.exists():
            raise SmallerLabseError(f"{path}: there is no such text for {language.name} ({language.code})")
        if path.name.endswith(WORD_COUNT_ENDINGS):
            read = partial(read_word_counts, path)
            sources.append(Source(language.code, language, str(path), read, is_word_list=True))
        else:
            description = _described([str(path)], text_field)
            sources.append(
                Source(language.code, language, description, partial(read_lines, path, text_field))
            )
    return _require_different(sources, "--text")


def fill_in(pattern: str, language: Language) -> str:
    """Put a language's code, ISO 639-3 code and name where a pattern says `{code}`, `{iso3}`, `{name}`."""
    for placeholder, value in (("code", language.code), ("iso3", language.iso3), ("name", language.name)):
        pattern = pattern.replace("{" + placeholder + "}", value)
    return pattern


def _dataset_lines(dataset: str, config: str | None, split: str, text_field: str) -> Iterator[str]:
    source = " ".join(part for part in (dataset, config) if part)
    records = _open_dataset(dataset, config, split, source)
    try:
        for record in records:
            if text_field not in record:
                raise SmallerLabseError(
                    f"{source}: no column {text_field!r}, it has {', '.join(record)}; "
                    "name the one that holds text with --text-field"
                )
            yield from column_lines([record[text_field]], source, text_field)
    except SmallerLabseError:
        raise
    except Exception as error:
        # datasets raises whatever its transport and its file formats raise.
        raise SmallerLabseError(
            f"{source}: reading stopped ({_reason(error)}); run the same command again to go on"
        ) from error


def _open_dataset(dataset: str, config: str | None, split: str, source: str) -> Any:
    import datasets
    import huggingface_hub

    datasets.disable_progress_bars()
    # What they log, each of half a minute's attempts to reach the hub among it, ends in an exception, too.
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)
    huggingface_hub.logging.set_verbosity(huggingface_hub.logging.CRITICAL)
    try:
        # No remote code: datasets that need a script of their own are refused by datasets itself.
        return datasets.load_dataset(dataset, config, split=split, streaming=True)
    except Exception as error:
        raise SmallerLabseError(
            f"{source}: cannot be opened ({_reason(error)}); check the name and the network, "
            "or give local text with --text"
        ) from error


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:300] + "…"


def _described(parts: list[str], text_field: str) -> str:
    """What is counted; another field of the same file is another text."""
    return " ".join(parts if text_field == TEXT_FIELD else [*parts, f"({text_field})"])


def _require_different(sources: list[Source], option: str) -> list[Source]:
    seen: dict[str, Source] = {}
    for source in sources:
        other = seen.setdefault(source.description, source)
        if other is not source:
            raise UsageError(
                f"{other.language.name} and {source.language.name} would be counted from the same text, "
                f"{source.description}; put {{code}} or {{iso3}} into {option}"
            )
    return sources
