"""The benchmark `unseen` at small sizes: what it counts, what it finds, what it says and draws."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import numpy as np
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.languages import find_language

ROOT = Path(__file__).resolve().parents[2]
SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]


@pytest.fixture
def unseen(monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    module = import_module("unseen")
    monkeypatch.setattr(module, "HELD_OUT", 150)
    return module


@pytest.fixture
def outcomes(unseen, tokenizer) -> list:
    found = []
    for code in ("de", "ja"):
        for kind in (unseen.REAL, unseen.MADE):
            order = np.random.default_rng(len(found)).permutation(len(SENTENCES))
            lines = [SENTENCES[n] for n in order]
            found += unseen.compare(tokenizer, kind, code, lines.__iter__, len(lines), sizes=(50, 100, 1000))
    return found


def test_it_counts_the_sizes_and_all_that_there_is_and_looks_at_other_lines(unseen, outcomes):
    whole = len(SENTENCES) - 150
    assert [one.lines for one in outcomes] == [50, 100, whole] * 4
    for one in outcomes:
        assert one.rule_counted == 1.0, "what was counted looks perfect"
        assert 0.2 < one.found_unseen < 0.8, "what was not counted does not"
        assert one.unseen == pytest.approx(one.found_unseen, abs=0.12)
        assert one.unchanged == pytest.approx(one.found_unchanged, abs=0.05)


def test_it_says_the_means_over_languages(unseen, outcomes, monkeypatch):
    monkeypatch.setattr(unseen, "SIZES", (50, 100, 1000))
    section = unseen.describe("example", outcomes)
    whole = len(SENTENCES) - 150
    assert [row[0] for row in section.table.rows] == [
        f"{kind}, {size}" for kind in ("real", "made") for size in ("50", "100", f"{whole}")
    ]
    first = [one for one in outcomes if (one.text, one.lines) == ("real", 50)]
    assert section.table.rows[0][1] == f"{50 * sum(one.unseen for one in first):.3f}"
    assert section.table.rows[0][2] == f"{50 * sum(one.found_unseen for one in first):.3f}"
    assert "off on average" in section.markdown()


def test_the_picture_is_small_and_names_axes_and_languages(unseen, outcomes):
    svg = unseen.draw(outcomes)
    ElementTree.fromstring(svg)
    assert len(svg.encode()) < 300_000
    for text in ("lines counted", "that were never counted", "German", "expected from the counts", "10%"):
        assert f">{text}" in svg or f"{text}<" in svg
    assert svg == unseen.draw(outcomes), "the same results, the same bytes"


def test_real_text_has_no_line_twice_and_one_random_order(unseen, tmp_path):
    lines = [f"line number {number}" for number in range(50)]
    (tmp_path / "de.txt").write_text("".join(f"{line}\n" for line in [*lines, "short", *lines]), "utf-8")
    read = unseen.read_real_text(find_language("de"), str(tmp_path / "{code}.txt"))
    assert sorted(read) == sorted(lines)
    assert read != sorted(read)
    assert read == unseen.read_real_text(find_language("de"), str(tmp_path / "{code}.txt"))
    assert unseen.read_real_text(find_language("fr"), str(tmp_path / "{code}.txt")) == []
