"""`scripts/sweep.sh` measures the original before it trims anything, and trims again what was counted again."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Writes down how it is called, and makes what a later step looks for.
COMMAND = """#!/bin/sh
echo "$(basename "$0") $*" >>"$CALLED"
[ "$(basename "$0")" != "$FAILS" ] || exit 1
while [ $# -gt 0 ]; do [ "$1" != --out ] || { mkdir -p "$2"; touch "$2/manifest.json"; }; shift; done
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., tuple[int, list[str]]]:
    """Run the script with commands that do nothing; returns its exit code and the commands that it called."""
    commands = tmp_path / "venv" / "bin"
    commands.mkdir(parents=True)
    (tmp_path / "venv" / ".installed-report").touch()
    for name in ("select-vocab", "make-smaller", "evaluate-encoder"):
        (commands / name).write_text(COMMAND, encoding="utf-8")
        (commands / name).chmod(0o755)
    for folder in ("counts", "tatoeba"):
        (tmp_path / folder).mkdir()
    (tmp_path / "counts" / "en.parquet").write_text("counted")

    def run(*sizes: str, **variables: str) -> tuple[int, list[str]]:
        called = tmp_path / "called.txt"
        called.write_text("")
        settings = {"VENV": tmp_path / "venv", "CALLED": called, "WORK": tmp_path / "work", "FAILS": ""}
        settings |= {"MODEL": "m", "TATOEBA": tmp_path / "tatoeba", "COUNTS": tmp_path / "counts"}
        environment = os.environ | {name: str(value) for name, value in (settings | variables).items()}
        done = subprocess.run(
            [ROOT / "scripts" / "sweep.sh", *sizes],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0 or not done.stderr or "COUNTS" in done.stderr
        return done.returncode, called.read_text().splitlines()

    return run


def test_a_mistake_is_told_before_anything_is_trimmed(sweep, tmp_path) -> None:
    code, called = sweep("50%", "25%", FAILS="evaluate-encoder")
    assert code == 1
    assert len(called) == 1 and called[0].startswith(
        "evaluate-encoder compare --original original=m --tatoeba"
    )
    assert sweep("50%", COUNTS=str(tmp_path / "nowhere")) == (2, [])


def test_what_was_trimmed_is_trimmed_again_when_it_was_counted_again(sweep, tmp_path) -> None:
    def steps(called: list[str]) -> list[str]:
        return [line.split()[0] for line in called]

    trimmed = ["select-vocab", "make-smaller"]
    assert steps(sweep("50%")[1]) == ["evaluate-encoder", *trimmed, "evaluate-encoder"]
    assert steps(sweep("50%")[1]) == ["evaluate-encoder"] * 2
    (tmp_path / "counts" / "en.parquet").write_text("counted again")
    assert steps(sweep("50%", "25%")[1]) == ["evaluate-encoder", *trimmed * 2, "evaluate-encoder"]
