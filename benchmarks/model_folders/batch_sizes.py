"""How many tokens at a time suit a processor: a model in TensorFlow and in ONNX, small batches to large ones.

    scripts/benchmark.sh batch-sizes --model MODEL

The one that `encode` takes by itself is `TOKENS_AT_A_TIME` in `smaller_labse/encoders/sentence_encoder.py`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from measure import Run, Section, median_rate, spread
from model_folders.onnx_formats import DYNAMIC, TENSORFLOW, write_formats
from model_folders.side_by_side import one_core, read_sentences

import smaller_labse
from smaller_labse.common.result_table import Table
from smaller_labse.encoders import sentence_encoder

TEXTS = 320
TOKENS = (256, 512, 1024, 2048, 4096)
MODELS = ("float32", DYNAMIC, "int8")


def measure_batch_sizes(model: Path, scratch: Path, repetitions: int) -> Section:
    """Measure a model folder that has a `huggingface/`; all sizes of all models in turn."""
    chosen = sentence_encoder.TOKENS_AT_A_TIME
    with one_core():
        files = write_formats(model / "huggingface", scratch / "huggingface")
        encoders = {TENSORFLOW: smaller_labse.load(model)}
        encoders |= {name: smaller_labse.load(files[name]) for name in MODELS}
        texts = read_sentences(scratch, TEXTS)
        runs: dict[tuple[str, int], list[Run]] = {}
        for turn in range(-1, repetitions):  # once to warm up
            for tokens in TOKENS:
                sentence_encoder.TOKENS_AT_A_TIME = tokens
                for name, encoder in encoders.items():
                    started = time.process_time()
                    encoder.encode(texts, advance=lambda amount: None)
                    seconds = time.process_time() - started
                    if turn >= 0:
                        runs.setdefault((name, tokens), []).append(Run(seconds, 0.0, TEXTS))
            print(f"turn {turn + 1} of {repetitions}", file=sys.stderr, flush=True)
    sentence_encoder.TOKENS_AT_A_TIME = chosen
    rows = [
        (
            name,
            *(
                spread([run.amount / run.seconds for run in runs[name, tokens]], "{:.0f}")
                for tokens in TOKENS
            ),
        )
        for name in encoders
    ]
    columns = ("texts a second of processor time", *(f"{tokens:,} tokens" for tokens in TOKENS))
    gains = ", ".join(
        f"{name} {median_rate(runs[name, chosen]) / median_rate(runs[name, TOKENS[-1]]):.2f} times"
        for name in encoders
    )
    notes = (
        f"{TEXTS} everyday sentences in 15 languages, on one core. By itself `encode` takes {chosen:,} "
        f"tokens at a time; beside {TOKENS[-1]:,}: {gains}."
    )
    named = {f"{name}, {tokens:,} tokens": done for (name, tokens), done in runs.items()}
    return Section(f"Batch sizes: {model.name}", Table(columns, rows), named, notes)
