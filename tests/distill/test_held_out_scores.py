"""What a training brought each language: means, paired intervals, and how manifest and card say them."""

from __future__ import annotations

import numpy as np
import pytest

from smaller_labse.distill.held_out_scores import compare_held_out

RANDOM = np.random.default_rng(0)
BEFORE = {"fr": RANDOM.integers(0, 2, 150).astype(float), "ja": np.zeros(50)}
AFTER = {"fr": BEFORE["fr"], "ja": np.repeat([0, 1.0], [10, 40])}


def test_scores_are_means_and_languages_weigh_alike() -> None:
    scores = compare_held_out("precision at 1", BEFORE, AFTER, {"fr": np.ones(150), "ja": np.ones(50)})
    assert scores.languages["ja"].after == 0.8 and scores.languages["ja"].teacher == 1
    assert scores.average.change.value == pytest.approx(0.4) and scores.average.examples == 200
    assert scores.average.before == pytest.approx(BEFORE["fr"].mean() / 2)


def test_the_interval_is_that_of_the_same_examples_before_and_after() -> None:
    """Of a language that answers alike it is nothing, however much its examples differ from each other."""
    scores = compare_held_out("precision at 1", BEFORE, AFTER).languages
    assert (scores["fr"].change.low, scores["fr"].change.high) == (0, 0)
    low, high = scores["ja"].change.low, scores["ja"].change.high
    # Of 50 draws of which 80% say 1: 1.96 standard errors of sqrt(0.8 x 0.2 / 50).
    assert low == pytest.approx(0.8 - 0.111, abs=0.02) and high == pytest.approx(0.8 + 0.111, abs=0.02)


def test_manifest_and_card_say_the_same() -> None:
    scores = compare_held_out("mean cosine", {"fr": np.zeros(2)}, {"fr": np.ones(2)}, no_teacher="Unknown.")
    one = {"examples": 2, "before": 0, "after": 1, "change": 1, "interval": [1, 1]}
    assert scores.as_json() == {"measure": "mean cosine", **one, "languages": {"fr": one}}
    head, _, french, average = scores.table().splitlines()
    assert head == "| language | examples | before | after | change |"
    assert french == "| French (fr) | 2 | 0.0 | 100.0 | +100.0 (+100.0 to +100.0) |"
    assert average.startswith("| average | 2 |")
