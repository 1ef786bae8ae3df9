"""`count --dry-run` says what there is to do, and does nothing."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

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
    assert f"English (en): 1 file of {text.stat().st_size:,} bytes; {LINES:,} lines, about" in ended.out
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
    assert f"; about {LINES:,} lines, about" in plan(example, text)
    packed = text.with_name("en.txt.gz")
    packed.write_bytes(gzip.compress(text.read_bytes()))
    assert "; at most 2,000 lines, about" in plan(example, packed, max_lines=2_000)
    assert "; nobody knows how many lines before they are read" in plan(example, packed, max_lines=0)
    assert plan(example, text, max_lines=2_000, draw="even").endswith(
        "; its text is read twice, to draw evenly"
    )


def test_of_a_shard_only_its_own_lines_are_planned(example, text, run, tmp_path, monkeypatch):
    monkeypatch.setattr(plan_count, "MEASURED_SECONDS", 0.0)
    monkeypatch.setattr("smaller_labse.corpora.line_batches.BATCH_BYTES", 1 << 12)
    monkeypatch.setattr("smaller_labse.corpora.shards.parted_text.PART_BYTES", 1 << 14)
    arguments = ["--text", f"en={text}", "--max-lines", 0, "--out", tmp_path / "counts", "--shard", "2/3"]
    ended = run("count", "--model", example, *arguments, "--dry-run")
    assert (
        f"English (en, shard 2 of 3): 1 file of {text.stat().st_size:,} bytes; about 1,000 lines" in ended.out
    )
