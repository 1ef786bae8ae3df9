"""Recover: a trimmed model learns its original's embeddings again, from text or from translation pairs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_folder, require_absent, require_apart
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.corpora.defaults import LONGER_THAN, MAX_LINES
from smaller_labse.corpora.languages import parse_languages, read_names
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.sources import Source, text_sources
from smaller_labse.corpora.translation_pairs import (
    PairFiles,
    find_pairs,
    limit_pairs,
    read_pairs,
    require_one_first_language,
)
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
    from smaller_labse.distill.data.recovery import Recovery
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
        measure: what was measured on what was held out: of text the mean cosine to the teacher, of pairs
            precision at 1.
        before: that before training.
        after: the same of the written model.
        steps: batches that it was trained on.
        best_step: after how many of them it did best on the held-out texts, and was written.
        rows: how many rows of its embedding matrix changed.
    """

    folder: Path
    measure: str
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
    text: str | Sequence[str] | None,
    out: StrPath,
    *,
    pairs: str | Sequence[str] | None = None,
    languages: str | Iterable[str] | None = None,
    text_field: str | None = None,
    longer_than: int | None = None,
    max_lines: int | None = None,
    max_texts: int | None = None,
    max_pairs: int = 0,
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
    """Train a trimmed model to give its original's embeddings again, on text or on translation pairs.

    The target of a text is the original's embedding of it, that of both sides of a pair the original's
    embedding of the first. A row of the embedding matrix that no text has
    stays as it is to the bit. An interrupted run goes on where it was when the same arguments come again,
    from its files in `OUT.training`.

    Args:
        model: the trimmed model: a model folder, a Hugging Face folder or hub id, or an encoder in LaBSE's TF
            Hub format.
        teacher: the model that it was trimmed from; or a `.npy` file with a row for each text, or for the
            first sentence of each pair, in the order in which they are read. The prompt before its texts is
            its own, or the model's where its files name none.
        text: as for `smaller_labse.count`: "LANGUAGE=PATH", or a path with {code}, one or several; None with
            `pairs`.
        out: the new model's folder.
        pairs: see `find_pairs`; None with `text`.
        languages: what patterns in `text` or `pairs` are filled with.
        text_field: the field or column that holds the text; None for "text".
        longer_than: only lines of more characters than this are texts; None for 5.
        max_lines: at most so many lines of each language are read, 0 for all; None for 1,000,000.
        max_texts: at most so many texts of each language are trained on, of which `lost_share` have lost
            tokens; which ones follows from a hash; 0 for all, None for 20,000.
        max_pairs: at most so many pairs of each language are taken, chosen by a hash; 0 for all.
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
        SmallerLabseError: the model, the teacher, a text or a pair cannot be read, the teacher is not the
            model's original, no text lost a token, or the loss became NaN.

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
        max_pairs=max_pairs,
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
    of_text = {
        "--text-field": text_field,
        "--longer-than": longer_than,
        "--max-lines": max_lines,
        "--max-texts": max_texts,
        "--lost-share": lost_share,
    }
    _require_text_or_pairs(text, pairs, of_text, max_pairs)
    sources, files = _find(text, pairs, languages, text_field)
    require_apart(folder, [path for source in sources for path in source.paths])
    require_apart(folder, [file for each in files for file in each.files])
    place = locate_original(os.fspath(model))
    by_file = require_teacher(teacher, device)
    if by_file and lost_share is not None:
        raise UsageError(
            f"--lost-share {lost_share:g}: a .npy file does not say which texts lost tokens; give the "
            "original as --teacher, or leave --lost-share out"
        )
    announce("loading TensorFlow")
    import_tensorflow_quietly()
    from smaller_labse.distill.data.recovery import recovery_on_pairs, recovery_on_text
    from smaller_labse.distill.data.texts import Draw, read_texts
    from smaller_labse.distill.objectives.loss import Loss
    from smaller_labse.distill.run import Run, run_training, work_folder
    from smaller_labse.distill.students.student import open_student
    from smaller_labse.distill.students.trained_tensors import choose_trained
    from smaller_labse.distill.training.train import TrainingOptions
    from smaller_labse.distill.write_distilled import write_distilled

    student = open_student(model)
    trained = choose_trained(train, student.config)
    have_lost_tokens = None if by_file else _lost_tokens(student, teacher)
    announce("reading the pairs" if files else "reading the text")
    all_pairs = read_pairs(files)
    longer = LONGER_THAN if longer_than is None else longer_than
    texts = read_texts(sources, LineFilter(longer, (MAX_LINES if max_lines is None else max_lines) or None))
    with work_folder(folder) as work:
        if by_file:
            rows_of = [*(each.texts for each in texts), *(each.sentences for each in all_pairs)]
            targets = vectors_of_file(Path(teacher), [text for each in rows_of for text in each])
        else:
            targets = teacher_targets(teacher, work, teacher_prompt(teacher, model), device)
        if files:
            pairs_taken = [limit_pairs(each, max_pairs or None) for each in all_pairs]
            recovery = recovery_on_pairs(pairs_taken, student, targets, exponent)
        else:
            most = MOST_TEXTS if max_texts is None else max_texts
            draw = Draw(exponent, LOST_SHARE if lost_share is None else lost_share, most or None)
            recovery = recovery_on_text(texts, student, have_lost_tokens, targets, draw)
        _require_same_size(student, recovery.examples)
        run = Run(
            name=folder.name or folder.resolve().name,
            student=student,
            config=student.config,
            read_tensor=student.read_tensor,
            trained=trained,
            examples=recovery.examples,
            held_out=recovery.held_out,
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
            told = _describe_run((model, teacher), train, recovery, run, rows)
            written = write_distilled(place, run, done, told, partial)
    average = written.held_out.average
    return Recovered(
        folder, run.held_out.measure, average.before, average.after, written.steps, written.best_step, rows
    )


def _require_text_or_pairs(
    text: str | Sequence[str] | None,
    pairs: str | Sequence[str] | None,
    of_text: Mapping[str, object],
    max_pairs: int,
) -> None:
    """Check that one of the two is given, and nothing that is the other's.

    Raises:
        UsageError: it is not so.
    """
    if (text is None) == (pairs is None):
        raise UsageError("expected --text or --pairs, one of the two")
    given = [option for option, value in of_text.items() if value is not None]
    if pairs is not None and given:
        raise UsageError(f"{given[0]} is of --text; leave it out with --pairs")
    if text is not None and max_pairs:
        raise UsageError("--max-pairs is of --pairs; with --text take fewer by --max-texts")


def _find(
    text: str | Sequence[str] | None,
    pairs: str | Sequence[str] | None,
    languages: str | Iterable[str] | None,
    text_field: str | None,
) -> tuple[list[Source], list[PairFiles]]:
    """Where the text is, or the pairs are; the other list is empty."""
    if text is not None:
        names = [] if languages is None else read_names(languages)
        return text_sources(names, [text] if isinstance(text, str) else list(text), text_field), []
    written = [pairs] if isinstance(pairs, str) else list(pairs or ())
    files = find_pairs(written, () if languages is None else parse_languages(languages))
    require_one_first_language(files)
    return [], files


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


def _describe_run(
    names: tuple[StrPath, StrPath],
    train: str,
    recovery: Recovery,
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
        opening=f"{model}, trained on {recovery.kind} to give the embeddings of {teacher} again.",
        not_trained=f"Of the embedding matrix {rows:,} of {run.config.vocab_size:,} rows changed, the others "
        f"are the original's to the bit; {others}. The tokenizer is the original's.",
        teacher=os.fspath(names[1]),
        kept=tuple(range(run.config.num_hidden_layers)),
        languages=recovery.languages,
        corpus=recovery.corpus,
        examples=f"{len(run.examples):,} {recovery.kind}",
        facts={"trained": train, "rows_changed": rows, "draw": recovery.draw},
    )


def _changed_rows(run: Run, trained: Trained) -> int:
    """How many rows of the embedding matrix are no longer the model's."""
    before = run.read_tensor(WORD_EMBEDDINGS)
    return int((trained.tensors[WORD_EMBEDDINGS] != before).any(axis=1).sum())
