"""Layers are trained in bfloat16 where the hardware multiplies it, and as one says where one says it."""

from __future__ import annotations

from pathlib import Path

import pytest
import tensorflow as tf

from smaller_labse.distill.training import precision
from smaller_labse.distill.training.precision import training_precision


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ("fpu avx512f avx512_bf16 sse", "bfloat16"),
        ("fpu amx_bf16", "bfloat16"),
        ("fpu avx512f avx2", "float32"),
        (None, "float32"),
    ],
)
def test_a_processor_is_asked_for_its_instructions(
    flags: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if flags is not None:
        (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: avx512_bf16\n")
    monkeypatch.setattr(precision, "PROCESSORS", tmp_path / "cpuinfo")
    assert training_precision("auto") == expected
    assert [training_precision(name) for name in ("float32", "bfloat16")] == ["float32", "bfloat16"]


@pytest.mark.parametrize(("capability", "expected"), [((8, 0), "bfloat16"), ((7, 5), "float32")])
def test_a_gpu_is_asked_before_the_processor(
    capability: tuple[int, int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two, of which the other has it: what this machine's TensorFlow would answer beside GPUs."""
    found = {"first": {"compute_capability": (9, 0)}, "second": {"compute_capability": capability}}
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: list(found))
    monkeypatch.setattr(tf.config.experimental, "get_device_details", found.__getitem__)
    assert training_precision("auto") == expected
