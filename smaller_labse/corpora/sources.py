"""Sources of text: a language's Wikipedia, files here or behind URLs, or any Hugging Face dataset."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, cast

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.defaults import TEXT_FIELD, WIKIPEDIA, WIKIPEDIA_DATE
from smaller_labse.corpora.labse_languages import Language
from smaller_labse.corpora.language_files import (
    expand_user,
    find_paths,
    is_named,
    require_known_placeholders,
)
from smaller_labse.corpora.languages import find_language, name_language, parse_languages
from smaller_labse.corpora.records.dataset_lines import open_dataset_texts, read_dataset_lines
from smaller_labse.corpora.records.file_records import text_ending
from smaller_labse.corpora.remote.find_remote_paths import find_remote_paths
from smaller_labse.corpora.remote.remote_path import RemotePath
from smaller_labse.corpora.remote.url import as_path, is_url, is_url_pattern, name_of_url, shown_url
from smaller_labse.corpora.shards.line_numbers import LineNumbers
from smaller_labse.corpora.shards.parted_text import PartedText, cut_into_parts
from smaller_labse.corpora.shards.shard import Shard
from smaller_labse.corpora.text_files import find_text_files, parted_file, read_lines, require_fields
from smaller_labse.corpora.text_path import TextPath
from smaller_labse.corpora.word_lists import read_word_counts

LINES_AT_ONCE = 4096  # of a source whose lines come one by one


@dataclass(frozen=True)
class Source:
    """The text of one language from one place, counted into one file.

    Attributes:
        name: the file's name: the language's code, or a Wikipedia's where a language has several.
        language: the language.
        description: where the text is, for messages.
        read: opens the text and yields its lines; of a word list, each word and how often it occurs.
        is_word_list: whether it is a word list.
        paths: the files and folders of this machine that it reads; empty where it reads none.
        corpus: the same as `description` without folders of this machine, which counts, selections and models
            keep and pass on; "" where it names none.
        open_texts: gives the texts that the source consists of, in their order, which hold the lines that
            `read` yields, in blocks, and faster; None where lines come one by one.
        files: the text files among `paths` and in them, and those of URLs; none of a dataset, which finds its
            files itself.
        shard: which of its parts are counted; None for all.
        numbers: how many lines its parts have; None where that is not known, or need not be.
    """

    name: str
    language: Language
    description: str
    read: Callable[[], Iterator[str]] | Callable[[], Iterator[tuple[str, int]]]
    is_word_list: bool = False
    paths: tuple[Path, ...] = ()
    corpus: str = ""
    open_texts: Callable[[], Sequence[PartedText]] | None = None
    files: tuple[TextPath, ...] = ()
    shard: Shard | None = None
    numbers: LineNumbers | None = None

    @property
    def stored_corpus(self) -> str:
        """What a counts file says of where the text came from."""
        return self.corpus or self.description

    def parted_texts(self) -> Sequence[PartedText]:
        """The texts that it consists of; a word list has none."""
        if self.open_texts is not None:
            return self.open_texts()
        lines = cast(Callable[[], Iterator[str]], self.read)
        return [PartedText(1, lambda wanted: cut_into_parts(_blocks_of_lines(lines()), wanted))]

    @property
    def file_name(self) -> str:
        """The name of its counts file: "en.parquet", of a shard "en.3-of-7.parquet"."""
        of_shard = "" if self.shard is None else f".{self.shard.number}-of-{self.shard.of}"
        return f"{self.name}{of_shard}.parquet"

    @property
    def words(self) -> str:
        """For people: its name, and of a shard which."""
        return self.name if self.shard is None else f"{self.name}, {self.shard.words}"


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
            raise UsageError(f"{language} has no Wikipedia; give text of it with --text {language.code}=FILE")
        for wikipedia in language.wikipedias:
            config = f"{date}.{wikipedia.replace('_', '-')}"
            lines = partial(read_dataset_lines, dataset, config)
            texts = partial(open_dataset_texts, dataset, config)
            description, corpus = f"{dataset} {config}", f"{_public(dataset)} {config}"
            paths = _local(dataset)
            source = Source(wikipedia, language, description, lines, False, paths, corpus, texts)
            sources.append(source)
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
    for option, given in {"": dataset, "-config": config, "-split": split}.items():
        require_known_placeholders(given or "", f"--dataset{option}")
    sources = []
    for language in languages:
        name, part = language.fill(dataset), language.fill(split)
        chosen = language.fill(config) if config else None
        parts = [each for each in (chosen, part) if each]
        description = _describe([name, *parts], text_field)
        corpus = _describe([_public(name), *parts], text_field)
        lines = partial(read_dataset_lines, name, chosen, part, text_field)
        texts = partial(open_dataset_texts, name, chosen, part, text_field)
        paths = _local(name)
        sources.append(Source(language.code, language, description, lines, False, paths, corpus, texts))
    return _require_different(sources, "--dataset, --dataset-config or --dataset-split")


def text_sources(
    names: Sequence[str],
    texts: Sequence[str],
    text_field: str | None = None,
    others: Callable[[Sequence[Language]], list[Source]] | None = None,
    others_have_fields: bool = False,
) -> list[Source]:
    """Files or folders of them, of this machine or behind URLs.

    Args:
        names: the languages to count, by any name; empty for all that `texts` names.
        texts: each `LANGUAGE=PATH`, where LANGUAGE may be any name, and may come several times; or a path
            with `{code}`, `{iso3}` or `{name}` in the language's place. `~` and `*` in a path are expanded.
            A path may be a URL, see `corpora/remote/`.
        text_field: see `read_lines`; None where the user named none.
        others: where the text of the languages is that have none in `texts`; then those that `texts` names
            are counted whether or not they stand in `names`.
        others_have_fields: whether `text_field` is a column of those others, too.

    Raises:
        UsageError: a language has no text or is unknown, no language uses a text or a pattern, two
            languages have the same text, `others` is given and no language needs it, or `text_field` and
            nothing has any field.
        SmallerLabseError: a path does not exist, or a URL cannot be read.
    """
    written, patterns = _parse_texts(texts)
    find = cache(_find_paths)  # what lies behind a URL is asked for once
    if not (names or written) or (patterns and not names):
        raise UsageError("name the languages with --languages, or write --text LANGUAGE=PATH")
    wanted = dict.fromkeys(parse_languages(names, any_name=True) if names else ())
    unwanted = [language for language in written if language not in wanted]
    if names and unwanted and others is None:
        language = unwanted[0]
        raise UsageError(
            f"--text {language.code}={_shown(written[language][0])}: {language} is not among "
            "--languages; add it there, or leave --languages out to count all that --text names"
        )
    wanted |= dict.fromkeys(written)
    named = {name_language(name).code: name for name in names}
    filled = {language: _fill(language, patterns, find) for language in wanted if language not in written}
    without = [language for language, paths in filled.items() if not paths]
    for language in without:  # what means no language is a mistake sooner than a text that is missing
        find_language(named[language.code])
    found = {
        language: filled.get(language) or _expand(language, written[language], find)
        for language in wanted
        if language not in without
    }
    if without and others is None:
        if patterns:
            raise _no_text(without[0], _shown(without[0].fill(patterns[0])))
        raise UsageError(f"no text for {without[0]}; add --text {without[0].code}=PATH")
    for pattern in patterns:
        if not any(find(one.fill(pattern)) for one in wanted if one not in written):
            raise UsageError(
                f"--text {_shown(pattern)}: no language uses it, as there is no such file of any that has no "
                "LANGUAGE=PATH; correct the path or leave it out"
            )
    if others and not without:
        raise UsageError(
            "every language has text of its own; name with --languages those that are to come "
            "from --wikipedia or --dataset"
        )
    sources = [_text_source(language, paths, text_field) for language, paths in found.items()]
    _require_different(sources, "--text")
    if text_field is not None and not others_have_fields:
        require_fields([file for source in sources for file in source.files], text_field)
    if others:
        sources += others(parse_languages([named[language.code] for language in without]))
    return _require_names_apart(sources)


def _parse_texts(texts: Sequence[str]) -> tuple[dict[Language, list[str]], list[str]]:
    """What is written for each named language, and the patterns for the others."""
    written: dict[Language, list[str]] = {}
    patterns = []
    for text in texts:
        name, _, path = text.partition("=")
        if is_named(text) and path:
            written.setdefault(name_language(name), []).append(as_path(path))
        elif "{" in text:
            require_known_placeholders(_shown(text), "--text")
            patterns.append(as_path(text))
        else:
            raise UsageError(
                f"--text {_shown(text)}: write LANGUAGE=PATH, or put {{code}} or {{iso3}} into the path"
            )
    return written, patterns


def _find_paths(written: str) -> Sequence[TextPath]:
    """The paths that a user wrote, or a pattern of them stands for; empty where there is nothing."""
    return find_remote_paths(written) if is_url(written) else find_paths(written)


def _expand(
    language: Language, written: Sequence[str], find: Callable[[str], Sequence[TextPath]]
) -> list[tuple[str, Sequence[TextPath]]]:
    """What is written for a language, each with the paths that it stands for."""
    expanded = []
    for each in written:
        if not (found := find(each)):
            if is_url_pattern(each) if is_url(each) else glob.has_magic(each):
                raise UsageError(f"{_shown(each)}: no file matches this pattern")
            raise _no_text(language, _shown(each))
        expanded.append((each, found))
    return expanded


def _fill(
    language: Language, patterns: Sequence[str], find: Callable[[str], Sequence[TextPath]]
) -> list[tuple[str, Sequence[TextPath]]]:
    """The first pattern, filled in, that exists, with the paths that it stands for; empty where none does."""
    filled = ((each, find(each)) for each in map(language.fill, patterns))
    return [each for each in filled if each[1]][:1]


def _shown(written: str) -> str:
    """What a user wrote, for people: nothing secret of a URL, of a path the folder that ~ stands for."""
    return shown_url(written) if "://" in written else str(expand_user(written))


def _name(written: str) -> str:
    """What counts call it: without folders of this machine, or what is before them in a URL."""
    return name_of_url(written) if is_url(written) else Path(written).name


def _no_text(language: Language, path: str) -> SmallerLabseError:
    return SmallerLabseError(f"{path}: there is no such text for {language}")


def _text_source(
    language: Language, found: Sequence[tuple[str, Sequence[TextPath]]], text_field: str | None
) -> Source:
    paths = [path for _, several in found for path in several]
    description = " + ".join(_shown(written) for written, _ in found)
    corpus = " + ".join(_name(written) for written, _ in found)
    local = tuple(path for path in paths if isinstance(path, Path))
    lists = [path for path in paths if text_ending(path) == ".tsv" and text_field is None]
    if lists and len(lists) < len(paths):
        raise UsageError(
            f"{language.name}: {lists[0]} is a word list, the others are text; count them into two folders "
            "and add them up with `select-vocab merge`"
        )
    # What is no text is refused before a model is read.
    files = tuple(file for path in paths for file in find_text_files(path, text_field is not None))
    if lists:
        words = partial(_chain, read_word_counts, paths)
        return Source(language.code, language, description, words, True, local, corpus, files=files)
    lines = partial(_chain, partial(read_lines, text_field=text_field), paths)
    texts = partial(_parted_files, files, text_field)
    description, corpus = (_describe([each], text_field or TEXT_FIELD) for each in (description, corpus))
    return Source(language.code, language, description, lines, False, local, corpus, texts, files)


def _chain(read: Callable[[TextPath], Iterator[Any]], paths: Sequence[TextPath]) -> Iterator[Any]:
    for path in paths:
        yield from read(path)


def _blocks_of_lines(lines: Iterator[str]) -> Iterator[bytes]:
    while some := list(islice(lines, LINES_AT_ONCE)):
        yield "\n".join([*some, ""]).encode()


def _parted_files(files: Sequence[TextPath], text_field: str | None) -> list[PartedText]:
    return [parted_file(file, text_field) for file in files]


def _local(dataset: str) -> tuple[Path, ...]:
    """A dataset's folder, where it is one of this machine."""
    return (Path(dataset),) if Path(dataset).exists() else ()


