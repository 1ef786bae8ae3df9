"""How long a command has been running, with what its process needed to start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_began: ContextVar[float | None] = ContextVar("began", default=None)


@contextmanager
def command_running(is_process: bool) -> Iterator[None]:
    """Say that a command runs while the block does.

    Args:
        is_process: whether the process is only there for it, so that what it has computed is its start.
    """
    token = _began.set(time.monotonic() - (time.process_time() if is_process else 0.0))
    try:
        yield
    finally:
        _began.reset(token)


def began_at(otherwise: float) -> float:
    """When the command that runs began, by `time.monotonic`; `otherwise` where none does."""
    began = _began.get()
    return otherwise if began is None else began
