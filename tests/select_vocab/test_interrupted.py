"""Promise 5: a command that is stopped leaves nothing half-done, and the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.select_vocab.count import count
from smaller_labse.select_vocab.counts import summarize

MESSAGE = "interrupted; nothing half-done is left, run the same command again\n"
SECONDS = 120  # for a process to get where it is interrupted


def start(module: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", f"smaller_labse.{module}", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


def everything_in(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_an_interrupted_count_keeps_the_finished_language_and_goes_on(
    example, text_files, counted, run, tmp_path
):
    """The second language's text is a pipe, so that the count is in the middle of it when Ctrl-C comes."""
    text = tmp_path / "text"
    text.mkdir()
    (text / "en.txt").write_bytes((text_files / "en.txt").read_bytes())
    italian = (text_files / "it.txt").read_bytes() * 3000
    os.mkfifo(text / "it.txt")
    out = tmp_path / "counts"
    arguments = ["--model", example, "--text", text / "{code}.txt", "--languages", "en,it", "--out", out]
    process = start("select_vocab", "count", *arguments)
    with (text / "it.txt").open("wb") as pipe:  # opens when the count reads it
        pipe.write(italian[: len(italian) // 2])
        pipe.flush()
        assert everything_in(out) == ["en.parquet"]
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout, stderr) == (130, "", f"select-vocab: {MESSAGE}")
    assert everything_in(out) == ["en.parquet"]
    finished = (out / "en.parquet").read_bytes()

    (text / "it.txt").unlink()
    (text / "it.txt").write_bytes(italian)
    finished_at = (out / "en.parquet").stat().st_mtime_ns
    assert run("count", *arguments).code == 0
    assert (out / "en.parquet").stat().st_mtime_ns == finished_at  # it was not counted again
    assert run("count", *arguments[:-1], tmp_path / "at-once").code == 0
    assert everything_in(out) == everything_in(tmp_path / "at-once") == ["en.parquet", "it.parquet"]
    for name, data in (("en.parquet", finished), ("it.parquet", (out / "it.parquet").read_bytes())):
        assert (tmp_path / "at-once" / name).read_bytes() == data
    assert summarize(out / "it.parquet").lines == 3000 * 4


def test_an_interrupted_selection_leaves_nothing_and_the_same_command_completes(
    example, counted, run, tmp_path
):
    """The list of pieces is a pipe: the command is stopped while it waits for it."""
    os.mkfifo(tmp_path / "pieces.txt")
    out = tmp_path / "selection"
    arguments = ["--model", example, "--counts", counted, "--pieces", tmp_path / "pieces.txt", "--out", out]
    process = start("select_vocab", "select", *arguments)
    with (tmp_path / "pieces.txt").open("wb"):
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout, stderr) == (130, "", f"select-vocab: {MESSAGE}")
    assert everything_in(tmp_path) == ["pieces.txt"]
    (tmp_path / "pieces.txt").unlink()
    (tmp_path / "pieces.txt").write_text("the\n")
    assert run("select", *arguments).code == 0
    assert everything_in(out) == ["kept_ids.npy", "selection.json", "vocab.txt"]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_selection_stopped_while_it_writes_vanishes(
    example, counted, run, tmp_path, monkeypatch, signal_number
):
    def stop(file: Path, array: np.ndarray) -> None:
        file.write_bytes(b"half")
        os.kill(os.getpid(), signal_number)
        time.sleep(SECONDS)

    arguments = ["select", "--model", example, "--counts", counted, "--out", tmp_path / "selection"]
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", stop)
        ended = run(*arguments)
    assert (ended.code, ended.error) == (130, f"select-vocab: {MESSAGE}")
    assert everything_in(tmp_path) == []
    assert run(*arguments).code == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("step", ["writing huggingface/", "proving it"])
def test_an_interrupted_model_vanishes_and_the_same_command_completes(
    example, counted, run, tmp_path, capsys, step
):
    from smaller_labse.make_smaller.__main__ import main

    selection, out = tmp_path / "selection", tmp_path / "made" / "model"
    arguments = ["--model", example, "--selection", selection, "--out", out]
    assert run("select", "--model", example, "--counts", counted, "--out", selection).code == 0
    process = start("make_smaller", *arguments)
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    said = next((line for line in process.stderr if line.startswith(step)), None)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    watchdog.cancel()
    assert said, "the step was never begun"
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.endswith(f"make-smaller: {MESSAGE}")
    assert "Traceback" not in stderr
    assert everything_in(tmp_path / "made") == []
    if step.startswith("writing"):
        assert main([str(argument) for argument in arguments]) == 0
        assert (out / "manifest.json").is_file()
        assert everything_in(tmp_path / "made")[0] == "model"


def test_a_count_that_is_there_is_not_counted_again_and_a_different_one_is_never_taken_for_it(
    example, counted, text_files, run, tmp_path
):
    arguments = ["count", "--model", example, "--languages", "en", "--out", tmp_path]
    text = ["--text", text_files / "{code}.txt"]
    assert run(*arguments, *text).code == 0
    before = (tmp_path / "en.parquet").stat().st_mtime_ns
    assert run(*arguments, *text).code == 0
    assert (tmp_path / "en.parquet").stat().st_mtime_ns == before
    for other, what in (
        ([*text, "--longer-than", "6"], "line filter"),
        ([*text, "--max-lines", "3"], "line filter"),
        ([*text, "--text-field", "body"], "corpus"),
        (["--text", text_files / "it.txt", "--text", f"en={text_files / 'ja.txt'}"], "corpus"),
    ):
        ended = run(*arguments, *[part for part in other if part != text_files / "it.txt"][-4:])
        assert ended.code in (1, 2), other
        assert what in ended.error or ended.code == 2
    assert (tmp_path / "en.parquet").stat().st_mtime_ns == before
    assert run(*arguments, *text, "--longer-than", "6", "--overwrite").code == 0
    assert (tmp_path / "en.parquet").stat().st_mtime_ns > before


def test_counts_of_another_vocabulary_are_not_continued(example, shared, text_files, run, tmp_path):
    arguments = ["--text", text_files / "{code}.txt", "--languages", "en", "--out", tmp_path]
    assert run("count", "--model", example, *arguments).code == 0
    ended = run("count", "--model", shared / "labse_format", *arguments)
    assert ended.code == 1
    assert f"{tmp_path / 'en.parquet'} exists and holds counts of another vocabulary" in ended.error
    assert "choose another folder or add --overwrite" in ended.error


def test_a_failure_in_the_second_language_keeps_the_first(tokenizer, tmp_path):
    from smaller_labse.select_vocab.corpus import Source
    from smaller_labse.select_vocab.languages import find_language

    def fail():
        yield "a line that is long enough"
        raise KeyboardInterrupt

    first = Source("en", find_language("en"), "first", lambda: iter(["a line that is long enough"]))
    second = Source("fr", find_language("fr"), "second", fail)
    with pytest.raises(KeyboardInterrupt):
        count([first, second], tokenizer, tmp_path)
    assert everything_in(tmp_path) == ["en.parquet"]
