"""Translation pairs out of programs' messages: which are sentences, and what they are without markup.

Messages are full of what no sentence has: keys of menus ("_File"), tags, placeholders, entities. What can be
taken out is taken out of both sides, and a pair is left where a sentence remains.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

LEAST_WORDS, MOST_WORDS = 4, 60  # of the English side
LEAST_LETTERS = 0.75  # letters and spaces among a sentence's characters
# How long a translation is, by the English side's letters: others are cut short, or hold something else.
USUAL_LENGTHS = (0.4, 2.5)
LENGTHS_WITHOUT_SPACES = (0.15, 1.5)  # of languages that are written without spaces, or in syllables
WITHOUT_SPACES = ("ja", "km", "ko", "lo", "my", "th", "zh")
# The languages that are not written in Latin letters, by the first word of their letters' Unicode names.
SCRIPTS = {
    **dict.fromkeys(("ar", "fa", "ug", "ur", "ps", "sd"), ("ARABIC",)),
    **dict.fromkeys(("be", "bg", "kk", "ky", "mk", "mn", "ru", "sr", "tg", "uk"), ("CYRILLIC",)),
    **dict.fromkeys(("hi", "mr", "ne"), ("DEVANAGARI",)),
    **{"am": ("ETHIOPIC",), "bn": ("BENGALI",), "el": ("GREEK",), "gu": ("GUJARATI",), "he": ("HEBREW",)},
    **{"hy": ("ARMENIAN",), "ja": ("HIRAGANA", "KATAKANA", "CJK"), "ka": ("GEORGIAN",), "km": ("KHMER",)},
    **{"kn": ("KANNADA",), "ko": ("HANGUL",), "lo": ("LAO",), "ml": ("MALAYALAM",), "my": ("MYANMAR",)},
    **{"pa": ("GURMUKHI",), "si": ("SINHALA",), "ta": ("TAMIL",), "te": ("TELUGU",), "th": ("THAI",)},
    **{"zh": ("CJK",)},
}
TAG = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
ENTITY = re.compile(r"&#?\w{1,31};")  # with its semicolon: "&notify" is a key of a menu
MENU_KEY_BEHIND = re.compile(r"\s*\([&_~]\w\)")  # where letters cannot be marked: 文件(_F)
MENU_KEY = re.compile(r"(?<![A-Za-z0-9])[&_~](?=\w)|(?<=\w)[&_~](?=[a-z])")
PLACEHOLDER = re.compile(
    r"%[-+ #0-9.*$]*[A-Za-z(]|%\d|\{[^{}]*\}|\$[\w({]|\\[a-z\"]|@\w+@|&\w+;|https?:|[<>|\[\]=]|--\w"
)
WORD = re.compile(r"[A-Za-z][A-Za-z'’-]*")
PARAGRAPH = re.compile(r"\n\s*\n")
SENTENCE_END = re.compile(r"(?<=[.!?])[\"”»)]?\s+(?=[^\sa-z])|(?<=[。！？])\s*(?=\S)")
SPACES = re.compile(r"\s+")


def sentence_pairs(message: str, translation: str, language: str) -> Iterator[tuple[str, str]]:
    """The sentences of a message with their translations.

    Paragraphs go together where both sides have as many; so do sentences of a paragraph that is too long.
    What does not go together, or is no sentence, is left out.

    Args:
        message: in English.
        translation: of it.
        language: the translation's, such as "fr".

    >>> list(sentence_pairs("Do you want to _save it?", "Voulez-vous l'_enregistrer ?", "fr"))
    [('Do you want to save it?', "Voulez-vous l'enregistrer ?")]
    """
    sides = PARAGRAPH.split(message.strip()), PARAGRAPH.split(translation.strip())
    if len(sides[0]) != len(sides[1]):
        return
    for paragraph in zip(*sides, strict=True):
        english, other = map(clean, paragraph)
        pairs = [(english, other)]
        if len(WORD.findall(english)) > MOST_WORDS:
            parts = SENTENCE_END.split(english), SENTENCE_END.split(other)
            pairs = list(zip(*parts, strict=True)) if len(parts[0]) == len(parts[1]) else []
        yield from (pair for pair in pairs if is_translation(*pair, language))


def clean(text: str) -> str:
    """A message without tags, entities, keys of menus and line ends.

    >>> clean("<b>Save &amp; _quit</b>\\nnow")
    'Save & quit now'
    """
    text = ENTITY.sub(lambda found: html.unescape(found[0]), TAG.sub(" ", text))
    return SPACES.sub(" ", MENU_KEY.sub("", MENU_KEY_BEHIND.sub("", text))).strip()


def is_translation(english: str, other: str, language: str) -> bool:
    """Whether a pair is a sentence and, by length and letters, its translation.

    >>> is_translation("This is a whole sentence.", "Это целое предложение.", "ru")
    True
    >>> is_translation("This is a whole sentence.", "This is a whole sentence, too.", "ru")
    False
    """
    words = len(WORD.findall(english))
    if not LEAST_WORDS <= words <= MOST_WORDS or english == other or not other:
        return False
    if PLACEHOLDER.search(english) or PLACEHOLDER.search(other):
        return False
    if sum(each.isalpha() or each.isspace() for each in english) < LEAST_LETTERS * len(english):
        return False
    least, most = LENGTHS_WITHOUT_SPACES if language in WITHOUT_SPACES else USUAL_LENGTHS
    return least <= len(other) / len(english) <= most and _in_its_script(other, language)


def _in_its_script(text: str, language: str) -> bool:
    """Whether half of the letters are of the language's script; names stay in Latin letters."""
    letters = [unicodedata.name(each, "?") for each in text if each.isalpha()]
    scripts = SCRIPTS.get(language, ("LATIN",))
    return 2 * sum(name.startswith(scripts) for name in letters) >= max(1, len(letters))
