"""Training: batches, warm-up and decay, held-out examples that choose the best state, checkpoints.

The best state is the last one that is as good as that with the highest score on the held-out examples, within
the standard error of the difference: of states that cannot be told apart, the one that has seen most. No
state is taken that has not a higher score than the one before training.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Bar
from smaller_labse.distill.data.batches import Batches
from smaller_labse.distill.data.examples import Examples
from smaller_labse.distill.data.held_out import is_as_good, score_of
from smaller_labse.distill.training.checkpoint import (
    Progress,
    read_checkpoint,
    read_highest,
    write_checkpoint,
)
from smaller_labse.distill.training.training_step import TrainingStep
from smaller_labse.distill.training_arguments import MAX_LENGTH

EVALUATIONS = 8  # of the held-out examples, evenly over the training
PATIENCE = 4  # evaluations in turn without a new best state, after which training stops
CHECKPOINT_SECONDS = 120.0


@dataclass(frozen=True)
class TrainingOptions:
    """How a student is trained.

    Attributes:
        batch_size: examples in a batch.
        steps: batches in all; None where only the time decides.
        max_minutes: how long it may take; None where only the steps decide.
        learning_rate: the highest, which warm-up leads to and decay from.
        warm_up: the share of the training in which the learning rate rises.
        seed: of everything that is random.
        max_length: in tokens, at which texts are truncated while training.
        chunk_texts: how many texts of a batch are in memory at a time; None for all of them.
        precision: what the layers multiply while training, "float32" or "bfloat16".
        references: with how many of the teacher's embeddings the texts of a batch are contrasted.
        matrix_rate_factor: the embedding matrix's learning rate, in learning rates of the rest.
    """

    batch_size: int = 64
    steps: int | None = None
    max_minutes: float | None = None
    learning_rate: float = 3e-4
    warm_up: float = 0.05
    seed: int = 0
    max_length: int = MAX_LENGTH
    chunk_texts: int | None = None
    precision: str = "float32"
    references: int = 0
    matrix_rate_factor: float = 1.0

    def share_done(self, progress: Progress) -> float:
        """How much of the training is done, 0 to 1."""
        of_steps = progress.step / self.steps if self.steps is not None else 0.0
        of_time = progress.seconds / (60 * self.max_minutes) if self.max_minutes is not None else 0.0
        return min(1.0, max(of_steps, of_time))

    def learning_rate_at(self, share: float) -> float:
        """Linear warm-up, then linear decay to 0 (arXiv 1810.04805, appendix A.2)."""
        rising = share / self.warm_up if self.warm_up else 1.0
        # The first step has a learning rate, too.
        return self.learning_rate * max(1e-3, min(1.0, rising, (1 - share) / (1 - self.warm_up)))


@dataclass(frozen=True)
class TrainingFiles:
    """Where training keeps what it needs to go on.

    Attributes:
        checkpoint: the latest state.
        best: the weights of the best state, and the values of the one with the highest score.
        log: a JSON object in each line.
    """

    checkpoint: Path
    best: Path
    log: Path


def train(
    step: TrainingStep,
    examples: Examples,
    options: TrainingOptions,
    files: TrainingFiles,
    evaluate: Callable[[], Mapping[str, np.ndarray]],
    bar: Bar,
) -> Progress:
    """Train until the steps or the time are over, or nothing gets better; then set the best weights.

    Args:
        step: trains the student on a batch.
        examples: what it is trained on.
        options: see the class.
        files: where it goes on from, where it was interrupted.
        evaluate: how good the student is on each held-out example, see `HeldOut.values`.
        bar: is told how many texts were trained on, and the loss.

    Returns:
        How far it came.

    Raises:
        SmallerLabseError: the loss became NaN or infinite, the disk is full, or a checkpoint is damaged. The
            last checkpoint stays as it was.
    """
    progress, texts = Progress(), len(examples.sides) * options.batch_size
    highest: Mapping[str, np.ndarray] = {}
    if files.checkpoint.exists():
        # Damage is found before hours of training.
        best, highest = read_checkpoint(files.best, step.variables), read_highest(files.best)
        progress = read_checkpoint(files.checkpoint, step.state())
        # The best weights may be newer than the checkpoint, where the run ended between the two.
        progress = replace(
            progress, best=best.best, best_evaluation=best.best_evaluation, best_step=best.best_step
        )
        _forget_after(progress, files.log)
        bar.begin_at(texts * progress.step)
    else:
        files.log.unlink(missing_ok=True)
    lengths = np.minimum(examples.lengths, options.max_length)
    batches = Batches(examples.sizes, examples.shares, lengths, options.batch_size, options.seed)
    batches.skip(progress.step)
    clock, saved = time.monotonic() - progress.seconds, time.monotonic()
    while True:
        progress = replace(progress, seconds=time.monotonic() - clock)
        share = options.share_done(progress)
        if progress.evaluations <= math.floor(share * EVALUATIONS):
            values = evaluate()
            if (score := score_of(values)) > progress.best:
                highest = values
            progress = _note(values, highest, progress)
            if progress.best_step == progress.step:
                write_checkpoint(files.best, step.variables, progress, highest)
            _log(files.log, progress, held_out=score, is_best=progress.best_step == progress.step)
            progress = replace(progress, seconds=time.monotonic() - clock)  # looking is a part of training
            write_checkpoint(files.checkpoint, step.state(), progress)
            saved = time.monotonic()
        if share >= 1 or progress.evaluations - progress.best_evaluation >= PATIENCE:
            break
        batch = examples.batch(batches.next(), _references(examples, options, progress.step))
        parts = step(batch, options.learning_rate_at(share), options.max_length)
        if parts is None:
            raise SmallerLabseError(
                f"the loss became NaN or infinite at step {progress.step + 1:,}; lower --learning-rate "
                f"(the best weights before are in {files.best})"
            )
        progress = replace(progress, step=progress.step + 1)
        bar.describe(f"training, loss {parts.sum():.3f}, held-out {max(progress.best, 0):.1%}")
        bar(texts)
        if share > 0:
            bar.expect(progress.seconds * (1 - share) / share)
        if progress.step % 10 == 0:
            _log(files.log, progress, loss=[round(float(part), 5) for part in parts])
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            progress = replace(progress, seconds=time.monotonic() - clock)
            write_checkpoint(files.checkpoint, step.state(), progress)
            saved = time.monotonic()
    read_checkpoint(files.best, step.variables)
    return progress


def _references(examples: Examples, options: TrainingOptions, step: int) -> np.ndarray:
    """Which of the targets the texts of a step are contrasted with, ascending, int64 [references]."""
    if options.references >= len(examples.targets):
        return np.arange(len(examples.targets))
    random = np.random.default_rng([options.seed, 3, step])  # 0 to 2 are those of `Batches`
    return np.sort(random.integers(len(examples.targets), size=options.references))


def _note(
    values: Mapping[str, np.ndarray], highest: Mapping[str, np.ndarray], progress: Progress
) -> Progress:
    """Count an evaluation, and see whether the state is the best so far."""
    progress = replace(progress, evaluations=progress.evaluations + 1)
    score = score_of(values)
    if progress.evaluations == 1:
        progress = replace(progress, first=score)
    if score <= progress.best and not (score > progress.first and is_as_good(values, highest)):
        return progress
    best = max(score, progress.best)
    return replace(progress, best=best, best_evaluation=progress.evaluations, best_step=progress.step)


def _forget_after(progress: Progress, log: Path) -> None:
    """Drop what was logged behind the checkpoint, which comes again, and a line that is not whole."""
    kept: list[dict[str, Any]] = []
    evaluations = 0
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else []:
        try:
            logged = json.loads(line)
        except ValueError:  # a full disk, or a power failure
            continue
        evaluations += "held_out" in logged
        if logged["step"] <= progress.step and evaluations <= progress.evaluations:
            kept.append(logged)
    with new_file(log, overwrite=True) as partial:
        partial.write_text("".join(f"{json.dumps(logged)}\n" for logged in kept), encoding="utf-8")


def _log(file: Path, progress: Progress, **values: Any) -> None:
    line = {"step": progress.step, "seconds": round(progress.seconds, 1), **values}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
