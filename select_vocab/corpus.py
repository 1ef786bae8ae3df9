"""Where a language's text comes from: Wikipedia, local files, or any Hugging Face dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaller_labse.select_vocab.errors import SmallerLabseError, UsageError
from smaller_labse.select_vocab.languages import Language, find_language
from smaller_labse.select_vocab.text import column_lines, read_lines

WIKIPEDIA = "wikimedia/wikipedia"
WIKIPEDIA_DATE = "20231101"


@dataclass(frozen=True)
class Source:
    """The text of one language from one place, counted into one file.

    Attributes:
        name: the file's name: the language's code, or a Wikipedia's where a language has several.
        language: the language.
        description: where the text is, for people, and to tell whether it was counted before.
        read: opens the text and yields its lines.
    """

    name: str
    language: Language
    description: str
    read: Callable[[], Iterator[str]]


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
                    _dataset_reader(dataset, config, "train", "text"),
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
        description = " ".join(part for part in filled if part)
        sources.append(Source(language.code, language, description, _dataset_reader(*filled, text_field)))
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
    if not wanted:
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
        sources.append(Source(language.code, language, str(path), _file_reader(path, text_field)))
    return _require_different(sources, "--text")


def fill_in(pattern: str, language: Language) -> str:
    """Put a language's code, ISO 639-3 code and name where a pattern says `{code}`, `{iso3}`, `{name}`."""
    for placeholder, value in (("code", language.code), ("iso3", language.iso3), ("name", language.name)):
        pattern = pattern.replace("{" + placeholder + "}", value)
    return pattern


def _file_reader(path: Path, text_field: str) -> Callable[[], Iterator[str]]:
    return lambda: read_lines(path, text_field)


def _dataset_reader(
    dataset: str, config: str | None, split: str, text_field: str
) -> Callable[[], Iterator[str]]:
    return lambda: _dataset_lines(dataset, config, split, text_field)


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

    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
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
