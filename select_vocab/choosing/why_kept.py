"""Why each token is kept: a letter for each of them, as `selection.json` has it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from smaller_labse.common.result_table import Table

REASONS: Mapping[str, str] = {  # of several the first one counts
    "s": "special token",
    "l": "on a list (--pieces)",
    "k": "asked for (--keep, --keep-script, --keep-pattern, --keep-pieces, a prompt)",
    "c": "needed for a character, so that no text becomes unreadable",
    "r": "chosen from the counts by the rule",
    "f": "fills the vocabulary up to its size",
    "d": "needed by another kept token",
}


def why_kept(kept: np.ndarray, groups: Mapping[str, np.ndarray]) -> str:
    """The letters of the kept tokens' reasons.

    Args:
        kept: original ids, int [tokens].
        groups: a reason's letter → original ids that are kept for it, int [n]; a token in none of them is
            needed by another.

    Returns:
        As long as `kept`, and in its order.

    >>> why_kept(np.array([0, 3, 5, 9]), {"s": np.array([0]), "r": np.array([0, 5, 3])})
    'srrd'
    """
    letters = np.full(len(kept), "d")
    for letter in reversed([letter for letter in REASONS if letter in groups]):
        letters[np.isin(kept, groups[letter])] = letter
    return "".join(letters.tolist())


def reasons_table(why: str) -> Table:
    """How many tokens are kept for each reason; those that are for none are left out.

    >>> reasons_table("ssd").rows
    [('special token', '2'), ('needed by another kept token', '1')]
    """
    rows = [(reason, f"{why.count(letter):,}") for letter, reason in REASONS.items() if letter in why]
    return Table(("why tokens are kept", "tokens"), rows)
