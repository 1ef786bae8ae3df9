"""A model in TensorFlow and as ONNX files in every format, beside onnxruntime's own dynamic quantization.

    scripts/benchmark.sh onnx --model MODEL [--tatoeba FOLDER] [--languages LIST]

A text's embedding alone and in batches of 1, 7 and 64 texts must be the same: the largest difference is
shown.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from measure import Section, median_rate, spread
from model_folders.side_by_side import measure_accuracy, measure_speed, one_core, read_sentences

import smaller_labse
from smaller_labse.common.result_table import Table
from smaller_labse.encoders.from_huggingface import read_encoder
from smaller_labse.encoders.onnx.write_onnx import write_onnx
from smaller_labse.encoders.sentence_encoder import SentenceEncoder
from smaller_labse.originals.onnx_formats import FORMATS, OnnxFormat
from smaller_labse.originals.weights.safetensors_folder import open_safetensors

TENSORFLOW = "TensorFlow"
DYNAMIC = "quantize_dynamic"
MIXED = (
    OnnxFormat("float32, matrix int8", "model_matrix8.onnx", "float32", "int8", ""),
    OnnxFormat("float32, matrix in 4 bits", "model_matrix4.onnx", "float32", "int4", ""),
)
SPEED_TEXTS, BATCH_TEXTS = 320, 2000
BATCHES = (1, 7, 64)


def measure_onnx(
    model: Path, tatoeba: Path | None, languages: str | None, scratch: Path, repetitions: int
) -> Section:
    """Measure a model folder that has a `huggingface/`."""
    with one_core():
        files = write_formats(model / "huggingface", scratch / "huggingface")
        encoders = {TENSORFLOW: smaller_labse.load(model)}
        encoders |= {name: smaller_labse.load(file) for name, file in files.items()}
        runs = measure_speed(encoders, SPEED_TEXTS, scratch, repetitions)
        apart = {name: _alone_or_in_a_batch(encoder, scratch) for name, encoder in encoders.items()}
    accuracy = {} if tatoeba is None else measure_accuracy((TENSORFLOW, model), files, tatoeba, languages)
    slowest = median_rate(runs[TENSORFLOW])
    rows = [
        (
            name,
            f"{files[name].stat().st_size / 1e6:.1f} MB" if name in files else "",
            spread([run.amount / run.seconds for run in done]),
            f"{median_rate(done) / slowest:.2f} x",
            accuracy.get(name, "–"),
            f"{apart[name]:.1e}",
        )
        for name, done in runs.items()
    ]
    columns = ("", "file", "texts a second of processor time", "speed", "Tatoeba", "alone or in a batch")
    asked = f"all languages in {tatoeba}" if languages is None else languages
    notes = (
        f"{SPEED_TEXTS} everyday sentences in 15 languages for the speed, {BATCH_TEXTS:,} for the batches of "
        f"{', '.join(map(str, BATCHES))}; {encoders['int8'].computed_by}, and TensorFlow on one core."
    )
    if accuracy:
        notes += f" Tatoeba: {asked}, both ways, in percent; differences with 95% intervals, and the language"
        notes += " that lost most."
    return Section(f"ONNX: {model.name}", Table(columns, rows), runs, notes)


def write_formats(huggingface: Path, folder: Path) -> dict[str, Path]:
    """Write a folder's ONNX files in all formats, its tokenizer beside them."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    shutil.copytree(huggingface, folder, ignore=shutil.ignore_patterns("*.safetensors", "onnx"))
    encoder = read_encoder(huggingface, open_safetensors(huggingface).tensors)
    formats = (*FORMATS.values(), *MIXED)
    written = write_onnx(folder / "onnx", encoder.config, encoder.read_tensor, formats)
    files = {each.name: file for each, file in zip(formats, written, strict=True)}
    files[DYNAMIC] = folder / "onnx" / "model_dynamic.onnx"
    quantize_dynamic(files["float32"], files[DYNAMIC], weight_type=QuantType.QInt8)
    order = ("float32", DYNAMIC, "int8", *(each.name for each in MIXED), "int4")
    return {name: files[name] for name in order}


def _alone_or_in_a_batch(encoder: SentenceEncoder, scratch: Path) -> float:
    texts = read_sentences(scratch, BATCH_TEXTS)
    embeddings = [
        encoder.encode(texts, advance=lambda amount: None, batch_size=size, normalize=True)
        for size in BATCHES
    ]
    return max(float(np.abs(each - embeddings[0]).max()) for each in embeddings[1:])
