"""Errors that a user can put right, one family, failures and wrong usage; exit codes of all commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smaller_labse.common.visible_text import visible

SUCCESS = 0
FAILURE = 1
WRONG_USAGE = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells report it

# Libraries that report a full disk or an unreadable file with classes of their own.
LIBRARIES = ("tensorflow", "safetensors", "pyarrow")


class SmallerLabseError(Exception):
    """Something went wrong that the user can put right; the message is a line that says how.

    Commands print the message and end with `exit_code`, without a traceback.
    """

    exit_code = FAILURE

    def __str__(self) -> str:
        """The message, with what came out of files made visible; of several, a line for each."""
        return "\n".join(visible(str(message)) for message in self.args)


class UsageError(SmallerLabseError):
    """The command was given something that cannot be meant: an unknown language, options that clash."""

    exit_code = WRONG_USAGE


def all_of(*checks: Callable[[], Any]) -> list[Any]:
    """The results of several checks, so that a user learns of all that is wrong at once.

    Raises:
        SmallerLabseError: what one check found; of several, a line for each, and a `UsageError` if one is.

    >>> all_of(lambda: 1, lambda: "two")
    [1, 'two']
    """
    results, found = [], []
    for check in checks:
        try:
            results.append(check())
        except SmallerLabseError as error:
            found.append(error)
    if len(found) == 1:
        raise found[0]
    if found:
        kind = UsageError if any(isinstance(error, UsageError) for error in found) else SmallerLabseError
        raise kind(*dict.fromkeys(message for error in found for message in error.args))
    return results
