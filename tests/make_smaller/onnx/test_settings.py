"""What other runtimes look up beside an ONNX file is completed; what the folder says otherwise stays."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Tokenizer, models

from smaller_labse.common.json_files import read_object, write_json
from smaller_labse.make_smaller.onnx.files import OnnxFile
from smaller_labse.make_smaller.onnx.settings import complete_settings

WRITTEN = [OnnxFile("float32", "onnx/model.onnx", 48, 0, 0, 0)]


def write_folder(folder: Path, **settings: object) -> Path:
    (folder / "onnx").mkdir(parents=True)
    (folder / "onnx" / "model.onnx").touch()
    write_json(folder / "config.json", {"pad_token_id": 1, "hidden_size": 8})
    write_json(folder / "tokenizer_config.json", settings)
    Tokenizer(models.WordLevel({"a": 0, "<pad>": 1}, "a")).save(str(folder / "tokenizer.json"))
    return folder


def test_length_and_padding_are_completed_once(tmp_path: Path):
    folder = write_folder(tmp_path / "model", tokenizer_class="BertTokenizer", model_max_length=10**30)
    assert complete_settings(folder, WRITTEN) == (folder / "tokenizer_config.json",)
    assert read_object(folder / "tokenizer_config.json") == {
        "tokenizer_class": "BertTokenizer", "model_max_length": 48, "pad_token": "<pad>",
    }  # fmt: skip
    assert complete_settings(folder, WRITTEN) == ()


def test_what_is_said_stays(tmp_path: Path):
    said = {"model_max_length": 32, "pad_token": {"content": "a"}}
    folder = write_folder(tmp_path / "model", **said)
    assert complete_settings(folder, WRITTEN) == ()
    assert json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8")) == said
    assert complete_settings(folder, []) == ()


def test_numbers_in_a_file_of_their_own_are_named(tmp_path: Path):
    folder = write_folder(tmp_path / "model", model_max_length=48, pad_token="a")
    (folder / "onnx" / "model.onnx_data").touch()
    assert complete_settings(folder, WRITTEN) == (folder / "config.json",)
    config = read_object(folder / "config.json")
    assert config["transformers.js_config"] == {"use_external_data_format": {"model.onnx": 1}}
    assert config["hidden_size"] == 8


def test_only_what_is_said_of_our_files_is_replaced(tmp_path: Path):
    folder = write_folder(tmp_path / "model", model_max_length=48, pad_token="a")
    others = {"dtype": "q8", "kv_cache_dtype": {"q4f16": "float16"}}

    def completed(outside: object) -> object:
        config = {"pad_token_id": 1, "transformers.js_config": others | {"use_external_data_format": outside}}
        write_json(folder / "config.json", config)
        complete_settings(folder, WRITTEN)
        return read_object(folder / "config.json")["transformers.js_config"]

    stale = {"decoder.onnx": 2, "model.onnx": 3, "model": 1, "model_quantized.onnx": 1}
    assert completed(stale) == others | {"use_external_data_format": {"decoder.onnx": 2}}
    assert completed(True) == completed({"model.onnx": 1}) == others
    (folder / "onnx" / "model.onnx_data").touch()
    assert completed(stale) == others | {"use_external_data_format": {"decoder.onnx": 2, "model.onnx": 1}}
