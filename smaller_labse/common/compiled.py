"""Loops over bytes and numbers in machine code (numba), without Python's lock."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from threading import Lock
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable)

_LOOPS: list[Callable] = []  # not given to numba yet
_LOCK = Lock()


def compiled(function: Function) -> Function:
    """Compile a function at its first call; the machine code is kept for the next process.

    numba takes half a second to import, so that is not done before such a function is called. They call
    each other, and numba must see all of them as its own, so all are given to it then.
    """
    _LOOPS.append(function)

    @wraps(function)
    def call(*arguments: Any) -> Any:
        with _LOCK:
            while _LOOPS:
                loop = _LOOPS[-1]
                loop.__globals__[loop.__name__] = _given_to_numba(loop)
                _LOOPS.pop()  # not before: a loop that numba does not have would call itself for ever
        return function.__globals__[function.__name__](*arguments)

    return cast(Function, call)


def _given_to_numba(function: Callable) -> Callable:
    import numba

    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # there is no folder to keep it in
        return numba.njit(nogil=True)(function)
