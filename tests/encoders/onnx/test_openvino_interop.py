"""OpenVINO, where it is installed, computes the same from the same files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.encoders.onnx.names import EMBEDDING
from smaller_labse.encoders.onnx.write_onnx import write_onnx
from smaller_labse.make_smaller.example import random_tensors
from smaller_labse.originals.onnx_formats import FORMATS
from tests.openvino_process import OpenVino, openvino_process

pytest.importorskip("onnxruntime")
from tests.encoders.onnx.test_encoder_graph import ENCODERS, ROWS, inputs, run


@pytest.fixture(scope="module")
def openvino() -> Iterator[OpenVino]:
    with openvino_process() as process:
        yield process


@pytest.mark.interop
@pytest.mark.parametrize("name", ENCODERS)
def test_openvino_gives_what_onnxruntime_gives(openvino: OpenVino, name: str, tmp_path: Path):
    config = replace(ENCODERS[name], vocab_size=ROWS)
    batch = inputs()
    files = write_onnx(tmp_path, config, random_tensors(config), list(FORMATS.values()))
    for file, found in zip(files, openvino.outputs(files, batch, EMBEDDING), strict=True):
        # A number between two integers may be rounded to the other one.
        assert np.abs(found - run(file, batch)[1]).max() < (1e-5 if file.name == "model.onnx" else 1e-3)
