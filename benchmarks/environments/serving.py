"""Serving a model: the model card's example, where there is nothing of ours, beside load and TensorFlow.

    scripts/benchmark.sh serving --model MODEL

MODEL is a model folder with an ONNX file. What the example prints must be what `load` gives.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import Section, spread

from smaller_labse.common.result_table import Table

PACKAGES = ("onnxruntime", "tokenizers", "numpy")
EXAMPLE = re.compile(r"## ONNX\n.*?```python\n(.*?)```", flags=re.DOTALL)
SAVE = "\nnp.save({file!r}, embeddings)\n"
OURS = """
import numpy as np
import smaller_labse
np.save({file!r}, smaller_labse.load({model!r}, runtime={runtime!r}).encode(["dog", "cat"]))
"""
SAME = 1e-6


@dataclass(frozen=True)
class Start:
    """A process from its start to its first embeddings.

    Attributes:
        seconds: wall time.
        processor_seconds: of all its threads.
        gigabytes: peak resident memory, in 10^9 bytes.
    """

    seconds: float
    processor_seconds: float
    gigabytes: float


def measure_serving(model: Path, scratch: Path, repetitions: int) -> Section:
    """Measure a model folder that has a model card with an example for ONNX."""
    example = EXAMPLE.search((model / "README.md").read_text(encoding="utf-8"))
    if example is None:
        sys.exit(f"{model}: no example for ONNX in its card; write such files with make-smaller --onnx")
    place = scratch / "served"
    place.mkdir()
    (place / model.name).symlink_to(model.resolve())
    alone = make_environment(scratch / "environment")
    named = str(model.resolve())
    scripts = {
        "the card's example": (alone, example[1] + SAVE.format(file="example.npy")),
        "load(runtime='onnx')": (sys.executable, OURS.format(file="onnx.npy", model=named, runtime="onnx")),
        "load(), TensorFlow": (sys.executable, OURS.format(file="tf.npy", model=named, runtime="tensorflow")),
    }
    for number, (_, script) in enumerate(scripts.values()):
        (place / f"{number}.py").write_text(script, encoding="utf-8")
    runs: dict[str, list[Start]] = {name: [] for name in scripts}
    for repetition in range(-1, repetitions):  # the first time is to have the files in memory
        for number, (name, (python, _)) in enumerate(scripts.items()):
            start = first_embeddings([python, f"{number}.py"], place)
            print(f"{name}: {start.seconds:.1f} s", file=sys.stderr, flush=True)
            if repetition >= 0:
                runs[name].append(start)
    difference = np.abs(np.load(place / "example.npy") - np.load(place / "onnx.npy")).max()
    if not difference <= SAME:
        sys.exit(f"{model}: the card's example gives embeddings that differ by {difference:.1e} from load's")
    sizes = {alone: folder_bytes(scratch / "environment"), sys.executable: folder_bytes(Path(sys.prefix))}
    rows = [
        (
            name,
            spread([run.seconds for run in runs[name]]) + " s",
            spread([run.processor_seconds for run in runs[name]]) + " s",
            spread([run.gigabytes for run in runs[name]], "{:.2f}") + " GB",
            f"{sizes[python] / 1e6:,.0f} MB",
        )
        for name, (python, _) in scripts.items()
    ]
    columns = ("", "to the first embeddings", "of them the processor's", "peak memory", "the environment")
    notes = (
        f"From the start of Python to two embeddings. The card's example runs in a virtual environment with "
        f"{', '.join(PACKAGES)} only; its embeddings differ from load's by {difference:.1e} at most."
    )
    return Section(f"Serving: {model.name}", Table(columns, rows), runs, notes)


def make_environment(folder: Path) -> str:
    """A fresh virtual environment with what the example needs; its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = folder / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    subprocess.run(pip, check=True)
    return str(python)


def first_embeddings(command: Sequence[str], folder: Path) -> Start:
    """Run a script to its end, with nothing of this process's environment that Python reads."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    started = time.monotonic()
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} in {folder} ended with {process.returncode}")
    kilobyte = 1 if sys.platform == "darwin" else 1024
    return Start(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * kilobyte / 1e9)


def folder_bytes(folder: Path) -> int:
    """Of all files in a folder; of an environment, all its packages."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
