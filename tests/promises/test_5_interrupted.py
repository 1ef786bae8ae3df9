"""Promise 5: a command that is stopped leaves nothing half-done, and the same command goes on."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.select_vocab.counting.counts_file import summarize

MESSAGE = "interrupted; nothing half-done is left, run the same command again\n"
SECONDS = 120  # for a process to get where it is interrupted


# Where the tests run in the background of a script, or under nohup, signals are ignored; children inherit that.
COMMAND = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
from smaller_labse.{}.__main__ import main
sys.exit(main())
"""


def start(stage: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", COMMAND.format(stage), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


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
        assert everything_in(out) == [".it.parquet.lock", "en.parquet"]
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout, stderr) == (130, "", f"select-vocab count: {MESSAGE}")
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
        time.sleep(0.5)  # Python notices a signal that comes just before a read only when the read ends
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=SECONDS)
    assert (process.returncode, stdout, stderr) == (130, "", f"select-vocab select: {MESSAGE}")
    assert everything_in(tmp_path) == ["pieces.txt"]
    (tmp_path / "pieces.txt").unlink()
    (tmp_path / "pieces.txt").write_text("the\n")
    assert run("select", *arguments).code == 0
    assert everything_in(out) == ["kept_ids.npy", "selection.json", "vocab.txt"]


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_a_selection_stopped_while_it_writes_vanishes(
    example, counted, run, tmp_path, monkeypatch, signal_number
):
    def stop(file: object, array: np.ndarray) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # see COMMAND
        os.kill(os.getpid(), signal_number)
        time.sleep(SECONDS)

    arguments = ["select", "--model", example, "--counts", counted, "--out", tmp_path / "selection"]
    with monkeypatch.context() as patch:
        patch.setattr(np, "save", stop)
        ended = run(*arguments)
    assert (ended.code, ended.error) == (130, f"select-vocab select: {MESSAGE}")
    assert everything_in(tmp_path) == []
    assert run(*arguments).code == 0
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_that_strikes_while_an_object_is_finalized_is_not_lost(capsys, signal_number):
    """Python swallows what is raised there; TensorFlow's graphs are finalized all the time."""

    class Unlucky:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal_number)
            time.sleep(1)

    def work(options: argparse.Namespace) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # see COMMAND
        Unlucky()
        time.sleep(SECONDS)

    parser = CommandParser(prog="unlucky")
    parser.set_defaults(run=work)
    started = time.monotonic()
    assert run_command(parser, []) == 130
    assert time.monotonic() - started < SECONDS / 2
    assert capsys.readouterr().err == f"unlucky: {MESSAGE}"


def test_an_interrupted_model_vanishes_and_the_same_command_completes(example, counted, run, tmp_path):
    from smaller_labse.make_smaller.__main__ import main

    selection, out = tmp_path / "selection", tmp_path / "made" / "model"
    arguments = ["--model", example, "--selection", selection, "--out", out]
    assert run("select", "--model", example, "--counts", counted, "--out", selection).code == 0
    process = start("make_smaller", *arguments)
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    said = next((line for line in process.stderr if line.startswith("verifying it")), None)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate()
    watchdog.cancel()
    assert said, "the step was never begun"
    assert process.returncode == 130
    assert stdout == ""
    assert stderr.endswith(f"make-smaller: {MESSAGE}")
    assert "Traceback" not in stderr
    assert everything_in(tmp_path / "made") == []
    assert main([str(argument) for argument in arguments]) == 0
    assert (out / "manifest.json").is_file()
    assert [path.name for path in out.parent.iterdir()] == ["model"]


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (["--longer-than", "6"], "line filter"),
        (["--max-lines", "3"], "line filter"),
        (["--draw", "even"], "line filter"),
        (["--text", "en={folder}/it.txt"], "corpus"),
    ],
)
def test_a_count_that_is_there_is_not_taken_for_another(example, text_files, run, tmp_path, other, what):
    arguments = ["count", "--model", example, "--languages", "en", "--out", tmp_path / "counts"]
    text = ["--text", text_files / "{code}.txt"]
    assert run(*arguments, *text).code == 0
    before = (tmp_path / "counts" / "en.parquet").read_bytes()
    pattern = [] if "--text" in other else text  # a pattern that no language uses is refused
    different = [*pattern, *(part.replace("{folder}", str(text_files)) for part in other)]
    ended = run(*arguments, *different)
    assert ended.code == 1
    assert f"en.parquet exists and holds counts of another {what}" in ended.error
    assert "choose another folder or add --overwrite" in ended.error
    assert (tmp_path / "counts" / "en.parquet").read_bytes() == before
    assert run(*arguments, *different, "--overwrite").code == 0
    assert (tmp_path / "counts" / "en.parquet").read_bytes() != before


def test_another_field_of_a_file_is_another_text(example, run, tmp_path):
    (tmp_path / "en.jsonl").write_text('{"text": "A line of text.", "body": "Another line."}\n')
    arguments = ["count", "--model", example, "--text", f"en={tmp_path / 'en.jsonl'}"]
    arguments += ["--out", tmp_path / "counts"]
    assert run(*arguments).code == 0
    ended = run(*arguments, "--text-field", "body")
    assert ended.code == 1
    assert "en.parquet exists and holds counts of another corpus" in ended.error
    assert run(*arguments, "--text-field", "body", "--overwrite").code == 0


def test_counts_of_another_vocabulary_are_not_continued(example, shared, text_files, run, tmp_path):
    arguments = ["--text", text_files / "{code}.txt", "--languages", "en", "--out", tmp_path]
    assert run("count", "--model", example, *arguments).code == 0
    ended = run("count", "--model", shared / "labse_format", *arguments)
    assert ended.code == 1
    assert f"{tmp_path / 'en.parquet'} exists and holds counts of another vocabulary" in ended.error
    assert "choose another folder or add --overwrite" in ended.error
