"""What does trimming LaBSE cost, beside loading and saving it with TensorFlow and copying its files?"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from counting import vocabulary_of
from measure import Run, Section, measure, peak, spread, take_turns

from smaller_labse.common.result_table import Table

RIVALS = Path(__file__).parent / "rivals"
PUBLISHED_SIZE = 173_347  # tokens in the vocabulary of the published model of 15 languages
PYTHON = sys.executable
IMPORT = "import tensorflow, tensorflow_text; tensorflow.constant(0)"


def select_published_size(labse: Path, selection: Path) -> Path:
    """Select as many tokens of an original in TF Hub's format as the published model has; `selection`."""
    tokens = vocabulary_of(labse).read_bytes().split(b"\n")
    kept = selection.with_suffix(".txt")
    kept.write_bytes(b"\n".join(tokens[:PUBLISHED_SIZE]))
    measure([PYTHON, "-m", "smaller_labse.select_vocab", "select", "--model", labse, "--pieces", kept,
             "--no-keep-characters", "--order", "alphabetical", "--out", selection])  # fmt: skip
    return selection


def measure_trimming(labse: Path, scratch: Path, repetitions: int) -> Section:
    """Trim to the published model's vocabulary size, all formats and the verification included."""
    selection, out = select_published_size(labse, scratch / "selection"), scratch / "out"
    trim = (PYTHON, "-m", "smaller_labse.make_smaller", "--model", labse, "--selection", selection)

    def run(*command: str | Path) -> Callable[[], Run]:
        def once() -> Run:
            shutil.rmtree(out, ignore_errors=True)
            return measure(command)

        return once

    runs = take_turns(
        {
            "importing TensorFlow": run(PYTHON, "-c", IMPORT),
            "copying the original's files": run(PYTHON, RIVALS / "copy_files.py", labse, out),
            "loading and saving with TensorFlow": run(
                PYTHON, RIVALS / "load_and_save.py", labse / "encoder", out
            ),
            "make-smaller, all formats, verified": run(*trim, "--out", out),
            "make-smaller --no-huggingface": run(*trim, "--out", out, "--no-huggingface"),
        },
        repetitions,
    )
    rows = [(name, spread([run.seconds for run in done]) + " s", peak(done)) for name, done in runs.items()]
    title = f"Trimming, 501,153 x 768 to {PUBLISHED_SIZE:,} x 768"
    notes = "Wall time from start to exit, importing TensorFlow included."
    return Section(title, Table(("", "wall time", "peak memory"), rows), runs, notes)
