"""Shrink: fewer or thinner layers, trained on translation pairs to give a teacher's embeddings."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
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
from smaller_labse.corpora.translation_pairs import TranslationPairs, find_pairs, read_pairs
from smaller_labse.distill.data.batches import require_batch
from smaller_labse.distill.data.held_out import HeldOutPairs
from smaller_labse.distill.precision import require_precision
from smaller_labse.distill.teacher_vectors import digests_of_model, teacher_vectors, vectors_of_file
from smaller_labse.encoders.prompt import teacher_prompt
from smaller_labse.originals.locate import locate_encoder, locate_original
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
        parameters: of it.
    """

    folder: Path
    before: float
    after: float
    steps: int
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
    precision: str = "float32",
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
            sentence of every pair, in the order of `pairs`.
        pairs: see `find_pairs`.
        out: the new model's folder.
        layers: how many are kept, those without which the embeddings change most, one left out after another;
            or their numbers from 0 on: "0,2,4"; None for all.
        hidden_size: to which the model is projected; None for its own.
        like: "lealla-small", "lealla-base" or "lealla-large": a new model of that architecture, with the
            vocabulary of `model`, which is one in LaBSE's TF Hub format.
        languages: what patterns in `pairs` are filled with.
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
        precision: what the layers multiply while training: "float32", or "bfloat16", which is faster where
            the processor or GPU has it; weights and the written model are float32.
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
    if not (feature_weight or similarity_weight or margin_weight or retrieval_weight):
        raise UsageError("all weights of objectives are 0, so there is nothing to train for")
    require_batch(batch_pairs, chunk_texts)
    require_precision(precision)
    written = [pairs] if isinstance(pairs, str) else list(pairs)
    files = find_pairs(written, () if languages is None else parse_languages(languages))
    require_apart(folder, [file for each in files for file in each.files])
    place = locate_original(os.fspath(model))
    by_file = os.fspath(teacher).endswith(".npy")
    if not by_file:
        locate_encoder(os.fspath(teacher))
    announce("reading the pairs")
    read_in = read_pairs(files)
    _require_one_language(read_in)
    announce("loading TensorFlow")
    import_tensorflow_quietly()
    from smaller_labse.distill.data.pairs import some_texts, split_pairs
    from smaller_labse.distill.objectives.loss import Loss
    from smaller_labse.distill.run import WORK, Run, run_training
    from smaller_labse.distill.students.needed_layers import needed_layers
    from smaller_labse.distill.students.smaller import smaller_student
    from smaller_labse.distill.students.student import open_student
    from smaller_labse.distill.training.train import TrainingOptions
    from smaller_labse.distill.write_distilled import Account, public_name, write_distilled

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
    work = Path(f"{os.fspath(out).rstrip('/')}{WORK}")
    prompt = "" if by_file else teacher_prompt(teacher, model)
    targets = (
        vectors_of_file(Path(teacher), [text for each in read_in for text in each.sentences])
        if by_file
        else _targets_of(teacher, work, device, prompt)
    )
    in_pairs = bool(margin_weight)  # which alone compares a sentence with its translation
    examples, held_out = split_pairs(
        read_in, student.tokenizer, targets, exponent, student.prompt, together=in_pairs
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
            batch=batch_pairs if in_pairs else 2 * batch_pairs,
            steps=steps,
            max_minutes=max_minutes,
            learning_rate=learning_rate,
            seed=seed,
            precision=precision,
            max_length=min(TrainingOptions.max_length, student.sequence_length),
            chunk_texts=chunk_texts,
        ),
        loss=Loss(feature_weight, similarity_weight, margin_weight, retrieval_weight),
        depends_on={"student": digests_of_model(place), "layers": smaller.kept},
        work=work,
        exports_projection=export_projection,
    )
    named = [markdown_text(public_name(os.fspath(each))) for each in (model, teacher)]
    account = Account(
        method="shrink",
        opening=f"{smaller.opening.format(named[0])}, trained to give the embeddings of {named[1]}.",
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
        done = write_distilled(place, run, run_training(run), account, partial)
    average = done.held_out.average
    return Shrunk(folder, average.before, average.after, done.steps, done.parameters)


def _require_one_language(pairs: Sequence[TranslationPairs]) -> None:
    """Both sides get the teacher's embedding of the first one, which must be the language it is best at."""
    first = {each.languages[0] for each in pairs}
    if len(first) > 1:
        named = " and ".join(sorted(str(language) for language in first))
        raise UsageError(f"--pairs: the first sides are {named}, expected one language, such as English")


def _targets_of(
    teacher: StrPath, work: Path, device: str | None, prompt: str
) -> Callable[[list[str]], np.ndarray]:
    return lambda sentences: teacher_vectors(teacher, sentences, work, prompt, device)


def _values_of(
    teacher: StrPath, held_out: HeldOutPairs, work: Path, device: str | None, prompt: str
) -> dict[str, np.ndarray]:
    """The teacher's own values on the held-out pairs, beside which the student's are read."""
    texts = held_out.texts()
    vectors = teacher_vectors(teacher, texts, work, prompt, device)
    rows = {text: row for row, text in enumerate(texts)}
    return held_out.values(lambda wanted: np.asarray(vectors[[rows[text] for text in wanted]], np.float32))
