"""Keep rules: tokens that are kept for what their text is, whatever was counted; and scripts of letters.

The regular expressions are RE2's, as pyarrow has it: it knows Unicode's scripts, and no pattern takes it more
than linear time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from smaller_labse.common.errors import UsageError
from smaller_labse.corpora.records.arrow_arrays import arrow_texts, numpy_booleans, numpy_numbers
from smaller_labse.originals.tokenizers.base import Tokenizer

# Of living languages, by Unicode's names; RE2 has more, which `--keep-script` takes, too.
SCRIPTS = (
    *(
        "Latin",
        "Cyrillic",
        "Greek",
        "Arabic",
        "Hebrew",
        "Armenian",
        "Georgian",
        "Ethiopic",
        "Syriac",
        "Thaana",
    ),
    *("Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu", "Kannada", "Malayalam"),
    *("Sinhala", "Thai", "Lao", "Tibetan", "Myanmar", "Khmer", "Javanese", "Ol_Chiki", "Mongolian"),
    *("Han", "Hiragana", "Katakana", "Bopomofo", "Hangul", "Yi"),
    *("Cherokee", "Canadian_Aboriginal", "Tifinagh", "Nko"),
)


def tokens_by_text(
    tokenizer: Tokenizer, scripts: Sequence[str] = (), patterns: Sequence[str] = ()
) -> np.ndarray:
    """The tokens whose text is of a script, or matches a pattern; without the spaces around it.

    Args:
        tokenizer: the original's.
        scripts: Unicode's names of scripts, see `script_pattern`.
        patterns: RE2's regular expressions, which need match a part of the text only.

    Returns:
        Ids, int32, ascending; special tokens and parts of characters, which have no text, are not among them.

    Raises:
        UsageError: a script is unknown, a pattern is none, or no token is what is asked for.
    """
    if not scripts and not patterns:
        return np.zeros(0, np.int32)
    texts = arrow_texts(tokenizer.text_of(token_id).strip() for token_id in range(len(tokenizer.pieces)))
    has_text = numpy_numbers(pc.binary_length(texts)) > 0
    found = np.zeros(len(texts), bool)
    options = [("--keep-script", script, script_pattern(script)) for script in scripts]
    options += [("--keep-pattern", pattern, pattern) for pattern in patterns]
    for option, written, pattern in options:
        try:
            matches = numpy_booleans(pc.match_substring_regex(texts, pattern)) & has_text
        except pa.ArrowInvalid as error:
            reason = str(error).removeprefix("Invalid regular expression: ")
            expected = (
                "a script's name, such as Latin or Han" if option == "--keep-script" else "RE2's syntax"
            )
            raise UsageError(f"{option} {written!r}: {reason}; expected {expected}") from None
        if not matches.any():
            raise UsageError(f"{option} {written!r}: the original has no such token")
        found |= matches
    return np.flatnonzero(found).astype(np.int32)


def script_pattern(script: str) -> str:
    r"""A regular expression for texts with letters of one script, and of no other.

    Args:
        script: Unicode's name of it: https://www.unicode.org/Public/UCD/latest/ucd/Scripts.txt.

    >>> script_pattern("Han")
    '^(?:\\P{L}|\\p{Han})*\\p{Han}(?:\\P{L}|\\p{Han})*$'
    """
    of_script = rf"\p{{{script}}}"
    others = rf"(?:\P{{L}}|{of_script})*"
    return f"^{others}{of_script}{others}$"


def script_of_letters(characters: Iterable[str]) -> dict[str, str]:
    """The script of each letter, of those in `SCRIPTS`; other characters are left out.

    >>> script_of_letters("aя1")
    {'a': 'Latin', 'я': 'Cyrillic'}
    """
    letters = arrow_texts(sorted(set(characters)))
    letters = letters.filter(pc.match_substring_regex(letters, r"^\p{L}$"))
    return {
        letter: script
        for script in SCRIPTS
        for letter in letters.filter(pc.match_substring_regex(letters, rf"^\p{{{script}}}$")).to_pylist()
    }
