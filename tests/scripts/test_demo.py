"""What the demo counts and what it tests with are different texts."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "demo"


@pytest.fixture(scope="module")
def scripts():
    """The modules `word_lists` and `sentence_files`."""
    sys.path.insert(0, str(DEMO))
    try:
        yield import_module("word_lists"), import_module("sentence_files")
    finally:
        sys.path.remove(str(DEMO))


def test_sentences_that_are_tested_with_are_never_counted(scripts, tmp_path, monkeypatch):
    word_lists, sentence_files = scripts
    monkeypatch.setattr(word_lists, "read_frequencies", lambda language: {"word": 1e-3, "other": 1e-4})
    monkeypatch.setattr(word_lists, "DRAWN_LINES", 20)
    assert word_lists.main(["--out", str(tmp_path / "words")]) == 0
    sentences = sentence_files.read_sentences()
    assert sorted(file.stem for file in (tmp_path / "words").iterdir()) == sorted(sentences)
    for language, of_language in sentences.items():
        lines = (tmp_path / "words" / f"{language}.tsv").read_text(encoding="utf-8").splitlines()
        counted = {line.partition("\t")[0] for line in lines}
        assert "word" in counted and "." in counted
        assert not counted & set(of_language)
        assert not any(sentence in line for line in lines for sentence in of_language)


def test_each_language_has_a_file_of_the_same_sentences(scripts, tmp_path):
    _, sentence_files = scripts
    assert sentence_files.main(["--out", str(tmp_path), "en", "ja"]) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["en.txt", "ja.txt"]
    for file in tmp_path.iterdir():
        lines = file.read_text(encoding="utf-8").splitlines()
        assert lines == sentence_files.read_sentences()[file.stem] and len(lines) == 150


def test_a_language_that_the_demo_lacks_is_named(scripts, tmp_path, capsys):
    for script in scripts:
        assert script.main(["--out", str(tmp_path), "xx"]) == 2
        assert "the demo has no language 'xx'; it has ar, de, en" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_thai_words_have_the_same_order_every_time(scripts, monkeypatch):
    """pythainlp gives them out of a set."""
    word_lists, _ = scripts
    orders = []
    for counts in ({"ก": 3, "ข": 2, "ค": 1}, {"ค": 1, "ก": 3, "ข": 2}):
        corpus = SimpleNamespace(tnc=SimpleNamespace(unigram_word_freqs=lambda counts=counts: counts))
        monkeypatch.setitem(sys.modules, "pythainlp", SimpleNamespace(corpus=corpus))
        monkeypatch.setitem(sys.modules, "pythainlp.corpus", corpus)
        orders.append(list(word_lists.read_frequencies("th").items()))
    assert orders[0] == orders[1] == [("ก", 1 / 2), ("ข", 1 / 3), ("ค", 1 / 6)]
