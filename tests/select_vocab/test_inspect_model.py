"""`inspect` says what a model is by its files, and what cannot be trimmed is refused in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.select_vocab.inspect_model import NO_TEXT
from tests.conftest import CONFIG, PIECES
from tests.small_originals import write_mean_bert


def test_it_says_what_a_model_is(original: Path, run, tmp_path: Path) -> None:
    model = smaller_labse.inspect(original)
    assert (model.format, model.tokenizer, model.vocab_size) == ("TF Hub", "wordpiece", len(PIECES))
    assert model.matrix_share == pytest.approx(len(PIECES) * CONFIG.hidden_size / model.parameters)
    assert model.scripts["Latin"] == sum(
        piece.strip("#").isascii() and piece.strip("#").isalpha() for piece in PIECES
    )
    assert model.scripts["Han"] == sum("猫" in piece for piece in PIECES)
    assert sum(model.scripts.values()) == len(PIECES) and {NO_TEXT} <= set(model.scripts)
    # A hidden size of 16 is not made of the blocks of 32 that int4 has.
    assert model.formats == ("SavedModels", "a Hugging Face folder", "ONNX float32", "ONNX int8")
    ended = run("inspect", "--model", original, "--json", tmp_path / "model.json")
    assert ended.code == 0 and "| of these in the embedding matrix " in ended.out and "| Latin " in ended.out
    said = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert said["parameters"] == model.parameters and said["scripts"] == dict(model.scripts)


def test_a_hugging_face_folder_of_another_architecture_becomes_no_saved_model(tmp_path: Path) -> None:
    folder = write_mean_bert(tmp_path / "bert")
    assert smaller_labse.inspect(folder).formats[2:] == ("ONNX float32", "ONNX int8", "ONNX int4")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mpnet"}), encoding="utf-8")
    assert smaller_labse.inspect(folder).formats == ("a Hugging Face folder",)


def test_what_is_no_model_is_one_clear_line(run, tmp_path: Path) -> None:
    ended = run("inspect", "--model", tmp_path)
    assert ended.code == 1 and ended.error.count("\n") == 1 and "so it is no model" in ended.error
    with pytest.raises(SmallerLabseError, match="no such folder"):
        smaller_labse.inspect(tmp_path / "none")
