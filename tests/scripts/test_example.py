"""`scripts/example.sh` removes what it made, and nothing else. That it works, test_documents.py shows."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables under which the script finds commands that do nothing, and no virtual environment."""
    commands = tmp_path / "commands"
    commands.mkdir()
    for name in ("python", "select-vocab", "make-smaller", "evaluate-encoder"):
        (commands / name).write_text("#!/bin/sh\n", encoding="utf-8")
        (commands / name).chmod(0o755)
    path = f"{commands}:{os.environ['PATH']}"
    return os.environ | {"PATH": path, "VENV": str(tmp_path / "none"), "OUT": str(tmp_path / "out")}


def run(environment: dict[str, str], *languages: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "scripts" / "example.sh"
    return subprocess.run([script, *languages], env=environment, capture_output=True, text=True, timeout=60)


def test_a_folder_of_others_is_refused_and_kept(environment: dict[str, str]) -> None:
    out = Path(environment["OUT"])
    out.mkdir()
    (out / "thesis.txt").write_text("mine", encoding="utf-8")
    done = run(environment)
    assert done.returncode == 2
    assert f"{out} exists and was not made by this script" in done.stderr
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_a_file_is_refused_and_kept(environment: dict[str, str]) -> None:
    out = Path(environment["OUT"])
    out.write_text("mine", encoding="utf-8")
    assert run(environment).returncode == 2
    assert out.read_text(encoding="utf-8") == "mine"


def test_a_second_run_replaces_its_own_results_only(environment: dict[str, str]) -> None:
    out = Path(environment["OUT"])
    out.mkdir()  # an empty folder is as good as none
    assert run(environment).returncode == 0
    (out / "text" / "old.txt").write_text("", encoding="utf-8")
    (out / "notes.txt").write_text("mine", encoding="utf-8")
    assert run(environment, "en", "fr").returncode == 0
    assert sorted(path.name for path in (out / "text").iterdir()) == ["en.txt", "fr.txt"]
    assert (out / "notes.txt").read_text(encoding="utf-8") == "mine"
