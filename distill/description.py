"""What a distilled model says of itself: its manifest and its model cards.

The manifest is that of a model folder (`make_smaller/manifest.py`) with what still holds of the student's own
original, and beside it

    "distilled_from": the teacher's name,
    "distillation": {"method": "shrink", "recover" or "tune", "teacher": ..., "student": the model that it is
                     made from, "layers": [which of its layers], "languages": [...], "text": names of files,
                     "examples": how many of what, "steps": ..., "best_step": after how many of them the
                     written state was reached, "options": {...},
                     "held_out": {"measure": ..., "examples": ..., "before": ..., "after": ..., "change": ...,
                                  "interval": [...], "teacher": ..., "languages": {code: the same}},
                     and what the method adds, such as "rows_changed", how many of the embedding matrix}

The held-out scores are shares of 1, the intervals those of the change, at 95%; "teacher" is missing where the
teacher's own were not measured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from smaller_labse.common.json_files import write_json
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.distill.held_out_scores import HeldOutScores
from smaller_labse.distill.students.student import Student
from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.originals.digests import digests_of_files, with_digest
from smaller_labse.originals.folder_check import DIGESTS
from smaller_labse.originals.lineage import Ancestor, Lineage, write_lineage
from smaller_labse.originals.model_folder import FORMAT, HUGGINGFACE, MANIFEST, MODEL_CARD
from smaller_labse.originals.original_card import OriginalCard

TASK = "sentence-similarity"  # https://huggingface.co/docs/hub/models-tasks
DROPPED = ("proof", "files", DIGESTS, "digest", "format", "made_with", "onnx")  # of the student's original


@dataclass(frozen=True)
class Distillation:
    """What was done.

    Attributes:
        name: the new model's, that is its folder's.
        method: "shrink", "recover" or "tune".
        opening: what was done, the model card's first sentence.
        not_trained: what of the original is as it was, a sentence.
        teacher: the teacher's name; no path.
        student: the card of the model that it is made from.
        student_parameters: of that, all of them.
        vocab_size: of both.
        parameters: of the new model.
        layers: which of its layers the new model has.
        languages: of the text, by code.
        corpus: names of the files of text.
        examples: what was trained on, such as "12,000 translation pairs".
        steps: batches.
        best_step: after how many of them it did best on held-out text, and was taken.
        options: of the training.
        held_out: what it brought or cost each language.
        picture: the file that shows the training, in the model's folder; "" where there is none.
        facts: what else the manifest says of it.
    """

    name: str
    method: str
    opening: str
    not_trained: str
    teacher: str
    student: OriginalCard
    student_parameters: int
    vocab_size: int
    parameters: int
    layers: tuple[int, ...]
    languages: tuple[str, ...]
    corpus: str
    examples: str
    steps: int
    best_step: int
    options: Mapping[str, Any]
    held_out: HeldOutScores
    picture: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def describe(
    done: Distillation, manifest: Mapping[str, Any], original: Mapping[str, Any], folder: Path
) -> None:
    """Write lineage, cards and manifest into a folder in which all else is there already.

    Args:
        done: what was done.
        manifest: of the model that it is made from, with the new model's own `fields_of`.
        original: the manifest's "original" where `manifest` has none.
        folder: the new model's.
    """
    lineage = _lineage(done)
    write_lineage(lineage, folder / HUGGINGFACE)
    _card(done).save(folder / MODEL_CARD)
    _card(replace(done, picture="")).save(folder / HUGGINGFACE / MODEL_CARD)  # it has no picture beside it
    write_manifest(
        {
            "original": original,
            **manifest,
            "trimmed_from": [asdict(ancestor) for ancestor in lineage.trimmed_from],
            "parameters": done.parameters,
            "distilled_from": done.teacher,
            "distillation": _as_json(done),
        },
        folder,
    )


def fields_of(student: Student, config: EncoderConfig) -> dict[str, Any]:
    """What a manifest says of the written encoder itself, whether or not its original had a manifest.

    Args:
        student: by which it is written.
        config: the written encoder's.
    """
    return {
        "rows": config.vocab_size,
        "hidden_size": config.hidden_size,
        "tokenizer": student.tokenizer.kind,
        "preprocessor": student.tokenizer.preprocessor,
        "sequence_length": student.sequence_length,
        "prompt": student.prompt,
    }


def write_manifest(said: Mapping[str, Any], folder: Path) -> None:
    """Write the manifest of a folder in which all else is there already.

    Args:
        said: its fields; what is said of files and how they were made or verified is left out.
        folder: the model's.
    """
    kept = {key: value for key, value in said.items() if key not in DROPPED}
    files = {
        path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()
    }
    written = {
        "format": FORMAT,
        "made_with": f"smaller-labse {version('smaller-labse')}",
        **kept,
        "files": {name: path.stat().st_size for name, path in files.items()},
        DIGESTS: digests_of_files(files),
    }
    write_json(folder / MANIFEST, with_digest(written))


def _lineage(done: Distillation) -> Lineage:
    lineage = done.student.lineage
    itself = Ancestor(done.student.name, done.student.hub_id, done.vocab_size, done.student_parameters)
    return Lineage(
        (itself, *lineage.trimmed_from),
        lineage.rounded_to,
        lineage.renamed,
        distilled_from=done.teacher,
        preprocessor=lineage.preprocessor,
    )


def _as_json(done: Distillation) -> dict[str, Any]:
    return {
        "method": done.method,
        "teacher": done.teacher,
        "student": done.student.name,
        "layers": list(done.layers),
        "languages": list(done.languages),
        "text": done.corpus,
        "examples": done.examples,
        "steps": done.steps,
        "best_step": done.best_step,
        "options": dict(done.options),
        "held_out": done.held_out.as_json(),
        **done.facts,
    }


def _card(done: Distillation) -> ModelCard:
    data = ModelCardData(
        language=list(dict.fromkeys(code.partition("-")[0] for code in done.languages)),
        **done.student.license,
        base_model=done.student.hub_id or done.student.base_model or done.student.lineage.hub_id,
        pipeline_tag=TASK,
        tags=[TASK, "feature-extraction", "smaller-labse"],
    )
    text = f"""# {done.name}

