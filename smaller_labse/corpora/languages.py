"""Finding a language by any name, and lists of languages."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from smaller_labse.common.errors import UsageError
from smaller_labse.common.json_files import read_limited
from smaller_labse.corpora.labse_languages import (
    LANGUAGES,
    MORE_LANGUAGES,
    PARTIAL_WIKIPEDIAS,
    Language,
)

LARGEST_LIST = 1 << 20  # bytes
OWN_NAME = re.compile(r"\w[\w.+-]{0,63}")  # it becomes a file's name


def find_language(text: str) -> Language:
    """The language that a code or an English name means, in any case.

    Args:
        text: a code or name of LaBSE's; a Wikipedia's own code, such as "simple", which means the language
            with that Wikipedia alone; or, through langcodes, any ISO 639 code, BCP 47 tag or English name.

    Raises:
        UsageError: no language is called that; the message names the nearest ones of LaBSE's.

    >>> find_language("cmn").name, find_language("norwegian").code
    ('Chinese', 'no')
    >>> find_language("simple").code, find_language("simple").wikipedias
    ('en', ('simple',))
    >>> find_language("Pashto").code, find_language("pus").code, find_language("zh-tw").code
    ('ps', 'ps', 'zh-TW')
    """
    called, wikipedias = _called(), _wikipedias()
    wanted = normalized_name(text)
    language = called.get(wanted) or wikipedias.get(wanted) or _find_beyond(text)
    if language is not None:
        return language
    near = difflib.get_close_matches(wanted, called, n=6, cutoff=0.6)
    suggestions = dict.fromkeys(f"{called[name].code} ({called[name].name})" for name in near)
    advice = (
        f"did you mean {', '.join(list(suggestions)[:3])}?"
        if suggestions
        else "give a code such as en or fr, an English name"
    )
    raise UsageError(f"unknown language {text.strip()!r}; {advice}, or any ISO 639 code")


def name_language(text: str, of_wikipedia: bool = False) -> Language:
    """The language that is meant by the name of a user's own text, which may be any name.

    Args:
        text: the name.
        of_wikipedia: whether it may be a Wikipedia's own code, as in the names of the published files.

    Raises:
        UsageError: it can be no file's name.

    >>> name_language("German").code, name_language("pus").code, name_language("sr-Latn").code
    ('de', 'ps', 'sr-Latn')
    >>> name_language("medical")
    Language(code='medical', name='medical', iso3='medical', wikipedias=(), also=())
    """
    wikipedia = _wikipedias().get(normalized_name(text)) if of_wikipedia else None
    language = _called().get(normalized_name(text)) or wikipedia or _find_beyond(text)
    if language is not None:
        return language
    name = text.strip()
    if not OWN_NAME.fullmatch(name):
        raise UsageError(f"{text!r} cannot name text; use letters, digits and -, _, . between them")
    return Language(name, name, name, wikipedias=())


def language_label(language: str, called: str | None = None) -> str:
    """A language as people read it: its English name, and what it is called in the files.

    Args:
        language: its code, or the name of a user's own text, which stays as it is.
        called: what else it is called, such as one of its Wikipedias; None for its code.

    >>> language_label("it"), language_label("zh", "zh_classical"), language_label("medical")
    ('Italian (it)', 'Chinese (zh_classical)', 'medical')
    """
    called = called or language
    try:
        name = name_language(language).name
    except UsageError:
        return called
    return called if name == called else f"{name} ({called})"


def parse_languages(given: str | os.PathLike[str] | Iterable[str], any_name: bool = False) -> list[Language]:
    """Read a list of languages: "en,fr,de", or ["en", "fr", "de"], or the path of a file with one per line.

    In a file, `#` begins a comment and blank lines are skipped. A language that is named twice, by whatever
    name, counts once, with all the Wikipedias that were named.

    Args:
        given: the list.
        any_name: whether they are names of the user's own texts, see `name_language`.

    Raises:
        UsageError: a language is unknown, or there is none at all.

    >>> [language.code for language in parse_languages("German, fr, deu")]
    ['de', 'fr']
    >>> parse_languages(["ja"])[0].name
    'Japanese'
    >>> [language.wikipedias for language in parse_languages("simple,en")]
    [('simple', 'en')]
    """
    languages: dict[str, Language] = {}
    for name in read_names(given):
        language = name_language(name) if any_name else find_language(name)
        known = languages.get(language.code, language)
        wikipedias = dict.fromkeys((*(known.wikipedias or ()), *(language.wikipedias or ())))
        languages[language.code] = (
            known if known == language else replace(known, wikipedias=tuple(wikipedias))
        )
    return list(languages.values())


def read_names(given: str | os.PathLike[str] | Iterable[str]) -> list[str]:
    """The names in a list of languages, as they stand in it; see `parse_languages`.

    Raises:
        UsageError: there is none.
    """
    given = os.fspath(given) if isinstance(given, str | os.PathLike) else list(given)
    names = [name for name in (_names_in(given) if isinstance(given, str) else given) if name]
    if not names:
        raise UsageError(f"no language in {given!r}; give codes such as en,fr,de or a file with one per line")
    return names


@cache
def _called() -> dict[str, Language]:
    """Every name of a language, normalized; LaBSE's come first."""
    languages = (*MORE_LANGUAGES, *LANGUAGES)
    return {normalized_name(name): language for language in languages for name in language.names}


@cache
def _wikipedias() -> dict[str, Language]:
    """Wikipedias whose own codes are no language's, or another language's by ISO 639: als, nrm."""
    own = {wikipedia: language for language in MORE_LANGUAGES for wikipedia in language.wikipedias or ()}
    for wikipedia, code in PARTIAL_WIKIPEDIAS.items():
        own[wikipedia] = replace(_called()[code], wikipedias=(wikipedia,))
    return own


def _find_beyond(text: str) -> Language | None:
    """A language that LaBSE's list does not have; None where nobody knows the name."""
    import langcodes

    wanted = text.strip()
    if not wanted.isprintable():  # langcodes searches a trie that ends badly on control characters
        return None
    try:
        tag = langcodes.Language.get(wanted.replace("_", "-"))
        known = tag.language is not None and tag.is_valid()
    except ValueError:
        known = False
    if not known:
        try:
            tag = langcodes.find(wanted, language="en")
        except LookupError:
            return None
    code = tag.to_tag()
    if normalized_name(code) in _called():
        return _called()[normalized_name(code)]
    try:
        iso3 = tag.to_alpha3()
    except LookupError:
        iso3 = code
    has_wikipedia = code == tag.language and code not in _wikipedias()  # als is another language's
    return Language(code, tag.display_name(), iso3, (code,) if has_wikipedia else ())


def normalized_name(name: str) -> str:
    """A code or name as it is compared with others.

    >>> normalized_name("zh-Classical ")
    'zh_classical'
    """
    return name.strip().replace("-", "_").casefold()


def _names_in(text: str) -> list[str]:
    """The names in a list with commas between, or in a file."""
    file = Path(text)
    if file.is_file():
        try:
            lines = read_limited(file, LARGEST_LIST, "a list of languages").decode("utf-8").splitlines()
        except UnicodeDecodeError:
            raise UsageError(f"{file}: not UTF-8; write one language per line") from None
        return [line.split("#")[0].strip() for line in lines]
    if "/" in text or text.endswith(".txt"):
        raise UsageError(f"{text}: there is no such file of languages")
    return [name.strip() for name in text.split(",")]
