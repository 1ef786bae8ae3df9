"""Training: batches of pairs, warm-up and decay, held-out pairs that choose the best state, checkpoints."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Bar
from smaller_labse.distill.data.batches import Batches
from smaller_labse.distill.training.checkpoint import Progress, read_checkpoint, write_checkpoint
from smaller_labse.distill.training.training_step import ObjectiveWeights, TrainingStep

EVALUATIONS = 12  # of the held-out pairs, evenly over the training
PATIENCE = 5  # evaluations without a better one, after which training stops
CHECKPOINT_SECONDS = 120.0


@dataclass(frozen=True)
class TrainingOptions:
    """How a student is trained.

    Attributes:
        pairs: in a batch.
        steps: batches in all; None where only the time decides.
        max_minutes: how long it may take; None where only the steps decide.
        learning_rate: the highest, which warm-up leads to and decay from.
        warm_up: the share of the training in which the learning rate rises.
        exponent: see `Batches`.
        seed: of everything that is random.
        max_length: in tokens, at which texts are truncated while training.
        weights: of the objectives.
    """

    pairs: int = 64
    steps: int | None = None
    max_minutes: float | None = None
    learning_rate: float = 3e-4
    warm_up: float = 0.05
    exponent: float = 0.7
    seed: int = 0
    max_length: int = 128
    weights: ObjectiveWeights = field(default_factory=ObjectiveWeights)

    def share_done(self, progress: Progress) -> float:
        """How much of the training is done, 0 to 1."""
        of_steps = progress.step / self.steps if self.steps else 0.0
        of_time = progress.seconds / (60 * self.max_minutes) if self.max_minutes else 0.0
        return min(1.0, max(of_steps, of_time))

    def learning_rate_at(self, share: float) -> float:
        """Linear warm-up, then linear decay to 0 (arXiv 1810.04805, appendix A.2)."""
        rising = share / self.warm_up if self.warm_up else 1.0
        # The first step has a learning rate, too.
        return self.learning_rate * max(1e-3, min(1.0, rising, (1 - share) / (1 - self.warm_up)))


@dataclass(frozen=True)
class TrainingPairs:
    """The pairs that are trained on, those of each language together.

    Attributes:
        sentences: one side.
        translations: the other.
        sentence_ids: which of the targets each sentence has, int [pairs]; equal ones have one.
        translation_ids: a number for each translation, the same for equal ones, int [pairs].
        lengths: the tokens of the longer side, int [pairs].
        sizes: pairs of each language.
        targets: the teacher's embeddings, float [different sentences, size].
    """

    sentences: Sequence[str]
    translations: Sequence[str]
    sentence_ids: np.ndarray
    translation_ids: np.ndarray
    lengths: np.ndarray
    sizes: Sequence[int]
    targets: np.ndarray


@dataclass(frozen=True)
class TrainingFiles:
    """Where training keeps what it needs to go on.

    Attributes:
        checkpoint: the latest state.
        best: the weights that did best on the held-out pairs.
        log: a JSON object in each line.
    """

    checkpoint: Path
    best: Path
    log: Path


def train(
    step: TrainingStep,
    pairs: TrainingPairs,
    prompt: str,
    options: TrainingOptions,
    files: TrainingFiles,
    evaluate: Callable[[], float],
    bar: Bar,
) -> Progress:
    """Train until the steps or the time are over, or nothing gets better; then set the best weights.

    Args:
        step: trains the student on a batch.
        pairs: what it is trained on.
        prompt: what goes before every text.
        options: see the class.
        files: where it goes on from, where it was interrupted.
        evaluate: the student's precision on the held-out pairs.
        bar: is told how many texts were trained on, and the loss.

    Returns:
        How far it came.

    Raises:
        SmallerLabseError: the loss became NaN or infinite, the disk is full, or a checkpoint is damaged. The
            last checkpoint stays as it was.
    """
    progress = Progress()
    if files.checkpoint.exists():
        progress = read_checkpoint(files.checkpoint, step.state())
        _forget_after(progress.step, files.log)
        bar(2 * options.pairs * progress.step)
    else:
        files.log.unlink(missing_ok=True)
    batches = Batches(pairs.sizes, pairs.lengths, options.pairs, options.exponent, options.seed)
    batches.skip(progress.step)
    clock, saved = time.monotonic() - progress.seconds, time.monotonic()
    while True:
        progress = replace(progress, seconds=time.monotonic() - clock)
        share = options.share_done(progress)
        if progress.evaluations <= math.floor(share * EVALUATIONS):
            precision = evaluate()
            progress = _note(precision, progress, step, files.best)
            _log(files.log, progress, held_out=precision)
            write_checkpoint(files.checkpoint, step.state(), progress)
            clock, saved = time.monotonic() - progress.seconds, time.monotonic()
        if share >= 1 or progress.evaluations - progress.best_evaluation > PATIENCE:
            break
        parts = _train_on(batches.next(), step, pairs, prompt, options, share)
        if parts is None:
            raise SmallerLabseError(
                f"the loss became NaN or infinite at step {progress.step + 1:,}; lower --learning-rate "
                f"(the best weights before are in {files.best})"
            )
        progress = replace(progress, step=progress.step + 1)
        bar.describe(f"training, loss {parts.sum():.3f}, held-out {max(progress.best, 0):.1%}")
        bar(2 * options.pairs)
        if progress.step % 10 == 0:
            _log(files.log, progress, loss=[round(float(part), 5) for part in parts])
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            progress = replace(progress, seconds=time.monotonic() - clock)
            write_checkpoint(files.checkpoint, step.state(), progress)
            saved = time.monotonic()
    read_checkpoint(files.best, step.variables)
    return progress


def _note(precision: float, progress: Progress, step: TrainingStep, best: Path) -> Progress:
    """Count an evaluation, and keep the weights if they are the best so far."""
    progress = replace(progress, evaluations=progress.evaluations + 1)
    if precision <= progress.best:
        return progress
    progress = replace(progress, best=precision, best_evaluation=progress.evaluations)
    write_checkpoint(best, step.variables, progress)
    return progress


def _train_on(
    batch: np.ndarray,
    step: TrainingStep,
    pairs: TrainingPairs,
    prompt: str,
    options: TrainingOptions,
    share: float,
) -> np.ndarray | None:
    sentences = [prompt + pairs.sentences[index] for index in batch]
    translations = [prompt + pairs.translations[index] for index in batch]
    return step(
        [*sentences, *translations],
        pairs.targets[pairs.sentence_ids[batch]],
        (pairs.sentence_ids[batch], pairs.translation_ids[batch]),
        options.learning_rate_at(share),
        options.max_length,
    )


def _forget_after(step: int, log: Path) -> None:
    """Drop what was logged behind the checkpoint; it comes again."""
    lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    with new_file(log, overwrite=True) as partial:
        partial.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")


def _log(file: Path, progress: Progress, **values: Any) -> None:
    line = {"step": progress.step, "seconds": round(progress.seconds, 1), **values}
    with file.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")
