"""Languages: the 109 of LaBSE (arXiv 2007.01852, appendix A) and every name a user may call them by."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.errors import UsageError


@dataclass(frozen=True)
class Language:
    """One of LaBSE's languages.

    Attributes:
        code: the code that this toolkit's files use, e.g. "zh".
        name: the English name.
        iso3: the ISO 639-3 code by which Tatoeba's files name it, e.g. "cmn".
        wikipedias: the codes of its Wikipedias, e.g. ("zh", "zh_classical"); empty where it has none.
            Left out, it is the code itself.
        also: other codes and names in use.
    """

    code: str
    name: str
    iso3: str
    wikipedias: tuple[str, ...] | None = None
    also: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.wikipedias is None:
            object.__setattr__(self, "wikipedias", (self.code,))

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that means this language."""
        return (self.code, self.name, self.iso3, *(self.wikipedias or ()), *self.also)

    def fill(self, pattern: str) -> str:
        """Put the code, the ISO 639-3 code and the name where a pattern says `{code}`, `{iso3}`, `{name}`.

        >>> find_language("zh").fill("text/{iso3}/{code}.txt")
        'text/cmn/zh.txt'
        """
        pattern = pattern.replace("{code}", self.code).replace("{iso3}", self.iso3)
        return pattern.replace("{name}", self.name)


LANGUAGES: tuple[Language, ...] = (
    Language("af", "Afrikaans", "afr"),
    Language("am", "Amharic", "amh"),
    Language("ar", "Arabic", "ara"),
    Language("as", "Assamese", "asm"),
    Language("az", "Azerbaijani", "aze"),
    Language("be", "Belarusian", "bel"),
    Language("bg", "Bulgarian", "bul"),
    Language("bn", "Bengali", "ben"),
    Language("bo", "Tibetan", "bod"),
    Language("bs", "Bosnian", "bos"),
    Language("ca", "Catalan", "cat"),
    Language("ceb", "Cebuano", "ceb"),
    Language("co", "Corsican", "cos"),
    Language("cs", "Czech", "ces"),
    Language("cy", "Welsh", "cym"),
    Language("da", "Danish", "dan"),
    Language("de", "German", "deu"),
    Language("el", "Greek", "ell"),
    Language("en", "English", "eng"),
    Language("eo", "Esperanto", "epo"),
    Language("es", "Spanish", "spa"),
    Language("et", "Estonian", "est"),
    Language("eu", "Basque", "eus"),
    Language("fa", "Persian", "pes", also=("fas",)),
    Language("fi", "Finnish", "fin"),
    Language("fr", "French", "fra"),
    Language("fy", "Western Frisian", "fry", also=("Frisian",)),
    Language("ga", "Irish", "gle"),
    Language("gd", "Scottish Gaelic", "gla"),
    Language("gl", "Galician", "glg"),
    Language("gu", "Gujarati", "guj"),
    Language("ha", "Hausa", "hau"),
    Language("haw", "Hawaiian", "haw"),
    Language("he", "Hebrew", "heb", also=("iw",)),
    Language("hi", "Hindi", "hin"),
    Language("hmn", "Hmong", "hmn", wikipedias=()),
    Language("hr", "Croatian", "hrv"),
    Language("ht", "Haitian Creole", "hat", also=("Haitian",)),
    Language("hu", "Hungarian", "hun"),
    Language("hy", "Armenian", "hye"),
    Language("id", "Indonesian", "ind", also=("in",)),
    Language("ig", "Igbo", "ibo"),
    Language("is", "Icelandic", "isl"),
    Language("it", "Italian", "ita"),
    Language("ja", "Japanese", "jpn"),
    Language("jv", "Javanese", "jav", also=("jw",)),
    Language("ka", "Georgian", "kat"),
    Language("kk", "Kazakh", "kaz"),
    Language("km", "Khmer", "khm"),
    Language("kn", "Kannada", "kan"),
    Language("ko", "Korean", "kor"),
    Language("ku", "Kurdish", "kur", also=("kmr",)),
    Language("ky", "Kyrgyz", "kir"),
    Language("la", "Latin", "lat"),
    Language("lb", "Luxembourgish", "ltz"),
    Language("lo", "Lao", "lao"),
    Language("lt", "Lithuanian", "lit"),
    Language("lv", "Latvian", "lvs", also=("lav",)),
    Language("mg", "Malagasy", "mlg"),
    Language("mi", "Maori", "mri"),
    Language("mk", "Macedonian", "mkd"),
    Language("ml", "Malayalam", "mal"),
    Language("mn", "Mongolian", "mon", also=("khk",)),
    Language("mr", "Marathi", "mar"),
    Language("ms", "Malay", "zsm", also=("msa",)),
    Language("mt", "Maltese", "mlt"),
    Language("my", "Burmese", "mya"),
    Language("ne", "Nepali", "nep"),
    Language("nl", "Dutch", "nld"),
    Language("no", "Norwegian", "nob", also=("nb", "nor")),
    Language("ny", "Chichewa", "nya", also=("Nyanja",)),
    Language("or", "Odia", "ori", also=("Oriya",)),
    Language("pa", "Punjabi", "pan"),
    Language("pl", "Polish", "pol"),
    Language("pt", "Portuguese", "por"),
    Language("ro", "Romanian", "ron"),
    Language("ru", "Russian", "rus"),
    Language("rw", "Kinyarwanda", "kin"),
    Language("si", "Sinhala", "sin", also=("Sinhalese",)),
    Language("sk", "Slovak", "slk"),
    Language("sl", "Slovenian", "slv"),
    Language("sm", "Samoan", "smo"),
    Language("sn", "Shona", "sna"),
    Language("so", "Somali", "som"),
    Language("sq", "Albanian", "sqi"),
    Language("sr", "Serbian", "srp"),
    Language("st", "Southern Sotho", "sot", also=("Sesotho",)),
    Language("su", "Sundanese", "sun"),
    Language("sv", "Swedish", "swe"),
    Language("sw", "Swahili", "swh", also=("swa",)),
    Language("ta", "Tamil", "tam"),
    Language("te", "Telugu", "tel"),
    Language("tg", "Tajik", "tgk"),
    Language("th", "Thai", "tha"),
    Language("tk", "Turkmen", "tuk"),
    Language("tl", "Tagalog", "tgl", also=("fil", "Filipino")),
    Language("tr", "Turkish", "tur"),
    Language("tt", "Tatar", "tat"),
    Language("ug", "Uyghur", "uig"),
    Language("uk", "Ukrainian", "ukr"),
    Language("ur", "Urdu", "urd"),
    Language("uz", "Uzbek", "uzb"),
    Language("vi", "Vietnamese", "vie"),
    Language("wo", "Wolof", "wol"),
    Language("xh", "Xhosa", "xho"),
    Language("yi", "Yiddish", "yid"),
    Language("yo", "Yoruba", "yor"),
    Language("zh", "Chinese", "cmn", wikipedias=("zh", "zh_classical"), also=("zho",)),
    Language("zu", "Zulu", "zul"),
)


