"""Lines of a private text stand in counts and selection only with the user's knowledge; its path never does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.corpora.sources import dataset_sources, wikipedia_sources
from smaller_labse.select_vocab.counting.counts import add_counts
from smaller_labse.select_vocab.counting.counts_file import read_counts, read_metadata
from smaller_labse.select_vocab.selection import read_selection

LINE = "Our secret is the recipe of the good bread.\n"


@pytest.fixture
def private(tmp_path: Path) -> Path:
    folder = tmp_path / "private-folder"
    folder.mkdir()
    (folder / "en.txt").write_text(LINE, encoding="utf-8")
    return folder


def test_the_user_is_told_of_the_sample(example, run, private, tmp_path) -> None:
    counted = run("count", "--model", example, "--text", f"en={private}/en.txt", "--out", tmp_path / "counts")
    assert "Counts files also hold up to 500 lines of their text; --no-sample leaves them out." in counted.out
    selected = run(
        "select", "--model", example, "--counts", tmp_path / "counts", "--out", tmp_path / "selection"
    )
    assert "selection.json also holds 1 lines of the counted text; --no-sample leaves them" in selected.out
    for command in ("count", "select"):
        assert "--no-sample" in run(command, "--help").out


def test_without_a_sample_no_line_is_stored_and_the_model_is_verified_all_the_same(
    example, run, private, tmp_path
) -> None:
    counts, selection = tmp_path / "counts", tmp_path / "selection"
    text = ["--text", f"en={private}/en.txt"]
    counted = run("count", "--model", example, *text, "--out", counts, "--no-sample")
    assert (counted.code, "--no-sample" in counted.out) == (0, False)
    assert read_metadata(counts / "en.parquet")["sample"] == "[]"
    selected = run("select", "--model", example, "--counts", counts, "--out", selection)
    assert (selected.code, "lines of the counted text" in selected.out) == (0, False)
    described = json.loads((selection / "selection.json").read_text(encoding="utf-8"))
    assert (described["sentences"], described["coverage"][0]["unchanged"]) == ({"en": []}, None)
    model = smaller_labse.make_smaller(example, selection, out=tmp_path / "model", huggingface=False)
    assert model.verification.embedded > 0
    for folder in (counts, selection, model.folder):
        for file in [file for file in folder.rglob("*") if file.is_file()]:
            assert b"recipe of the good" not in file.read_bytes(), file


def test_select_leaves_the_lines_of_earlier_counts_out(example, run, private, tmp_path) -> None:
    counts = smaller_labse.count(example, text={"en": private / "en.txt"}, out=tmp_path / "counts")
    selection = smaller_labse.select(example, counts, out=tmp_path / "selection", sample=False)
    assert selection.sentences == read_selection(tmp_path / "selection").sentences == {}
    assert selection.coverage[0].unchanged == 1.0, "measured, and not passed on"
    (tmp_path / "tokens.txt").write_text("the\n", encoding="utf-8")
    tokens = ["--pieces", tmp_path / "tokens.txt", "--no-sample", "--out", tmp_path / "other"]
    refused = run("select", "--model", example, *tokens)
    assert (refused.code, "--no-sample goes with --counts" in refused.error) == (2, True)


def test_counts_that_hold_lines_are_not_taken_for_counts_without(example, private, tmp_path) -> None:
    text = {"en": private / "en.txt"}
    (file,) = smaller_labse.count(example, text=text, out=tmp_path / "counts")
    with pytest.raises(SmallerLabseError, match="holds lines of its text, which --no-sample is to leave out"):
        smaller_labse.count(example, text=text, out=tmp_path / "counts", sample=False)
    smaller_labse.count(example, text=text, out=tmp_path / "counts", sample=False, overwrite=True)
    assert read_metadata(file)["sample"] == "[]"
    smaller_labse.count(example, text=text, out=tmp_path / "counts")  # what is counted already is enough


def test_merged_counts_have_a_sample_of_both_or_none(example, tokenizer, private, tmp_path) -> None:
    text = {"en": private / "en.txt"}
    (first,) = smaller_labse.count(example, text=text, out=tmp_path / "with")
    (second,) = smaller_labse.count(example, text=text, out=tmp_path / "without", sample=False)
    one, other = (read_counts(file, tokenizer.pieces, tokenizer.fingerprint) for file in (first, second))
    assert add_counts(one, one).sample
    assert add_counts(one, other).sample == add_counts(other, one).sample == ()


def test_counts_and_selection_name_the_file_and_no_folder_of_this_machine(example, private, tmp_path) -> None:
    for name in ("b", "c"):
        (private / f"{name}.txt").write_text(LINE, encoding="utf-8")
    text = {"en": [private / "en.txt", private / "b*.txt"], "fr": private / "c.txt"}
    counts = smaller_labse.count(example, text=text, out=tmp_path / "counts")
    smaller_labse.select(example, counts, out=tmp_path / "selection")
    assert read_metadata(counts[0])["corpus"] == "en.txt + b*.txt"
    for file in [*counts, *(tmp_path / "selection").iterdir()]:
        assert b"private-folder" not in file.read_bytes()
    assert smaller_labse.count(example, text=text, out=tmp_path / "counts") == counts, "counted before"


def test_a_folder_that_is_a_dataset_is_named_without_its_place(private: Path) -> None:
    english = parse_languages("en")
    (wikipedia,) = wikipedia_sources(english, str(private))
    assert wikipedia.stored_corpus == "private-folder 20231101.en"
    (dataset,) = dataset_sources(english, str(private), None, "train", "text")
    assert dataset.stored_corpus == "private-folder train"
    (public,) = dataset_sources(english, "owner/name", None, "train", "body")
    assert public.stored_corpus == public.description == "owner/name train (body)"
