"""A model's students side by side: which layers they keep, how many, what objectives and precision do.

    scripts/benchmark.sh distilling --model MODEL --pairs PAIRS --tatoeba FOLDER --languages LIST \
        [--steps N] [--students FOLDER]

`MODEL` is the teacher, too. Every student is trained by `shrink` on the same pairs, with the same seed and
for as many steps; those that are not trained make a single step that moves nothing. Students that lie in the
folder `--students` are not trained again, and one that was interrupted goes on.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from measure import Section, median_rate
from model_folders.side_by_side import measure_accuracy, measure_speed, one_core

import smaller_labse
from smaller_labse.common.result_table import Table

TEACHER = "teacher"
SPEED_TEXTS = 320
STEP_TEXTS = "128 texts, or 64 pairs where there are margins, in a step"
NOT_TRAINED = {"steps": 1, "learning_rate": 1e-6}  # the first step has a thousandth of it


@dataclass(frozen=True)
class Student:
    """How a student is made: the share of layers that it keeps, and `shrink`'s other options."""

    share: float
    options: Mapping[str, Any] = field(default_factory=dict)
    evenly: bool = False  # the layers are spread evenly, first and last kept, and not chosen by `shrink`


STUDENTS = {
    "half, evenly, untrained": Student(1 / 2, NOT_TRAINED, evenly=True),
    "half, untrained": Student(1 / 2, NOT_TRAINED),
    "half": Student(1 / 2),
    "half, in float32": Student(1 / 2, {"precision": "float32"}),
    "half, features alone": Student(1 / 2, {"similarity_weight": 0.0, "retrieval_weight": 0.0}),
    "half, without retrieval": Student(1 / 2, {"retrieval_weight": 0.0}),
    "half, with margins": Student(1 / 2, {"margin_weight": 1.0}),
    "a quarter": Student(1 / 4),
}


def measure_distilling(
    model: Path,
    pairs: str,
    tatoeba: Path,
    languages: str,
    steps: int,
    students: Path,
    scratch: Path,
    repetitions: int,
) -> Section:
    """Train all students of a model folder, and measure them beside it."""
    folders = {name: students / name.replace(", ", "_").replace(" ", "_") for name in STUDENTS}
    for name, folder in folders.items():
        if not (folder / "manifest.json").exists():
            print(f"{name}: training", file=sys.stderr, flush=True)
            _train(STUDENTS[name], model, pairs, languages, steps, folder)
    with one_core():
        encoders = {TEACHER: smaller_labse.load(model)}
        encoders |= {name: smaller_labse.load(folder) for name, folder in folders.items()}
        runs = measure_speed(encoders, SPEED_TEXTS, scratch, repetitions)
    del encoders
    accuracy = measure_accuracy((TEACHER, model), folders, tatoeba, languages)
    manifests = {name: _distillation(folder) for name, folder in folders.items()}
    rows = [(TEACHER, "", "", "", "", "1", "", accuracy[TEACHER])]
    for name, manifest in manifests.items():
        held_out = manifest["held_out"]
        rows.append(
            (
                name,
                ", ".join(map(str, manifest["layers"])),
                str(manifest["steps"]),
                manifest["options"]["precision"],
                f"{_seconds(folders[name]) / 60:.1f}",
                f"{median_rate(runs[name]) / median_rate(runs[TEACHER]):.2f}",
                f"{100 * held_out['before']:.1f} → {100 * held_out['after']:.1f}",
                accuracy[name],
            )
        )
    columns = ("student", "layers", "steps", "precision", "minutes", "speed", "held-out pairs", "Tatoeba")
    notes = (
        f"Trained on {manifests['half']['text']}, {STEP_TEXTS}. *Held-out pairs* are of the training text's "
        "kind: before and after. *Minutes* are the training's, with eight evaluations. *Speed* is texts for "
        "each second of processor time on one core, "
        f"{SPEED_TEXTS} everyday sentences in 15 languages. *Tatoeba*: {languages}, both ways, in percent; "
        "differences with 95% intervals, and the language that lost most."
    )
    return Section(f"Distilling: {model.name}", Table(columns, rows), runs, notes)


def _seconds(folder: Path) -> float:
    """How long the training took, with the evaluations."""
    *_, last = (folder / "training.jsonl").read_text(encoding="utf-8").splitlines()
    return float(json.loads(last)["seconds"])


def _train(student: Student, model: Path, pairs: str, languages: str, steps: int, folder: Path) -> None:
    config = json.loads((model / "huggingface" / "config.json").read_text(encoding="utf-8"))
    layers = config["num_hidden_layers"]
    count = max(1, round(student.share * layers))
    evenly = np.linspace(0, layers - 1, count).round().astype(int).tolist()
    kept = ",".join(map(str, evenly)) if student.evenly else count
    _bring_teacher_vectors(folder)
    smaller_labse.shrink(
        model,
        model,
        pairs,
        folder,
        languages=languages,
        **{"layers": kept, "steps": steps, **student.options},
    )


def _bring_teacher_vectors(folder: Path) -> None:
    """From a student that was trained before: the teacher and the text are the same."""
    work = Path(f"{folder}.training")
    work.mkdir(parents=True, exist_ok=True)
    for vectors in folder.parent.glob("*.training/*.npy"):
        if not (work / vectors.name).exists():
            shutil.copyfile(vectors, work / vectors.name)


def _distillation(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["distillation"]
