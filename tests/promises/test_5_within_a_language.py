"""Promise 5: a count that is stopped in the middle of a language goes on there, to the same bytes."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smaller_labse.select_vocab.counting import count_sources
from smaller_labse.select_vocab.counting.counts_file import read_metadata
from smaller_labse.select_vocab.counting.resume_count import unfinished_file

SECONDS = 120  # for a process to get where it is killed
REPEATED = 60_000

COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from smaller_labse.select_vocab.counting import count_sources
count_sources.SECONDS_BETWEEN_SAVES = 0.05
from smaller_labse.select_vocab.__main__ import main
sys.exit(main())
"""


@pytest.fixture(scope="module")
def long_text(text_files, tmp_path_factory) -> Path:
    """Lines that differ from each other, more of them than are counted in a moment."""
    folder = tmp_path_factory.mktemp("long")
    italian = (text_files / "it.txt").read_text("utf-8").splitlines()
    lines = [f"{number} {line}\n" for number in range(REPEATED) for line in italian]
    (folder / "it.txt").write_text("".join(lines), encoding="utf-8")
    with (folder / "it.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"text": line}) + "\n" for line in lines)
    (folder / "it.txt.gz").write_bytes(gzip.compress("".join(lines).encode(), compresslevel=1))
    return folder


def kill_in_the_middle(signal_number: int, arguments: list[object], unfinished: Path) -> None:
    """Start a count in a process of its own and stop it when it has saved something."""
    command = [sys.executable, "-c", COMMAND, "count", *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + SECONDS
    while not unfinished.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    process.send_signal(signal_number)
    process.communicate(timeout=SECONDS)
    assert process.returncode == (130 if signal_number == signal.SIGINT else -signal_number)
    assert unfinished.exists()


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("name", ["it.txt", "it.txt.gz", "it.jsonl"])
def test_a_killed_count_goes_on_where_it_was(example, long_text, run, tmp_path, signal_number, name):
    file = tmp_path / "counts" / "it.parquet"
    arguments = ["--model", example, "--text", f"it={long_text / name}", "--max-lines", 0]
    killed = [*arguments, "--out", file.parent, "--workers", 2]
    kill_in_the_middle(signal_number, killed, unfinished_file(file))
    kept = int(read_metadata(unfinished_file(file))["lines"])
    assert 0 < kept < 4 * REPEATED
    ended = run("count", *killed)
    assert ended.code == 0
    assert f"continuing Italian (it) after {kept:,} lines that are counted" in ended.error
    at_once = long_text / "at-once" / name
    if not at_once.exists():
        assert run("count", *arguments, "--out", at_once).code == 0
    assert file.read_bytes() == (at_once / "it.parquet").read_bytes()
    assert [path.name for path in file.parent.iterdir() if "partial" in path.name] == []


class _Stop(Exception):
    pass


@pytest.fixture
def stopped(example, long_text, run, tmp_path, monkeypatch):
    """A count in `counts/` of this process's that was stopped when it had saved something."""
    text = tmp_path / "it.txt"
    with (long_text / "it.txt").open("rb") as file:
        text.write_bytes(b"".join(next(file) for _ in range(20_000)))
    save = count_sources.write_counts

    def save_and_stop(counts, pieces, file, overwrite=False):
        save(counts, pieces, file, overwrite)
        raise _Stop

    arguments = ["count", "--model", example, "--text", f"it={text}", "--out", tmp_path / "counts"]
    with monkeypatch.context() as patch:
        patch.setattr(count_sources, "SECONDS_BETWEEN_SAVES", 0.0)
        patch.setattr(count_sources, "write_counts", save_and_stop)
        with pytest.raises(_Stop):
            run(*arguments)
    assert unfinished_file(tmp_path / "counts" / "it.parquet").exists()
    return arguments


def counted_at_once(run, arguments: list[object], folder: Path) -> bytes:
    assert run(*arguments[:-1], folder).code == 0
    return (folder / "it.parquet").read_bytes()


def test_what_was_kept_holds_no_line_of_the_text(stopped, tmp_path):
    metadata = read_metadata(unfinished_file(tmp_path / "counts" / "it.parquet"))
    assert metadata["sample"] == "[]"


def test_lines_that_were_added_since_are_counted_and_the_others_not_again(stopped, run, tmp_path):
    with (tmp_path / "it.txt").open("a", encoding="utf-8") as file:
        file.write("One more line at the end.\n")
    ended = run(*stopped)
    assert ended.code == 0
    assert "continuing Italian (it) after " in ended.error
    found = (tmp_path / "counts" / "it.parquet").read_bytes()
    assert found == counted_at_once(run, stopped, tmp_path / "at-once")


@pytest.mark.parametrize("change", ["edited", "shorter"])
def test_a_text_that_was_changed_is_counted_from_its_first_line(stopped, run, tmp_path, change):
    text = tmp_path / "it.txt"
    lines = text.read_text("utf-8").splitlines(keepends=True)
    lines[0] = lines[0].replace("0", "9")
    text.write_text("".join(lines if change == "edited" else lines[1:9]), encoding="utf-8")
    ended = run(*stopped)
    assert ended.code == 0
    assert f"it: counting from the first line; {text} was changed since" in ended.error
    found = (tmp_path / "counts" / "it.parquet").read_bytes()
    assert found == counted_at_once(run, stopped, tmp_path / "at-once")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--max-lines", "7"], "is of another line filter"),
        (["--text-field", "text"], "is of another corpus"),
    ],
)
def test_other_lines_are_counted_from_the_first(stopped, long_text, run, tmp_path, options, said):
    if "--text-field" in options:
        stopped[stopped.index("--text") + 1] = f"it={long_text / 'it.jsonl'}"
    stopped[1:1] = options
    ended = run(*stopped)
    assert ended.code == 0
    assert "it: counting from the first line; what was counted until it was interrupted " in ended.error
    assert said in ended.error
    found = (tmp_path / "counts" / "it.parquet").read_bytes()
    assert found == counted_at_once(run, stopped, tmp_path / "at-once")


