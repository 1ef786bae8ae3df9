"""Promise 6: names out of arguments, file names and files are shown on the terminal and never obeyed."""

from __future__ import annotations

from pathlib import Path
from unicodedata import category

import pyarrow.parquet as pq
import pytest

HOSTILE = "\x1b[2J\x1b]0;title\x07\u202etxt\n\x9b31mx"
SHOWN = "\\x1b[2J\\x1b]0;title\\x07\\u202etxt\\n\\x9b31mx"


def assert_only_shown(ended) -> None:
    """Whatever is said: none of the signs, and no line that the name began."""
    both = ended.out + ended.error
    assert not [sign for sign in both if sign != "\n" and (category(sign) == "Cc" or sign == "\u202e")]
    assert "\n\\x9b" not in both


@pytest.fixture
def text(tmp_path) -> Path:
    file = tmp_path / f"{HOSTILE}.txt"
    file.write_text("a line that is long enough\n" * 20)
    return file


def test_a_language_and_a_file_of_such_a_name(example, run, tmp_path, text):
    counts = tmp_path / "counts"
    arguments = ["count", "--model", example, "--out", counts]
    assert_only_shown(run(*arguments, "--text", f"en{HOSTILE}={text}"))
    missing = run(*arguments, "--text", f"en={text}.missing")
    assert_only_shown(missing)
    assert SHOWN in missing.error
    text.write_bytes(b"not UTF-8 \xff\n")
    assert_only_shown(run(*arguments, "--text", f"en={text}"))
    assert_only_shown(run(*arguments, f"--{HOSTILE}", "1"))
    assert_only_shown(run("select", "--model", example, "--counts", text, "--out", tmp_path / "selection"))


def test_counts_of_such_a_name(example, run, tmp_path, text):
    counts = tmp_path / "counts"
    assert run("count", "--model", example, "--text", f"en={text}", "--out", counts).code == 0
    file = counts / "en.parquet"
    table = pq.read_table(file)
    for key, shown in (("name", True), ("language", False), ("format", True), ("fingerprint", True)):
        changed = table.schema.metadata | {key.encode(): (HOSTILE * 3).encode()}
        del changed[b"columns"], changed[b"digest"]
        pq.write_table(table.replace_schema_metadata(changed), file)
        ended = run("select", "--model", example, "--counts", file, "--out", tmp_path / key)
        assert_only_shown(ended)
        assert ("x1b[2J" in ended.out + ended.error) == shown


def test_a_column_of_such_a_name(example, run, tmp_path):
    (tmp_path / "a.csv").write_text(f'"{HOSTILE}",b\none,two\n')
    arguments = ["--text", f"en={tmp_path / 'a.csv'}", "--out", tmp_path / "counts"]
    ended = run("count", "--model", example, *arguments)
    assert_only_shown(ended)
    assert SHOWN in ended.error
