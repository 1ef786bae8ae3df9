"""Files of text by language, as users name them: LANG=FILE, a pattern with {code} in it, ~ and *."""

from __future__ import annotations

import difflib
import glob
import re
from collections.abc import Sequence
from pathlib import Path

from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.languages import Language

PLACEHOLDERS = ("{code}", "{iso3}", "{name}")
PLACEHOLDER = re.compile(r"\{\w*\}")


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


def require_known_placeholders(pattern: str, option: str) -> None:
    """Refuse a pattern with something in braces that stands for nothing.

    Args:
        pattern: what the user wrote.
        option: where, for the message.

    Raises:
        UsageError: names what stands there, and what may.

    >>> require_known_placeholders("{cod}.txt", "--text")
    Traceback (most recent call last):
    smaller_labse.common.errors.UsageError: --text {cod}.txt: nothing is put in the place of {cod}; did you \
mean {code}? There are {code}, {iso3}, {name}
    """
    for found in PLACEHOLDER.findall(pattern):
        if found not in PLACEHOLDERS:
            near = difflib.get_close_matches(found[1:-1], [each[1:-1] for each in PLACEHOLDERS], n=1)
            meant = f"did you mean {{{near[0]}}}? There are" if near else "there are"
            raise UsageError(
                f"{option} {pattern}: nothing is put in the place of {found}; {meant} "
                f"{', '.join(PLACEHOLDERS)}"
            )


def parse_texts(texts: Sequence[str], languages: Sequence[Language] = ()) -> dict[str, Path]:
    """Read LANG=FILE, or a pattern with {code}, {iso3} or {name} that stands for one file per language.

    Args:
        texts: what the user wrote. LANG is what the language is called in the results, nothing more.
        languages: what patterns are filled with.

    Returns:
        Language → file, in the order given.

    Raises:
        UsageError: neither form, an unknown placeholder, a language with several files, or patterns without
            languages or the reverse.

    >>> {language: file.name for language, file in parse_texts(["en=english.txt", "it=italian.txt"]).items()}
    {'en': 'english.txt', 'it': 'italian.txt'}
    """
    for text in texts:
        if not is_named(text):
            require_known_placeholders(text, "--text")
    files: dict[str, Path] = {}
    patterns = [text for text in texts if _is_pattern(text)]
    if patterns and not languages:
        raise UsageError(f"--text {patterns[0]!r}: a pattern needs --languages to fill it with")
    if languages and not patterns:
        raise UsageError(f"--languages fills a pattern with {', '.join(PLACEHOLDERS)}, but --text has none")
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


def is_named(text: str) -> bool:
    """Whether this is LANG=PATH, and no path with an equals sign in it.

    >>> is_named("en=text/en.txt"), is_named("text/{code}.txt"), is_named("{code}=1.txt"), is_named("a/b=1")
    (True, False, False, False)
    """
    name, separator, _ = text.partition("=")
    return bool(separator) and "{" not in name and "/" not in name


def _is_pattern(text: str) -> bool:
    return any(placeholder in text for placeholder in PLACEHOLDERS)


def _split(text: str) -> tuple[str, str]:
    language, _, file = text.partition("=")
    if not language or not file or "/" in language:
        raise UsageError(f"--text {text!r}: expected LANG=FILE or a pattern with {', '.join(PLACEHOLDERS)}")
    return language, file
