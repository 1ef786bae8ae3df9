"""Text as words: how LEALLA splits it, as regular expressions for the library tokenizers.

They are made of the same table as the compiled loops (`script_words.py`). Oniguruma reads them, which is what
tokenizers has; nothing in them is its own but lookbehind.

A word of more than 100 bytes is `[UNK]`. tokenizers counts characters, so words of which the number of
characters says enough become a line feed, which is in no vocabulary and, being deleted, in no text. That is
every word of more than 100 bytes but some of those whose characters have different sizes in UTF-8: see
`too_long`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

import numpy as np

from smaller_labse.originals.tokenizers.compiled.script_words import script_words
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    COMMON,
    COMMON_SPACE,
    DELETED,
    EMOJI,
    HAN,
    LONGEST_WORD,
    NOT_THERE,
    PUNCTUATION,
)

UNREADABLE = "\n"  # what a word becomes that is to be `[UNK]`
WIDEST = 4  # bytes of a character in UTF-8
SPECIAL_IN_CLASS = r"\]\[\^\-\\"
CLASS = re.compile(r"\[(?:\\.|[^\]\\])*\]", re.DOTALL)
# What `whole_or_characters` and `words` look like without their characters, whatever the version of Unicode.
WHOLE_OR_CHARACTERS = "^(?![])(?![]+$)(?![^\n]*[])[^\n]+$|[^\n]|\n"
WORDS = re.compile(r"\n(\|\[\]\+)+")


class ScriptPatterns(NamedTuple):
    """Regular expressions for each of the steps, in this order.

    Attributes:
        deleted: what is deleted: control and format characters.
        inner_spaces: what is deleted then: spaces beside characters of their own script. Thereafter a space
            separates words, and no word has one in it.
        too_long: what becomes `UNREADABLE` then: words that have more than 100 bytes for certain, since so
            many of the script's shortest characters have.
        words: what is kept then: runs of characters of one script, without spaces.
        whole_or_characters: what each of these becomes: itself, or its characters.
    """

    deleted: str
    inner_spaces: str
    too_long: str
    words: str
    whole_or_characters: str


@cache
def script_patterns() -> ScriptPatterns:
    """Make them; see `script_words`."""
    kinds, marks = script_words()
    is_space = (kinds != DELETED) & (marks & NOT_THERE > 0)
    scripts = [(kinds == kind) & ~is_space for kind in range(COMMON, int(kinds.max()) + 1)]
    spaces = [(kinds == kind) & is_space for kind in range(COMMON, int(kinds.max()) + 1)]
    spaces[0] = kinds == COMMON_SPACE
    punctuation, emoji, han = (marks & mark > 0 for mark in (PUNCTUATION, EMOJI, HAN))
    return ScriptPatterns(
        deleted=_class(kinds == DELETED),
        inner_spaces="|".join(
            f"(?<={_class(script)}){_class(space)}+|(?<!{_class(space)}){_class(space)}+(?={_class(script)})"
            for script, space in zip(scripts, spaces, strict=True)
            if space.any()
        ),
        # Most places are left at once: in none of these words is an ASCII character.
        too_long=f"(?=[^ -~]{{{LONGEST_WORD // WIDEST + 1}}})"
        f"(?:{'|'.join(_too_long(scripts, punctuation, emoji, han))})",
        words="|".join([UNREADABLE, *(f"{_class(script)}+" for script in scripts)]),
        whole_or_characters=f"^(?!{_class(han)})(?!{_class(punctuation)}+$)(?![^\n]*{_class(emoji)})[^\n]+$"
        "|[^\n]|\n",
    )


def are_script_patterns(words: str, whole_or_characters: str) -> bool:
    """Whether two expressions are `ScriptPatterns`' of these names, of whatever version of Unicode."""
    return bool(WORDS.fullmatch(CLASS.sub("[]", words))) and (
        WHOLE_OR_CHARACTERS.replace("[^\n]", "[]") == CLASS.sub("[]", whole_or_characters)
    )


def _too_long(
    scripts: list[np.ndarray], punctuation: np.ndarray, emoji: np.ndarray, han: np.ndarray
) -> Iterator[str]:
    """For each script, a run of too many characters that is not taken apart into them."""
    for script in scripts:
        points = np.flatnonzero(script)
        narrowest = int((1 + (points >= 0x80) + (points >= 0x800) + (points >= 0x10000)).min())
        if narrowest == 1:
            continue  # then bytes are what tokenizers counts
        one = _class(script)
        yield (
            f"(?<!{one})"
            + (f"(?!{_class(script & han)})" if (script & han).any() else "")
            + f"(?={one}{{{LONGEST_WORD // narrowest + 1}}})"
            + (f"(?!{_class(script & punctuation)}+(?!{one}))" if (script & punctuation).any() else "")
            + (f"(?!{one}*{_class(script & emoji)})" if (script & emoji).any() else "")
            + f"{one}+"
        )


def _class(characters: np.ndarray) -> str:
    """A class of these characters, bool [KINDS]; they are written as they are."""
    points = np.flatnonzero(characters)
    gaps = np.flatnonzero(np.diff(points) > 1)
    firsts, lasts = points[np.append(0, gaps + 1)], points[np.append(gaps, len(points) - 1)]
    return f"[{''.join(map(_range, firsts.tolist(), lasts.tolist()))}]"


def _range(first: int, last: int) -> str:
    ends = [re.sub(f"[{SPECIAL_IN_CLASS}]", r"\\\g<0>", chr(point)) for point in (first, last)]
    return ends[0] if first == last else "-".join(ends)
