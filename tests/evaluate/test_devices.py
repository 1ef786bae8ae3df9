"""--device and --batch-size: what is not there is refused before loading; neither changes a vector."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import UsageError
from smaller_labse.evaluate.__main__ import main

TEXTS = ["good morning", "the red house", "", "night", "a b c d e f g", "good good"]


@pytest.fixture
def arguments(original, tmp_path) -> list[str]:
    (tmp_path / "a.txt").write_text("".join(f"{text}\n" for text in TEXTS))
    return ["encode", "--model", str(original), "--text", str(tmp_path / "a.txt")]


def test_a_device_that_is_not_there_is_refused_before_loading(arguments, tmp_path, capsys, monkeypatch):
    import tensorflow as tf

    monkeypatch.setattr(tf.saved_model, "load", None)
    out = str(tmp_path / "out.npy")
    assert main([*arguments, "--device", "gpu:7", "--out", out]) == 2
    error = capsys.readouterr().err
    assert "device 'gpu:7': TensorFlow finds no such device here, only cpu:0" in error
    assert "docs/gpu.md" in error


@pytest.mark.parametrize("option", [["--device", "tpu"], ["--batch-size", "0"], ["--batch-size", "few"]])
def test_wrong_values_are_usage_errors(arguments, tmp_path, capsys, option):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, *option, "--out", str(tmp_path / "out.npy")])
    assert ended.value.code == 2
    assert f"{option[0]}: expected" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--device", "cpu"], ["--batch-size", "1"], ["--batch-size", "4"]])
def test_neither_device_nor_batch_size_changes_a_vector(original, arguments, tmp_path, option):
    out = tmp_path / "out.npy"
    assert main([*arguments, *option, "--out", str(out)]) == 0
    expected = smaller_labse.load(original).encode(TEXTS)
    difference = np.abs(np.load(out) - expected).max(axis=1) / np.linalg.norm(expected, axis=1)
    assert (difference <= 1e-6).all()


def test_parity_is_computed_where_and_as_it_is_told(original, smaller, tmp_path, capsys):
    (tmp_path / "en.txt").write_text("good morning\nnight\n")
    files = ["--model", str(smaller), "--text", f"en={tmp_path / 'en.txt'}"]
    parity = ["parity", "--original", str(original), *files]
    assert main([*parity, "--device", "cpu", "--batch-size", "1"]) == 0
    assert "0.0e+00" in capsys.readouterr().out
    assert main([*parity, "--device", "gpu:7"]) == 2


@pytest.fixture
def comparison(original, smaller, tmp_path) -> list[str]:
    for code in ("en", "it"):
        (tmp_path / f"{code}.txt").write_text("good morning\nthe red house\nnight\n")
    data = ["--parallel", f"en={tmp_path / 'en.txt'},it={tmp_path / 'it.txt'}"]
    models = ["--original", str(original), "--model", str(smaller)]
    return ["compare", *models, *data, "--no-pictures", "--out", str(tmp_path / "report")]


@pytest.mark.usefixtures("in_this_process")
def test_compare_computes_where_and_as_it_is_told(comparison, tmp_path):
    assert main([*comparison, "--device", "cpu", "--batch-size", "1"]) == 0
    once = json.loads((tmp_path / "report" / "report.json").read_text())
    assert main([*comparison, "--overwrite"]) == 0
    again = json.loads((tmp_path / "report" / "report.json").read_text())
    assert again["averages"] == once["averages"]


def test_compare_refuses_a_device_before_anything_is_measured(comparison, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("smaller_labse.evaluate.comparison.measure.measure", None)
    assert main([*comparison, "--device", "gpu:7"]) == 2
    assert "device 'gpu:7': TensorFlow finds no such device here" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_python_refuses_the_same(original):
    with pytest.raises(UsageError, match="device: expected cpu, gpu or gpu:1, got 'tpu'"):
        smaller_labse.load(original, device="tpu")
    with pytest.raises(UsageError, match="device: expected cpu, gpu or gpu:1, got 'tpu'"):
        smaller_labse.compare(original, device="tpu")
    with pytest.raises(UsageError, match="batch_size: expected a positive integer, got '0'"):
        smaller_labse.compare(original, batch_size=0)


def test_the_encoder_lies_on_the_device_that_was_asked_for(original):
    """TensorFlow can make two devices of one processor, so that a second one is there to choose."""
    code = f"""
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
import numpy as np, smaller_labse
first, second = (smaller_labse.load({str(original)!r}, device=device) for device in ("cpu", "cpu:1"))
texts = {TEXTS!r}
assert np.abs(first.encode(texts) - second.encode(texts)).max() <= 1e-5
for encoder, number in ((first, 0), (second, 1)):
    variables = encoder._network._embed.get_concrete_function().graph.variables
    print(number, {{variable.device.rpartition("/")[2] for variable in variables}})
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout == "0 {'device:CPU:0'}\n1 {'device:CPU:1'}\n", ran.stderr[-2000:]
