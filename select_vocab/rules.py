"""Which pieces a language keeps: four rules, each from counts to a set of piece ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.select_vocab.counts_file import Counts

PUBLISHED_LINE_SHARE = "0.00005"  # of the published 15-language model: 0.005 percent of the lines


@dataclass(frozen=True)
class Rule:
    """How pieces are chosen from counts.

    Attributes:
        name: "min-line-share", "top-k" or "coverage", each a function of one language's counts in
            `rules.py`, or "vocab-size", which shares one size out to all languages.
        value: the rule's number; shares may be text, "0.00005".
    """

    name: str = "min-line-share"
    value: str | float | int = PUBLISHED_LINE_SHARE


def min_line_share(counts: Counts, share: str | float = PUBLISHED_LINE_SHARE) -> np.ndarray:
    """Pieces that occur in at least `int(lines x share)` of the counted lines (and in one at least).

    Args:
        counts: one language's.
        share: from 0 to 1; computed with exactly, so write a decimal number as text or float.

    Returns:
        Ids, int32, ascending.

    Raises:
        SmallerLabseError: the counts know no lines.
    """
    if counts.lines is None:
        raise SmallerLabseError(
            f"{counts.name}: {counts.corpus} know no lines, which the rule min-line-share needs; "
            "choose --top-k, --coverage or --vocab-size"
        )
    threshold = max(1, int(Fraction(str(share)) * counts.total_lines))
    return np.flatnonzero(counts.lines >= threshold).astype(np.int32)


def top_k(counts: Counts, k: int) -> np.ndarray:
    """The `k` most frequent pieces (all, where fewer occur); of equally frequent ones those with lower ids.

    Returns:
        Ids, int32, ascending.
    """
    return np.sort(_by_frequency(counts.occurrences)[:k])


def coverage(counts: Counts, share: str | float) -> np.ndarray:
    """The smallest set of pieces that covers at least `share` of a language's occurrences.

    Args:
        counts: one language's.
        share: from 0 to 1.

    Returns:
        Ids, int32, ascending.
    """
    order = _by_frequency(counts.occurrences)
    covered = np.cumsum(counts.occurrences[order])
    wanted = Fraction(str(share)) * int(covered[-1] if len(covered) else 0)
    # The first prefix that reaches it; compared as whole numbers, so rounding decides nothing.
    needed = int(np.searchsorted(covered, -(-wanted.numerator // wanted.denominator)))
    return np.sort(order[: needed + 1 if wanted else 0])


PUBLISHED_RULE = Rule()
LANGUAGE_RULES = {"min-line-share": min_line_share, "top-k": top_k, "coverage": coverage}


def share_out(
    all_counts: Sequence[Counts],
    size: int,
    always: np.ndarray,
    with_dependencies: Callable[[np.ndarray], np.ndarray] = lambda ids: ids,
) -> np.ndarray:
    """Fill a vocabulary of `size` pieces so that the worst-covered language is covered as well as possible.

    Again and again the language whose occurrences are covered worst gets its most frequent missing piece,
    which may serve other languages too. Where languages share no piece nothing covers the worst one better;
    where they do, the best choice is a hard problem and this one is near it. A piece that needs others to be
    reached comes with them; where they do not fit any more, the next one has its turn.

    Args:
        all_counts: one a language (or Wikipedia).
        size: pieces of the whole vocabulary, `always` included.
        always: ids of the pieces that are kept in any case, with their dependencies.
        with_dependencies: the tokenizer's, see `Tokenizer.with_dependencies`.

    Returns:
        Ids, int32, ascending, `always` included: `size` of them, or fewer where no more occur.

    Raises:
        UsageError: `always` alone is larger than `size`.
    """
    if len(always) > size:
        raise UsageError(
            f"--vocab-size {size:,} is too small: {len(always):,} pieces are always kept (special pieces, "
            "characters, the keep-list); choose a larger size or add --no-keep-characters"
        )
    occurrences = np.stack([counts.occurrences for counts in all_counts])
    kept = np.zeros(occurrences.shape[1], dtype=bool)
    kept[always] = True
    shares = occurrences / np.maximum(1, occurrences.sum(axis=1, keepdims=True))
    covered = shares[:, kept].sum(axis=1)
    queues = [iter(_by_frequency(row).tolist()) for row in occurrences]
    left = size - len(always)
    while left and np.isfinite(covered).any():
        worst = int(np.argmin(covered))
        piece = next((number for number in queues[worst] if not kept[number]), None)
        if piece is None:
            covered[worst] = np.inf  # all its pieces are kept
            continue
        with_needed = with_dependencies(np.array([piece], dtype=np.int32))
        added = with_needed[~kept[with_needed]]
        if len(added) > left:
            continue
        kept[added] = True
        covered += shares[:, added].sum(axis=1)
        left -= len(added)
    return np.flatnonzero(kept).astype(np.int32)


def _by_frequency(occurrences: np.ndarray) -> np.ndarray:
    """Ids of the pieces that occur, most frequent first, then by id; int32."""
    order = np.argsort(-occurrences, kind="stable")
    return order[: np.count_nonzero(occurrences)].astype(np.int32)
