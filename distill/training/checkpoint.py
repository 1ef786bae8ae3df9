"""Checkpoints of training: all that a run needs to go on as if it had not been interrupted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError

PROGRESS = "progress"  # in the file's metadata
HIGHEST = "highest."  # before a language's code, the name of its values


@dataclass(frozen=True)
class Progress:
    """How far training is.

    Attributes:
        step: batches that were trained on; the data go on behind them.
        seconds: how long it took, interruptions left out.
        evaluations: how often the held-out examples were looked at.
        first: the score before training.
        best: the highest score; −1 before the first.
        best_evaluation: at which evaluation the best state was: the last as good as that with this score.
        best_step: at which step.
    """

    step: int = 0
    seconds: float = 0.0
    evaluations: int = 0
    first: float = -1.0
    best: float = -1.0
    best_evaluation: int = 0
    best_step: int = 0


def write_checkpoint(
    file: Path,
    variables: Sequence[tf.Variable],
    progress: Progress,
    highest: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write variables and progress, in the place of an earlier checkpoint.

    Args:
        file: the checkpoint.
        variables: in an order that stays.
        progress: how far training is.
        highest: the values of each language's held-out examples that gave the highest score; to be compared
            with later ones.

    Raises:
        SmallerLabseError: the disk is full; the earlier checkpoint is as it was.
    """
    arrays = {f"{number:05}": np.asarray(variable) for number, variable in enumerate(variables)}
    arrays |= {HIGHEST + code: values for code, values in (highest or {}).items()}
    with new_file(file, overwrite=True) as partial:
        save_file(arrays, partial, {PROGRESS: json.dumps(asdict(progress))})


def read_highest(file: Path) -> dict[str, np.ndarray]:
    """The held-out values in a checkpoint; for arguments and errors see the other two."""
    try:
        with safe_open(file, "numpy") as stored:
            names = [name for name in stored.keys() if name.startswith(HIGHEST)]  # noqa: SIM118 - no mapping
            return {name.removeprefix(HIGHEST): stored.get_tensor(name) for name in names}
    except (FileNotFoundError, SafetensorError):
        raise _unreadable(file) from None


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
        raise _unreadable(file) from None


def _unreadable(file: Path) -> SmallerLabseError:
    return SmallerLabseError(
        f"{file}: no readable checkpoint; to begin anew, remove {file.stem}.* in its folder"
    )
