"""An encoder's ONNX files compute what the encoder in TensorFlow computes, whatever its kind and pooling."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.encoders.config import LEALLA_POOLING, Dense, Pooling
from smaller_labse.encoders.onnx import model_file
from smaller_labse.encoders.onnx.file_size import OnnxFileSize
from smaller_labse.encoders.onnx.names import EMBEDDING, IDS, MASK, TOKENS
from smaller_labse.encoders.onnx.write_onnx import write_onnx
from smaller_labse.make_smaller.example import random_tensors
from smaller_labse.originals.onnx_formats import FORMATS
from tests.small_originals import BERT, XLM_ROBERTA

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")

LENGTHS = (3, 7, 20, 64, 1)
ROWS = 300
TWO_DENSE = (Dense(32, 48, "hardswish"), Dense(48, 24, "glu"))
ENCODERS = {
    "labse": replace(BERT, hidden_act="gelu_pytorch_tanh"),
    "lealla": replace(BERT, hidden_act="gelu_pytorch_tanh", pooling=LEALLA_POOLING),
    "xlm-roberta": replace(XLM_ROBERTA, pooling=Pooling("mean", normalize=True)),
    "dense layers": replace(BERT, pooling=Pooling("cls", TWO_DENSE, normalize=True)),
}


def inputs() -> dict[str, np.ndarray]:
    """Texts of different lengths in one batch."""
    mask = (np.arange(max(LENGTHS)) < np.array(LENGTHS)[:, np.newaxis]).astype(np.int64)
    ids = np.random.default_rng(1).integers(0, ROWS, mask.shape)
    return {IDS: ids * mask, MASK: mask}


def run(file: Path, batch: dict[str, np.ndarray], optimized: bool = True) -> list[np.ndarray]:
    options = onnxruntime.SessionOptions()
    if not optimized:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_outputs()] == [TOKENS, EMBEDDING]
    return session.run(None, batch)


@pytest.mark.parametrize("name", ENCODERS)
def test_it_computes_what_tensorflow_computes(name: str, tmp_path: Path):
    import tensorflow as tf

    from smaller_labse.encoders.bert import Encoder

    config = replace(ENCODERS[name], vocab_size=ROWS)
    read = random_tensors(config)
    batch = inputs()
    (tmp_path / "vocab.txt").touch()
    words, mask = (tf.constant(values, tf.int32) for values in batch.values())
    types = tf.zeros_like(words)
    expected = Encoder(config, read, tmp_path / "vocab.txt")(
        {"input_word_ids": words, "input_mask": mask, "input_type_ids": types}
    )
    (file,) = write_onnx(tmp_path, config, read, [FORMATS["float32"]])
    tokens, embeddings = run(file, batch)
    assert embeddings.dtype == np.float32
    real = batch[MASK].astype(bool)
    assert np.abs(tokens - expected["sequence_output"])[real].max() < 1e-5
    assert np.abs(embeddings - expected["default"]).max() < 1e-5


@pytest.mark.parametrize("name", ["int8", "int4"])
def test_a_quantized_file_comes_near_the_float32_one_optimized_or_not(name: str, tmp_path: Path):
    """onnxruntime 1.32 joins operations to one that is wrong with a scale for each token; not ours."""
    config = replace(ENCODERS["xlm-roberta"], vocab_size=ROWS)
    read, batch = random_tensors(config), inputs()
    exact, file = write_onnx(tmp_path, config, read, [FORMATS["float32"], FORMATS[name]])
    found, plain = run(file, batch)[1], run(file, batch, optimized=False)[1]
    assert np.abs(found - plain).max() < 1e-5
    cosines = (found * run(exact, batch)[1]).sum(axis=1)
    assert cosines.min() > (0.995 if name == "int8" else 0.95)
    assert cosines.min() < 1 - 1e-6


@pytest.mark.parametrize("name", FORMATS)
def test_a_text_alone_gets_what_it_gets_in_a_batch(name: str, tmp_path: Path):
    config = replace(ENCODERS["xlm-roberta"], vocab_size=ROWS)
    (file,) = write_onnx(tmp_path, config, random_tensors(config), [FORMATS[name]])
    batch = inputs()
    together = run(file, batch)[1]
    for number, length in enumerate(LENGTHS):
        alone = run(file, {key: values[number : number + 1, :length] for key, values in batch.items()})[1]
        assert np.abs(alone - together[number]).max() < 1e-6


def test_the_same_weights_give_the_same_bytes(tmp_path: Path):
    config = replace(ENCODERS["labse"], vocab_size=ROWS)
    for folder in ("first", "second"):
        write_onnx(tmp_path / folder, config, random_tensors(config), list(FORMATS.values()))
    for each in FORMATS.values():
        assert (tmp_path / "first" / each.file).read_bytes() == (tmp_path / "second" / each.file).read_bytes()


def test_the_numbers_of_a_large_file_lie_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    config = replace(ENCODERS["xlm-roberta"], vocab_size=ROWS)
    (whole,) = write_onnx(tmp_path / "whole", config, random_tensors(config), [FORMATS["int8"]])
    monkeypatch.setattr(model_file, "LARGEST_FILE", 10_000)
    (file,) = write_onnx(tmp_path / "parts", config, random_tensors(config), [FORMATS["int8"]])
    data = file.with_name("model_quantized.onnx_data")
    assert data.stat().st_size > ROWS * 32 and file.stat().st_size < whole.stat().st_size
    np.testing.assert_array_equal(run(file, inputs())[1], run(whole, inputs())[1])
    assert OnnxFileSize(config, FORMATS["int8"]).in_all(ROWS) == file.stat().st_size + data.stat().st_size


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("name", FORMATS)
def test_its_size_is_known_before_it_is_written(name: str, encoder: str, tmp_path: Path):
    size = OnnxFileSize(ENCODERS[encoder], FORMATS[name])
    for rows in (1, 50, 20_000):
        config = replace(ENCODERS[encoder], vocab_size=rows)
        (file,) = write_onnx(tmp_path, config, random_tensors(config), [FORMATS[name]])
        assert size.in_all(rows) == file.stat().st_size
