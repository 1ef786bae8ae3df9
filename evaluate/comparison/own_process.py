"""A process of its own: it has its own memory to measure, and does not outlive the one that started it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from typing import TypeVar

from smaller_labse.common.errors import SmallerLabseError

Result = TypeVar("Result")


def in_own_process(name: str, function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a new process, which ends when this one is told to, or is killed.

    Args:
        name: what it is about, for the message.
        function: to call; it and its arguments are pickled.
        arguments: its arguments.

    Raises:
        SmallerLabseError: the process was killed.
    """
    with _children_deaf_to(signal.SIGHUP):  # Python's tracker of semaphores, which hears no Ctrl-C anyway
        process = ProcessPoolExecutor(1, get_context("spawn"), initializer=_end_with_parent)
    try:
        with _children_deaf_to(signal.SIGINT, signal.SIGHUP):
            result = process.submit(function, *arguments)
        return result.result()
    except BrokenProcessPool:
        raise SmallerLabseError(
            f"{name}: its process was ended from outside; was there too little memory?"
        ) from None
    except KeyboardInterrupt:
        for child in active_children():
            child.terminate()
        raise
    finally:
        process.shutdown()


@contextmanager
def _children_deaf_to(*signals: signal.Signals) -> Iterator[None]:
    """Let processes that are started here not hear signals that a terminal sends to them, too.

    They inherit that the signals are blocked; here these wait until the block ends.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Let this process end when its parent does, however that ends: nobody would wait for its result."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
