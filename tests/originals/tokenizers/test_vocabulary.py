"""A subset of a vocabulary is checked once, and maps ids both ways."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers import vocabulary
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

IDS = st.lists(st.integers(0, 49), min_size=1, unique=True).map(lambda ids: np.array(ids, np.int32))


@given(IDS)
def test_new_and_original_ids_are_each_others_inverse(ids):
    subset = VocabularySubset(ids, 50)
    new = np.arange(len(ids))
    assert subset.to_original_ids(new).tolist() == ids.tolist()
    assert subset.to_new_ids(ids).tolist() == new.tolist()
    assert np.flatnonzero(subset.contains(np.arange(50))).tolist() == sorted(ids.tolist())
    others = np.setdiff1d(np.arange(50), ids)
    assert set(subset.to_new_ids(others).tolist()) <= {-1}


def test_texts_have_the_same_tokens_where_every_id_is_the_same_token():
    subset = VocabularySubset(np.array([7, 2, 9]), 10)
    original = np.array([[7, 9], [7, 3], [2, 2]])
    smaller = np.array([[0, 2], [0, 1], [1, 1]])
    assert subset.same_tokens(original, smaller).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.zeros(0, np.int32), "expected one or more integers"),
        (np.zeros((2, 2), np.int32), "expected one or more integers"),
        (np.array([0.5]), "expected one or more integers"),
        (np.array([-1, 2]), "found -1 to 2"),
        (np.array([1, 10]), "the original has 10 tokens"),
        (np.array([1, 2, 1]), "an id stands there twice"),
    ],
)
def test_ids_that_are_no_subset_are_refused(ids, message):
    with pytest.raises(SmallerLabseError, match=message):
        VocabularySubset(ids, 10)


def test_a_subset_cannot_be_changed():
    subset = VocabularySubset(np.array([1, 2]), 5)
    with pytest.raises(ValueError, match="read-only"):
        subset.original_ids[0] = 3


def test_the_example_in_the_documentation_is_true():
    assert doctest.testmod(vocabulary).failed == 0
