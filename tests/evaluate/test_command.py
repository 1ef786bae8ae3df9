"""The command as a user runs it: processes, exit codes, files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.evaluate.__main__ import main

ENGLISH = "good morning\nthe red house\nnight\n"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "smaller_labse.evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for iso3 in ("fra", "cmn"):
        (folder / f"tatoeba.{iso3}-eng.{iso3}").write_text("g\nred the house\nni\n", encoding="utf-8")
        (folder / f"tatoeba.{iso3}-eng.eng").write_text(ENGLISH, encoding="utf-8")
    return folder


def test_help_answers_without_tensorflow():
    code = (
        "import sys\nfrom smaller_labse.evaluate.__main__ import main\n"
        "try: main(['{}', '--help'])\nexcept SystemExit: sys.exit('tensorflow' in sys.modules)"
    )
    for command in ("tatoeba", "parity", "encode"):
        result = subprocess.run(
            [sys.executable, "-c", code.format(command)], capture_output=True, check=False
        )
        assert result.returncode == 0
        assert b"--overwrite" in result.stdout


def test_tatoeba_prints_the_table_and_writes_the_same_as_markdown_and_json(original, data, tmp_path):
    out = tmp_path / "out"
    arguments = ["tatoeba", "--model", f"tiny={original}", "--data", data, "--languages", "zh,en,fr"]
    result = run(*arguments, "--json", out / "scores.json", "--markdown", out / "scores.md")
    assert result.returncode == 0, result.stderr
    assert result.stdout == (out / "scores.md").read_text(encoding="utf-8")
    heads, _, *rows, average, _, _, _, _ = result.stdout.splitlines()
    assert [head.strip() for head in heads.split("|")[1:-1]] == ["", "pairs", "tiny en→xx", "tiny xx→en"]
    assert [row.split(" | ")[0].strip("| ") for row in rows] == ["Chinese (zh)", "French (fr)"]
    assert average.startswith("| average ")
    scores = json.loads((out / "scores.json").read_text(encoding="utf-8"))
    (model,) = scores["models"]
    assert (model["model"], model["folder"], model["prompt"]) == ("tiny", str(original), "")
    named = [(one["sample"], one["pairs"], one["source"]) for one in scores["data"]]
    assert named == [("en-zh", 3, str(data)), ("en-fr", 3, str(data))]
    assert (
        scores["date"] in result.stdout and f"tensorflow {scores['versions']['tensorflow']}" in result.stdout
    )
    assert [(part["language"], part["pairs"]) for part in model["languages"]] == [("zh", 3), ("fr", 3)]
    assert f" {100 * model['average_from_english']:.2f} |" in average
    assert sorted(file.name for file in out.iterdir()) == ["scores.cache", "scores.json", "scores.md"]


def test_parity_fails_on_a_spoiled_model_after_saying_what_it_found(original, write_model, tmp_path):
    def spoil(name: str, values: np.ndarray) -> np.ndarray:
        return values + 1e-3 if name == "pooler_transform/bias" else values

    spoiled = write_model(tmp_path / "spoiled", spoil=spoil)
    (tmp_path / "en.txt").write_text(f"{ENGLISH}\n\n", encoding="utf-8")
    result = run(
        *("parity", "--original", original, "--model", spoiled, "--text", f"en={tmp_path / 'en.txt'}"),
        *("--json", tmp_path / "parity.json"),
    )
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith(f"evaluate-encoder parity: {spoiled}: embeddings of unchanged texts differ")
    assert "en: 2 empty lines skipped" in result.stderr
    assert "| all " in result.stdout
    found = json.loads((tmp_path / "parity.json").read_text(encoding="utf-8"))
    assert 1e-5 < found["total"]["largest_difference"] < 1e-2
    assert found["tolerance"] == 1e-5


def test_parity_of_a_cut_model_succeeds(original, smaller, tmp_path, capsys):
    (tmp_path / "fr.txt").write_text(ENGLISH, encoding="utf-8")
    texts = ["--text", str(tmp_path / "{code}.txt"), "--languages", "fr"]
    assert main(["parity", "--original", str(original), "--model", str(smaller), *texts]) == 0
    rows = capsys.readouterr().out.splitlines()[2:4]
    assert [row.split("|")[1].strip() for row in rows] == ["French (fr)", "all"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["tatoeba", "--model", "{original}", "--data", "{data}", "--languages", "th"],
            1,
            "has pairs of Chinese (zh), French (fr)",
        ),
        (["tatoeba", "--model", "m", "--data", "{data}", "--languages", "xx"], 2, "unknown language 'xx'"),
        (["tatoeba", "--model", "{original}", "--data", "nowhere"], 1, "nowhere: no such folder"),
        (["tatoeba", "--model", "a/m", "b/m", "--data", "{data}"], 2, "2 models are called 'm'"),
        (
            ["parity", "--original", "m", "--model", "m", "--text", "{data}/{{iso3}}", "--languages", "en"],
            1,
            "eng: there is no such file",
        ),
        (["parity", "--original", "m", "--model", "m", "--text", "{data}"], 2, "expected LANG=FILE"),
    ],
)
def test_wrong_input_ends_in_one_line(original, data, tmp_path, arguments, code, message):
    result = run(
        *(argument.format(data=data, original=original) for argument in arguments),
        "--json",
        tmp_path / "out.json",
    )
    assert result.returncode == code
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert message in result.stderr
    assert not (tmp_path / "out.json").exists()


def test_a_missing_model_leaves_nothing_behind(data, tmp_path, capfd):
    before = sorted(tmp_path.rglob("*"))
    arguments = [
        "--model",
        str(tmp_path / "missing"),
        "--data",
        str(data),
        "--json",
        str(tmp_path / "o.json"),
    ]
    assert main(["tatoeba", *arguments]) == 1
    assert "missing: no such folder; expected a Hugging Face folder or hub id" in capfd.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_existing_files_stay_unless_they_may_be_replaced(original, data, tmp_path, capsys):
    scores = tmp_path / "scores.json"
    scores.write_text("mine")
    arguments = ["tatoeba", "--model", str(original), "--data", str(data), "--json", str(scores)]
    assert main(arguments) == 1
    assert "exists; choose another place or add --overwrite" in capsys.readouterr().err
    assert scores.read_text() == "mine"
    assert main([*arguments, "--overwrite"]) == 0
    assert json.loads(scores.read_text(encoding="utf-8"))["models"][0]["model"] == "original"


def test_one_file_cannot_be_both_reports(data, tmp_path, capsys):
    file = str(tmp_path / "out")
    assert main(["tatoeba", "--model", "m", "--data", str(data), "--json", file, "--markdown", file]) == 2
    assert "name the same file" in capsys.readouterr().err


def test_results_never_replace_what_is_measured(original, data, tmp_path, capsys):
    """Also through a link, and in a model's folder."""
    text, weights = data / "tatoeba.fra-eng.fra", original / "encoder" / "saved_model.pb"
    (tmp_path / "link").symlink_to(text)
    model, before = str(original), (text.read_bytes(), weights.read_bytes())
    tatoeba = ["tatoeba", "--model", model, "--data", str(data), "--overwrite"]
    parity = ["parity", "--original", model, "--model", model, "--text", f"fr={text}", "--overwrite"]
    compare = ["compare", "--original", model, "--overwrite", "--parallel"]
    report = tmp_path / "report"
    report.mkdir()
    (report / "report.json").write_text("{}")
    (report / "en.txt").write_text("good morning\n")
    for arguments in (
        [*tatoeba, "--json", str(text)],
        [*tatoeba, "--markdown", str(weights)],
        [*parity, "--markdown", str(tmp_path / "link")],
        [*parity, "--json", str(weights)],
        [*compare, f"fr={text},en={report / 'en.txt'}", "--out", str(report)],
    ):
        assert main(arguments) == 2
        assert "choose another place for the output" in capsys.readouterr().err
    assert (text.read_bytes(), weights.read_bytes()) == before
    assert (report / "en.txt").read_text() == "good morning\n"
