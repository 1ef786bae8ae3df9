"""The protocol `Task`: texts that were read, and how their embeddings become scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Protocol

import numpy as np

from smaller_labse.metrics.scores import Score

Encode = Callable[[Sequence[str]], np.ndarray]


class Task(Protocol):
    """One set of data. Everything in it is read and checked before a model is loaded."""

    @property
    def name(self) -> str:
        """What it is called in results."""
        ...

    @property
    def source(self) -> str:
        """Where its data come from, as a report names it."""
        ...

    def pairs(self) -> Mapping[str, int]:
        """Sample, as in `Score` → how many pairs of texts it has."""
        ...

    def texts(self) -> Mapping[str, Sequence[str]]:
        """Language → the texts that are encoded."""
        ...

    def measure(self, encode: Encode) -> list[Score]:
        """The scores of a model that turns texts into embeddings of length 1, float [texts, hidden size]."""
        ...


def fingerprint(task: Task) -> str:
    """A digest of all that a task's scores depend on, but for the model."""
    digest = blake2b(digest_size=16)
    digest.update(repr(task).encode("utf-8", "surrogatepass"))  # dataclasses of plain data say it all
    return digest.hexdigest()


def texts_of(tasks: Sequence[Task]) -> dict[str, list[str]]:
    """Language → the different texts of all tasks, in the order in which they come."""
    texts: dict[str, dict[str, None]] = {}
    for task in tasks:
        for language, of_task in task.texts().items():
            texts.setdefault(language, {}).update(dict.fromkeys(of_task))
    return {language: list(different) for language, different in texts.items()}
