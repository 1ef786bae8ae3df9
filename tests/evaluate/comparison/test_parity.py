from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate import load
from smaller_labse.evaluate.comparison.model_pair import Comparison, ModelPair, combine, match_vocabularies
from smaller_labse.evaluate.comparison.parity import Parity, parity, parity_table, require_parity

LINES = ["good morning", "the red house", "", "night", "猫 good", "a 猫 猫 Ω", "houses.", "night"]


@pytest.fixture(scope="module")
def pair(original, smaller) -> ModelPair:
    return ModelPair(load(original), load(smaller))


@pytest.fixture
def texts(tmp_path) -> dict[str, Path]:
    file = tmp_path / "en.txt"
    file.write_text("".join(f"{line}\n" for line in LINES), encoding="utf-8")
    return {"en": file}


def test_parity_of_a_trimmed_model(original, smaller, texts):
    result = parity(str(original), str(smaller), texts)
    comparison = result.languages[0]
    assert (comparison.texts, comparison.empty_lines) == (7, 1)
    assert comparison.unchanged == 3  # "house" is spelled out, 猫 is unknown
    assert comparison.largest_difference <= 1e-5
    assert comparison.mean_difference <= comparison.largest_difference
    assert 0 < comparison.mean_cosine < 0.9999
    assert (comparison.original_unknowns, comparison.new_unknowns) == (1, 3)
    assert result.total == replace(comparison, language="all")
    require_parity(result)


def test_the_numbers_equal_a_plain_comparison(pair):
    lines = [line for line in LINES if line]
    old, new = pair.original.encode(lines), pair.smaller.encode(lines)
    unchanged = [not ("house" in line or "猫" in line) for line in lines]
    changed = np.logical_not(unchanged)
    cosines = [
        np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other)
        for one, other in zip(old[changed], new[changed], strict=True)
    ]
    comparison = pair.compare("en", LINES, lambda amount: None)
    differences = np.abs(old[unchanged] - new[unchanged])
    assert comparison.largest_difference == pytest.approx(differences.max(), abs=2e-7)
    assert comparison.mean_difference == pytest.approx(differences.mean(), abs=2e-7)
    assert comparison.mean_cosine == pytest.approx(np.mean(cosines), abs=1e-6)


def test_a_model_that_scales_to_length_1_is_compared_with_one_that_does_not(pair):
    """As `huggingface/` of an original from TF Hub with that original."""
    scaled = copy.copy(pair.smaller)
    scaled.encode = lambda texts, normalize, *others: pair.smaller.encode(texts, True, *others)
    mixed = ModelPair(pair.original, scaled)
    part = mixed.compare("en", LINES, lambda amount: None)
    assert mixed.at_length_1 and part.largest_difference <= 1e-6 and part.unchanged == 3
    result = Parity("original", "smaller", (part,), part, at_length_1=mixed.at_length_1)
    require_parity(result)
    assert "both are compared at length 1" in parity_table(result).markdown()
    pair.compare("en", LINES, lambda amount: None)
    assert not pair.at_length_1


def test_a_text_with_fewer_unknowns_hides_no_new_ones(pair):
    """The original takes "xy" and finds no "##z"; without "xy" the same word is "x" and "##yz"."""
    comparison = pair.compare("en", ["xyz", "猫"], lambda amount: None)
    assert (comparison.original_unknowns, comparison.new_unknowns) == (1, 1)


def test_a_token_beyond_the_longest_text_does_not_change_a_text(pair):
    assert pair.length == 12
    ten = "a b c d e f g h i j"
    comparison = pair.compare("en", [f"{ten} house", f"{ten[:-2]} house"], lambda amount: None)
    assert (comparison.texts, comparison.unchanged) == (2, 1)


def test_chunks_add_up_to_the_whole(pair, monkeypatch):
    done: list[int] = []
    whole = pair.compare("en", LINES, done.append)
    monkeypatch.setattr("smaller_labse.evaluate.comparison.model_pair.TEXTS_AT_A_TIME", 2)
    parts = pair.compare("en", LINES, done.append)
    assert done == [8, 2, 2, 2, 2]
    for name in ("texts", "empty_lines", "unchanged", "original_unknowns", "new_unknowns"):
        assert getattr(parts, name) == getattr(whole, name)
    assert parts.mean_cosine == pytest.approx(whole.mean_cosine, abs=1e-6)
    assert parts.largest_difference <= 1e-5


