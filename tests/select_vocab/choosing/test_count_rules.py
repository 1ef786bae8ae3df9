"""Each rule against its definition, tried out over all subsets where the vocabulary is small."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.select_vocab.choosing.count_rules import coverage, min_line_share, share_out, top_k

COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=8)
LARGE = st.lists(st.integers(0, 10**12), min_size=1, max_size=8)
SHARES = st.sampled_from(["0", "0.00005", "0.1", "1/3", "0.5", "0.9", "0.999", "1"]) | st.decimals(
    0, 1, places=6
).map(str)


@pytest.mark.parametrize(
    ("total", "share", "threshold"),
    [
        (1_000_000, "0.00005", 50),
        (999_999, "0.00005", 49),  # int(49.99995)
        (19_999, "0.00005", 1),  # int(0.99995) is 0, but a piece must occur
        (1_000_000, 0.00005, 50),
        (100, "0.29", 29),  # 0.29 * 100 is 28.999999999999996 in floating point
        (10, "1", 10),
        (10, "0", 1),
    ],
)
def test_min_line_share_has_the_threshold_of_the_published_selection(make_counts, total, share, threshold):
    lines = [0, threshold - 1, threshold, threshold + 1]
    kept = min_line_share(make_counts([7 * n for n in lines], lines, total), share)
    assert kept.tolist() == [2, 3]
    assert kept.dtype == np.int32


def test_min_line_share_needs_lines(make_counts):
    from dataclasses import replace

    with pytest.raises(SmallerLabseError, match=r"en\.txt has no line counts, which --min-line-share needs"):
        min_line_share(replace(make_counts([1]), lines=None, total_lines=None))


@given(COUNTS, st.integers(1, 10))
def test_top_k_keeps_the_most_frequent_and_of_equals_the_first(make_counts, occurrences, k):
    ranked = sorted(range(len(occurrences)), key=lambda number: (-occurrences[number], number))
    expected = sorted(number for number in ranked[:k] if occurrences[number])
    assert top_k(make_counts(occurrences), k).tolist() == expected


@given(COUNTS | LARGE, SHARES)
def test_coverage_is_the_smallest_set_that_covers_the_share(make_counts, occurrences, share):
    kept = coverage(make_counts(occurrences), share).tolist()
    wanted = Fraction(share) * sum(occurrences)

    def covers(numbers) -> bool:
        return sum(occurrences[number] for number in numbers) >= wanted

    assert covers(kept)
    smaller = combinations(range(len(occurrences)), len(kept) - 1) if kept else ()
    assert not any(covers(numbers) for numbers in smaller)
    # Of the sets of that size it is the most frequent pieces, and of equals the first.
    assert kept == sorted(sorted(range(len(occurrences)), key=lambda n: (-occurrences[n], n))[: len(kept)])


def least_covered(tables: list[list[int]], kept) -> Fraction:
    return min(Fraction(sum(table[n] for n in kept), max(1, sum(table))) for table in tables)


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=4), min_size=1, max_size=3), st.data())
def test_sharing_out_is_optimal_where_languages_share_no_piece(make_counts, parts, data):
    """The least coverage is the largest of all vocabularies of that size."""
    total = sum(map(len, parts))
    tables, start = [], 0
    for part in parts:
        tables.append([0] * start + part + [0] * (total - start - len(part)))
        start += len(part)
    size = data.draw(st.integers(0, total))
    kept = share_out([make_counts(table) for table in tables], size, np.zeros(0, np.int32)).tolist()
    assert len(set(kept)) == size
    best = max(least_covered(tables, numbers) for numbers in combinations(range(total), size))
    assert least_covered(tables, kept) == best


@given(st.lists(st.lists(st.integers(0, 9), min_size=7, max_size=7), min_size=1, max_size=3), st.data())
def test_sharing_out_fills_the_size_exactly_and_helps_the_worst_covered(make_counts, tables, data):
    always = data.draw(st.sets(st.integers(0, 6), max_size=3))
    size = data.draw(st.integers(len(always), 9))
    counts = [make_counts(table) for table in tables]
    kept = share_out(counts, size, np.array(sorted(always), np.int32))
    occurring = {n for table in tables for n, count in enumerate(table) if count}
    assert always <= set(kept.tolist())
    assert len(kept) == min(size, len(always | occurring))
    assert kept.dtype == np.int32
    assert kept.tolist() == sorted(set(kept.tolist()))
    # One piece more never covers anybody less, and the vocabulary grows by that piece only.
    if size > len(always):
        fewer = share_out(counts, size - 1, np.array(sorted(always), np.int32))
        assert set(fewer.tolist()) <= set(kept.tolist())
        assert least_covered(tables, fewer.tolist()) <= least_covered(tables, kept.tolist())


@given(
    st.lists(st.integers(0, 9), min_size=8, max_size=8),
    st.lists(st.integers(0, 7), min_size=8, max_size=8),
    st.integers(0, 9),
)
def test_sharing_out_keeps_what_pieces_need_within_the_size(make_counts, table, needs, size):
    """As BPE's merges need the pieces that they pass through."""

    def closed(ids: np.ndarray) -> np.ndarray:
        reached = set(ids.tolist())
        while more := {needs[number] for number in reached} - reached:
            reached |= more
        return np.array(sorted(reached), np.int32)

    kept = share_out([make_counts(table)], size, np.zeros(0, np.int32), closed)
    assert len(kept) <= size
    assert kept.tolist() == closed(kept).tolist()
    # No piece that occurs and is missing would have fitted.
    left = size - len(kept)
    for number in set(np.flatnonzero(table).tolist()) - set(kept.tolist()):
        assert len(set(closed(np.array([number])).tolist()) - set(kept.tolist())) > left


