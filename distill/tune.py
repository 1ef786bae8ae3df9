"""Tune: a model trained on translation pairs, so that sentences find their translations among other texts.

Towards what is one of two. Multilingual distillation (arXiv 2004.09813), with the model as its own teacher:
translations learn the model's embedding of their sentence, and sentences stay at it. Or additive margin
softmax (LaBSE, arXiv 2007.01852): a sentence and its translation find each other within a batch.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

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
from smaller_labse.distill.teacher_vectors import digests_of_model, teacher_targets
from smaller_labse.distill.training_arguments import (
    MAX_LENGTH,
    require_chunks,
    require_training_arguments,
    require_weights,
)
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.originals.locate import locate_original
from smaller_labse.originals.model_folder import MANIFEST

if TYPE_CHECKING:
    from smaller_labse.distill.objectives.loss import Loss

DISTILLED = (10.0, 1.0, 1.0)  # weights of features, similarities and retrieval, as of `shrink`
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
    feature_weight: float | None = None,
    similarity_weight: float | None = None,
    retrieval_weight: float | None = None,
    margin_weight: float | None = None,
    margin: float | None = None,
    scale: float | None = None,
    near_weight: float = 0.0,
    steps: int | None = None,
    max_minutes: float | None = None,
    batch_pairs: int = 64,
    chunk_texts: int | None = None,
    learning_rate: float = 1e-4,
    exponent: float = 0.5,
    precision: str = "auto",
    seed: int = 0,
    device: str | None = None,
    overwrite: bool = False,
) -> Tuned:
    """Train a model on translation pairs, so that sentences find their translations.

    Both sides of a pair get the model's own embedding of its first sentence as their target, as it is before
    training; or, where any argument of margins is given, the loss is additive margin softmax in both
    directions. See `distill/objectives/`. What is trained is the layers, positions and the pooler, and the
    embedding matrix where it is asked for. An interrupted run goes on where it was when the same arguments
    come again, from its files in `OUT.training`.

    Args:
        model: the model that is tuned: a model folder, a Hugging Face folder or hub id, or an encoder in
            LaBSE's TF Hub format.
        pairs: see `find_pairs`.
        out: the new model's folder.
        languages: what patterns in `pairs` are filled with.
        max_pairs: at most so many pairs of each language are taken, chosen by a hash; 0 for all.
        train_matrix: train the rows of the texts' tokens, too.
        feature_weight: of feature distillation, towards the model's embedding of the first sentence; None
            for 10, or 0 with margins.
        similarity_weight: of similarity distillation; None for 1, or 0 with margins.
        retrieval_weight: of retrieval distillation; likewise.
        margin_weight: of additive margin softmax; None for 0, or 1 where `margin`, `scale` or `near_weight`
            is given. With weights of distillation given, too, the loss is the sum of both.
        margin: by how much the cosine of a translation must be above the others'; None for 0.3.
        scale: what cosines are multiplied by before the softmax; the larger, the more only the nearest
            count; None for 20.
        near_weight: of 1 - cosine to the model's own embeddings before training, of every text, which keeps
            it near itself while margins move it.
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
        ...     languages="fr,de", max_minutes=60,
        ... )  # doctest: +SKIP
    """
    folder = Path(out)
    require_apart(folder, [Path(os.fspath(model))])
    require_absent(folder, overwrite, MANIFEST)
    require_training_arguments(
        precision=precision,
        max_pairs=max_pairs,
        feature_weight=feature_weight,
        similarity_weight=similarity_weight,
        retrieval_weight=retrieval_weight,
        margin_weight=margin_weight,
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
    distilled, margins = choose_weights(
        (feature_weight, similarity_weight, retrieval_weight), margin_weight, margin, scale, near_weight
    )
    if device is not None and not (any(distilled) or near_weight):
        raise UsageError("--device says where embeddings before training are computed; margins need none")
    written = [pairs] if isinstance(pairs, str) else list(pairs)
    files = find_pairs(written, () if languages is None else parse_languages(languages))
    require_apart(folder, [file for each in files for file in each.files])
    if any(distilled):
        require_one_first_language(files)
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
            if any(distilled) or near_weight
            else _no_targets(student.config.embedding_size),
            exponent,
            student.prompt,
            of_each_side=bool(near_weight),
            together=bool(margins),
        )
        features, similarities, retrieval = distilled
        softmax = {name: value for name, value in (("margin", margin), ("scale", scale)) if value is not None}
        run = Run(
            name=folder.name or folder.resolve().name,
            student=student,
            config=student.config,
            read_tensor=student.read_tensor,
            trained=choose_trained(ALL, student.config) - untrained,
            examples=examples,
            held_out=held_out,
            options=TrainingOptions(
                batch_size=batch_pairs if margins else 2 * batch_pairs,
                steps=steps,
                max_minutes=max_minutes,
                learning_rate=learning_rate,
                seed=seed,
                precision=precision,
                max_length=min(MAX_LENGTH, student.sequence_length),
                chunk_texts=chunk_texts,
            ),
            loss=Loss(features or near_weight, similarities, margins, retrieval, **softmax),
            depends_on={"method": "tune", "student": digests_of_model(place)},
            work=work,
        )
        told = RunDescription(
            method="tune",
            opening=f"{markdown_text(name)}, tuned on translation pairs to find a sentence's translation "
            f"among others ({_named(run.loss, any(distilled))}).",
            not_trained=MATRIX_TRAINED if train_matrix else MATRIX_KEPT,
            teacher=os.fspath(model),
            kept=tuple(range(student.config.num_hidden_layers)),
            languages=[language.code for each in read_in for language in each.languages],
            corpus=" + ".join(each.corpus for each in read_in),
            examples=f"{len(examples):,} {'translation pairs' if margins else 'texts of translation pairs'}",
        )
        with new_folder(folder, overwrite, MANIFEST) as partial:
            done = write_distilled(place, run, run_training(run), told, partial)
    average = done.held_out.average
    return Tuned(folder, average.before, average.after, done.steps, done.best_step)


def choose_weights(
    distilled: tuple[float | None, float | None, float | None],
    margin_weight: float | None,
    margin: float | None,
    scale: float | None,
    near_weight: float,
) -> tuple[tuple[float, float, float], float]:
    """The weights of distillation and of margins: what is given, and the defaults of the one that is meant.

    Args:
        distilled: of features, similarities and retrieval, None for what was not given.
        margin_weight: see `tune`, as the others.

    Raises:
        UsageError: an argument has no effect, contradicts another, or nothing is left to train for.

    >>> choose_weights((None, None, None), None, None, None, 0.0)
    ((10.0, 1.0, 1.0), 0.0)
    >>> choose_weights((None, None, None), None, 0.05, 100, 10.0)
    ((0.0, 0.0, 0.0), 1.0)
    """
    of_margins = {"--margin": margin, "--scale": scale, "--near-weight": near_weight or None}
    given = [option for option, value in of_margins.items() if value is not None]
    margins = (1.0 if given else 0.0) if margin_weight is None else margin_weight
    if given and not margins:
        raise UsageError(
            f"{given[0]} is of additive margin softmax, whose --margin-weight is 0; leave one out"
        )
    defaults = (0.0, 0.0, 0.0) if margins else DISTILLED
    features, similarities, retrieval = (
        default if value is None else value for value, default in zip(distilled, defaults, strict=True)
    )
    if near_weight and (features or similarities or retrieval):
        raise UsageError(
            "--near-weight keeps each text at its own embedding, distillation moves it to its sentence's; "
            "leave --feature-weight, --similarity-weight and --retrieval-weight out"
        )
    require_weights(features, similarities, retrieval, margins)
    return (features, similarities, retrieval), margins


def _named(loss: Loss, is_distilled: bool) -> str:
    """What a model was tuned by, for its card."""
    named = [f"additive margin softmax, margin {loss.margin:g}, scale {loss.scale:g}"] * bool(loss.margins)
    named += ["multilingual distillation from itself, arXiv 2004.09813"] * is_distilled
    return "; ".join(named)


def _no_targets(size: int) -> Callable[[list[str]], np.ndarray]:
    """Zeros that take no memory, where no objective asks for targets."""
    return lambda texts: np.broadcast_to(np.zeros(1, np.float16), (len(texts), size))
