"""A training run: from a student and examples to the tensors of the trained student."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.file_lock import locked
from smaller_labse.common.progress import announce, progress
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.distill.data.examples import Examples
from smaller_labse.distill.data.held_out import HeldOut, score_of
from smaller_labse.distill.objectives.loss import Loss
from smaller_labse.distill.objectives.retrieval_distillation import REFERENCES
from smaller_labse.distill.students.projection import FITTED_TEXTS, fit_projection, with_projection
from smaller_labse.distill.students.student import ReadTensor, Student
from smaller_labse.distill.training.precision import training_precision
from smaller_labse.distill.training.train import TrainingFiles, TrainingOptions, train
from smaller_labse.distill.training.training_step import TrainingStep
from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.encoders.deterministic_tensorflow import additions_in_order
from smaller_labse.encoders.networks.tensorflow_network import TensorFlowNetwork
from smaller_labse.encoders.preprocessors.preprocessor import build_preprocessor
from smaller_labse.encoders.preprocessors.text_preprocessor import TextPreprocessor
from smaller_labse.encoders.sentence_encoder import SentenceEncoder
from smaller_labse.originals.digests import digest_of_json

FORMAT = "smaller_labse.training.7"
DIGITS = 16  # of the digest in the files' names
WORK = ".training"  # beside the output: where an interrupted run goes on from
LOCK = ".lock"


@dataclass(frozen=True)
class Run:
    """What a student is made of, and how it is trained.

    Attributes:
        name: the new model's.
        student: the model that it is made from.
        config: the student's.
        read_tensor: its tensors before training, by the names in `config.tensor_shapes()`.
        trained: the names of those that are trained.
        examples: what it is trained on.
        held_out: what its best state is chosen by.
        options: of the training.
        loss: what is made small.
        depends_on: what else the result depends on, as JSON, such as digests of files.
        work: the folder where it goes on from when it is interrupted, see `work_folder`.
        exports_projection: whether a projection to the teacher's size becomes a part of the student.
    """

    name: str
    student: Student
    config: EncoderConfig
    read_tensor: ReadTensor
    trained: frozenset[str]
    examples: Examples
    held_out: HeldOut
    options: TrainingOptions
    loss: Loss
    depends_on: Mapping[str, Any]
    work: Path
    exports_projection: bool = False


@dataclass(frozen=True)
class Trained:
    """What came of a run.

    Attributes:
        config: the student's, with its projection where that is a part of it.
        tensors: the student's, by the names in `config.tensor_shapes()`, float32.
        before: the values of the held-out examples before training, see `HeldOut.values`.
        after: the same of these tensors.
        steps: batches that it was trained on.
        best_step: after how many of them it did best on the held-out examples, and the tensors were taken.
        options: of the training, with what was decided when it began.
        log: a JSON object in each line.
    """

    config: EncoderConfig
    tensors: Mapping[str, np.ndarray]
    before: Mapping[str, np.ndarray]
    after: Mapping[str, np.ndarray]
    steps: int
    best_step: int
    options: TrainingOptions
    log: Path


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """The folder beside an output from where an interrupted run goes on; no other run has it meanwhile.

    Raises:
        SmallerLabseError: another run has it.
    """
    named = out if out.name else out.resolve()
    folder = named.with_name(f"{named.name}{WORK}")
    with locked(folder / LOCK, wait=False) as is_ours:
        if not is_ours:
            raise SmallerLabseError(
                f"{folder}: another command is training there; wait for it, or choose another --out"
            )
        yield folder


def run_training(run: Run) -> Trained:
    """Train a student.

    Raises:
        UsageError: the projection is to be exported, and there is none.
        SmallerLabseError: the loss became NaN, the disk is full, or a checkpoint is damaged.
    """
    examples, options = run.examples, run.options
    if run.loss.retrieval:
        options = replace(options, references=REFERENCES)
    if options.steps is None and options.max_minutes is None:
        options = replace(options, steps=max(1, len(examples) // options.batch_size))
    options = replace(options, precision=training_precision(options.precision))
    run.work.mkdir(parents=True, exist_ok=True)
    key = _key(run, options)
    files = TrainingFiles(*(run.work / f"{key}.{end}" for end in ("checkpoint", "best", "jsonl")))
    with scratch_folder() as scratch, additions_in_order():
        setup = run.student.tokenizer.write_for_tensorflow(scratch)
        preprocess = build_preprocessor(setup, run.student.sequence_length)
        built = _build(run, setup.file, preprocess)
        kernel = _first_projection(run, built.sentences)
        if run.exports_projection and kernel is not None:
            run = _with_projection(run, kernel)
            built, kernel = _build(run, setup.file, preprocess), None
        step = TrainingStep(
            built.encoder,
            preprocess,
            run.trained.__contains__,
            examples.targets.shape[1],
            run.loss,
            matrix_rate_factor=options.matrix_rate_factor,
            chunk_texts=options.chunk_texts,
            projection=kernel,
            precision=tf.as_dtype(options.precision),
        )

        def encode(texts: Sequence[str]) -> np.ndarray:
            return built.sentences.encode(texts, True, options.max_length, advance=lambda amount: None)

        def evaluate() -> dict[str, np.ndarray]:
            return run.held_out.values(encode)

        before = evaluate()
        announce(
            f"training on {len(examples):,} examples; before it, {run.held_out.measure} is "
            f"{score_of(before):.1%} on held-out ones"
        )
        texts = len(examples.sides) * options.batch_size
        total = None if options.steps is None else texts * options.steps
        with progress("training", total, "texts") as bar:
            done = train(step, examples, options, files, evaluate, bar)
        after = evaluate()
        tensors = {name: variable.numpy() for name, variable in built.encoder.weights.items()}
    if done.best_step == 0:
        announce("no state did better than the one before training, which is what is written")
    return Trained(run.config, tensors, before, after, done.step, done.best_step, options, files.log)


class _Built(NamedTuple):
    """A student that is to be trained: its encoder, and what encodes texts with it."""

    encoder: Encoder
    sentences: SentenceEncoder


def _build(run: Run, vocabulary: Path, preprocess: TextPreprocessor) -> _Built:
    encoder = Encoder(run.config, run.read_tensor, vocabulary)
    network = TensorFlowNetwork(run.name, preprocess, encoder, run.student.tokenizer.pieces)
    return _Built(encoder, SentenceEncoder(run.name, network, run.student.prompt))


def _first_projection(run: Run, sentences: SentenceEncoder) -> np.ndarray | None:
    """The projection before training; None where the sizes are equal, or no objective compares the two.

    Raises:
        UsageError: it is to be exported, and there is none.
    """
    targets = run.examples.targets
    own, teachers = run.config.embedding_size, targets.shape[1]
    compares_both = run.loss.features or run.loss.retrieval or run.exports_projection
    if own == teachers or not compares_both:
        if run.exports_projection:
            raise UsageError(
                f"--export-projection: both embeddings have {own} numbers, so there is no projection"
            )
        return None
    announce(
        f"fitting a projection from the student's embeddings of {own} numbers to the teacher's {teachers}"
    )
    count = min(FITTED_TEXTS, len(run.examples))
    chosen = run.examples.batch(np.linspace(0, len(run.examples) - 1, count).astype(np.int64))
    texts = [text.removeprefix(run.examples.prompt) for text in chosen.texts[:count]]
    embeddings = sentences.encode(texts, True, run.options.max_length, advance=lambda amount: None)
    return fit_projection(embeddings, chosen.targets[:count])


def _with_projection(run: Run, kernel: np.ndarray) -> Run:
    config, read_tensor, name = with_projection(run.config, run.read_tensor, kernel)
    return replace(run, config=config, read_tensor=read_tensor, trained=run.trained | {name})


def _key(run: Run, options: TrainingOptions) -> str:
    """What a run's result depends on, so that another run's checkpoint is never taken for its own."""
    examples = run.examples
    some = np.linspace(0, len(examples.targets) - 1, min(64, len(examples.targets))).astype(np.int64)
    described = {
        "format": FORMAT,
        "config": repr(run.config),
        "trained": sorted(run.trained),
        "texts": digest_of_json({"sides": [list(side) for side in examples.sides]}),
        "groups": [list(examples.sizes), examples.shares.tolist()],
        "prompt": examples.prompt,
        "exports_projection": run.exports_projection,
        "targets": digest_of_json({"some": np.asarray(examples.targets[some], np.float32).tolist()}),
        "held_out": [run.held_out.measure, digest_of_json(run.held_out.as_json())],
        "options": asdict(options),
        "loss": asdict(run.loss),
        **run.depends_on,
    }
    return digest_of_json(described)[:DIGITS]