def _public(dataset: str) -> str:
    """A dataset's name; of a folder of this machine its own, without those that it lies in."""
    return Path(dataset).resolve().name if _local(dataset) else dataset


def _describe(parts: list[str], text_field: str) -> str:
    """What is counted, in words; another field of the same file is another text."""
    return " ".join(parts if text_field == TEXT_FIELD else [*parts, f"({text_field})"])


def _require_different(sources: list[Source], option: str) -> list[Source]:
    described: dict[str, Source] = {}
    files: dict[str, Source] = {}
    for source in sources:
        urls = [file.url for file in source.files if isinstance(file, RemotePath)]
        other = described.setdefault(" ".join([source.description, *urls]), source)
        places = [(os.path.realpath(path), str(path)) for path in source.paths]
        places += [(url, shown_url(url)) for url in urls]
        for place, shown in places if option == "--text" else ():
            if files.get(place) is source:
                raise UsageError(f"{shown} is given twice for {source.language}")
            other = files.setdefault(place, source) if other is source else other
        if other is not source:
            raise UsageError(
                f"{other.language} and {source.language} would be counted from the same text, "
                f"{source.description}; put {{code}} or {{iso3}} into {option}"
            )
    return sources


def _require_names_apart(sources: list[Source]) -> list[Source]:
    names: dict[str, Source] = {}
    for source in sources:
        other = names.setdefault(source.name.casefold(), source)
        if other is not source:
            raise UsageError(
                f"{other.description} and {source.description} would both be counted into "
                f"{source.name}.parquet; give one of them another name"
            )
    return sources
