"""Shrink: fewer or thinner layers, trained on translation pairs to give a teacher's embeddings."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_folder, require_absent, require_apart
from smaller_labse.common.errors import UsageError
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.corpora.translation_pairs import (
    find_pairs,
    limit_pairs,
    read_pairs,
    require_one_first_language,
)
from smaller_labse.distill.data.held_out import HeldOutPairs
from smaller_labse.distill.teacher_vectors import (
    digests_of_model,
    require_teacher,
    teacher_targets,
    teacher_vectors,
    vectors_of_file,
)
from smaller_labse.distill.training_arguments import (
    MAX_LENGTH,
    require_chunks,
    require_training_arguments,
    require_weights,
)
from smaller_labse.encoders.prompt import teacher_prompt
from smaller_labse.originals.lealla_conversions import LEALLA_NAMES
from smaller_labse.originals.locate import locate_original
from smaller_labse.originals.model_folder import MANIFEST

LOOKED_AT = 128  # texts by which layers are chosen
UNKNOWN_TEACHER = "The teacher's own scores are not known: it was given as a file of vectors."


@dataclass(frozen=True)
class Shrunk:
    """A student that was trained and written.

    Attributes:
        folder: where it is; it can stand wherever a model's folder is asked for.
        before: precision at 1 on held-out pairs before training.
        after: the same of the written model.
        steps: batches that it was trained on.
        best_step: after how many of them it did best on the held-out pairs, and was written.
        parameters: of it.
    """

    folder: Path
    before: float
    after: float
    steps: int
    best_step: int
    parameters: int

    def __fspath__(self) -> str:
        return os.fspath(self.folder)


def shrink(
    model: StrPath,
    teacher: StrPath,
    pairs: str | Sequence[str],
    out: StrPath,
    *,
    layers: str | int | None = None,
    hidden_size: int | None = None,
    like: str | None = None,
    languages: str | Iterable[str] | None = None,
    max_pairs: int = 0,
    steps: int | None = None,
    max_minutes: float | None = None,
    batch_pairs: int = 64,
    chunk_texts: int | None = None,
    learning_rate: float = 2e-4,
    exponent: float = 0.5,
    feature_weight: float = 10.0,
    similarity_weight: float = 1.0,
    margin_weight: float = 0.0,
    retrieval_weight: float = 1.0,
    export_projection: bool = False,
    precision: str = "auto",
    seed: int = 0,
    device: str | None = None,
    overwrite: bool = False,
) -> Shrunk:
    """Make a smaller model, and train it on translation pairs to give a teacher's embeddings.

    Both sides of a pair get the teacher's embedding of its first sentence as their target. What is trained
    is the layers, positions and the pooler; the embedding matrix stays the model's to the bit, unless it gets
    another hidden size. An interrupted
    run goes on where it was when the same arguments come again, from its files in `OUT.training`.

    Args:
        model: the model of which layers are kept: a model folder, a Hugging Face folder or hub id, or an
            encoder in LaBSE's TF Hub format.
        teacher: any model that `smaller_labse.load` takes; or a `.npy` file with a row for the first
            sentence of every pair, in the order of `pairs`, also of those beyond `max_pairs`.
        pairs: see `find_pairs`.
        out: the new model's folder.
        layers: how many are kept, those without which the embeddings change most, one left out after another;
            or their numbers from 0 on: "0,2,4"; None for all.
        hidden_size: to which the model is projected; None for its own.
        like: "lealla-small", "lealla-base" or "lealla-large": a new model of that architecture, with the
            vocabulary of `model`, which is one in LaBSE's TF Hub format.
        languages: what patterns in `pairs` are filled with.
        max_pairs: at most so many pairs of each language are taken, chosen by a hash; 0 for all.
        steps: batches to train on; None for all pairs once, or as many as `max_minutes` allows.
        max_minutes: how long to train at most, teacher's vectors and writing not counted. With it, the clock
            decides, so that two runs differ; with `steps` alone they do not, on one machine.
        batch_pairs: pairs in a batch, 2 or more; without `margin_weight`, twice as many texts, drawn one
            by one.
        chunk_texts: how many texts are in memory at a time, for batches larger than that; the gradients are
            the same. None for all of a batch.
        learning_rate: the highest.
        exponent: 1 draws languages by their sizes, 0 all alike.
        feature_weight: of feature distillation in the loss.
        similarity_weight: of similarity distillation.
        margin_weight: of additive margin softmax.
        retrieval_weight: of retrieval distillation.
        export_projection: make the projection to the teacher's size a part of the model, where the sizes of
            the embeddings differ; without, it is used in training only.
        precision: what the layers multiply while training, "float32" or "bfloat16"; "auto" is the second
            where processor or GPU multiply it, which is faster. Weights and the written model are float32.
        seed: of the order of the pairs.
        device: where the teacher's vectors are computed, see `smaller_labse.load`.
        overwrite: replace an earlier model.

    Raises:
        UsageError: arguments that do not go together.
        SmallerLabseError: the model or the teacher cannot be read, the pairs are no pairs, the teacher's
            embeddings hold NaN, or the loss became NaN.

    Example:
        >>> from smaller_labse.distill.shrink import shrink  # doctest: +SKIP
        >>> shrink(
        ...     "demo/model", "demo/original", "en-{code}=pairs/en-{code}.tsv.gz", "work/six",
        ...     languages="fr,de", layers=6, max_minutes=120,
        ... )  # doctest: +SKIP
    """
    folder = Path(out)
    read = [Path(os.fspath(each)) for each in (model, teacher)]
    require_apart(folder, read)
    require_absent(folder, overwrite, MANIFEST)
    weights = {
        "feature_weight": feature_weight,
        "similarity_weight": similarity_weight,
        "margin_weight": margin_weight,
        "retrieval_weight": retrieval_weight,
    }
    require_training_arguments(
        precision=precision,
        hidden_size=hidden_size,
        max_pairs=max_pairs,
        steps=steps,
        max_minutes=max_minutes,
        batch_pairs=batch_pairs,
        chunk_texts=chunk_texts,
        learning_rate=learning_rate,
        exponent=exponent,
        seed=seed,
        device=device,
        **weights,
    )
    require_weights(*weights.values())
    require_chunks(chunk_texts, batch_pairs)
    _require_smaller(layers, hidden_size, like)
    written = [pairs] if isinstance(pairs, str) else list(pairs)
    files = find_pairs(written, () if languages is None else parse_languages(languages))
    require_apart(folder, [file for each in files for file in each.files])
    require_one_first_language(files)
    place = locate_original(os.fspath(model))
    by_file = require_teacher(teacher, device)
    announce("reading the pairs")
    all_pairs = read_pairs(files)
    read_in = [limit_pairs(each, max_pairs or None) for each in all_pairs]
    announce("loading TensorFlow")
    import_tensorflow_quietly()
    from smaller_labse.distill.data.pairs import some_texts, split_pairs
    from smaller_labse.distill.objectives.loss import Loss
    from smaller_labse.distill.run import Run, run_training, work_folder
    from smaller_labse.distill.students.needed_layers import needed_layers
    from smaller_labse.distill.students.smaller import smaller_student
    from smaller_labse.distill.students.student import open_student
    from smaller_labse.distill.training.train import TrainingOptions
    from smaller_labse.distill.write_distilled import RunDescription, public_name, write_distilled

    student = open_student(model)
    if export_projection and not student.can_have_dense:
        raise UsageError(
            f"--export-projection: the format of {os.fspath(model)} has no dense layers behind its pooler; "
            "leave it out"
        )
    wanted = None if layers is None else str(layers)
    smaller = smaller_student(
        student,
        wanted,
        hidden_size,
        like,
        lambda count: needed_layers(student, some_texts(read_in, LOOKED_AT), count),
    )
    if smaller.kept:
        announce(f"keeping layers {', '.join(map(str, smaller.kept))}")
    student = smaller.student
    prompt = "" if by_file else teacher_prompt(teacher, model)
    in_pairs = bool(margin_weight)  # which alone compares a sentence with its translation
    with work_folder(folder) as work:
        examples, held_out = split_pairs(
            read_in,
            student.tokenizer,
            vectors_of_file(Path(teacher), [text for each in all_pairs for text in each.sentences])
            if by_file
            else teacher_targets(teacher, work, prompt, device),
            exponent,
            student.prompt,
            together=in_pairs,
        )
        run = Run(
            name=folder.name or folder.resolve().name,
            student=student,
            config=smaller.config,
            read_tensor=smaller.read_tensor,
            trained=smaller.trained,
            examples=examples,
            held_out=held_out,
            options=TrainingOptions(
                batch_size=batch_pairs if in_pairs else 2 * batch_pairs,
                steps=steps,
                max_minutes=max_minutes,
                learning_rate=learning_rate,
                seed=seed,
                precision=precision,
                max_length=min(MAX_LENGTH, student.sequence_length),
                chunk_texts=chunk_texts,
            ),
            loss=Loss(feature_weight, similarity_weight, margin_weight, retrieval_weight),
            depends_on={"student": digests_of_model(place), "layers": smaller.kept},
            work=work,
            exports_projection=export_projection,
        )
        names = [markdown_text(public_name(os.fspath(each))) for each in (model, teacher)]
        told = RunDescription(
            method="shrink",
            opening=f"{smaller.opening.format(names[0])}, trained to give the embeddings of {names[1]}.",
            not_trained=smaller.not_trained,
            teacher=os.fspath(teacher),
            kept=smaller.kept,
            languages=[language.code for each in read_in for language in each.languages],
            corpus=" + ".join(each.corpus for each in read_in),
            examples=f"{len(examples):,} {'translation pairs' if in_pairs else 'texts of translation pairs'}",
            teacher_values=None if by_file else _values_of(teacher, held_out, work, device, prompt),
            no_teacher_values=UNKNOWN_TEACHER if by_file else "",
        )
        with new_folder(folder, overwrite, MANIFEST) as partial:
            done = write_distilled(place, run, run_training(run), told, partial)
    average = done.held_out.average
    return Shrunk(folder, average.before, average.after, done.steps, done.best_step, done.parameters)


def _require_smaller(layers: str | int | None, hidden_size: int | None, like: str | None) -> None:
    """Check that something is to become smaller, said in one way."""
    if like is None:
        if layers is None and hidden_size is None:
            raise UsageError("nothing is to become smaller; add --layers, --hidden-size or --like")
        return
    if layers is not None or hidden_size is not None:
        raise UsageError(f"--like {like} says how many layers there are, and how wide; leave them out")
    if like not in LEALLA_NAMES:
        raise UsageError(f"--like {like}: expected one of {', '.join(LEALLA_NAMES)}")


def _values_of(
    teacher: StrPath, held_out: HeldOutPairs, work: Path, device: str | None, prompt: str
) -> dict[str, np.ndarray]:
    """The teacher's own values on the held-out pairs, beside which the student's are read."""
    texts = held_out.texts()
    vectors = teacher_vectors(teacher, texts, work, prompt, device)
    rows = {text: row for row, text in enumerate(texts)}
    return held_out.values(lambda wanted: np.asarray(vectors[[rows[text] for text in wanted]], np.float32))