{done.opening} It has {done.parameters:,} parameters, before {done.student_parameters:,}.

## What it was trained on

{done.examples} ({", ".join(done.languages)}) of {markdown_text(done.corpus)}, in
{_steps(done)}. Whether their licence allows what you want to do with
this model is for you to see. {done.not_trained}

## What no longer holds

Its embeddings are not those of {markdown_text(done.student.name)}: store them anew, do not mix the two.
Measure what it costs on your own text, for each language:

    evaluate-encoder compare --original ORIGINAL --model {done.name} --tatoeba FOLDER --out REPORT

{_held_out(done.held_out)}
"""
    if done.picture:
        text += f"\n![The loss and the held-out score over the steps of the training]({done.picture})\n"
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")


def _steps(done: Distillation) -> str:
    steps = f"{done.steps:,} steps of {done.options['batch_size']}"
    if done.best_step == done.steps:
        return steps
    if done.best_step == 0:
        return f"{steps}, none of which did better on held-out text than before: the weights are as they were"
    return f"{steps}; the state after {done.best_step:,} of them did best on held-out text, and is this model"


def _held_out(scores: HeldOutScores) -> str:
    average = scores.average
    said = f"""On held-out text of the same kind, never seen in training, {scores.measure} is
{average.after:.1%}; before training it was {average.before:.1%}. This is the training text's own domain;
elsewhere expect less. In percent, with 95% intervals of the change (paired bootstrap):

{scores.table()}"""
    return f"{said}\n\n{scores.no_teacher}" if scores.no_teacher else said
