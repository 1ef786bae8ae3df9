"""Languages by name: the 109 of LaBSE (arXiv 2007.01852, appendix A), and Wikipedias with codes of their own.

The Wikipedias' codes are those of https://meta.wikimedia.org/wiki/List_of_Wikipedias, mostly the language's.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Language:
    """A language, or whatever else the user's text is called, such as "medical".

    Attributes:
        code: the code that this toolkit's files use, e.g. "zh".
        name: the English name.
        iso3: the ISO 639-3 code by which Tatoeba's files name it, e.g. "cmn"; the code itself where there is
            none.
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

    def __str__(self) -> str:
        """As messages call it.

        >>> str(Language("it", "Italian", "ita")), str(Language("medical", "medical", "medical"))
        ('Italian (it)', 'medical')
        """
        return self.name if self.name == self.code else f"{self.name} ({self.code})"

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that means this language."""
        return (self.code, self.name, self.iso3, *self.also)

    def fill(self, pattern: str) -> str:
        """Put the code, the ISO 639-3 code and the name where a pattern says `{code}`, `{iso3}`, `{name}`.

        >>> Language("zh", "Chinese", "cmn").fill("text/{iso3}/{code}.txt")
        'text/cmn/zh.txt'
        """
        pattern = pattern.replace("{code}", self.code).replace("{iso3}", self.iso3)
        return pattern.replace("{name}", self.name)


LANGUAGES: tuple[Language, ...] = (
    Language("af", "Afrikaans", "afr"),
    Language("am", "Amharic", "amh"),
    Language("ar", "Arabic", "ara", also=("arb",)),
    Language("as", "Assamese", "asm"),
    Language("az", "Azerbaijani", "aze", also=("azj",)),
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
    Language("et", "Estonian", "est", also=("ekk",)),
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
    Language("mg", "Malagasy", "mlg", also=("plt",)),
    Language("mi", "Maori", "mri"),
    Language("mk", "Macedonian", "mkd"),
    Language("ml", "Malayalam", "mal"),
    Language("mn", "Mongolian", "mon", also=("khk",)),
    Language("mr", "Marathi", "mar"),
    Language("ms", "Malay", "zsm", also=("msa",)),
    Language("mt", "Maltese", "mlt"),
    Language("my", "Burmese", "mya"),
    Language("ne", "Nepali", "nep", also=("npi",)),
    Language("nl", "Dutch", "nld"),
    Language("no", "Norwegian", "nob", also=("nb", "nor")),
    Language("ny", "Chichewa", "nya", also=("Nyanja",)),
    Language("or", "Odia", "ori", also=("ory", "Oriya")),
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
    Language("uz", "Uzbek", "uzb", also=("uzn",)),
    Language("vi", "Vietnamese", "vie"),
    Language("wo", "Wolof", "wol"),
    Language("xh", "Xhosa", "xho"),
    Language("yi", "Yiddish", "yid", also=("ydd",)),
    Language("yo", "Yoruba", "yor"),
    Language("zh", "Chinese", "cmn", wikipedias=("zh", "zh_classical"), also=("zho",)),
    Language("zu", "Zulu", "zul"),
)

# Their Wikipedias' codes are not, or not only, the language's own.
MORE_LANGUAGES: tuple[Language, ...] = (
    Language("bho", "Bhojpuri", "bho", ("bh",)),
    Language("cbk", "Chavacano", "cbk", ("cbk_zam",)),
    Language("egl", "Emilian", "egl", ("eml",)),
    Language("gsw", "Alemannic", "gsw", ("als",), also=("Swiss German",)),
    Language("nan", "Min Nan Chinese", "nan", ("zh_min_nan",)),
    Language("nrf", "Norman", "nrf", ("nrm",)),
    Language("rup", "Aromanian", "rup", ("roa_rup",)),
    Language("sgs", "Samogitian", "sgs", ("bat_smg",)),
    Language("sh", "Serbo-Croatian", "hbs"),
    Language("vro", "Võro", "vro", ("fiu_vro",)),
    Language("yue", "Cantonese", "yue", ("zh_yue",)),
    Language("map_bms", "Banyumasan", "map_bms"),
    Language("nds_nl", "Dutch Low Saxon", "nds_nl"),
    Language("roa_tara", "Tarantino", "roa_tara"),
)

# Wikipedias beside the one of the language's own code.
PARTIAL_WIKIPEDIAS = {"be_x_old": "be", "simple": "en", "zh_classical": "zh"}
