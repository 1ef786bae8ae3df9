"""Batches follow from a seed alone: every pair once before one comes again, lengths alike, languages drawn."""

from __future__ import annotations

import numpy as np

from smaller_labse.distill.data.batches import POOL_BATCHES, Batches
from smaller_labse.distill.data.examples import shares_of_languages

SIZES = [400, 100]
LENGTHS = np.random.default_rng(0).integers(3, 60, sum(SIZES))


def batches(exponent: float = 1.0, seed: int = 0) -> Batches:
    return Batches(SIZES, shares_of_languages(SIZES, exponent), LENGTHS, batch=8, seed=seed)


def test_an_interrupted_run_sees_what_an_undisturbed_one_sees() -> None:
    whole = batches()
    undisturbed = [whole.next() for _ in range(50)]
    for seen in (0, 1, POOL_BATCHES, 37):
        resumed = batches()
        resumed.skip(seen)
        for expected in undisturbed[seen:]:
            np.testing.assert_array_equal(resumed.next(), expected)
    assert not np.array_equal(batches(seed=1).next(), undisturbed[0])


def test_every_pair_comes_once_before_one_comes_again() -> None:
    drawn = batches()
    indices = np.concatenate([drawn.next() for _ in range(10 * POOL_BATCHES)])
    for first, size in ((0, 400), (400, 100)):
        times = np.bincount(indices[(indices >= first) & (indices < first + size)] - first, minlength=size)
        assert times.max() - times.min() <= 1 and times.min() >= 2


def test_short_ones_come_sooner_so_that_all_lengths_get_the_same_time() -> None:
    lengths = np.repeat([10, 40], [4000, 4000])
    drawn = Batches([8000], np.ones(1), lengths, batch=8, seed=0)
    seen = lengths[np.concatenate([drawn.next() for _ in range(4 * POOL_BATCHES)])]
    # Of 512: weights of 1/10 and 1/40 make 410 short ones; four standard deviations are 36.
    assert abs((seen == 10).sum() - 410) < 36
    assert abs(seen[seen == 10].sum() / seen[seen == 40].sum() - 1) < 0.5


def test_small_languages_come_more_often_the_smaller_the_exponent() -> None:
    def share(exponent: float) -> float:
        drawn = batches(exponent)
        indices = np.concatenate([drawn.next() for _ in range(5 * POOL_BATCHES)])
        return float((indices >= 400).mean())

    assert abs(share(1) - 0.2) < 0.05 and abs(share(0) - 0.5) < 0.05


def test_a_batch_holds_pairs_of_similar_length() -> None:
    drawn = batches()
    padding = [LENGTHS[batch].max() / LENGTHS[batch].mean() for batch in (drawn.next() for _ in range(32))]
    assert np.mean(padding) < 1.2
