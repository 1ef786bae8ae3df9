"""OpenVINO, where it is installed, computes the same from the same files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.encoders.onnx.names import EMBEDDING
from smaller_labse.encoders.onnx.write_onnx import write_onnx
from smaller_labse.make_smaller.example import random_tensors
from smaller_labse.originals.onnx_formats import FORMATS

pytest.importorskip("onnxruntime")
openvino = pytest.importorskip("openvino")
from tests.encoders.onnx.test_encoder_graph import ENCODERS, ROWS, inputs, run  # noqa: E402 - needs onnxruntime


@pytest.mark.interop
@pytest.mark.parametrize("name", ENCODERS)
def test_openvino_gives_what_onnxruntime_gives(name: str, tmp_path: Path):
    config = replace(ENCODERS[name], vocab_size=ROWS)
    batch = inputs()
    for file in write_onnx(tmp_path, config, random_tensors(config), list(FORMATS.values())):
        settings = {"INFERENCE_PRECISION_HINT": "f32"}
        model = openvino.Core().compile_model(str(file), "CPU", settings)
        found = model(batch)[model.output(EMBEDDING)]
        # A number between two integers may be rounded to the other one.
        assert np.abs(found - run(file, batch)[1]).max() < (1e-5 if file.name == "model.onnx" else 1e-3)
