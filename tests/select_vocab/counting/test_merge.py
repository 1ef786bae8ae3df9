"""Whole counts are added up to the same bytes in any order, no text twice, and into no other folder."""

from __future__ import annotations

import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.select_vocab.counting.counts_file import read_counts, read_metadata, write_counts

SENTENCES = [line for code in ("en", "it", "fr", "de") for line in builtin_sentences()[code]]


@pytest.fixture
def count(example, tmp_path):
    """Count lines of English in a file of this name."""
    numbers = itertools.count()

    def count_text(name: str, lines: list[str], **options) -> Path:
        folder = tmp_path / f"{next(numbers)}"
        folder.mkdir()
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        (file,) = smaller_labse.count(example, text={"en": folder / name}, out=folder / "counts", **options)
        return file

    return count_text


def test_in_any_order_merged_counts_have_the_same_bytes(count, example, tmp_path):
    files = [
        count("news.txt", SENTENCES[:8]),
        count("words.tsv", ["good\t3", "morning\t2"]),
        count("news.txt", SENTENCES[8:], max_lines=5),
    ]
    written = set()
    for number, order in enumerate(itertools.permutations(files)):
        out = smaller_labse.merge_counts(example, order, out=tmp_path / f"{number}.parquet")
        written.add(out.read_bytes())
    assert len(written) == 1
    assert read_metadata(out)["corpus"] == "news.txt + news.txt + words.tsv"


def test_counts_of_the_same_text_are_not_added_twice(count, example, run, tmp_path):
    file = count("news.txt", SENTENCES)
    shutil.copy(file, tmp_path / "copy.parquet")
    ended = run(
        "merge", "--model", example, file, tmp_path / "copy.parquet", "--out", tmp_path / "both.parquet"
    )
    assert (ended.code, ended.error) == (
        1,
        f"select-vocab merge: {file} and {tmp_path / 'copy.parquet'} hold counts of the same text, which would "
        "be added twice; leave one out\n",
    )
    assert not (tmp_path / "both.parquet").exists()


def test_merged_counts_claim_a_line_filter_only_where_all_have_it(count, example, tokenizer, tmp_path):
    first, second = count("a.txt", SENTENCES[:8]), count("b.txt", SENTENCES[8:])
    other = count("c.txt", SENTENCES[8:], longer_than=7)
    alike = smaller_labse.merge_counts(example, [first, second], out=tmp_path / "alike.parquet")
    assert read_metadata(alike)["filter"] == LineFilter().to_json()
    mixed = smaller_labse.merge_counts(example, [first, other], out=tmp_path / "mixed.parquet")
    assert json.loads(read_metadata(mixed)["filter"]) is None
    again = smaller_labse.merge_counts(example, [mixed, second], out=tmp_path / "again.parquet")
    assert read_counts(again, tokenizer.pieces, tokenizer.fingerprint).line_filter is None
    assert smaller_labse.select(example, again, out=tmp_path / "selection").coverage


@pytest.mark.parametrize("name", ["../escaped", "/dev/null/escaped", "", ".hidden", "a/b"])
def test_a_counts_file_whose_name_leads_elsewhere_is_refused_and_named(
    count, example, tokenizer, run, tmp_path, name
):
    file = count("en.txt", SENTENCES, shard="1/1")
    counts = read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
    write_counts(replace(counts, name=name), tokenizer.pieces, file, overwrite=True)
    before = sorted(tmp_path.iterdir())
    ended = run("merge", "--model", example, file, "--out", tmp_path / "out")
    assert (ended.code, ended.error.count("\n")) == (1, 1)
    assert f"{file}: a damaged counts file (its name is {name!r}, expected letters, digits and" in ended.error
    assert sorted(tmp_path.iterdir()) == before


def test_a_shard_that_does_not_say_its_filter_is_refused(count, tokenizer):
    file = count("en.txt", SENTENCES, shard="1/1")
    counts = read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
    write_counts(replace(counts, line_filter=None), tokenizer.pieces, file, overwrite=True)
    with pytest.raises(SmallerLabseError, match="a damaged counts file"):
        read_counts(file, tokenizer.pieces, tokenizer.fingerprint)
