"""Everything that an evaluation needs is checked before the first model is measured, and all that is wrong is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.evaluate.comparison import own_process

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def data(tmp_path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "tatoeba.fra-eng.fra").write_text("g\nni\n", encoding="utf-8")
    (folder / "tatoeba.fra-eng.eng").write_text("good\nnight\n", encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def nothing_is_measured(monkeypatch) -> None:
    def refuse(*given: object, **options: object) -> None:
        raise AssertionError("a model was measured")

    monkeypatch.setattr(own_process, "ProcessPoolExecutor", refuse)


def test_all_that_is_wrong_is_said_at_once(original, data, tmp_path):
    from smaller_labse.evaluate.tatoeba_accuracy import tatoeba

    (tmp_path / "scores.json").write_text("mine")
    models = [str(original), f"a={tmp_path / 'a'}", f"b={tmp_path / 'b'}"]
    with pytest.raises(SmallerLabseError) as raised:
        tatoeba(models, data, languages="th,fr,de", json=tmp_path / "scores.json")
    said = str(raised.value).splitlines()
    assert len(said) == 5
    for line, expected in zip(
        said,
        (
            "tha-eng.tha: there is no",
            "deu-eng.deu: there is no",
            "/a: no such",
            "/b: no such",
            "scores.json exists",
        ),
        strict=True,
    ):
        assert expected in line
    with pytest.raises(UsageError, match=r"(?s)2 models are called 'm'.*unknown language 'xx'"):
        tatoeba(["x/m", "y/m"], data, languages="xx")


def test_an_output_that_cannot_be_written_is_refused(original, data, tmp_path):
    from smaller_labse.evaluate.tatoeba_accuracy import tatoeba

    (tmp_path / "file").write_text("")
    with pytest.raises(SmallerLabseError, match=r"file/a.json: .*/file is a file, expected a folder"):
        tatoeba(original, data, json=tmp_path / "file" / "a.json")
    with pytest.raises(SmallerLabseError, match=r"file: a file, expected a folder where results are kept"):
        tatoeba(original, data, cache=tmp_path / "file")
    with pytest.raises(SmallerLabseError, match=r"file: a file, expected a folder where results are kept"):
        smaller_labse.compare(original, tatoeba=data, cache=tmp_path / "file")


def test_compare_says_of_its_models_and_data_at_once(original, data, tmp_path):
    with pytest.raises(SmallerLabseError) as raised:
        smaller_labse.compare(
            original, [f"a={tmp_path / 'a'}", f"b={tmp_path / 'b'}"], tatoeba=data, languages="th"
        )
    assert [line.split(": ")[0].rpartition("/")[2] for line in str(raised.value).splitlines()] == [
        "tatoeba.tha-eng.tha",
        "a",
        "b",
    ]


def test_the_script_ends_in_a_line_for_each(data, tmp_path):
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VENV": str(tmp_path / "none"),
        "WORK": str(tmp_path / "work"),
        "MODEL": str(tmp_path / "original"),
        "LANGUAGES": "fr,th",
    }
    command = [ROOT / "scripts" / "evaluate.sh", data]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 3 and all(line.startswith("evaluate-encoder tatoeba: ") for line in lines)
    assert "tha" in lines[0] and "original" in lines[1] and "model" in lines[2]
    assert not (tmp_path / "work").exists()
