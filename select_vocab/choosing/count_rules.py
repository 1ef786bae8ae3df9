"""Rules that choose tokens from counts: three for each language alone, and one for all together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.select_vocab.counting.counts import Counts

PUBLISHED_LINE_SHARE = "0.00005"  # of the published 15-language model: 0.005 percent of the lines


@dataclass(frozen=True)
class Rule:
    """How tokens are chosen from counts.

    Attributes:
        name: "min-line-share", "top-k" or "coverage", each a function of one language's counts below, or
            "vocab-size", which shares one size out to all languages.
        value: the share, the k or the size; a share may be text, "0.00005", to be computed with exactly.
    """

    name: str = "min-line-share"
    value: str | float | int = PUBLISHED_LINE_SHARE


def min_line_share(counts: Counts, share: str | float = PUBLISHED_LINE_SHARE) -> np.ndarray:
    """Tokens that occur in at least `int(lines x share)` of the counted lines (and in one at least).

    Args:
        counts: one language's.
        share: from 0 to 1; computed with exactly, so write a decimal number as text or float.

    Returns:
        Ids, int32, ascending.

    Raises:
        SmallerLabseError: the counts have no line counts.
    """
    if counts.lines is None or counts.total_lines is None:
        raise SmallerLabseError(
            f"{counts.name}: {counts.corpus} has no line counts, which --min-line-share needs; "
            "choose --top-k, --coverage or --vocab-size"
        )
    threshold = max(1, int(Fraction(str(share)) * counts.total_lines))
    return np.flatnonzero(counts.lines >= threshold).astype(np.int32)


def top_k(counts: Counts, k: int) -> np.ndarray:
    """The `k` most frequent tokens (all, where fewer occur); of equally frequent ones those with lower ids.

    Returns:
        Ids, int32, ascending.

    >>> top_k(Counts("en", "en", "en.txt", None, "", None, np.array([5, 0, 9, 5]), None), 2).tolist()
    [0, 2]
    """
    return np.sort(_by_frequency(counts.occurrences)[:k])


def coverage(counts: Counts, share: str | float) -> np.ndarray:
    """The smallest set of tokens that covers at least `share` of a language's occurrences.

    Args:
        counts: one language's.
        share: from 0 to 1.

    Returns:
        Ids, int32, ascending.

    >>> coverage(Counts("en", "en", "en.txt", None, "", None, np.array([5, 1, 90, 4]), None), 0.95).tolist()
    [0, 2]
    """
    order = _by_frequency(counts.occurrences)
    covered = np.cumsum(counts.occurrences[order])
    wanted = Fraction(str(share)) * int(covered[-1] if len(covered) else 0)
    # The first prefix that reaches it; compared as integers, so rounding decides nothing.
    needed = int(np.searchsorted(covered, -(-wanted.numerator // wanted.denominator)))
    return np.sort(order[: needed + 1 if wanted else 0])


PUBLISHED_RULE = Rule()
LANGUAGE_RULES: Mapping[str, Callable[[Counts, Any], np.ndarray]] = {
    "min-line-share": min_line_share,
    "top-k": top_k,
    "coverage": coverage,
}


class TooFewTokensAsked(UsageError):
    """A vocabulary size that is smaller than what is always kept.

    Attributes:
        always_kept: how many tokens that are.
    """

    def __init__(self, size: int, always_kept: int) -> None:
        """Of this size, and so many tokens that are always kept."""
        super().__init__(
            f"--vocab-size {size:,} is too small: {always_kept:,} tokens are always kept (special tokens, "
            "characters, the keep-list); choose a larger size or add --no-keep-characters"
        )
        self.always_kept = always_kept


def share_out(
    all_counts: Sequence[Counts],
    size: int,
    always: np.ndarray,
    with_dependencies: Callable[[np.ndarray], np.ndarray] = lambda ids: ids,
) -> np.ndarray:
    """Fill a vocabulary of `size` tokens so that the worst-covered language is covered as well as possible.

    Again and again the language whose occurrences are covered worst gets its most frequent missing token,
    which may serve other languages too. Where languages share no token nothing covers the worst one better;
    where they do, the best choice is a hard problem and this one is near it. A token that needs others to be
    reached comes with them; where they do not fit any more, the next one has its turn.

    Args:
        all_counts: one for each language (or Wikipedia).
        size: tokens of the whole vocabulary, `always` included.
        always: ids of the tokens that are kept in any case, with their dependencies.
        with_dependencies: the tokenizer's, see `Tokenizer.with_dependencies`.

    Returns:
        Ids, int32, ascending, `always` included: `size` of them, or fewer where no more occur.

    Raises:
        TooFewTokensAsked: `always` alone is larger than `size`.
    """
    if len(always) > size:
        raise TooFewTokensAsked(size, len(always))
    occurrences = np.stack([counts.occurrences for counts in all_counts])
    kept = np.zeros(occurrences.shape[1], dtype=bool)
    kept[always] = True
    shares = occurrences / np.maximum(1, occurrences.sum(axis=1, keepdims=True))
    covered = shares[:, kept].sum(axis=1)
    queues = [iter(_by_frequency(row).tolist()) for row in occurrences]
    left = size - len(always)
    while left and np.isfinite(covered).any():
        worst = int(np.argmin(covered))
        token_id = next((one for one in queues[worst] if not kept[one]), None)
        if token_id is None:
            covered[worst] = np.inf  # all its tokens are kept
            continue
        with_needed = with_dependencies(np.array([token_id], dtype=np.int32))
        added = with_needed[~kept[with_needed]]
        if len(added) > left:
            continue
        kept[added] = True
        covered += shares[:, added].sum(axis=1)
        left -= len(added)
    return np.flatnonzero(kept).astype(np.int32)


def fill_to_size(
    kept: np.ndarray,
    size: int,
    ranked: np.ndarray,
    with_dependencies: Callable[[np.ndarray], np.ndarray] = lambda ids: ids,
) -> np.ndarray:
    """Fill a vocabulary up to `size` tokens with those that the original itself ranks first.

    A token that needs others to be reached comes with them; where they do not fit any more, the next one has
    its turn.

    Args:
        kept: ids of the tokens that are kept already, with their dependencies.
        size: tokens of the whole vocabulary, `kept` included.
        ranked: every id, see `Tokenizer.ranked_ids`.
        with_dependencies: the tokenizer's, see `Tokenizer.with_dependencies`.

    Returns:
        Ids, int32, ascending, `kept` included: `size` of them, or fewer where the original has no more.

    >>> fill_to_size(np.array([0, 4]), 4, ranked=np.array([3, 4, 2, 1, 0])).tolist()
    [0, 2, 3, 4]
    """
    is_kept = np.zeros(len(ranked), dtype=bool)
    is_kept[kept] = True
    left = size - len(kept)
    for token_id in ranked[~is_kept[ranked]].tolist():
        if left <= 0:
            break
        with_needed = with_dependencies(np.array([token_id], dtype=np.int32))
        added = with_needed[~is_kept[with_needed]]
        if len(added) <= left:
            is_kept[added] = True
            left -= len(added)
    return np.flatnonzero(is_kept).astype(np.int32)


def _by_frequency(occurrences: np.ndarray) -> np.ndarray:
    """Ids of the tokens that occur, most frequent first, then by id; int32."""
    order = np.argsort(-occurrences, kind="stable")
    return order[: np.count_nonzero(occurrences)].astype(np.int32)
