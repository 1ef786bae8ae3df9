from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from smaller_labse.encoders.sentence_encoder import batches_by_length

LENGTHS = st.lists(st.integers(1, 128), max_size=200)


@given(LENGTHS, st.integers(1, 500))
def test_every_text_is_in_one_batch_within_the_budget(lengths, budget):
    batches = list(batches_by_length(np.array(lengths, np.int64), budget))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget


@given(LENGTHS, st.integers(1, 500))
def test_no_batch_is_smaller_than_it_must_be(lengths, budget):
    batches = list(batches_by_length(np.array(lengths, np.int64), budget))
    for batch in batches[:-1]:
        assert (len(batch) + 1) * max(lengths[index] for index in batch) > budget


def test_texts_of_like_length_share_a_batch():
    batches = list(batches_by_length(np.array([3, 100, 4, 90, 3]), 200))
    assert [batch.tolist() for batch in batches] == [[1, 3], [2, 0, 4]]


def test_a_number_of_texts_takes_the_place_of_the_budget():
    batches = list(batches_by_length(np.array([3, 100, 4, 90, 3]), 4, texts=2))
    assert [batch.tolist() for batch in batches] == [[1, 3], [2, 0], [4]]


@given(LENGTHS, st.integers(1, 500), st.none() | st.integers(1, 20))
def test_texts_of_one_length_alone_share_a_batch_where_nothing_may_be_padded(lengths, budget, texts):
    batches = list(batches_by_length(np.array(lengths, np.int64), budget, texts, alike=True))
    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len({lengths[index] for index in batch}) == 1
        assert len(batch) <= (texts or max(1, budget // lengths[batch[0]]))
