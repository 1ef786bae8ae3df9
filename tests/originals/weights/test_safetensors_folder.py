"""The weights of a folder: shards, indexes that contradict them, and weights that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.safetensors_folder import open_safetensors


@pytest.fixture
def sharded(tmp_path: Path) -> Path:
    for number, tensors in enumerate(({"a": np.ones(2)}, {"b": np.zeros(3), "c": np.ones(1)}), start=1):
        save_file(
            tensors, tmp_path / f"model-{number}.safetensors", metadata={"format": "pt", "n": str(number)}
        )
    change_index(
        tmp_path, weight_map={"a": "model-1.safetensors", **dict.fromkeys("bc", "model-2.safetensors")}
    )
    return tmp_path


def change_index(folder: Path, **content: object) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps(content))


def test_shards_are_read_as_one(sharded: Path) -> None:
    found = open_safetensors(sharded)
    assert set(found.tensors) == {"a", "b", "c"}
    assert found.parameters == 6
    assert [file.metadata["n"] for file in found.files] == ["1", "2"]
    np.testing.assert_array_equal(found.read("b"), np.zeros(3))
    with pytest.raises(SmallerLabseError, match="no tensor 'd' in its weights"):
        found.read("d")


def test_a_missing_shard_is_named(sharded: Path) -> None:
    (sharded / "model-2.safetensors").unlink()
    with pytest.raises(
        SmallerLabseError, match=r"model-2\.safetensors: missing, though .*index\.json lists it"
    ):
        open_safetensors(sharded)


@pytest.mark.parametrize(
    ("weight_map", "message"),
    [
        ({"a": "model-1.safetensors", "d": "model-2.safetensors"}, "the tensor d is said to lie in model-2"),
        (
            {"a": "model-1.safetensors", "b": "model-2.safetensors"},
            "model-2.safetensors: the tensor c is not where",
        ),
        ({"a": "../model-1.safetensors"}, r"the tensor a is said to lie in '\.\./model-1\.safetensors'"),
        ({"a": "/etc/x.safetensors"}, "expected the name of a .safetensors file in the same folder"),
        ({"a": "config.json"}, "expected the name of a .safetensors file"),
        ({"a": 3}, "expected the name of a .safetensors file"),
        ({}, "no weight_map in it"),
        ([], "no weight_map in it"),
    ],
)
def test_an_index_that_contradicts_its_shards_is_refused(
    sharded: Path, weight_map: object, message: str
) -> None:
    change_index(sharded, weight_map=weight_map)
    with pytest.raises(SmallerLabseError, match=message):
        open_safetensors(sharded)


@pytest.mark.parametrize(("content", "message"), [("[]", "a JSON list"), ("{", "not readable as JSON")])
def test_an_unreadable_index_is_named(sharded: Path, content: str, message: str) -> None:
    (sharded / "model.safetensors.index.json").write_text(content)
    with pytest.raises(SmallerLabseError, match=rf"index\.json: {message}"):
        open_safetensors(sharded)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin"])
def test_pickled_weights_are_refused_with_the_way_out(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x80\x04.")
    with pytest.raises(SmallerLabseError, match=r"only pickled weights .*safe_serialization=True") as error:
        open_safetensors(tmp_path)
    assert name in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_without_weights_and_no_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(SmallerLabseError, match=r"neither model\.safetensors nor .*index\.json in it"):
        open_safetensors(tmp_path)
    with pytest.raises(SmallerLabseError, match="no such folder"):
        open_safetensors(tmp_path / "none")
