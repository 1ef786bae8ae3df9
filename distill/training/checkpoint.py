"""Checkpoints of training: all that a run needs to go on as if it had not been interrupted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError

PROGRESS = "progress"  # in the file's metadata


@dataclass(frozen=True)
class Progress:
    """How far training is.

    Attributes:
        step: batches that were trained on; the data go on behind them.
        seconds: how long it took, interruptions left out.
        evaluations: how often the held-out examples were looked at.
        best: the highest score of those; −1 before the first.
        best_evaluation: at which evaluation that was.
        best_step: at which step.
    """

    step: int = 0
    seconds: float = 0.0
    evaluations: int = 0
    best: float = -1.0
    best_evaluation: int = 0
    best_step: int = 0


def write_checkpoint(file: Path, variables: Sequence[tf.Variable], progress: Progress) -> None:
    """Write variables and progress, in the place of an earlier checkpoint.

    Raises:
        SmallerLabseError: the disk is full; the earlier checkpoint is as it was.
    """
    arrays = {f"{number:05}": np.asarray(variable) for number, variable in enumerate(variables)}
    with new_file(file, overwrite=True) as partial:
        save_file(arrays, partial, {PROGRESS: json.dumps(asdict(progress))})


def read_checkpoint(file: Path, variables: Sequence[tf.Variable]) -> Progress:
    """Set variables to what a checkpoint holds.

    Raises:
        SmallerLabseError: it is missing or damaged.
    """
    try:
        with safe_open(file, "numpy") as stored:
            for number, variable in enumerate(variables):
                variable.assign(stored.get_tensor(f"{number:05}"))
            return Progress(**json.loads(stored.metadata()[PROGRESS]))
    except (FileNotFoundError, SafetensorError, ValueError, KeyError, TypeError):
        others = f"{file.stem}.*"
        raise SmallerLabseError(
            f"{file}: no readable checkpoint; to begin anew, remove {others} in its folder"
        ) from None
