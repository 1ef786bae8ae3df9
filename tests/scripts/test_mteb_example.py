"""`examples/mteb_tasks.py` measures any model with mteb, here on local data in the layout of mteb's own."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

import smaller_labse

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "mteb_tasks.py"
WORDS = ("good morning", "the red house", "night", "good night", "the house", "red", "morning", "a b c")


needs_mteb = pytest.mark.skipif(
    find_spec("mteb") is None, reason="needs mteb, from the extra mteb, and so Python 3.11"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A folder with STS17 in it: `datasets` takes a folder of the repository's name before the hub."""
    import mteb

    folder = tmp_path_factory.mktemp("mteb")
    (folder / "mteb" / "sts17-crosslingual-sts").mkdir(parents=True)
    subsets = mteb.get_task("STS17").hf_subsets
    records = [
        {
            "sentence1": one,
            "sentence2": WORDS[(number + 3) % len(WORDS)],
            "score": float(number),
            "lang": name,
        }
        for name in subsets
        for number, one in enumerate(WORDS)
    ]
    with (folder / "mteb" / "sts17-crosslingual-sts" / "test.jsonl").open("w") as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    return folder


@needs_mteb
@pytest.mark.parametrize("part", ["", "huggingface"])
def test_any_model_is_measured_by_one_command(data, trimmed, tmp_path, part):
    import mteb

    model = trimmed.model / part
    ran = subprocess.run(
        [
            sys.executable,
            EXAMPLE,
            "--model",
            model,
            "--tasks",
            "STS17",
            "--out",
            tmp_path,
            "--batch-size",
            "4",
        ],
        cwd=data,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    scores = dict(line.split()[2:] for line in ran.stdout.splitlines() if line.startswith("STS17  test"))
    assert set(scores) == set(mteb.get_task("STS17").hf_subsets)
    encoder = smaller_labse.load(model)
    left, right = encoder.encode(WORDS, True), encoder.encode(WORDS[3:] + WORDS[:3], True)
    expected = spearmanr(np.einsum("ij,ij->i", left, right), range(len(WORDS))).statistic
    assert float(scores["en-de"]) == pytest.approx(expected, abs=1e-3)
    assert list(tmp_path.rglob("STS17.json")), "mteb's own file of results"


@pytest.mark.parametrize(
    ("arguments", "code", "shown"),
    [
        (["--help"], 0, "--tasks TASKS"),
        (["--model", "m", "--tasks", "STS17", "--out", "o"], 1, "mteb_tasks.py: mteb is not installed; in "),
        (["--model", "m"], 2, "the following arguments are required: --tasks, --out"),
    ],
)
def test_without_mteb_help_is_given_and_what_to_install_is_said(
    monkeypatch, capsys, tmp_path, arguments, code, shown
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "mteb", None)
    monkeypatch.setattr(sys, "argv", [str(EXAMPLE), *arguments])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(EXAMPLE), run_name="__main__")
    said = "".join(capsys.readouterr())
    assert (end.value.code, shown in said) == (code, True)
    assert code != 1 or (said.count("\n") == 1 and "pip install -e '.[mteb]'" in said)
    assert list(tmp_path.iterdir()) == []
