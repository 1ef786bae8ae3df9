"""OpenVINO in a process of its own: a process that has used it is killed by the next signal that Python handles
(OpenVINO 2026.4: a segmentation fault), and some of our tests send signals to their own process.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

Inputs = dict[str, np.ndarray]


class OpenVino:
    """What OpenVINO gives for ONNX files."""

    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    def outputs(self, files: Sequence[Path], inputs: Inputs, name: str) -> list[np.ndarray]:
        """The output of that name, of each file."""
        return self._process.submit(_outputs, [str(file) for file in files], inputs, name).result()


@contextmanager
def openvino_process() -> Iterator[OpenVino]:
    """The process, while the block runs; skips the test where OpenVINO is not installed."""
    if find_spec("openvino") is None:
        pytest.skip("needs openvino")
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        yield OpenVino(process)


def _outputs(files: Sequence[str], inputs: Inputs, name: str) -> list[np.ndarray]:
    import openvino

    found = []
    for file in files:
        model = openvino.Core().compile_model(file, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        found.append(np.array(model(inputs)[model.output(name)]))
    return found
