"""Recover: a trimmed model learns its original's embeddings of texts that lost tokens."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_folder, require_absent, require_apart
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.corpora.defaults import LONGER_THAN, MAX_LINES
from smaller_labse.corpora.languages import read_names
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.sources import text_sources
from smaller_labse.distill.teacher_vectors import (
    digests_of_model,
    require_teacher,
    teacher_targets,
    vectors_of_file,
)
from smaller_labse.distill.training_arguments import MAX_LENGTH, require_training_arguments, require_weights
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.encoders.prompt import teacher_prompt
from smaller_labse.originals.lineage import read_lineage
from smaller_labse.originals.locate import folders_of, locate_original
from smaller_labse.originals.model_folder import MANIFEST
from smaller_labse.originals.open import open_place

if TYPE_CHECKING:
    from smaller_labse.distill.data.examples import Examples
    from smaller_labse.distill.data.texts import Texts
    from smaller_labse.distill.run import Run, Trained
    from smaller_labse.distill.students.student import Student
    from smaller_labse.distill.write_distilled import RunDescription

LOST_SHARE = 0.75  # of the texts that are drawn
MOST_TEXTS = 20_000
MATRIX_RATE_FACTOR = 5.0  # a row is in few of the batches


@dataclass(frozen=True)
class Recovered:
    """A trimmed model that was trained and written.

    Attributes:
        folder: where it is; it can stand wherever a model's folder is asked for.
        before: the mean cosine to the teacher on held-out texts before training.
        after: the same of the written model.
        steps: batches that it was trained on.
        best_step: after how many of them it did best on the held-out texts, and was written.
        rows: how many rows of its embedding matrix changed.
    """

    folder: Path
    before: float
    after: float
    steps: int
    best_step: int
    rows: int

    def __fspath__(self) -> str:
        return os.fspath(self.folder)


def recover(
    model: StrPath,
    teacher: StrPath,
    text: str | Sequence[str],
    out: StrPath,
    *,
    languages: str | Iterable[str] | None = None,
    text_field: str | None = None,
    longer_than: int = LONGER_THAN,
    max_lines: int = MAX_LINES,
    max_texts: int = MOST_TEXTS,
    train: str = "all",
    steps: int | None = None,
    max_minutes: float | None = None,
    batch_texts: int = 64,
    learning_rate: float = 2e-4,
    exponent: float = 0.5,
    lost_share: float | None = None,
    feature_weight: float = 10.0,
    similarity_weight: float = 1.0,
    retrieval_weight: float = 1.0,
    precision: str = "auto",
    seed: int = 0,
    device: str | None = None,
    overwrite: bool = False,
) -> Recovered:
    """Train a trimmed model on text of its languages to give its original's embeddings again.

    The target of a text is the original's embedding of it. A row of the embedding matrix that no text has
    stays as it is to the bit. An interrupted run goes on where it was when the same arguments come again,
    from its files in `OUT.training`.

    Args:
        model: the trimmed model: a model folder, a Hugging Face folder or hub id, or an encoder in LaBSE's TF
            Hub format.
        teacher: the model that it was trimmed from; or a `.npy` file with a row for each text, in the order
            in which they are read. The prompt before its texts is its own, or the model's where its files
            name none.
        text: as for `smaller_labse.count`: "LANGUAGE=PATH", or a path with {code}, one or several.
        out: the new model's folder.
        languages: what patterns in `text` are filled with.
        text_field: the field or column that holds the text; None for "text".
        longer_than: only lines of more characters than this are texts.
        max_lines: at most so many lines of each language are read, 0 for all.
        max_texts: at most so many texts of each language are trained on, of which `lost_share` have lost
            tokens; which ones follows from a hash; 0 for all.
        train: "matrix": the embedding matrix alone; "lowest:4": all that comes before layer 4, counted from
            0; "all": everything but dense layers behind the pooling.
        steps: batches to train on; None for all texts once, or as many as `max_minutes` allows.
        max_minutes: how long to train at most, teacher's vectors and writing not counted. With it, the clock
            decides, so that two runs differ; with `steps` alone they do not, on one machine.
        batch_texts: texts in a batch, 2 or more.
        learning_rate: the highest, of the layers; the embedding matrix's is five times that.
        exponent: 1 draws languages by their sizes, 0 all alike.
        lost_share: how many of the texts that are drawn have lost tokens, 0 to 1; None for 0.75, and with a
            `.npy` file, which does not say which these are, for all texts alike.
        feature_weight: of feature distillation in the loss.
        similarity_weight: of similarity distillation.
        retrieval_weight: of retrieval distillation.
        precision: what the layers multiply while training, "float32" or "bfloat16"; "auto" is the second
            where processor or GPU multiply it, which is faster. Weights and the written model are float32.
        seed: of the order of the texts.
        device: where the teacher's vectors are computed, see `smaller_labse.load`.
        overwrite: replace an earlier model.

    Raises:
        UsageError: arguments that do not go together.
        SmallerLabseError: the model, the teacher or a text cannot be read, the teacher is not the model's
            original, no text lost a token, or the loss became NaN.

    Example:
        >>> from smaller_labse.distill.recover import recover  # doctest: +SKIP
        >>> recover(
        ...     "work/model", "intfloat/multilingual-e5-small", "text/{code}.txt", "work/recovered",
        ...     languages="fr,de", max_minutes=60,
        ... )  # doctest: +SKIP
    """
    folder = Path(out)
    require_apart(folder, [Path(os.fspath(each)) for each in (model, teacher)])
    require_absent(folder, overwrite, MANIFEST)
    weights = {
        "feature_weight": feature_weight,
        "similarity_weight": similarity_weight,
        "retrieval_weight": retrieval_weight,
    }
    require_training_arguments(
        precision=precision,
        max_texts=max_texts,
        steps=steps,
        max_minutes=max_minutes,
        batch_texts=batch_texts,
        learning_rate=learning_rate,
        exponent=exponent,
        lost_share=lost_share,
        seed=seed,
        device=device,
        **weights,
    )
    require_weights(*weights.values())
    names = [] if languages is None else read_names(languages)
    sources = text_sources(names, [text] if isinstance(text, str) else list(text), text_field)
    require_apart(folder, [path for source in sources for path in source.paths])
    place = locate_original(os.fspath(model))
    by_file = require_teacher(teacher, device)
    if by_file and lost_share is not None:
        raise UsageError(
            f"--lost-share {lost_share:g}: a .npy file does not say which texts lost tokens; give the "
            "original as --teacher, or leave --lost-share out"
        )
    announce("loading TensorFlow")
    import_tensorflow_quietly()
    from smaller_labse.distill.data.texts import Draw, read_texts, split_texts
    from smaller_labse.distill.objectives.loss import Loss
    from smaller_labse.distill.run import Run, run_training, work_folder
    from smaller_labse.distill.students.student import open_student
    from smaller_labse.distill.students.trained_tensors import choose_trained
    from smaller_labse.distill.training.train import TrainingOptions
    from smaller_labse.distill.write_distilled import write_distilled

    student = open_student(model)
    trained = choose_trained(train, student.config)
    announce("reading the text")
    texts = read_texts(sources, LineFilter(longer_than, max_lines or None))
    if by_file:
        lost_share = 1.0  # a file does not say which texts lost tokens: all are taken for such
    draw = Draw(exponent, LOST_SHARE if lost_share is None else lost_share, max_texts or None)
    with work_folder(folder) as work:
        examples, held_out = split_texts(
            texts,
            student.tokenizer,
            _all_alike if by_file else _lost_tokens(student, teacher),
            vectors_of_file(Path(teacher), [text for each in texts for text in each.texts])
            if by_file
            else teacher_targets(teacher, work, teacher_prompt(teacher, model), device),
            draw,
            student.prompt,
        )
        _require_same_size(student, examples)
        run = Run(
            name=folder.name or folder.resolve().name,
            student=student,
            config=student.config,
            read_tensor=student.read_tensor,
            trained=trained,
            examples=examples,
            held_out=held_out,
            options=TrainingOptions(
                batch_size=batch_texts,
                steps=steps,
                max_minutes=max_minutes,
                learning_rate=learning_rate,
                seed=seed,
                precision=precision,
                max_length=min(MAX_LENGTH, student.sequence_length),
                matrix_rate_factor=MATRIX_RATE_FACTOR,
            ),
            loss=Loss(feature_weight, similarity_weight, retrieval=retrieval_weight),
            depends_on={"student": digests_of_model(place)},
            work=work,
        )
        with new_folder(folder, overwrite, MANIFEST) as partial:
            done = run_training(run)
            rows = _changed_rows(run, done)
            drawn = {**asdict(draw), "lost_share": None if by_file else draw.lost_share}
            told = _describe_run((model, teacher), train, drawn, texts, run, rows)
            written = write_distilled(place, run, done, told, partial)
    average = written.held_out.average
    return Recovered(folder, average.before, average.after, written.steps, written.best_step, rows)


def _require_same_size(student: Student, examples: Examples) -> None:
    size = examples.targets.shape[1]
    if size != student.config.embedding_size:
        raise SmallerLabseError(
            f"the teacher's embeddings have {size} numbers, the model's {student.config.embedding_size}; "
            "expected those of the model that it was trimmed from"
        )


def _lost_tokens(student: Student, teacher: StrPath) -> Callable[[Sequence[str]], np.ndarray]:
    """Which texts the student tokenizes otherwise than its original."""
    from smaller_labse.distill.data.lost_tokens import LostTokens

    original = open_place(locate_original(os.fspath(teacher)))
    called = [
        read_lineage(folder).original_pieces(tokenizer.pieces)
        for folder, tokenizer in (
            (student.folder, student.tokenizer),
            (folders_of(original.place)[0], original.tokenizer),
        )
    ]
    return LostTokens(student.tokenizer, called[0], original.tokenizer, called[1])


def _all_alike(texts: Sequence[str]) -> np.ndarray:
    return np.ones(len(texts), bool)


def _describe_run(
    names: tuple[StrPath, StrPath],
    train: str,
    drawn: Mapping[str, Any],
    texts: Sequence[Texts],
    run: Run,
    rows: int,
) -> RunDescription:
    """From which model to which teacher, and what of the model is no longer its own."""
    from smaller_labse.distill.write_distilled import RunDescription, public_name

    model, teacher = (markdown_text(public_name(os.fspath(each))) for each in names)
    others = {
        "matrix": "nothing else was trained",
        "all": "everything else was trained as well, but for dense layers behind the pooling",
    }.get(train, f"of the rest, what comes before layer {train.partition(':')[2]} was trained as well")
    return RunDescription(
        method="recover",
        opening=f"{model}, trained on text of its languages to give the embeddings of {teacher} again.",
        not_trained=f"Of the embedding matrix {rows:,} of {run.config.vocab_size:,} rows changed, the others "
        f"are the original's to the bit; {others}. The tokenizer is the original's.",
        teacher=os.fspath(names[1]),
        kept=tuple(range(run.config.num_hidden_layers)),
        languages=[each.code for each in texts],
        corpus=" + ".join(each.corpus for each in texts),
        examples=f"{len(run.examples):,} texts",
        facts={"trained": train, "rows_changed": rows, "draw": drawn},
    )


def _changed_rows(run: Run, trained: Trained) -> int:
    """How many rows of the embedding matrix are no longer the model's."""
    before = run.read_tensor(WORD_EMBEDDINGS)
    return int((trained.tensors[WORD_EMBEDDINGS] != before).any(axis=1).sum())
