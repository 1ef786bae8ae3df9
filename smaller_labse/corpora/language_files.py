"""Files of text by language, as users name them: LANG=FILE, or a pattern with {code} or {iso3}."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.languages import Language

PLACEHOLDERS = ("{code}", "{iso3}")


def parse_texts(texts: Sequence[str], languages: Sequence[Language] = ()) -> dict[str, Path]:
    """Read LANG=FILE, or a pattern with {code} or {iso3} that stands for one file per language.

    Args:
        texts: what the user wrote. LANG is what the language is called in the results, nothing more.
        languages: what patterns are filled with.

    Returns:
        Language → file, in the order given.

    Raises:
        UsageError: neither form, a language named twice, or patterns without languages or the reverse.

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
            files[language] = Path(file)
    return files


def _is_pattern(text: str) -> bool:
    return any(placeholder in text for placeholder in PLACEHOLDERS)


def _split(text: str) -> tuple[str, str]:
    language, _, file = text.partition("=")
    if not language or not file or "/" in language:
        raise UsageError(f"--text {text!r}: expected LANG=FILE or a pattern with {' or '.join(PLACEHOLDERS)}")
    return language, file
