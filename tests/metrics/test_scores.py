"""Metrics against scipy, against counting by hand, and the interval of a difference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from smaller_labse.metrics.bootstrap import difference
from smaller_labse.metrics.scores import Score, f1, pearson, precision_at_1, ranks, spearman

PAIRS = st.integers(3, 40).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.integers(-5, 5)))


@given(PAIRS)
@settings(deadline=None)  # the first call imports and warms up
def test_correlations_are_scipys_ties_included(items):
    if any(len(set(column)) < 2 for column in items.T):
        assert np.isnan(pearson(items)) and np.isnan(spearman(items))
        return
    assert pearson(items) == pytest.approx(stats.pearsonr(*items.T).statistic, abs=1e-9)
    assert spearman(items) == pytest.approx(stats.spearmanr(*items.T).statistic, abs=1e-9)


@given(st.lists(st.integers(-3, 3), min_size=1))
@settings(deadline=None)  # the first call imports and warms up
def test_equal_values_share_the_mean_of_their_ranks(values):
    assert ranks(np.array(values)).tolist() == stats.rankdata(values).tolist()


def test_f1_by_hand():
    """3 right of 4 found, 6 true: precision 3/4, recall 1/2, F1 0.6."""
    items = np.array([[1, 1, 1], [1, 1, 2], [1, 2, 2], [0, 0, 1]])
    assert f1(items) == pytest.approx(2 * 0.75 * 0.5 / 1.25)
    assert f1(np.zeros((2, 3), int)) == 0


def test_precision_at_1_is_the_share_that_was_found():
    assert precision_at_1(np.array([True, False, True, True])) == 0.75


def hits(values: list[bool], sample: str = "en-fr") -> Score:
    return Score("tatoeba", "en→fr", "precision at 1", np.array(values), sample)


@given(PAIRS, st.data())
@settings(deadline=None)  # the first call imports and warms up
def test_counting_a_text_so_many_times_is_repeating_it(items, data):
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(items), max_size=len(items))))
    repeated = np.repeat(items, times, axis=0)
    if any(len(set(column)) < 2 for column in repeated.T):
        return
    for metric in (pearson, spearman):
        assert metric(items, times) == pytest.approx(metric(repeated), abs=1e-9)
    three = np.abs(np.concatenate([items, items[:, :1]], axis=1)).astype(int)
    assert f1(three, times) == pytest.approx(f1(np.repeat(three, times, axis=0)))
    assert precision_at_1(items[:, 0] > 0, times) == pytest.approx(precision_at_1(repeated[:, 0] > 0))


def test_two_directions_of_the_same_texts_are_as_uncertain_as_one():
    before, after = hits([True] * 100), hits([False] * 10 + [True] * 90)
    one = difference([before], [after])
    assert difference([before] * 4, [after] * 4) == one
    other = difference(
        [before, hits([True] * 100, "en-de")], [after, hits([False] * 10 + [True] * 90, "en-de")]
    )
    assert other.high - other.low < 0.85 * (one.high - one.low)


def test_the_interval_of_equal_models_is_nothing():
    same = [hits([True, False] * 50)]
    assert difference(same, same) == difference(same, same)
    change = difference(same, same)
    assert (change.value, change.low, change.high, change.is_certain) == (0, 0, 0, False)


def test_the_interval_is_that_of_the_textbook():
    """10 of 100 lost, none won: the difference is a mean of 100 draws of -1 with a share of 0.1."""
    before, after = [hits([True] * 100)], [hits([False] * 10 + [True] * 90)]
    change = difference(before, after, draws=4000)
    assert change.value == pytest.approx(-0.1)
    low, high = (-stats.binom.ppf(share, 100, 0.1) / 100 for share in (0.975, 0.025))
    assert change.low == pytest.approx(low, abs=0.011)
    assert change.high == pytest.approx(high, abs=0.011)
    assert change.is_certain


def test_losses_and_gains_of_a_like_number_are_not_certain():
    before = [hits([True] * 50 + [False] * 50)]
    after = [hits([False] * 5 + [True] * 45 + [True] * 6 + [False] * 44)]
    assert not difference(before, after).is_certain


def test_every_language_weighs_alike_however_many_sentences_it_has():
    before = [hits([True] * 1000), hits([True] * 10, "en-de")]
    after = [hits([True] * 1000), hits([False] * 10, "en-de")]
    assert difference(before, after, draws=10).value == -0.5
    assert difference(before, after, draws=10).low == -0.5
