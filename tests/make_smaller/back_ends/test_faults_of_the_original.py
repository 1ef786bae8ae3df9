"""What is wrong with an original is said of its own files, not of what is written beside the output."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import smaller_labse
from smaller_labse.make_smaller.__main__ import main as make_smaller
from tests.small_originals import write_mean_bert


@pytest.fixture(scope="module")
def selected(text_files, tmp_path_factory) -> Path:
    """A folder with an original from Hugging Face and a selection of it."""
    folder = tmp_path_factory.mktemp("faults")
    original = write_mean_bert(folder / "original")
    counts = smaller_labse.count(original, text={"en": text_files / "en.txt"}, out=folder / "counts")
    smaller_labse.select(original, counts, out=folder / "selection")
    return folder


@pytest.fixture
def original(selected, tmp_path) -> Path:
    return Path(shutil.copytree(selected / "original", tmp_path / "original"))


def test_a_tensor_that_is_missing_is_said_before_the_long_work(selected, original, tmp_path, capsys):
    config = json.loads((original / "config.json").read_text())
    (original / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    arguments = ["--model", original, "--selection", selected / "selection", "--out", tmp_path / "model"]
    assert make_smaller([*map(str, arguments), "--license", "mit"]) == 1
    assert capsys.readouterr().err == (
        "loading TensorFlow …\n"
        f"make-smaller: {original}: the tensor encoder.layer.2.attention.self.query.weight is missing, which "
        "config.json asks for\n"
    )


def test_why_rounding_is_not_measured_is_said_of_the_original(selected, original, tmp_path, capsys):
    modules = json.loads((original / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.LSTM"
    (original / "modules.json").write_text(json.dumps(modules))
    arguments = ["--model", original, "--selection", selected / "selection", "--out", tmp_path / "model"]
    options = ["--license", "mit", "--dtype", "float16", "--no-savedmodel"]
    assert make_smaller([*map(str, arguments), *options]) == 0
    error = capsys.readouterr().err
    assert f"not measured: {original / 'modules.json'}: the module sentence_transformers.models.LSTM" in error
    assert ".partial" not in error
