"""Mining for BUCC, against its formulas and a case that was worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate.tasks.bitext_mining import Mined, best_threshold, mine, outcomes, read_bucc
from smaller_labse.metrics.nearest_neighbours import neighbours_both_ways
from smaller_labse.metrics.scores import f1

ROWS = arrays(np.float32, (9, 4), elements=st.integers(-9, 9).map(lambda n: n / 8))


@given(ROWS, ROWS, st.integers(1, 5), st.integers(1, 4))
@settings(deadline=None)  # the first call imports and warms up
def test_neighbours_both_ways_are_the_highest_products(left, right, block, k):
    if len(np.unique(left, axis=0)) < 9 or len(np.unique(right, axis=0)) < 9:
        return
    products = left @ right.T
    for found, expected in zip(
        neighbours_both_ways(left, right, k, block), (products, products.T), strict=True
    ):
        best = -np.sort(-expected, axis=1)[:, :k]
        np.testing.assert_allclose(found.similarities, best, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(np.take_along_axis(expected, found.indices, 1), best, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("search", ["forward", "backward"])
def test_the_margin_is_the_papers_formula(search):
    random = np.random.default_rng(0)
    left, right = (rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in random.random((2, 12, 5)))
    cosines = left @ right.T

    def neighbours(row: np.ndarray) -> float:
        return sum(sorted(row, reverse=True)[:4]) / (2 * 4)

    margins = np.array(
        [
            [cosines[x, y] / (neighbours(cosines[x]) + neighbours(cosines[:, y])) for y in range(12)]
            for x in range(12)
        ]
    )
    mined = mine(*neighbours_both_ways(left, right, 4), "margin", search)
    assert (np.diff(mined.scores) <= 0).all()
    np.testing.assert_allclose(mined.scores, margins[mined.left, mined.right], rtol=1e-6)
    # The candidate is the best by margin among the four nearest.
    matrix = margins if search == "forward" else margins.T
    nearest = np.argsort(-(cosines if search == "forward" else cosines.T), axis=1)[:, :4]
    for row, score in zip(mined.left if search == "forward" else mined.right, mined.scores, strict=True):
        assert score == pytest.approx(matrix[row, nearest[row]].max())


def test_cosine_mining_takes_the_nearest():
    left = np.eye(3, dtype=np.float32)
    right = left[[2, 0, 1]]
    mined = mine(*neighbours_both_ways(left, right, 2), "cosine", "forward")
    assert dict(zip(mined.left.tolist(), mined.right.tolist(), strict=True)) == {0: 1, 1: 2, 2: 0}


def test_the_threshold_and_f1_of_a_case_by_hand():
    """Six candidates, four true pairs of which three are candidates; the best threshold is the fourth's.

    Taken 1..6: right 1, 1, 2, 3, 3, 3; F1 = 2r/(t+4) = 0.4, 0.33, 0.57, 0.75, 0.67, 0.6.
    """
    mined = Mined(np.arange(6), np.arange(6), np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4]))
    gold = {(0, 0): 1, (2, 2): 2, (3, 3): 3, (7, 9): 4}
    threshold = best_threshold(mined, gold)
    assert threshold == 0.6
    found = outcomes(mined, threshold, gold, sentences=8)
    assert found.sum(axis=0).tolist() == [3, 4, 4]
    assert f1(found) == pytest.approx(0.75)


def test_candidates_of_one_score_are_taken_all_or_none():
    mined = Mined(np.arange(4), np.arange(4), np.array([0.9, 0.5, 0.5, 0.5]))
    gold = {(0, 0): 1, (1, 1): 2}
    threshold = best_threshold(mined, gold)
    # After one: 2/3; after two it would be 1, but the third and fourth have the second's score: 4/6.
    assert threshold == 0.9
    assert f1(outcomes(mined, threshold, gold, 4)) == pytest.approx(2 / 3)


def test_where_nothing_is_right_nothing_is_taken():
    mined = Mined(np.arange(2), np.arange(2), np.array([0.9, 0.5]))
    threshold = best_threshold(mined, {(0, 1): 1})
    assert f1(outcomes(mined, threshold, {(0, 1): 1}, 2)) == 0


FILES = {
    "de-en.training.de": "de-1\teins\nde-2\tzwei\nde-3\tdrei\n",
    "de-en.training.en": "en-1\ttwo\nen-2\tone\n",
    "de-en.training.gold": "de-1\ten-2\nde-2\ten-1\n",
}


def write(folder: Path, **changed: str | None) -> Path:
    files = FILES | {name.replace("__", "."): text for name, text in changed.items()}
    inner = folder / "bucc2018" / "de-en"
    inner.mkdir(parents=True)
    for name, text in files.items():
        if text is not None:
            (inner / name).write_text(text, encoding="utf-8")
    return folder


def test_buccs_published_layout_is_read_and_measured(tmp_path):
    (task,) = read_bucc(write(tmp_path))
    assert task.texts() == {"de": ("eins", "zwei", "drei"), "en": ("two", "one")}
    assert set(task.training.gold) == {(0, 1), (1, 0)}
    vectors = {
        "eins": [1, 0, 0],
        "one": [1, 0, 0],
        "zwei": [0, 1, 0],
        "two": [0, 1, 0],
        "drei": [0, 0.6, 0.8],
    }
    scores = task.measure(lambda texts: np.array([vectors[text] for text in texts], np.float32))
    values = {score.part: score.value for score in scores}
    assert values["de-en cosine forward"] == 1.0
    assert values["de-en cosine backward"] == 1.0
    assert set(values) == {
        f"de-en {scoring} {search}" for scoring in ("cosine", "margin") for search in ("forward", "backward")
    }


def test_the_threshold_of_the_training_split_is_used_on_the_test_split(tmp_path):
    folder = write(tmp_path)
    inner = folder / "bucc2018" / "de-en"
    for split in ("de", "en", "gold"):
        (inner / f"de-en.test.{split}").write_text(FILES[f"de-en.training.{split}"], encoding="utf-8")
    (inner / "de-en.test.de").write_text("de-1\teins\nde-2\tzwei\nde-3\tvier\n", encoding="utf-8")
    (task,) = read_bucc(folder)
    vectors = {
        "eins": [1, 0],
        "one": [1, 0],
        "zwei": [0, 1],
        "two": [0, 1],
        "drei": [0.8, 0.6],
        "vier": [0, 1],
    }
    scores = task.measure(lambda texts: np.array([vectors[text] for text in texts], np.float32))
    # "vier" is as near to "two" as "zwei" is: one found pair of three is wrong.
    assert scores[0].items.sum(axis=0).tolist() == [2, 3, 2]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"de-en__training__gold": "de-1\ten-9\n"}, "line 1 names en-9"),
        ({"de-en__training__gold": "de-1 en-1\n"}, "expected id<TAB>id"),
        ({"de-en__training__gold": ""}, "empty"),
        ({"de-en__training__gold": None}, "no xx-en.training.gold"),
        ({"de-en__training__en": None}, "there is no such file"),
        ({"de-en__training__de": "eins\n"}, "expected id<TAB>sentence"),
        ({"de-en__training__de": "de-1\teins\nde-1\tzwei\n"}, "an earlier line has"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path, files, message):
    with pytest.raises(SmallerLabseError, match=message):
        read_bucc(write(tmp_path, **files))
