"""The scripts of the stages carry a prompt on, and take models that hold a `huggingface/` only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.small_originals import PROMPTS, SENTENCES, write_xlm_roberta

PROMPT = PROMPTS["query"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., str]:
    """Run one of the scripts with this environment's commands; returns what it printed."""
    environment = tmp_path / "venv"
    environment.mkdir()
    (environment / "bin").symlink_to(Path(sys.executable).parent)
    for stamp in (".installed", ".installed-report"):
        (environment / stamp).touch()

    def run(name: str, *arguments: str, **variables: str) -> str:
        settings = {"VENV": str(environment), "WORK": str(tmp_path / "work"), "LANGUAGES": "en,de"}
        done = subprocess.run(
            [ROOT / "scripts" / name, *arguments],
            env=os.environ | settings | variables,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_a_model_with_a_prompt_and_huggingface_only_goes_through_all_scripts(script, tmp_path) -> None:
    original = str(write_xlm_roberta(tmp_path / "original"))
    for code in ("en", "de"):
        lines = "".join(f"{sentence}\n" for sentence in SENTENCES)
        (tmp_path / f"{code}.txt").write_text(lines, encoding="utf-8")
    for side in ("eng", "deu"):
        lines = "".join(f"{sentence}\n" for sentence in SENTENCES[:8])
        (tmp_path / f"tatoeba.deu-eng.{side}").write_text(lines, encoding="utf-8")
    script("count.sh", "--text", f"en={tmp_path}/en.txt", MODEL=original, LANGUAGES="en")
    script("select.sh", "--vocab-size", "50%", MODEL=original, LANGUAGES="en")
    script("make_smaller.sh", "--no-savedmodel", "--prompt", PROMPT, MODEL=original)
    model = tmp_path / "work" / "model"
    assert not (model / "encoder").exists()
    script("evaluate.sh", str(tmp_path), MODEL=original)
    results = json.loads((tmp_path / "work" / "tatoeba.json").read_text(encoding="utf-8"))
    assert [of_model.get("prompt", PROMPT) for of_model in results["models"]] == [PROMPT] * 2
    again = {"MODEL": str(model), "WORK": str(tmp_path / "again"), "TATOEBA": str(tmp_path)}
    script("count.sh", "--text", f"{tmp_path}/{{code}}.txt", **again)
    script("sweep.sh", "100%", **again)
    report = json.loads((tmp_path / "again/sweep/report/report.json").read_text(encoding="utf-8"))
    assert [of_model.get("prompt", PROMPT) for of_model in report["models"]] == [PROMPT] * 2
    assert [line["values"] for line in report["averages"]] == [[1.0, 1.0]]
