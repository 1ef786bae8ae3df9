"""`smaller-labse`: all stages in one go, resumed where they were, to the same bytes."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import smaller_labse
from smaller_labse.all_stages.__main__ import main
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.result_table import Table

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def all_bytes(folder: Path) -> dict[str, bytes]:
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and "report" not in file.parts[-2]]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def module() -> ModuleType:
    import sys

    return sys.modules["smaller_labse.all_stages.trim"]


@pytest.fixture(scope="module")
def settings(example: Path, text_files: Path) -> dict[str, Any]:
    text = [f"{code}={text_files / f'{code}.txt'}" for code in ("en", "it")]
    pair = ",".join(text)
    return {
        "model": str(example), "languages": "en,it", "text": text, "max_megabytes": 0.35, "onnx": "int8",
        "license": "apache-2.0", "fill_up": True, "parallel": pair,
    }  # fmt: skip


@pytest.fixture(scope="module")
def whole(
    settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[str | Table]]:
    """A run that nobody interrupted, without the comparison, and what it said."""
    folder, said = tmp_path_factory.mktemp("whole"), []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        smaller_labse.trim(**{**settings, "parallel": None}, out="model", report=said.append)
    return folder, said


def test_it_plans_and_makes_a_model_of_the_size(whole: tuple[Path, list[str | Table]]):
    folder, said = whole
    assert sorted(path.name for path in folder.iterdir()) == ["model", "model.run.toml", "model.work"]
    size = (folder / "model" / "huggingface" / "onnx" / "model_quantized.onnx").stat().st_size
    assert 0.98 * 0.35e6 < size <= 0.35e6
    plan = [line for line in said if isinstance(line, str)]
    assert plan[1].startswith("1. count") and "English (en): 1 file" in plan[2]
    (selecting,) = (line for line in plan if line.startswith("2. select"))
    assert "the int8 file of at most 0.35 MB (10^6 bytes), of which the layers take 0.3" in selecting
    assert sum(isinstance(line, Table) for line in said) == 3
    assert smaller_labse.load(folder / "model").encode(["dog"]).shape == (1, 64)


def test_interrupted_twice_it_comes_to_the_same_bytes(
    whole: tuple[Path, list[str | Table]],
    settings: dict[str, Any],
    module: ModuleType,
    in_this_process: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """Between the first two stages, and when the model is there and what was settled is not written down."""

    def interrupted(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    arguments = {**settings, "parallel": None, "out": "model"}
    for owner, name in ((module, "select"), (module._Place, "write_run")):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, name, interrupted)
            with pytest.raises(KeyboardInterrupt):
                smaller_labse.trim(**arguments)
    made = (tmp_path / "model" / "manifest.json").stat().st_mtime_ns
    said: list[str | Table] = []
    smaller_labse.trim(**arguments, report=said.append)
    assert "model is made of this selection already" in said
    assert all_bytes(tmp_path) == all_bytes(whole[0])
    # Where nothing says that it was made with this licence, the card does.
    Path("model.run.toml").rename("kept.toml")
    with pytest.raises(SmallerLabseError, match="model exists; choose another place or add --overwrite"):
        smaller_labse.trim(**{**arguments, "license": "mit"})
    assert (tmp_path / "model" / "manifest.json").stat().st_mtime_ns == made
    Path("kept.toml").rename("model.run.toml")
    # What was written down is a run: the same one, with a comparison.
    shutil.copy("model.run.toml", "again.toml")
    said.clear()
    smaller_labse.trim(run_file="again.toml", report=said.append)
    assert all_bytes(tmp_path / "model") == all_bytes(whole[0] / "model")
    with pytest.raises(
        SmallerLabseError, match=r"model\.run\.toml exists; choose another place or add --over"
    ):
        smaller_labse.trim(**{**settings, "max_megabytes": None, "vocab_size": "50%"}, out="model")
    assert (tmp_path / "model" / "manifest.json").stat().st_mtime_ns == made
    # To overwrite is to make it anew, even of the same selection: a damaged file is whole again.
    weights = tmp_path / "model" / "huggingface" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    smaller_labse.trim(**arguments, overwrite=True)
    assert (tmp_path / "model" / "manifest.json").stat().st_mtime_ns != made
    assert all_bytes(tmp_path / "model") == all_bytes(whole[0] / "model")


def test_it_compares_with_test_data(
    whole: tuple[Path, list[str | Table]],
    settings: dict[str, Any],
    in_this_process: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    shutil.copytree(whole[0], tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    Path("model.run.toml").unlink()
    said: list[str | Table] = []
    smaller_labse.trim(**settings, out="model", report=said.append)
    assert isinstance(said[-2], Table) and said[-2].columns[2:6:3] == ["original", "int8"]
    assert said[-1] == "model.work/report/report.html" and Path(said[-1]).is_file()


def test_a_dry_run_writes_nothing(settings: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture):
    arguments = ["--model", settings["model"], "--languages", "en,it", "--text", *settings["text"]]
    arguments += ["--out", str(tmp_path / "model"), "--coverage", "0.9", "--dry-run"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert "2. select the tokens that cover 0.9 of each language's text" in out and "GB of memory" in out
    assert not list(tmp_path.iterdir())


def test_another_text_than_was_counted_is_one_line(
    settings: dict[str, Any], tmp_path: Path, text_files: Path
):
    folder = tmp_path / "model.work" / "counts"
    smaller_labse.count(settings["model"], text=settings["text"], out=folder)
    text = [f"en={text_files / 'ja.txt'}", settings["text"][1]]
    with pytest.raises(SmallerLabseError, match=r"delete .*counts to count again, or give another --out"):
        smaller_labse.trim(**{**settings, "text": text}, out=tmp_path / "model")
    with pytest.raises(
        SmallerLabseError, match=r"--no-sample is .*; delete that file to count this text again$"
    ):
        smaller_labse.trim(**settings, sample=False, out=tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"out": None}, "--out is missing: give it, or a file that says it with --run"),
        ({"languages": "xyzzy", "text": None}, "unknown language"),
        ({"text": "en=none.txt"}, "none.txt"),
        ({"max_megabytes": 0.001}, "--max-megabytes 0.001: the smallest int8 file has"),
        ({"onnx": "int2"}, "--onnx: expected formats of"),
        ({"onnx": "int8,int4"}, "of which file, int8, int4 or safetensors"),
        ({"format": "float32"}, "--format float32: no such file is written; add it to --onnx"),
        ({"vocab_size": 9}, "--max-megabytes and --vocab-size exclude each other"),
        ({"max_megabytes": "many"}, "max_megabytes: expected megabytes above 0"),
        ({"model": "no/such/model/here"}, "no/such/model/here"),
        ({"license": "MTI"}, "MTI"),
        ({"prompt": "query: "}, "--prompt: for originals from Hugging Face only"),
        ({"parallel": "en=none.txt,it=none.txt"}, "none.txt"),
        ({"tatoeba": "none"}, "none: no such folder"),
    ],
    ids=lambda change: str(change)[:40],
)
def test_what_is_wrong_is_said_before_anything_is_written(
    change: dict[str, Any],
    says: str,
    settings: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SmallerLabseError) as error:
        smaller_labse.trim(**{**settings, "out": "model", **change})
    assert says in str(error.value) and "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_a_model_that_is_there_is_not_replaced(settings: dict[str, Any], tmp_path: Path, original: Path):
    shutil.copytree(original, tmp_path / "model")
    with pytest.raises(SmallerLabseError, match="model exists; choose another place or add --overwrite"):
        smaller_labse.trim(**settings, out=tmp_path / "model")
    with pytest.raises(UsageError, match="is read; choose another place"):
        smaller_labse.trim(**{**settings, "model": tmp_path / "model"}, out=tmp_path / "model")
