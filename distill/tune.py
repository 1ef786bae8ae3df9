"""Tune: a model trained on translation pairs by additive margin softmax, to find translations among texts."""

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
from smaller_labse.corpora.translation_pairs import find_pairs, limit_pairs, read_pairs
from smaller_labse.distill.teacher_vectors import digests_of_model, teacher_targets
from smaller_labse.distill.training_arguments import MAX_LENGTH, require_chunks, require_training_arguments
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.originals.locate import locate_original
from smaller_labse.originals.model_folder import MANIFEST

MATRIX_TRAINED = "The embedding matrix was trained, too; rows of tokens that no text has are as before."
MATRIX_KEPT = "The embedding matrix was not trained: it is as it was, as is the tokenizer."


@dataclass(frozen=True)
class Tuned:
    """A model that was tuned and written.

    Attributes:
        folder: where it is; it can stand wherever a model's folder is asked for.
        before: precision at 1 on held-out pairs before training.
        after: the same of the written model.
        steps: batches that it was trained on.
        best_step: after how many of them it did best on the held-out pairs, and was written.
    """

    folder: Path
    before: float
    after: float
    steps: int
    best_step: int

    def __fspath__(self) -> str:
        return os.fspath(self.folder)


def tune(
    model: StrPath,
    pairs: str | Sequence[str],
    out: StrPath,
    *,
    languages: str | Iterable[str] | None = None,
    max_pairs: int = 0,
    train_matrix: bool = False,
    margin: float = 0.3,
    scale: float = 20.0,
    near_weight: float = 0.0,
    steps: int | None = None,
    max_minutes: float | None = None,
    batch_pairs: int = 64,
    chunk_texts: int | None = None,
    learning_rate: float = 5e-5,
    exponent: float = 0.5,
    precision: str = "auto",
    seed: int = 0,
    device: str | None = None,
    overwrite: bool = False,
) -> Tuned:
    """Train a model on translation pairs to find a sentence's translation among those of its batch.

    The loss is additive margin softmax in both directions, see `distill/objectives/`. What is trained is the
    layers, positions and the pooler, and the embedding matrix where it is asked for. An interrupted run goes
    on where it was when the same arguments come again, from its files in `OUT.training`.

    Args:
        model: the model that is tuned: a model folder, a Hugging Face folder or hub id, or an encoder in
            LaBSE's TF Hub format.
        pairs: see `find_pairs`.
        out: the new model's folder.
        languages: what patterns in `pairs` are filled with.
        max_pairs: at most so many pairs of each language are taken, chosen by a hash; 0 for all.
        train_matrix: train the rows of the texts' tokens, too.
        margin: by how much the cosine of a translation must be above the others'.
        scale: what cosines are multiplied by before the softmax; the larger, the more only the nearest count.
        near_weight: of 1 - cosine to the model's own embeddings before training, of every text, which keeps
            it near itself; with 0 these are not computed.
        steps: batches to train on; None for all pairs once, or as many as `max_minutes` allows.
        max_minutes: how long to train at most. With it, the clock decides, so that two runs differ; with
            `steps` alone they do not, on one machine.
        batch_pairs: pairs in a batch, 2 or more; each finds its translation among these.
        chunk_texts: how many texts are in memory at a time, for batches larger than that; the gradients are
            the same. None for all of a batch.
        learning_rate: the highest.
        exponent: 1 draws languages by their sizes, 0 all alike.
        precision: what the layers multiply while training, "float32" or "bfloat16"; "auto" is the second
            where processor or GPU multiply it, which is faster. Weights and the written model are float32.
        seed: of the order of the pairs.
        device: where the embeddings before training are computed, see `smaller_labse.load`.
        overwrite: replace an earlier model.

    Raises:
        UsageError: arguments that do not go together.
        SmallerLabseError: the model cannot be read, the pairs are no pairs, or the loss became NaN.

    Example:
        >>> from smaller_labse.distill.tune import tune  # doctest: +SKIP
        >>> tune(
        ...     "demo/model", "en-{code}=pairs/en-{code}.tsv.gz", "work/tuned",
        ...     languages="fr,de", near_weight=10, max_minutes=60,
        ... )  # doctest: +SKIP
    """
    folder = Path(out)
    require_apart(folder, [Path(os.fspath(model))])
    require_absent(folder, overwrite, MANIFEST)
    require_training_arguments(
        precision=precision,
        max_pairs=max_pairs,
        margin=margin,
        scale=scale,
        near_weight=near_weight,
        steps=steps,
        max_minutes=max_minutes,
        batch_pairs=batch_pairs,
        chunk_texts=chunk_texts,
        learning_rate=learning_rate,
        exponent=exponent,
        seed=seed,
        device=device,
    )
    require_chunks(chunk_texts, batch_pairs)
    if device is not None and not near_weight:
        raise UsageError("--device says where the embeddings for --near-weight are computed; give that, too")
    written = [pairs] if isinstance(pairs, str) else list(pairs)
    files = find_pairs(written, () if languages is None else parse_languages(languages))
    require_apart(folder, [file for each in files for file in each.files])
    place = locate_original(os.fspath(model))
    announce("reading the pairs")
    read_in = [limit_pairs(each, max_pairs or None) for each in read_pairs(files)]
    announce("loading TensorFlow")
    import_tensorflow_quietly()
    from smaller_labse.distill.data.pairs import split_pairs
    from smaller_labse.distill.objectives.loss import Loss
    from smaller_labse.distill.run import Run, run_training, work_folder
    from smaller_labse.distill.students.student import open_student
    from smaller_labse.distill.students.trained_tensors import ALL, choose_trained
    from smaller_labse.distill.training.train import TrainingOptions
    from smaller_labse.distill.write_distilled import RunDescription, public_name, write_distilled

    student = open_student(model)
    name = public_name(os.fspath(model))
    untrained = frozenset() if train_matrix else frozenset({WORD_EMBEDDINGS})
    with work_folder(folder) as work:
        examples, held_out = split_pairs(
            read_in,
            student.tokenizer,
            teacher_targets(model, work, student.prompt, device)
            if near_weight
            else _no_targets(student.config.embedding_size),
            exponent,
            student.prompt,
            of_each_side=True,
        )
        run = Run(
            name=folder.name or folder.resolve().name,
            student=student,
            config=student.config,
            read_tensor=student.read_tensor,
            trained=choose_trained(ALL, student.config) - untrained,
            examples=examples,
            held_out=held_out,
            options=TrainingOptions(
                batch_size=batch_pairs,
                steps=steps,
                max_minutes=max_minutes,
                learning_rate=learning_rate,
                seed=seed,
                precision=precision,
                max_length=min(MAX_LENGTH, student.sequence_length),
                chunk_texts=chunk_texts,
            ),
            loss=Loss(features=near_weight, similarities=0.0, margins=1.0, margin=margin, scale=scale),
            depends_on={"method": "tune", "student": digests_of_model(place)},
            work=work,
        )
        told = RunDescription(
            method="tune",
            opening=f"{markdown_text(name)}, tuned on translation pairs to find a sentence's translation "
            f"among others (additive margin softmax, margin {margin:g}, scale {scale:g}).",
            not_trained=MATRIX_TRAINED if train_matrix else MATRIX_KEPT,
            teacher=os.fspath(model),
            kept=tuple(range(student.config.num_hidden_layers)),
            languages=[language.code for each in read_in for language in each.languages],
            corpus=" + ".join(each.corpus for each in read_in),
            examples=f"{len(examples):,} translation pairs",
        )
        with new_folder(folder, overwrite, MANIFEST) as partial:
            done = write_distilled(place, run, run_training(run), told, partial)
    average = done.held_out.average
    return Tuned(folder, average.before, average.after, done.steps, done.best_step)


def _no_targets(size: int) -> Callable[[list[str]], np.ndarray]:
    """Zeros that take no memory, where no objective asks for targets."""
    return lambda texts: np.broadcast_to(np.zeros(1, np.float16), (len(texts), size))