def test_sharing_out_gives_the_worst_covered_its_most_frequent_missing_piece(make_counts):
    first, second = make_counts([6, 3, 1, 0, 0, 0]), make_counts([0, 0, 5, 4, 1, 0])
    sizes = [share_out([first, second], size, np.zeros(0, np.int32)).tolist() for size in range(6)]
    # 0 %/0 %: piece 0 → 60/0: piece 2, which is in both → 70/50: piece 3 → 70/90: piece 1 → 100/90: piece 4
    assert sizes == [[], [0], [0, 2], [0, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3, 4]]


def test_sharing_out_refuses_a_size_below_what_is_always_kept(make_counts):
    with pytest.raises(UsageError, match="--vocab-size 2 is too small: 3 tokens are always kept"):
        share_out([make_counts([1] * 5)], 2, np.arange(3))


@given(st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=2, max_size=4), st.data())
def test_no_rule_depends_on_the_order_of_languages(example, tokenizer, make_counts, tables, data):
    from smaller_labse.select_vocab.choosing.choose_tokens import choose_tokens
    from smaller_labse.select_vocab.choosing.count_rules import Rule

    assume(all(map(any, tables)))
    padding = [0] * (len(tokenizer.pieces) - 6 - 200)
    counts = [make_counts([0] * 200 + t + padding, name=c) for t, c in zip(tables, "abcd", strict=False)]
    rule = data.draw(
        st.sampled_from(
            [
                Rule("min-line-share", "0.05"),
                Rule("top-k", 2),
                Rule("coverage", "0.6"),
                Rule("vocab-size", 109),
            ]
        )
    )
    listed = [np.array([300, 301], np.int32), np.array([299], np.int32)]
    chosen = []
    for permuted in (counts, data.draw(st.permutations(counts))):
        selection = choose_tokens(tokenizer, 12_423, 64, permuted, rule, listed, keep_characters=False)
        chosen.append((selection.pieces, selection.subset.original_ids.tolist(), selection.coverage))
        listed.reverse()
    assert chosen[0] == chosen[1]


@pytest.mark.parametrize(("size", "share"), [("3.8%", 0.038), ("3.5%", 0.035)])
def test_a_size_in_percent_is_of_the_originals_rows(example, counted, tokenizer, run, tmp_path, size, share):
    arguments = ["--model", example, "--counts", counted, "--vocab-size", size, "--out", tmp_path / "out"]
    assert run("select", *arguments).code == 0
    kept = np.load(tmp_path / "out" / "kept_ids.npy")
    assert len(kept) == int(share * len(tokenizer.pieces))
