"""`scripts/distill_demo.sh` trains on the pairs that are there, and measures what came of it."""

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
while [ $# -gt 0 ]; do [ "$1" != --out ] || { mkdir -p "$2"; touch "$2/manifest.json"; }; shift; done
"""


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., tuple[int, list[str], str]]:
    """Run the script with commands that do nothing; returns its exit code, what it called and what it said."""
    commands = tmp_path / "venv" / "bin"
    commands.mkdir(parents=True)
    (tmp_path / "venv" / ".installed-demo").touch()
    for name in ("distill-encoder", "evaluate-encoder"):
        (commands / name).write_text(COMMAND, encoding="utf-8")
        (commands / name).chmod(0o755)
    for file in ("demo/model/manifest.json", "demo/pairs/en-de.tsv.gz", "demo/pairs/en-ja.tsv.gz"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()

    def run(*languages: str, **variables: str) -> tuple[int, list[str], str]:
        called = tmp_path / "called.txt"
        called.write_text("")
        settings = {"VENV": str(tmp_path / "venv"), "CALLED": str(called)}
        done = subprocess.run(
            [ROOT / "scripts" / "distill_demo.sh", *languages],
            env=os.environ | settings | variables,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            check=False,
        )
        return done.returncode, called.read_text().splitlines(), done.stderr

    return run


def test_it_trains_on_the_languages_that_have_pairs_once_and_compares(script) -> None:
    code, (train, compare), _ = script(LAYERS="0,2", STEPS="3")
    assert code == 0
    assert train.startswith("distill-encoder shrink --model demo/model --teacher demo/model ")
    assert "--pairs en-{code}=demo/pairs/en-{code}.tsv.gz --languages de,ja --layers 0,2 --steps 3" in train
    assert "0,2 layers=demo/0-2-layers" in compare and "ja=demo/sentences/ja.txt" in compare
    code, called, _ = script("ja", LAYERS="0,2", TATOEBA="v1")
    assert code == 0 and len(called) == 1 and "--tatoeba v1 --languages en,ja" in called[0]


@pytest.mark.parametrize(
    ("languages", "variables", "says"),
    [
        (["xx"], {}, "no pairs of English and 'xx' in demo/pairs/en-xx.tsv.gz"),
        ([], {"PAIRS": "none/en-{code}.tsv"}, "no pairs in none/en-{code}.tsv; make some with"),
        ([], {"PAIRS": "pairs.tsv"}, "PAIRS=pairs.tsv: put {code} in the language's place"),
        ([], {"LAYERS": "six"}, "LAYERS=six: expected a number"),
        ([], {"STEPS": "2", "MINUTES": "2"}, "MINUTES and STEPS: give one of them"),
        ([], {"DEMO": "none"}, "no model in none/model; run scripts/demo.sh first"),
    ],
)
def test_what_is_missing_is_said_in_one_line(script, languages, variables, says) -> None:
    code, called, said = script(*languages, **variables)
    assert code == 2 and called == [] and said.startswith(f"scripts/distill_demo.sh: {says}")
    assert said.count("\n") == 1
