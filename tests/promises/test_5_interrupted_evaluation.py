"""Promise 5: an evaluation that is stopped keeps the languages that it has measured, and the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smaller_labse.evaluate.__main__ import main
from tests.promises.test_5_interrupted import COMMAND, MESSAGE, SECONDS

LANGUAGES = ("deu", "fra", "ita", "spa")
PAIRS = 2000  # of one language: a second of work, so that the signal comes before the last


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tatoeba")
    words = [
        "good",
        "morning",
        "night",
        "the",
        "house",
        "red",
        "a",
        "b",
        "c",
        "d",
        "e",
        "f",
        "g",
        "h",
        "i",
        "j",
    ]
    english = [" ".join(words[number >> shift & 15] for shift in (0, 4, 8, 12)) for number in range(PAIRS)]
    for iso3 in LANGUAGES:
        foreign = [f"{iso3[0]} {text}" for text in english]
        for side, texts in (("eng", english), (iso3, foreign)):
            (folder / f"tatoeba.{iso3}-eng.{side}").write_text("\n".join(texts) + "\n", encoding="utf-8")
    return folder


def start(arguments: list[str]) -> subprocess.Popen[str]:
    """The command in a session of its own, as on a terminal, which sends Ctrl-C or SIGHUP to all."""
    command = [sys.executable, "-c", COMMAND.format("evaluate"), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def kept_results(cache: Path) -> dict[str, int]:
    """Results of single languages, and when they were written."""
    return {file.name: file.stat().st_mtime_ns for file in cache.glob("*.task.npz")}


def wait_for_a_language(process: subprocess.Popen[str], cache: Path) -> None:
    end = time.monotonic() + SECONDS
    while not kept_results(cache) and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    assert kept_results(cache) and process.poll() is None


def processes_of(session: int) -> list[int]:
    """The processes that run in a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of_session) == session and state != "Z":
            found.append(int(folder.name))
    return found


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(
    ("command", "signal_number"),
    [
        ("tatoeba", signal.SIGHUP),
        ("tatoeba", signal.SIGKILL),
        ("compare", signal.SIGINT),
        ("compare", signal.SIGTERM),
    ],
)
def test_a_measured_language_is_not_measured_again(original, data, tmp_path, capsys, command, signal_number):
    if command == "tatoeba":
        result, cache = tmp_path / "tatoeba.json", tmp_path / "tatoeba.cache"
        arguments = ["tatoeba", "--model", str(original), "--data", str(data), "--json", str(result)]
    else:
        result, cache = tmp_path / "report" / "report.json", tmp_path / "report.cache"
        arguments = ["compare", "--original", str(original), "--tatoeba", str(data), "--no-pictures"]
        arguments += ["--out", str(tmp_path / "report")]
    process = start(arguments)
    wait_for_a_language(process, cache)
    if signal_number in (signal.SIGINT, signal.SIGHUP):
        os.killpg(process.pid, signal_number)
    else:
        process.send_signal(signal_number)
    stdout, stderr = process.communicate(timeout=SECONDS)
    if signal_number == signal.SIGKILL:
        assert process.returncode == -signal.SIGKILL
    else:
        said = f"loading original …\nevaluate-encoder {command}: {MESSAGE}"
        assert (process.returncode, stdout, stderr) == (130, "", said)
    end = time.monotonic() + 10
    while processes_of(process.pid) and time.monotonic() < end:
        time.sleep(0.05)
    assert processes_of(process.pid) == []  # the one that measured does not go on alone
    before = kept_results(cache)
    assert 0 < len(before) < len(LANGUAGES)
    assert not result.exists()

    assert main(arguments) == 0, capsys.readouterr().err
    after = kept_results(cache)
    assert len(after) == len(LANGUAGES)
    assert {name: after[name] for name in before} == before
    if signal_number == signal.SIGKILL:
        whole = [*arguments[:-1], str(tmp_path / "whole.json")]
        assert main(whole) == 0, capsys.readouterr().err
        assert (tmp_path / "whole.json").read_bytes() == result.read_bytes()