def test_the_same_model_is_its_own_equal(shared):
    folder = shared / "labse_format"
    file = shared / "tatoeba" / "v1" / "tatoeba.tha-eng.tha"
    total = parity(str(folder), str(folder), {"th": file}).total
    assert (total.texts, total.unchanged, total.empty_lines) == (548, 548, 0)
    assert total.largest_difference == 0.0
    assert total.mean_cosine is None
    assert total.original_unknowns > 0
    assert total.new_unknowns == 0


def test_kept_ids_lead_back_to_the_originals_tokens(pair):
    first, second = pair.original, pair.smaller
    subset = match_vocabularies(first, second)
    assert [first.pieces[token_id] for token_id in subset.original_ids] == list(second.pieces)
    assert len(subset) == len(first.pieces) - 3


def test_a_model_with_other_tokens_is_not_trimmed_from_the_original(pair):
    with pytest.raises(SmallerLabseError, match="has no token 'house'; expected a model trimmed from it"):
        ModelPair(pair.smaller, pair.original)


def test_texts_that_are_empty_lines_only_are_refused(tmp_path):
    file = tmp_path / "empty.txt"
    file.write_text("\n\n")
    with pytest.raises(SmallerLabseError, match=r"empty\.txt: only empty lines"):
        parity("original", "smaller", {"en": file})


def compared(language: str, **values) -> Comparison:
    comparison = Comparison(
        language=language,
        texts=10,
        empty_lines=0,
        unchanged=10,
        largest_difference=1e-6,
        mean_difference=1e-7,
        mean_cosine=None,
        original_unknowns=0,
        new_unknowns=0,
    )
    return replace(comparison, **values)


def report(*languages: Comparison) -> Parity:
    return Parity("original", "smaller", languages, combine("all", languages))


def test_means_are_weighted_by_the_texts_that_they_are_means_of():
    total = combine(
        "all",
        [
            compared(
                "en", texts=10, unchanged=9, mean_difference=1e-6, largest_difference=2e-6, mean_cosine=0.5
            ),
            compared(
                "fr", texts=4, unchanged=1, mean_difference=2e-6, largest_difference=9e-6, mean_cosine=0.9
            ),
            compared("th", texts=2, unchanged=2, mean_difference=0.0, largest_difference=0.0),
        ],
    )
    assert (total.texts, total.unchanged, total.largest_difference) == (16, 12, 9e-6)
    assert total.mean_difference == pytest.approx((9e-6 + 2e-6) / 12)
    assert total.mean_cosine == pytest.approx((0.5 + 3 * 0.9) / 4)


def test_a_difference_beyond_the_tolerance_is_refused_and_its_language_named():
    result = report(compared("en"), compared("fr", largest_difference=3e-5))
    with pytest.raises(SmallerLabseError, match=r"up to 3\.00e-05 \(fr\), more than the tolerance of 1e-05"):
        require_parity(result)
    require_parity(result, tolerance=1e-4)


def test_nothing_compared_is_no_parity():
    nothing = compared("en", unchanged=0, largest_difference=None, mean_difference=None, mean_cosine=0.4)
    with pytest.raises(SmallerLabseError, match="none of 10 texts kept its tokens"):
        require_parity(report(nothing))


def test_the_table_has_one_row_per_language_and_the_totals():
    changed = compared(
        "fr", texts=1000, unchanged=980, mean_cosine=0.98765, original_unknowns=2, new_unknowns=1
    )
    rows = parity_table(report(compared("en"), changed)).rows
    assert rows[0] == ["English (en)", "10", "100.00%", "1.0e-06", "1.0e-07", "–", "0", "0"]
    assert rows[1] == ["French (fr)", "1,000", "98.00%", "1.0e-06", "1.0e-07", "0.9877", "2", "1"]
    assert rows[2] == ["all", "1,010", "98.02%", "1.0e-06", "1.0e-07", "0.9877", "2", "1"]
