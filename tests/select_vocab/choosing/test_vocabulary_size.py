"""A vocabulary size that the text cannot fill is said, or filled up with the original's own tokens."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import smaller_labse
from smaller_labse.make_smaller.model_card import _languages
from smaller_labse.select_vocab.choosing.count_rules import fill_to_size
from smaller_labse.select_vocab.selection import read_selection

ASKED = 3_000


@pytest.fixture
def select(example, counted, run, tmp_path):
    def select_size(*options: object, size: object = ASKED):
        out = tmp_path / "selection"
        arguments = ["--model", example, "--counts", counted, "--vocab-size", size, "--out", out]
        return run("select", *arguments, "--overwrite", *options), out

    return select_size


def rule_of(folder: Path) -> dict:
    return json.loads((folder / "selection.json").read_text())["rule"]


def test_fewer_tokens_than_asked_for_are_said_everywhere(select):
    ended, out = select()
    found = len(np.load(out / "kept_ids.npy"))
    assert ended.code == 0
    assert found < ASKED
    said = f"asked for {ASKED:,} tokens, the text holds only {found:,}, with those that are always kept"
    assert said in ended.error
    assert "count more text, or add --fill-up" in ended.error
    assert any("vocabulary size asked for" in line and "3,000" in line for line in ended.out.splitlines())
    assert rule_of(out) == {"name": "vocab-size", "value": ASKED, "found": found}


def test_a_size_that_the_text_fills_is_nothing_to_speak_of(select):
    ended, out = select(size=470)
    assert len(np.load(out / "kept_ids.npy")) == 470
    assert "asked for" not in ended.error + ended.out
    assert rule_of(out) == {"name": "vocab-size", "value": 470}


def test_filled_up_are_the_first_of_the_vocabulary(select, example, counted, tmp_path):
    ended, out = select()
    before = np.load(out / "kept_ids.npy")
    ended, out = select("--fill-up", size="24.54%")
    kept = np.load(out / "kept_ids.npy")
    assert "asked for" not in ended.error + ended.out
    assert len(kept) == int(0.2454 * read_selection(out).subset.original_size)
    added = np.setdiff1d(kept, before)
    others = np.setdiff1d(np.arange(12_000), before)
    assert added.tolist() == others[: len(added)].tolist()
    assert any("filled up" in line and f"{len(added):,}" in line for line in ended.out.splitlines())
    assert rule_of(out)["found"] == len(before)
    assert rule_of(out)["filled_up"] == len(added)
    assert f"{len(added):,} tokens that were not chosen so fill" in _languages(read_selection(out))
    by_python = smaller_labse.select(
        example, counted, out=tmp_path / "again", vocab_size="24.54%", fill_up=True
    )
    assert by_python.rule == rule_of(out)
    for name in ("vocab.txt", "kept_ids.npy", "selection.json"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


def test_the_whole_vocabulary_can_be_asked_for_and_no_more(select, tokenizer):
    ended, out = select("--fill-up", size="100%")
    assert np.load(out / "kept_ids.npy").tolist() == list(range(len(tokenizer.pieces)))
    ended, _ = select("--fill-up", size=len(tokenizer.pieces) + 1)
    assert ended.code == 2
    assert f"the original has only {len(tokenizer.pieces):,} tokens; ask for fewer" in ended.error


def test_what_is_kept_whatever_was_counted_counts_as_kept_on_new_text(select):
    _, out = select()
    alone = read_selection(out).coverage
    _, out = select("--fill-up", size="100%")
    for before, filled in zip(alone, read_selection(out).coverage, strict=True):
        assert before.expected_coverage < filled.expected_coverage == 1
        assert filled.expected_unchanged == 1


@given(
    st.sets(st.integers(0, 7), max_size=4),
    st.permutations(range(8)),
    st.lists(st.integers(0, 7), min_size=8, max_size=8),
    st.integers(0, 9),
)
def test_filling_keeps_dependencies_within_the_size_and_takes_the_first_that_fit(start, ranked, needs, size):
    def closed(ids: np.ndarray) -> np.ndarray:
        reached = set(ids.tolist())
        while more := {needs[number] for number in reached} - reached:
            reached |= more
        return np.array(sorted(reached), np.int32)

    kept = closed(np.array(sorted(start), np.int32))
    filled = fill_to_size(kept, size, np.array(ranked), closed)
    assert set(kept.tolist()) <= set(filled.tolist())
    assert filled.tolist() == closed(filled).tolist()
    assert filled.dtype == np.int32
    assert len(filled) <= max(size, len(kept))
    expected = set(kept.tolist())
    for number in ranked:
        if len(grown := expected | set(closed(np.array([number])).tolist())) <= size:
            expected = grown
    assert set(filled.tolist()) == expected
