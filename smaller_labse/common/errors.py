"""Errors that a user can put right: one family, with the exit codes 1 (failure) and 2 (usage)."""


class SmallerLabseError(Exception):
    """Something went wrong that the user can put right; the message is one line that says how.

    Commands print the message and end with `exit_code`, without a traceback.
    """

    exit_code = 1


class UsageError(SmallerLabseError):
    """The command was given something that cannot be meant: an unknown language, options that clash."""

    exit_code = 2
