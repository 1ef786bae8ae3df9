"""Coverage: what kept tokens keep of each language's counts, and are expected to keep of new text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.choosing.count_rules import Rule
from smaller_labse.select_vocab.choosing.unseen import kept_without_a_line, unseen_share
from smaller_labse.select_vocab.counting.counts import Counts
from smaller_labse.select_vocab.selection import Coverage


def measure_coverage(
    counts: Sequence[Counts], kept: np.ndarray, tokenizer: Tokenizer, rule: Rule, always: np.ndarray
) -> tuple[Coverage, ...]:
    """What the kept tokens cover of each language's counts, and what of text that was not counted.

    Args:
        counts: one for each language (or Wikipedia).
        kept: ids, int32 [n].
        tokenizer: the original's.
        rule: by which they were chosen.
        always: ids that would be kept without any one line of the counts, whatever the rule, int32 [n].
    """
    is_kept = _marked(kept, tokenizer)
    dropped = np.zeros(len(tokenizer.pieces), dtype=bool)
    for one in counts:
        dropped |= (one.occurrences > 0) & ~is_kept
    unreadable = tokenizer.unreadable(np.flatnonzero(dropped).tolist(), is_kept)
    by_lines = rule.name == "min-line-share"
    firm = kept_without_a_line(
        [one.lines if by_lines and one.lines is not None else one.occurrences for one in counts],
        [_without_a_line(one, by_lines) for one in counts],
        is_kept,
        _marked(always, tokenizer),
        ties_by_id=not by_lines,
    )
    return tuple(
        _measure(
            one,
            is_kept,
            _marked(tokenizer.with_dependencies(np.flatnonzero(its)), tokenizer),
            unreadable,
            tokenizer,
        )
        for one, its in zip(counts, firm, strict=True)
    )


def _measure(
    counts: Counts, is_kept: np.ndarray, is_firm: np.ndarray, unreadable: list[int], tokenizer: Tokenizer
) -> Coverage:
    total = int(counts.occurrences.sum())
    unknown = 0 if tokenizer.unknown_id is None else int(counts.occurrences[tokenizer.unknown_id])
    seen = counts.occurrences > 0
    unchanged, expected_unchanged = _unchanged_shares(counts, (is_kept, is_firm), tokenizer)
    lines = None if counts.word_list else counts.lines
    expected_coverage = int(counts.occurrences[is_firm].sum()) / total
    return Coverage(
        name=counts.name,
        language=counts.language,
        corpus=counts.corpus,
        lines=counts.total_lines,
        seen=int(np.count_nonzero(seen)),
        kept=int(np.count_nonzero(seen & is_kept)),
        coverage=int(counts.occurrences[is_kept].sum()) / total,
        unchanged=unchanged,
        unknown=unknown / total,
        new_unknown=int(counts.occurrences[unreadable].sum()) / total,
        unseen=None if lines is None else unseen_share(counts.occurrences, lines),
        expected_coverage=None if lines is None else expected_coverage,
        expected_unchanged=None if lines is None else expected_unchanged,
    )


def _unchanged_shares(counts: Counts, kept: Sequence[np.ndarray], tokenizer: Tokenizer) -> list[float | None]:
    """Of the sampled lines, the share whose tokens are all kept, for each of several choices."""
    if not counts.sample or counts.word_list:  # a list's lines are words
        return [None for _ in kept]
    ids, lengths = tokenizer.tokenize([line.text for line in counts.sample])
    line_of_token = np.repeat(np.arange(len(lengths)), lengths)
    return [1.0 - len(np.unique(line_of_token[~choice[ids]])) / len(lengths) for choice in kept]


def _without_a_line(counts: Counts, by_lines: bool) -> np.ndarray:
    """Every token's lines, or occurrences, when one line that holds the token is left out."""
    if counts.lines is None or by_lines:
        return counts.occurrences if counts.lines is None else counts.lines - 1
    in_one_line = -(-counts.occurrences // np.maximum(counts.lines, 1))  # the mean, rounded up
    return counts.occurrences - in_one_line


def _marked(ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """Ids as bool [vocabulary size]."""
    marked = np.zeros(len(tokenizer.pieces), dtype=bool)
    marked[ids] = True
    return marked
