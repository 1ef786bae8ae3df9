"""Similarity with people's scores: the published layouts, and the correlations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.evaluate.tasks.sts import read_sts

LAYOUTS = {
    "three columns": {"a.tsv": "a\tb\t5.0\nc\td\t1\ne\tf\t2.5\n"},
    "the benchmark's": {
        "a.tsv": "".join(
            f"main\tMSR\t2012\t{number:04d}\t{score}\t{left}\t{right}\n"
            for number, (left, right, score) in enumerate([("a", "b", 5.0), ("c", "d", 1), ("e", "f", 2.5)])
        )
    },
    "SemEval's": {"a.tsv": "a\tb\nc\td\nx\ty\ne\tf\n", "b.txt": "5.0\n1\n\n2.5\n"},
}


@pytest.mark.parametrize("files", LAYOUTS.values(), ids=LAYOUTS)
def test_the_published_layouts_are_read(tmp_path, files):
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    task = read_sts("en-de=" + ",".join(str(tmp_path / name) for name in files))
    assert (task.left, task.right, task.gold) == (("a", "c", "e"), ("b", "d", "f"), (5.0, 1.0, 2.5))
    assert task.texts() == {"en": ("a", "c", "e"), "de": ("b", "d", "f")}


def test_both_correlations_of_the_cosines(tmp_path):
    file = tmp_path / "a.tsv"
    file.write_text("".join(f"{n}\t{n}x\t{n % 4}\n" for n in range(12)), encoding="utf-8")
    vectors = np.random.default_rng(0).standard_normal((24, 6)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    numbers = {f"{n}{ending}": 2 * n + len(ending) for n in range(12) for ending in ("", "x")}
    task = read_sts(f"fr={file}")
    scores = task.measure(lambda texts: vectors[[numbers[text] for text in texts]])
    cosines = (vectors[::2] * vectors[1::2]).sum(axis=1)
    expected = stats.spearmanr(task.gold, cosines).statistic, stats.pearsonr(task.gold, cosines).statistic
    assert [score.value for score in scores] == pytest.approx(expected, abs=1e-6)
    assert list(task.texts()) == ["fr"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\tb\n", "has 2 columns"),
        ("a\tb\tgood\n", "line 1 has the score 'good'"),
        ("a\tb\tnan\n", "line 1 has the score 'nan'"),
        ("a\tb\t1\nc\td\t1\n", "all its scores are the same"),
        ("", "empty"),
    ],
)
def test_bad_files_are_one_clear_line(tmp_path, text, message):
    (tmp_path / "a.tsv").write_text(text, encoding="utf-8")
    with pytest.raises(SmallerLabseError, match=message):
        read_sts(f"en={tmp_path / 'a.tsv'}")


def test_an_input_and_gold_of_unequal_length_are_refused(tmp_path):
    (tmp_path / "a").write_text("a\tb\nc\td\n", encoding="utf-8")
    (tmp_path / "b").write_text("1\n", encoding="utf-8")
    with pytest.raises(SmallerLabseError, match="has 2 lines, but"):
        read_sts(f"en={tmp_path / 'a'},{tmp_path / 'b'}")


@pytest.mark.parametrize("text", ["a.tsv", "=a.tsv", "en=", "en=a,b,c"])
def test_what_is_no_name_and_file_is_a_usage_error(text):
    with pytest.raises(UsageError):
        read_sts(text)
