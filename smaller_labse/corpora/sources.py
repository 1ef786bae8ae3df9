"""Sources of text: a language's Wikipedia, local files, or any Hugging Face dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.dataset_lines import read_dataset_lines
from smaller_labse.corpora.languages import Language, find_language
from smaller_labse.corpora.records import TEXT_FIELD, text_ending
from smaller_labse.corpora.text_files import read_lines
from smaller_labse.corpora.word_lists import read_word_counts

WIKIPEDIA = "wikimedia/wikipedia"
WIKIPEDIA_DATE = "20231101"


@dataclass(frozen=True)
class Source:
    """The text of one language from one place, counted into one file.

    Attributes:
        name: the file's name: the language's code, or a Wikipedia's where a language has several.
        language: the language.
        description: where the text is, for people, and to tell whether it was counted before.
        read: opens the text and yields its lines; of a word list, each word and how often it occurs.
        is_word_list: whether it is a word list.
        paths: the files and folders of this machine that it reads; empty where it reads none.
    """

    name: str
    language: Language
    description: str
    read: Callable[[], Iterator[str]] | Callable[[], Iterator[tuple[str, int]]]
    is_word_list: bool = False
    paths: tuple[Path, ...] = ()


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
            lines = partial(read_dataset_lines, dataset, config)
            sources.append(Source(wikipedia, language, f"{dataset} {config}", lines, paths=_local(dataset)))
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
        name, part = language.fill(dataset), language.fill(split)
        chosen = language.fill(config) if config else None
        description = _describe([each for each in (name, chosen, part) if each], text_field)
        lines = partial(read_dataset_lines, name, chosen, part, text_field)
        sources.append(Source(language.code, language, description, lines, paths=_local(name)))
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
    paths, patterns = _parse_texts(texts)
    wanted = list(languages) or list(paths)
    if not wanted or (patterns and not languages):
        raise UsageError("name the languages with --languages, or write --text LANGUAGE=PATH")
    sources = []
    for language in wanted:
        path = _find_text(language, paths, patterns)
        if text_ending(path) == ".tsv":
            words = partial(read_word_counts, path)
            sources.append(Source(language.code, language, str(path), words, True, (path,)))
        else:
            lines = partial(read_lines, path, text_field)
            sources.append(
                Source(language.code, language, _describe([str(path)], text_field), lines, paths=(path,))
            )
    return _require_different(sources, "--text")


def _parse_texts(texts: Sequence[str]) -> tuple[dict[Language, Path], list[str]]:
    """The paths of named languages, and the patterns for the others."""
    paths: dict[Language, Path] = {}
    patterns = []
    for text in texts:
        name, separator, path = text.partition("=")
        if separator and "{" not in name and "/" not in name:
            language = find_language(name)
            if language in paths:
                raise UsageError(f"--text names {language.name} twice; put its files into one folder")
            paths[language] = Path(path)
        elif "{" in text:
            patterns.append(text)
        else:
            raise UsageError(f"--text {text}: write LANGUAGE=PATH, or put {{code}} or {{iso3}} into the path")
    return paths, patterns


def _find_text(language: Language, paths: Mapping[Language, Path], patterns: Sequence[str]) -> Path:
    """A language's own path, or the first filled-in pattern that exists."""
    own = [paths[language]] if language in paths else []
    candidates = own or [Path(language.fill(pattern)) for pattern in patterns]
    if not candidates:
        raise UsageError(f"no text for {language.name} ({language.code}); add --text {language.code}=PATH")
    for path in candidates:
        if path.exists():
            return path
    raise SmallerLabseError(f"{candidates[0]}: there is no such text for {language.name} ({language.code})")


def _local(dataset: str) -> tuple[Path, ...]:
    """A dataset's folder, where it is one of this machine."""
    return (Path(dataset),) if Path(dataset).exists() else ()


def _describe(parts: list[str], text_field: str) -> str:
    """What is counted, in words; another field of the same file is another text."""
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
