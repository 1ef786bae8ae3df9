"""ONNX files of models of LaBSE's and LEALLA's true size: their size, and the cost of writing."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from measure import Run, Section, measure, peak, spread, take_turns
from trimming import PUBLISHED_SIZE, PYTHON, select_published_size

from smaller_labse.common.result_table import Table
from smaller_labse.originals.onnx_formats import FORMATS

REFUSED = "this model cannot be quantized so far"
MAKE_SMALLER = (PYTHON, "-m", "smaller_labse.make_smaller")


def measure_sizes(originals: Mapping[str, Path], scratch: Path, repetitions: int) -> Section:
    """Trim each original to the published model's vocabulary size, then add an ONNX file, format by format.

    Args:
        originals: in TF Hub's format, by name.
        scratch: where to.
        repetitions: how often each file is written.
    """
    rows, runs = [], {}
    for name, original in originals.items():
        model = scratch / f"{name}-model"
        selection = select_published_size(original, scratch / f"{name}-selection")
        measure([*MAKE_SMALLER, "--model", original, "--selection", selection, "--out", model])
        ways = {each: partial(_add, model, each) for each in FORMATS}
        for each, done in take_turns(ways, repetitions).items():
            runs[f"{name}, {each}"] = done
            if size := done[0].amount:
                seconds = spread([run.seconds for run in done])
                rows.append((name, each, f"{size / 1e6:,.1f} MB", f"{seconds} s", peak(done)))
            else:
                rows.append((name, each, "refused", "–", "–"))
    columns = ("", "format", "file", "wall time", "peak memory")
    notes = (
        "`make-smaller --model FOLDER --onnx FORMAT` from start to exit: the file is written and its "
        "embeddings are compared with TensorFlow's. Refused: with these random weights they move too far."
    )
    return Section(f"ONNX files of {PUBLISHED_SIZE:,} tokens", Table(columns, rows), runs, notes)


def _add(model: Path, name: str) -> Run:
    """Add a model's file of one format; the amount is its bytes, 0 where its embeddings moved too far."""
    try:
        run = measure([*MAKE_SMALLER, "--model", model, "--onnx", name, "--overwrite"])
    except SystemExit as ended:
        if REFUSED not in str(ended):
            raise
        return Run(math.nan, math.nan, 0)
    (written,) = json.loads((model / "manifest.json").read_text("utf-8"))["onnx"]
    return Run(run.seconds, run.gigabytes, written["bytes"])
