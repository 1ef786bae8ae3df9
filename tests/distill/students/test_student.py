"""What a student is written to is what was trained, beside everything else of the model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object
from smaller_labse.distill.students import student as module
from smaller_labse.distill.students.layers import keep_layers
from smaller_labse.distill.students.student import open_student
from smaller_labse.encoders.config import LEALLA_POOLING
from smaller_labse.encoders.from_huggingface import read_encoder
from smaller_labse.originals.weights.safetensors_folder import open_safetensors
from tests.small_originals import write_byte_pairs, write_xlm_roberta


def test_a_hugging_face_student_is_written_with_its_layers_and_all_side_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module._HuggingFaceStudent, "_write_saved_models", lambda self, folder: None)
    model = write_xlm_roberta(tmp_path / "model")
    student = open_student(model)
    config, read_tensor = keep_layers(student.config, student.read_tensor, (1,))
    student.write(tmp_path / "out", config, lambda name: 2 * read_tensor(name), (1,))
    folder = tmp_path / "out" / "huggingface"
    written = read_encoder(folder, open_safetensors(folder).tensors)
    assert written.config == config and config.num_hidden_layers == 1
    for name in config.tensor_shapes():
        np.testing.assert_array_equal(written.read_tensor(name), 2 * read_tensor(name))
    files = {path.relative_to(model) for path in model.rglob("*") if path.is_file()}
    assert {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()} == files
    assert read_object(folder / "config.json")["num_hidden_layers"] == 1


def test_lealla_is_a_student_too(shared: Path) -> None:
    student = open_student(shared / "lealla_format")
    assert student.config.pooling == LEALLA_POOLING and student.tokenizer.kind == "lealla"
    assert student.read_tensor("pooler_transform/bias").shape == (64,)


def test_unknown_architectures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SmallerLabseError, match="only encoders that are rebuilt in TensorFlow"):
        open_student(write_byte_pairs(tmp_path / "model"))