def test_counts_of_another_original_are_not_gone_on_with(stopped, original, run, tmp_path):
    stopped[2] = original
    ended = run(*stopped)
    assert ended.code == 0
    assert "is of another vocabulary (" in ended.error
    found = (tmp_path / "counts" / "it.parquet").read_bytes()
    assert found == counted_at_once(run, stopped, tmp_path / "at-once")


def test_damaged_counts_are_not_gone_on_with(stopped, run, tmp_path):
    unfinished = unfinished_file(tmp_path / "counts" / "it.parquet")
    unfinished.write_bytes(unfinished.read_bytes()[:-9])
    ended = run(*stopped)
    assert ended.code == 0
    assert "it: counting from the first line; " in ended.error
    assert "not a counts file" in ended.error
    assert not unfinished.exists()


def test_what_was_kept_of_an_interrupted_recount_goes_when_it_is_not_wanted(stopped, run, tmp_path):
    """A finished file stands; the rest of an interrupted `--overwrite` beside it is of no use."""
    assert run(*stopped).code == 0
    unfinished = unfinished_file(tmp_path / "counts" / "it.parquet")
    unfinished.write_bytes(b"left")
    assert "counted before" in run(*stopped).error
    assert not unfinished.exists()


def test_a_dataset_is_passed_over_line_by_line(example, long_text, run, tmp_path, monkeypatch):
    """Streamed by the library datasets from a folder, as from the hub."""
    folder = tmp_path / "dataset"
    folder.mkdir()
    (folder / "train.jsonl").write_bytes((long_text / "it.jsonl").read_bytes())
    arguments = ["count", "--model", example, "--languages", "it", "--dataset", folder]
    arguments += ["--out", tmp_path / "counts"]
    save = count_sources.write_counts

    def save_and_stop(counts, pieces, file, overwrite=False):
        save(counts, pieces, file, overwrite)
        raise _Stop

    with monkeypatch.context() as patch:
        patch.setattr(count_sources, "SECONDS_BETWEEN_SAVES", 0.0)
        patch.setattr(count_sources, "write_counts", save_and_stop)
        with pytest.raises(_Stop):
            run(*arguments)
    ended = run(*arguments)
    assert ended.code == 0
    assert "continuing Italian (it) after " in ended.error
    found = (tmp_path / "counts" / "it.parquet").read_bytes()
    assert found == counted_at_once(run, arguments, tmp_path / "at-once")


def test_a_short_text_leaves_nothing_beside_its_counts(example, text_files, run, tmp_path, monkeypatch):
    written = []
    write = count_sources.write_counts
    monkeypatch.setattr(
        count_sources, "write_counts", lambda *args, **kw: (written.append(args), write(*args, **kw))
    )
    text = f"it={text_files / 'it.txt'}"
    assert run("count", "--model", example, "--text", text, "--out", tmp_path / "counts").code == 0
    assert len(written) == 1
    assert [path.name for path in (tmp_path / "counts").iterdir()] == ["it.parquet"]
