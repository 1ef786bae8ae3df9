"""Stripped tokens: listed ones whose white space is taken off, and whose embedding rows they get.

LaBSE's vocabulary holds 52 tokens with white space at their ends, such as "##\\u3000" and "\\u00a0a". The
author of the published 15-language model (https://github.com/jeongukjae/smaller-labse) took the white space
off his lists and off the original's vocabulary, and gave each listed token the row of the last original token
that is equal to it then. So his "##", which LaBSE does not have, has the row of "##\\u3000", and his "a" that
of "\\u00a0a".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from smaller_labse.common.result_table import Table
from smaller_labse.common.visible_text import visible

MOST_NAMED = 3  # in the table's last column


@dataclass(frozen=True)
class StrippedToken:
    """A listed token that several of the original's could be, or one that is spelled otherwise.

    Attributes:
        token: what it is called in the smaller vocabulary.
        id: the original's token whose row it gets.
        original: that token.
        others: the original's other tokens that strip to it, by ascending id.
    """

    token: str
    id: int
    original: str
    others: tuple[str, ...] = ()


class StrippedVocabulary:
    """The original's tokens by what is left of them without the white space at their ends.

    Example:
        >>> vocabulary = StrippedVocabulary(["a", "b", "a ", " a", "## "])
        >>> [vocabulary.find(token) for token in ("a", "##", "c")]
        [0, 4, None]
        >>> vocabulary.find("a", last=True)
        3
    """

    def __init__(self, pieces: Sequence[str]) -> None:
        """Take the original's tokens, by id."""
        self._pieces = pieces
        self._exact = {piece: token_id for token_id, piece in enumerate(pieces)}
        self._others: dict[str, list[int]] = {}
        for token_id, piece in enumerate(pieces):
            stripped = piece.strip()
            if stripped != piece:
                self._others.setdefault(stripped, []).append(token_id)

    def find(self, token: str, last: bool = False) -> int | None:
        """The id of the token whose row a stripped token gets; None where none strips to it.

        Args:
            token: without white space at its ends.
            last: take the last token that strips to it, as the author of the published model did, even where
                the original has the token itself.
        """
        exact = self._exact.get(token)
        if exact is not None and not last:
            return exact
        candidates = self._candidates(token)
        return candidates[-1] if candidates else None

    def describe(self, tokens: Iterable[str], last: bool = False) -> tuple[StrippedToken, ...]:
        """Those of the tokens that are spelled otherwise in the original, or are ambiguous; by code point."""
        described = []
        for token in sorted(set(tokens)):
            if token not in self._others and token in self._exact:
                continue
            candidates = self._candidates(token)
            token_id = self.find(token, last)
            if token_id is None or (candidates == [token_id] and self._pieces[token_id] == token):
                continue
            others = tuple(self._pieces[other] for other in candidates if other != token_id)
            described.append(StrippedToken(token, token_id, self._pieces[token_id], others))
        return tuple(described)

    def _candidates(self, token: str) -> list[int]:
        """The ids of all tokens that strip to this one, ascending."""
        exact, others = self._exact.get(token), self._others.get(token, [])
        return others if exact is None else sorted([*others, exact])


def stripped_table(stripped: Sequence[StrippedToken]) -> Table:
    """Which tokens were resolved by stripping, and which could have been others, too."""
    rows = [(_shown(one.token), _shown(one.original), _named(one.others)) for one in stripped]
    notes = (
        "Listed tokens, the white space at their ends taken off, that the original spells otherwise, or has "
        "in several forms: the smaller model's token gets the embedding of the second column.",
    )
    return Table(("token", "its row is that of", "also strip to it"), rows, notes)


def _named(tokens: Sequence[str]) -> str:
    named = ", ".join(map(_shown, tokens[:MOST_NAMED]))
    more = len(tokens) - MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named or "-"


def _shown(token: str) -> str:
    """The token in quotes, white space other than spaces as what it is.

    >>> _shown("\\u00a0a")
    "'\\\\xa0a'"
    """
    return visible(repr(token))
