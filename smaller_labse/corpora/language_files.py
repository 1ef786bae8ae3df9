"""Files of text by language, as users name them: LANG=FILE, a pattern with {code} or {iso3}, ~ and *."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.languages import Language

PLACEHOLDERS = ("{code}", "{iso3}")


def expand_path(written: str) -> list[Path]:
    """The path that a user wrote, or those that it stands for, in the order of their names.

    A shell does not look behind the equals sign of LANG=~/news/*.txt. A file of just this name comes first.

    Raises:
        UsageError: no file matches a pattern.

    >>> expand_path("corpus/en.txt")
    [PosixPath('corpus/en.txt')]
    """
    found = find_paths(written)
    if not found and glob.has_magic(written):
        raise UsageError(f"{written}: no file matches this pattern")
    return found or [expand_user(written)]


def find_paths(written: str) -> list[Path]:
    """As `expand_path`, of what exists; empty where nothing does."""
    path = expand_user(written)
    if path.exists():
        return [path]
    return sorted(Path(match) for match in glob.glob(str(path), recursive=True))  # noqa: PTH207 - may be absolute


def expand_user(written: str) -> Path:
    """The path that a user wrote, with his own folder for ~."""
    try:
        return Path(written).expanduser()
    except RuntimeError:  # nobody is called that, so it is a file's name
        return Path(written)


def parse_texts(texts: Sequence[str], languages: Sequence[Language] = ()) -> dict[str, Path]:
    """Read LANG=FILE, or a pattern with {code} or {iso3} that stands for one file per language.

    Args:
        texts: what the user wrote. LANG is what the language is called in the results, nothing more.
        languages: what patterns are filled with.

    Returns:
        Language → file, in the order given.

    Raises:
        UsageError: neither form, a language with several files, or patterns without languages or the reverse.

    >>> {language: file.name for language, file in parse_texts(["en=english.txt", "it=italian.txt"]).items()}
    {'en': 'english.txt', 'it': 'italian.txt'}
    """
    files: dict[str, Path] = {}
    patterns = [text for text in texts if _is_pattern(text)]
    if patterns and not languages:
        raise UsageError(f"--text {patterns[0]!r}: a pattern needs --languages to fill it with")
    if languages and not patterns:
        raise UsageError(f"--languages fills a pattern with {' or '.join(PLACEHOLDERS)}, but --text has none")
    for text in texts:
        named = [(each.code, each.fill(text)) for each in languages] if _is_pattern(text) else [_split(text)]
        for language, file in named:
            if language in files:
                raise UsageError(f"two files for {language}: {files[language]} and {file}; name them apart")
            first, *others = expand_path(file)
            if others:
                raise UsageError(f"--text {text!r}: {1 + len(others)} files for {language}, expected one")
            files[language] = first
    return files


def _is_pattern(text: str) -> bool:
    return any(placeholder in text for placeholder in PLACEHOLDERS)


def _split(text: str) -> tuple[str, str]:
    language, _, file = text.partition("=")
    if not language or not file or "/" in language:
        raise UsageError(f"--text {text!r}: expected LANG=FILE or a pattern with {' or '.join(PLACEHOLDERS)}")
    return language, file