def find_language(text: str) -> Language:
    """The language that a code (LaBSE's, Wikipedia's, ISO 639-3) or an English name means, in any case.

    Raises:
        UsageError: no language of LaBSE's is called that; the message names the nearest ones.

    >>> find_language("cmn").name, find_language("norwegian").code
    ('Chinese', 'no')
    """
    wanted = text.strip().replace("-", "_").casefold()
    called = {name.casefold(): language for language in LANGUAGES for name in language.names}
    if wanted in called:
        return called[wanted]
    near = difflib.get_close_matches(wanted, called, n=6, cutoff=0.6)
    suggestions = dict.fromkeys(f"{called[name].code} ({called[name].name})" for name in near)
    advice = (
        f"did you mean {', '.join(list(suggestions)[:3])}?"
        if suggestions
        else f"use one of {', '.join(language.code for language in LANGUAGES)}"
    )
    raise UsageError(f"unknown language {text.strip()!r}; {advice}")


def parse_languages(given: str | os.PathLike[str] | Iterable[str]) -> list[Language]:
    """Read a list of languages: "en,fr,de", or ["en", "fr", "de"], or the path of a file with one per line.

    In a file, `#` begins a comment and blank lines are skipped. A language that is named twice, by whatever
    name, counts once.

    Raises:
        UsageError: a language is unknown, or there is none at all.

    >>> [language.code for language in parse_languages("German, fr, deu")]
    ['de', 'fr']
    >>> parse_languages(["ja"])[0].name
    'Japanese'
    """
    given = os.fspath(given) if isinstance(given, str | os.PathLike) else list(given)
    names = _names_in(given) if isinstance(given, str) else given
    languages = list(dict.fromkeys(find_language(name) for name in names if name))
    if not languages:
        raise UsageError(f"no language in {given!r}; give codes such as en,fr,de or a file with one per line")
    return languages


def _names_in(text: str) -> list[str]:
    """The names in a list with commas between, or in a file."""
    file = Path(text)
    if file.is_file():
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            raise UsageError(f"{file}: not UTF-8; write one language per line") from None
        return [line.split("#")[0].strip() for line in lines]
    if "/" in text or text.endswith(".txt"):
        raise UsageError(f"{text}: there is no such file of languages")
    return [name.strip() for name in text.split(",")]
