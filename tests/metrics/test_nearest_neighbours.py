from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.metrics.nearest_neighbours import accuracy, found_both_ways, neighbours_both_ways


def nearest_neighbours(queries: np.ndarray, candidates: np.ndarray, block: int = 1024) -> np.ndarray:
    return neighbours_both_ways(queries, candidates, block=block)[0].indices[:, 0]


# Small whole numbers: their dot products are exact, so that ties are ties however they are summed.
ROWS = st.integers(1, 12).flatmap(lambda n: arrays(np.float32, (n, 3), elements=st.integers(-2, 2)))


@given(ROWS, ROWS, st.integers(1, 5))
@settings(deadline=None)  # the first call imports and warms up
def test_nearest_neighbours_equal_brute_force_ties_included(queries, candidates, block):
    similarities = queries.astype(np.float64) @ candidates.astype(np.float64).T
    expected = [row.tolist().index(row.max()) for row in similarities]
    assert nearest_neighbours(queries, candidates, block).tolist() == expected


@given(ROWS, ROWS, st.integers(1, 5))
@settings(deadline=None)  # the first call imports and warms up
def test_both_ways_are_the_two_single_ways(left, right, block):
    there, back = neighbours_both_ways(left, right, block=block)
    assert there.indices[:, 0].tolist() == nearest_neighbours(left, right, block).tolist()
    assert back.indices[:, 0].tolist() == nearest_neighbours(right, left, block).tolist()


def test_of_two_pairs_with_one_translation_only_the_first_is_found():
    """As where `argmax` chooses: both English sentences find the first of the two equal ones."""
    english, foreign = np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32)[[0, 1, 1]]
    english[2] = english[1]
    there, back = found_both_ways(english, foreign)
    assert (there.tolist(), back.tolist()) == ([True, True, False], [True, True, False])


def test_the_first_of_equal_candidates_wins_whatever_the_rounding():
    rng = np.random.default_rng(0)
    distinct = rng.standard_normal((37, 768), np.float32)
    distinct /= np.linalg.norm(distinct, axis=1, keepdims=True)
    candidates = np.concatenate([distinct] * 30)
    for block in (7, 64, 1024):
        assert nearest_neighbours(distinct, candidates, block).tolist() == list(range(37))


def test_blocks_do_not_change_the_result():
    rng = np.random.default_rng(1)
    queries, candidates = rng.standard_normal((50, 8)), rng.standard_normal((70, 8))
    expected = (queries @ candidates.T).argmax(axis=1)
    for block in (1, 16, 70, 1024):
        assert np.array_equal(nearest_neighbours(queries, candidates, block), expected)


def test_accuracy_is_the_share_of_right_neighbours():
    rows = np.eye(4, dtype=np.float32)
    assert accuracy(rows, rows) == 1.0
    assert accuracy(rows, rows[[0, 1, 3, 2]]) == 0.5
    assert accuracy(rows[[0, 0, 2, 3]], rows[[0, 0, 2, 3]]) == 0.75


@pytest.mark.parametrize(
    ("queries", "candidates", "message"),
    [
        (np.ones((2, 3)), np.ones((0, 3)), "no candidate"),
        (np.ones((2, 3)), np.ones((2, 4)), "cannot be compared"),
        (np.ones(3), np.ones(3), "cannot be compared"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), np.ones((2, 2)), "query 1 holds NaN or infinity"),
        (np.ones((2, 2)), np.array([[np.inf, 1.0], [1.0, 1.0]]), "candidate 0 holds NaN or infinity"),
    ],
)
def test_what_cannot_be_compared_is_refused(queries, candidates, message):
    with pytest.raises(SmallerLabseError, match=message):
        nearest_neighbours(queries, candidates)


def test_unpaired_embeddings_have_no_accuracy():
    with pytest.raises(SmallerLabseError, match="no pairs"):
        accuracy(np.ones((2, 3)), np.ones((3, 3)))
