"""Write a trained student: a model folder with its log, cards and manifest."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.progress import announce
from smaller_labse.distill.description import Distillation, describe, fields_of
from smaller_labse.distill.held_out_scores import compare_held_out
from smaller_labse.distill.run import Run, Trained
from smaller_labse.distill.students.student import Student
from smaller_labse.distill.training_picture import can_draw, draw_training
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.locate import Place
from smaller_labse.originals.model_folder import FROM_HUGGINGFACE, FROM_TFHUB, manifest_around
from smaller_labse.originals.open import open_place
from smaller_labse.originals.original_card import read_original_card

LOG, PICTURE = "training.jsonl", "training.png"


@dataclass(frozen=True)
class RunDescription:
    """What the cards and the manifest say of a run, beside what the run itself knows.

    Attributes:
        method: "shrink", "recover" or "tune".
        opening: what was done, the model card's first sentence, in Markdown.
        not_trained: what of the original is as it was, a sentence in Markdown.
        teacher: what the user called the teacher.
        kept: which of the original's layers the student has.
        languages: of the text, by code.
        corpus: names of the files of text.
        examples: what was trained on, such as "12,000 translation pairs".
        teacher_values: the teacher's own on the held-out examples, see `HeldOut.values`; None where they
            were not measured.
        no_teacher_values: then why not, a sentence in Markdown.
        facts: what else the manifest says of it, for programs, as JSON.
    """

    method: str
    opening: str
    not_trained: str
    teacher: str
    kept: tuple[int, ...]
    languages: Sequence[str]
    corpus: str
    examples: str
    teacher_values: Mapping[str, np.ndarray] | None = None
    no_teacher_values: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def write_distilled(
    place: Place, run: Run, trained: Trained, told: RunDescription, folder: Path
) -> Distillation:
    """Write a trained student with its log, cards and manifest.

    Args:
        place: the files of the model that it was made from.
        run: what was trained.
        trained: what came of it.
        told: see the class.
        folder: where to; whoever calls this makes it appear whole.

    Returns:
        What its cards say.
    """
    announce("writing the model")
    run.student.write(folder, trained.config, trained.tensors.__getitem__, told.kept)
    shutil.copyfile(trained.log, folder / LOG)
    if can_draw():
        draw_training(trained.log, run.loss.names(), run.held_out.measure, folder / PICTURE)
    else:
        announce(f"no {PICTURE}, as matplotlib is missing (pip install 'smaller-labse[report]')")
    original, card = open_place(place), read_original_card(place)
    described = Distillation(
        name=run.name,
        method=told.method,
        opening=told.opening,
        not_trained=told.not_trained,
        teacher=public_name(told.teacher),
        student=card,
        student_parameters=original.parameters,
        vocab_size=run.config.vocab_size,
        parameters=original.parameters - run.student.config.parameters + trained.config.parameters,
        layers=told.kept,
        languages=tuple(dict.fromkeys(told.languages)),
        corpus=told.corpus,
        examples=told.examples,
        steps=trained.steps,
        best_step=trained.best_step,
        options={**asdict(trained.options), "loss": asdict(run.loss)},
        held_out=compare_held_out(
            run.held_out.measure,
            trained.before,
            trained.after,
            told.teacher_values,
            told.no_teacher_values,
        ),
        picture=PICTURE if (folder / PICTURE).exists() else "",
        facts=told.facts,
    )
    said = original_of(place, run.student, original.parameters)
    fields = {**manifest_around(run.student.folder), **fields_of(run.student, trained.config)}
    describe(described, fields, said, folder)
    return described


def public_name(model: str) -> str:
    """What a model is called, without folders of this machine."""
    return Path(model).resolve().name if Path(model).exists() else model


def original_of(place: Place, student: Student, parameters: int) -> Mapping[str, Any]:
    """The manifest's "original", for a student whose own model has no manifest."""
    card = read_original_card(place)
    return {
        "name": card.name,
        "hub_id": card.hub_id,
        "base_model": card.base_model,
        "format": FROM_HUGGINGFACE if isinstance(place, HuggingFaceFolder) else FROM_TFHUB,
        "fingerprint": student.tokenizer.fingerprint,
        "rows": student.config.vocab_size,
        "parameters": parameters,
    }
