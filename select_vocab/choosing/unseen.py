"""What a selection keeps of text that was not counted, estimated from the counts of text that was.

A selection keeps all or most of what it was made from, however little that was, so its coverage of the
counted text says nothing of other text. Good (1953, "The population frequencies of species and the estimation
of population parameters", Biometrika 40, after Turing): the probability that the next draw is a species never
seen is about N1/N, the number of species seen once over the number of draws. Here a draw is a line, because
the tokens of a line come together (a rare word often comes twice): the occurrences of tokens that are in one
line only stand for N1. That is the leave-one-out estimate (Ney, Essen & Kneser 1995, "On the estimation of
'small' probabilities by leaving-one-out", IEEE PAMI 17): of each counted line it asks what would be missing
of it, had this line not been counted. For lines in random order it has no bias, whatever the language. It
speaks of more text of the same kind; text of another kind holds more that is new.

The same question, asked of each sampled line as a whole, gives the share of lines that stay unchanged. The
product over its tokens, (1 - p)^n, would be too low: a line's rare tokens come together.

How near both come is measured in docs/how-much-text.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from smaller_labse.select_vocab.choosing.count_rules import Rule
from smaller_labse.select_vocab.selection import Coverage

# About there, one line of new text in 15 changes where lines have 20 tokens, one in 4 where they have 75.
MOST_UNSEEN = 0.005


def unseen_share(occurrences: np.ndarray, lines: np.ndarray) -> float:
    """The share of new text's tokens that are expected to be tokens that were never counted.

    Good-Turing's N1/N with lines for draws: the occurrences of tokens that are in one line only, divided by
    all occurrences.

    Args:
        occurrences: of each token, int [vocabulary size]; not all are 0.
        lines: in how many lines each token occurs, int [vocabulary size].

    Returns:
        From 0 to 1.

    Example, where one line alone has the third token and another one, twice, the fourth::

        >>> unseen_share(np.array([9, 8, 1, 2, 0]), np.array([9, 4, 1, 1, 0]))
        0.15
    """
    return int(occurrences[lines == 1].sum()) / int(occurrences.sum())


def kept_without_a_line(
    frequencies: Sequence[np.ndarray],
    without_a_line: Sequence[np.ndarray],
    kept: np.ndarray,
    always: np.ndarray,
    ties_by_id: bool,
) -> list[np.ndarray]:
    """The tokens that would be kept, too, had any one line of a language not been counted.

    A language's rule keeps the tokens that it ranks above the first one that it drops. A token that does not
    rank there any more when one of its lines is left out is kept because of that line, unless it is always
    kept or another language keeps it.

    Args:
        frequencies: by what the rule ranks each language's tokens, occurrences or lines, int [vocabulary
            size].
        without_a_line: the same of each token when one line that holds it is left out, int [vocabulary
            size].
        kept: which tokens the selection keeps, bool [vocabulary size].
        always: which of them are kept whatever is counted, bool [vocabulary size].
        ties_by_id: whether the rule ranks the lower id higher among equally frequent tokens; otherwise it
            keeps or drops them together.

    Returns:
        Of each language, bool [vocabulary size].

    Example: the fourth token is dropped. Without one of its lines the third one is as rare::

        >>> lines = np.array([9, 3, 2, 1])
        >>> kept = np.array([True, True, True, False])
        >>> kept_without_a_line([lines], [lines - 1], kept, np.zeros(4, bool), ties_by_id=False)[0].tolist()
        [True, True, False, False]
    """
    first_dropped = [_first_dropped(ranked, kept, ties_by_id) for ranked in frequencies]
    by_language = [
        kept & _ranks_above(ranked, *first) for ranked, first in zip(frequencies, first_dropped, strict=True)
    ]
    languages_that_keep = np.sum(by_language, axis=0)
    return [
        kept & (always | (languages_that_keep > own) | _ranks_above(ranked, *first))
        for ranked, first, own in zip(without_a_line, first_dropped, by_language, strict=True)
    ]


def _first_dropped(frequencies: np.ndarray, kept: np.ndarray, ties_by_id: bool) -> tuple[int, int]:
    """The first dropped token's frequency, and the id below which a token as frequent ranks above it."""
    dropped = np.flatnonzero(~kept & (frequencies > 0))
    if not len(dropped):
        return 0, 0
    first = dropped[np.argmax(frequencies[dropped])]
    return int(frequencies[first]), int(first) if ties_by_id else 0


def _ranks_above(frequencies: np.ndarray, frequency: int, token_id: int) -> np.ndarray:
    """Which tokens are more frequent than this, or as frequent with a lower id, bool [vocabulary size]."""
    above = frequencies > frequency
    above[:token_id] |= frequencies[:token_id] == frequency
    return above


def too_little_text(coverage: Sequence[Coverage], rule: Rule | None = None) -> str | None:
    """A warning that names the languages of which too little text was counted; None where there is none.

    Args:
        coverage: what a selection keeps of each language.
        rule: how it was chosen.
    """
    few = [language for language in coverage if (language.unseen or 0) > MOST_UNSEEN]
    if not few:
        return None
    shares = ", ".join(f"{language.unseen:.1%} for {language.label}" for language in few)
    text = (
        "too little text was counted: the share of new text's tokens that were never counted is estimated at "
        f"{shares}, expected at most {MOST_UNSEEN:.1%}; count more text, see docs/how-much-text.md"
    )
    if rule is not None and rule.name == "min-line-share":
        share = Fraction(str(rule.value))
        unfiltered = [language.label for language in few if int(share * (language.lines or 0)) == 0]
        if unfiltered:
            text += (
                f"; int(lines x {rule.value}) is 0 lines for {', '.join(unfiltered)}, so every counted token "
                "is kept"
            )
    return text
