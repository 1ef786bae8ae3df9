"""ONNX files are added to a model that is there whole or not at all, and nothing else of it is touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import write_json
from smaller_labse.make_smaller.onnx import add
from smaller_labse.make_smaller.onnx.files import OnnxFile
from smaller_labse.originals.digests import with_digest
from smaller_labse.originals.folder_check import require_as_written
from tests.conftest import Trimmed

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.fixture
def model(trimmed: Trimmed, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trimmed.model, tmp_path / "model"))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Files of any bytes are written, at once; what each call was told of the model's difference."""
    differences: list[float] = []

    def write(*given: Any, verified: float = 0.0, out: Path, **named: Any) -> tuple[OnnxFile, ...]:
        differences.append(given[4] if len(given) > 4 else verified)
        out.mkdir(parents=True)
        (out / "model.onnx").write_bytes(b"graph")
        return (OnnxFile("float32", "onnx/model.onnx", 128, 5, 0.0, 0.0),)

    monkeypatch.setattr(add, "write_onnx_files", write)
    return differences


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("step", ["complete_settings", "_describe", "note_files"])
def test_interrupted_at_any_step_the_model_is_as_it_was(
    model: Path, asked: list[float], monkeypatch: pytest.MonkeyPatch, step: str
):
    before = all_bytes(model.parent)
    with monkeypatch.context() as patched:

        def interrupted(*given: Any) -> None:
            raise KeyboardInterrupt

        patched.setattr(add, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            add.add_onnx(model, "float32")
    assert all_bytes(model.parent) == before
    add.add_onnx(model, "float32")
    require_as_written(model)


def test_other_files_stay_those_that_they_were(model: Path, asked: list[float]):
    (model / ".git").mkdir()
    (model / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    weights = model / "huggingface" / "model.safetensors"
    kept = [weights, model / ".git" / "HEAD", *(model / "encoder").rglob("*.data-*")]
    inodes = [file.stat().st_ino for file in kept]
    add.add_onnx(model, "float32")
    assert [file.stat().st_ino for file in kept] == inodes
    require_as_written(model)


def test_what_a_link_leads_to_is_not_written_to(model: Path, asked: list[float], tmp_path: Path):
    """As in the hub's cache, whose folders hold links."""
    for place in ("README.md", "huggingface/tokenizer_config.json", "huggingface/model.safetensors"):
        kept = tmp_path / "kept" / Path(place).name
        kept.parent.mkdir(exist_ok=True)
        (model / place).rename(kept)
        (model / place).symlink_to(Path(*[".."] * len(Path(place).parts), "kept", kept.name))
    before = all_bytes(tmp_path / "kept")
    add.add_onnx(model, "float32")
    assert all_bytes(tmp_path / "kept") == before
    require_as_written(model)


def test_the_models_own_difference_counts(model: Path, asked: list[float]):
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    said = {"proof": manifest["proof"] | {"largest_difference": 3e-6}}
    # Rounded numbers are compared with rounded ones, and of a distilled model there is no proof.
    rounded = {"proof": said["proof"] | {"rounding": {"dtype": "float16"}}}
    for changed in (said, rounded, {"proof": None}):
        write_json(model / "manifest.json", with_digest(manifest | changed))
        add.add_onnx(model, "float32", overwrite=True)
    assert asked == [3e-6, 0.0, 0.0]


def test_the_hidden_size_is_that_of_the_hugging_face_folder(model: Path, asked: list[float]):
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    del manifest["hidden_size"]
    write_json(model / "manifest.json", with_digest(manifest))
    add.add_onnx(model, "float32")
    config = json.loads((model / "huggingface" / "config.json").read_text(encoding="utf-8"))
    del config["hidden_size"]
    write_json(model / "huggingface" / "config.json", config)
    with pytest.raises(SmallerLabseError, match=r"config\.json: .*hidden_size"):
        add.add_onnx(model, "float32", overwrite=True)
