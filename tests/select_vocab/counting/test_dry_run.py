"""`count --dry-run` says what there is to do, and does nothing."""

from __future__ import annotations

import gzip
import re
import time
from pathlib import Path

import pytest

from smaller_labse.common.command import began_at, command_running
from smaller_labse.select_vocab.count import count
from smaller_labse.select_vocab.counting import plan_count

LINES = 3_000


@pytest.fixture
def text(tmp_path) -> Path:
    file = tmp_path / "en.txt"
    file.write_text("".join(f"line number {number:06d} of a text\n" for number in range(LINES)) + "short\n")
    return file


def plan(example: Path, text: Path, **options) -> str:
    said: list[str] = []
    arguments = {"text": {"en": text}, "out": text.parent / "counts", "dry_run": True, "report": said.append}
    files = count(example, **arguments | options)
    assert files == [text.parent / "counts" / "en.parquet"]
    return "\n".join(said)


def test_nothing_is_written_and_the_plan_comes_true(example, text, run, tmp_path):
    arguments = ["--model", example, "--text", f"en={text}", "--out", tmp_path / "counts"]
    ended = run("count", *arguments, "--dry-run")
    assert (ended.code, ended.error) == (0, "")
    assert f"English (en): 1 file of {text.stat().st_size:,} bytes; {LINES:,} lines, " in ended.out
    assert not (tmp_path / "counts").exists()
    counted = run("count", *arguments)
    assert f"| {LINES:,} |" in counted.out
    before = sorted((tmp_path / "counts").iterdir())
    assert plan(example, text).endswith("bytes; counted before")
    assert "holds counts of another line filter" in plan(example, text, max_lines=7)
    assert plan(example, text, max_lines=7, overwrite=True).count("7 lines") == 1
    assert sorted((tmp_path / "counts").iterdir()) == before


def test_a_part_of_a_text_tells_about_the_rest(example, text, monkeypatch):
    monkeypatch.setattr(plan_count, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr("smaller_labse.corpora.line_batches.BATCH_BYTES", 1 << 12)
    assert f"; about {LINES:,} lines, " in plan(example, text)
    packed = text.with_name("en.txt.gz")
    packed.write_bytes(gzip.compress(text.read_bytes()))
    assert "; at most 2,000 lines, " in plan(example, packed, max_lines=2_000)
    assert "; nobody knows how many lines before they are read" in plan(example, packed, max_lines=0)
    said = plan(example, text, max_lines=2_000, draw="even").splitlines()
    assert said[0].endswith("; its text is read twice, to draw evenly")


def test_of_a_shard_only_its_own_lines_are_planned(example, text, run, tmp_path, monkeypatch):
    monkeypatch.setattr(plan_count, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr("smaller_labse.corpora.line_batches.BATCH_BYTES", 1 << 12)
    monkeypatch.setattr("smaller_labse.corpora.shards.parted_text.PART_BYTES", 1 << 14)
    arguments = ["--text", f"en={text}", "--max-lines", 0, "--out", tmp_path / "counts", "--shard", "2/3"]
    ended = run("count", "--model", example, *arguments, "--dry-run")
    assert (
        f"English (en, shard 2 of 3): 1 file of {text.stat().st_size:,} bytes; about 1,000 lines" in ended.out
    )


def test_the_plan_of_a_shard_measures_its_lines_and_numbers_none(example, text, run, tmp_path, monkeypatch):
    monkeypatch.setattr("smaller_labse.corpora.line_batches.number_lines", None)
    monkeypatch.setattr("smaller_labse.corpora.line_batches.BATCH_BYTES", 1 << 12)
    monkeypatch.setattr("smaller_labse.corpora.shards.parted_text.PART_BYTES", 1 << 14)
    arguments = ["--model", example, "--text", f"en={text}", "--out", tmp_path / "counts", "--shard", "2/3"]
    for draw in ("first", "even"):
        drawn = ["--max-lines", 2_000, "--draw", draw]
        assert "; about 666 lines, " in run("count", *arguments, *drawn, "--dry-run").out
    monkeypatch.setattr(plan_count, "MEASURED_SECONDS", 0.0)
    assert "; about 1,000 lines, " in run("count", *arguments, "--dry-run").out


def test_what_is_needed_to_start_is_in_the_time_and_what_nobody_knows_is_not(example, tmp_path, monkeypatch):
    from smaller_labse.select_vocab import count as module

    monkeypatch.setattr(plan_count, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr("smaller_labse.corpora.line_batches.BATCH_LINES", 100)
    words = tmp_path / "it.tsv"
    words.write_text("".join(f"word{number:05d}\t{1_000_000 + number}\n" for number in range(LINES)))
    packed = tmp_path / "fr.txt.gz"
    packed.write_bytes(gzip.compress(b"a line of some length\n" * 100_000))
    monkeypatch.setattr(module, "began_at", lambda otherwise: otherwise - 100.0)
    said: list[str] = []
    options = {"max_lines": 0, "out": tmp_path / "counts", "dry_run": True, "workers": 1}
    count(example, text={"it": words, "fr": packed}, **options, report=said.append)
    assert f"Italian (it): 1 file of {words.stat().st_size:,} bytes; about {LINES:,} lines, " in said[0]
    assert "nobody knows how many lines" in said[1]
    found = re.fullmatch(
        r"together about (\d+) s with 1 thread, about (\d+) s of it to start, and 1 of 2 texts, "
        "however long they are",
        said[2],
    )
    assert found is not None, said[2]
    assert 100 <= int(found[2]) <= int(found[1])
    monkeypatch.undo()
    assert began_at(otherwise=7.0) == 7.0
    with command_running(is_process=True):
        assert time.monotonic() - began_at(otherwise=0.0) >= time.process_time() - 0.1
