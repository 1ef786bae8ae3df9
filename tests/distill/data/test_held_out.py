"""Held-out pairs share no sentence with those that are trained on, whatever the order of the files."""

from __future__ import annotations

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.distill.data.held_out import (
    MOST_OF_A_LANGUAGE,
    HeldOutPairs,
    choose_held_out,
    found_both_ways,
    score_of,
)

FIRST = [f"sentence {number % 900}" for number in range(1800)]
SECOND = [f"sentence {number}" for number in range(700, 3000)]


def test_no_sentence_is_both_trained_on_and_held_out() -> None:
    training, held_out = choose_held_out([FIRST, SECOND])
    sentences = {name: set() for name in ("training", "held out")}
    for texts, trained_on, held in zip((FIRST, SECOND), training, held_out, strict=True):
        sentences["training"] |= {texts[index] for index in trained_on}
        sentences["held out"] |= {texts[index] for index in held}
        assert 0 < len(held) <= MOST_OF_A_LANGUAGE
    assert not sentences["training"] & sentences["held out"]
    assert len(sentences["training"]) == 3000 - 300  # a tenth


def test_the_choice_does_not_depend_on_the_order() -> None:
    texts = SECOND[:400]
    held = {texts[index] for index in choose_held_out([texts])[1][0]}
    turned = texts[::-1]
    assert held == {turned[index] for index in choose_held_out([turned])[1][0]}


def test_too_few_sentences_are_refused() -> None:
    with pytest.raises(SmallerLabseError, match="only 9 different sentences, expected 20 or more"):
        choose_held_out([FIRST[:9]])


def test_an_equal_text_is_found_as_well() -> None:
    sentences, translations = np.eye(3)[[0, 2]], np.eye(3)[[0, 0, 2]]
    rows = np.array([0, 0, 1])
    assert found_both_ways(sentences, translations, rows, ["x", "x", "y"]).tolist() == [1, 1, 1]
    assert found_both_ways(sentences, translations, rows, ["x", "z", "y"]).tolist() == [1, 0.5, 1]


def test_a_sentence_is_looked_for_among_those_of_all_languages() -> None:
    rows = {"a": [0.8, 0.6], "x": [1.0, 0], "b": [1.0, 0], "y": [1.0, 0]}
    alone, both = (
        HeldOutPairs({"fr": (["a"], ["x"])}),
        HeldOutPairs({"fr": (["a"], ["x"]), "ja": (["b"], ["y"])}),
    )
    encode = lambda texts: np.array([rows[text] for text in texts])  # noqa: E731
    assert alone.values(encode)["fr"].tolist() == [1]
    assert {code: each.tolist() for code, each in both.values(encode).items()} == {"fr": [0.5], "ja": [1]}


def test_languages_weigh_alike_whatever_their_sizes() -> None:
    rows = {"a": [1.0, 0], "b": [0, 1.0], "x": [1.0, 0], "y": [0, 1.0], "z": [1.0, 0]}
    held_out = HeldOutPairs({"fr": (["a", "b"], ["x", "y"]), "ja": (["b", "a"], ["z", "y"])})
    values = held_out.values(lambda texts: np.array([rows[text] for text in texts]))
    assert {code: each.tolist() for code, each in values.items()} == {"fr": [1, 1], "ja": [0, 0]}
    assert score_of(values) == 0.5
    assert score_of({"fr": np.ones(99), "ja": np.zeros(1)}) == 0.5
