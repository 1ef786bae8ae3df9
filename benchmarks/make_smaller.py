"""What does cutting LaBSE cost, beside loading it with TensorFlow and saving it again?

    python benchmarks/make_smaller.py                      # an original of LaBSE's size, random weights
    python benchmarks/make_smaller.py --model FOLDER       # LaBSE itself

Writes a table to standard output and, with --json, the numbers to a file. Needs 6 GB of disk.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from measure import describe_machine, measure, runs_table, take_turns

LABSE_ROWS, PUBLISHED_ROWS = 501_153, 173_347
LABSE = ["--hidden-size", "768", "--layers", "12", "--heads", "12", "--intermediate-size", "3072"]
LOAD_AND_SAVE = """
import sys, tensorflow as tf, tensorflow_text
encoder = tf.saved_model.load(sys.argv[1])
tf.saved_model.save(encoder, sys.argv[2])
"""
SLICE = "smaller_labse.make_smaller"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, help="folder with encoder/ and preprocess/")
    parser.add_argument("--repetitions", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        compare(options, Path(scratch))


def compare(options: argparse.Namespace, scratch: Path) -> None:
    """Measure both ways and print the table."""
    python = sys.executable
    model = options.model or write_original(scratch / "original")
    selection, out = scratch / "selection", scratch / "out"
    pieces = next((model / "encoder" / "assets").glob("*.txt")).read_bytes().split(b"\n")
    kept = scratch / "kept.txt"
    kept.write_bytes(b"\n".join(pieces[:PUBLISHED_ROWS]))
    run(["-m", "smaller_labse.select_vocab", "select", "--model", model, "--pieces", kept,
         "--no-keep-characters", "--out", selection])  # fmt: skip
    encoder = str(model / "encoder")
    commands = {
        "load and save with TensorFlow": [python, "-c", LOAD_AND_SAVE, encoder, str(out)],
        "make-smaller": [python, "-m", SLICE, "--model", str(model), "--selection", str(selection),
                         "--out", str(out)],
        "make-smaller --no-huggingface": [python, "-m", SLICE, "--model", str(model), "--selection",
                                          str(selection), "--out", str(out), "--no-huggingface"],
        "import TensorFlow": [python, "-c", "import tensorflow, tensorflow_text"],
    }  # fmt: skip
    runs = take_turns(commands, options.repetitions, lambda: shutil.rmtree(out, ignore_errors=True))
    print(f"{describe_machine()}; median of {options.repetitions}, least to most in brackets\n")
    print(runs_table(runs, "load and save with TensorFlow").markdown(), end="")
    if options.json:
        data = {name: [asdict(one) for one in done] for name, done in runs.items()}
        options.json.write_text(json.dumps({"machine": describe_machine(), "runs": data}, indent=2) + "\n")


def write_original(folder: Path) -> Path:
    """An original of LaBSE's size, with random weights."""
    run(["-m", "smaller_labse.make_smaller.example", "--rows", LABSE_ROWS, *LABSE, "--out", folder])
    return folder


def run(arguments: list) -> None:
    """Run a Python module, showing nothing unless it fails."""
    measure([sys.executable, *map(str, arguments)])


if __name__ == "__main__":
    main()
