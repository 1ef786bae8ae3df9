"""Running a command: exit codes, one line for each failure, Ctrl-C that is never lost."""

from __future__ import annotations

import codecs
import io
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import (
    FAILURE,
    INTERRUPTED,
    LIBRARIES,
    SUCCESS,
    WRONG_USAGE,
    SmallerLabseError,
)
from smaller_labse.common.visible_text import visible, visible_output

# How our own signs are written where a terminal's encoding has none of them.
PLAIN_SIGNS = {"…": "...", "→": "->", "–": "-", "—": "-", "·": "-", "×": "x", "−": "-", "≤": "<=", "≥": ">="}


_began: ContextVar[float | None] = ContextVar("began", default=None)


def run_command(parser: CommandParser, arguments: list[str] | None = None) -> int:
    """Parse `arguments`, call the `run` function that the parser chose, and return the exit code.

    Args:
        parser: sets `run`, a function of the parsed arguments.
        arguments: the command line without the program's name; None reads `sys.argv`.

    Returns:
        0; 1 after a failure; 2 after wrong usage; 130 after Ctrl-C, SIGTERM or SIGHUP.
        Failures print a line each on standard error; only a defect of ours shows a traceback.

    Raises:
        SystemExit: after `--help` and `--version` with 0, after a command line that cannot be parsed with 2.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # No command uses Keras, but TF Hub's package imports one: Keras 3 takes seconds longer than Keras 2.
    os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    _write_in_any_encoding()
    with _interruptible(), visible_output(), command_running(is_process=arguments is None):
        try:
            return _run(parser, arguments)
        finally:
            _give_up_output()


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


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the block as Ctrl-C does, and let none get lost.

    A terminal that is closed sends SIGHUP; where `nohup` has it ignored, it stays ignored.
    Python swallows an exception that is raised while an object is finalized, an interrupt, too. Such a one
    strikes again a moment later, elsewhere.
    """
    heard = {signal.SIGTERM, signal.SIGALRM}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        heard.add(signal.SIGHUP)
    previous = {number: signal.signal(number, _interrupt) for number in heard}
    report = sys.unraisablehook

    def strike_again(swallowed: sys.UnraisableHookArgs) -> None:
        if issubclass(swallowed.exc_type, KeyboardInterrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.01)
        else:
            report(swallowed)

    sys.unraisablehook = strike_again
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.unraisablehook = report
        for number, handler in previous.items():
            signal.signal(number, handler)


def _interrupt(signal_number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _run(parser: CommandParser, arguments: list[str] | None) -> int:
    try:
        try:
            options = parser.parse_command_line(arguments)
        except SystemExit:  # after --help, or what cannot be parsed
            _flush_output()
            raise
        parser, run = vars(options).pop("parser"), vars(options).pop("run")
        run(options)
        _flush_output()
        return SUCCESS
    except SmallerLabseError as error:
        messages, code = str(error).split("\n"), error.exit_code
    except KeyboardInterrupt:
        messages = ["interrupted; nothing half-done is left, run the same command again"]
        code = INTERRUPTED
    except BrokenPipeError:
        return SUCCESS  # whoever read our output has stopped
    except MemoryError:
        messages, code = ["out of memory"], FAILURE
    except OSError as error:
        messages, code = [_one_line(error)], FAILURE
    except Exception as error:
        if not type(error).__module__.startswith(LIBRARIES):
            raise
        messages, code = [_one_line(error)], FAILURE
    see_help = parser.see_help if code == WRONG_USAGE else ""
    with suppress(OSError):  # a terminal that was closed
        for line in [*messages[:-1], messages[-1] + see_help]:
            print(visible(f"{parser.prog}: {line}"), file=sys.stderr)
    return code


def _one_line(error: BaseException) -> str:
    """Say what the system said, the file first where it is known."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", " ".join(str(error).split()))  # TensorFlow's inner names
    return text or type(error).__name__


def _write_in_any_encoding() -> None:
    """Let no terminal's encoding stop a table or a file's name from being shown."""
    codecs.register_error("plain signs", _plain_signs)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="plain signs")


def _plain_signs(error: UnicodeError) -> tuple[str | bytes, int]:
    assert isinstance(error, UnicodeEncodeError)
    unwritable = error.object[error.start : error.end]
    plain = "".join(PLAIN_SIGNS.get(sign, sign) for sign in unwritable)
    return plain.encode("ascii", "backslashreplace").decode("ascii"), error.end


def _flush_output() -> None:
    if sys.stdout is not None:  # as after >&-
        sys.stdout.flush()


def _give_up_output() -> None:
    """Where what is left cannot be written, keep Python from complaining about it when it exits."""
    try:
        _flush_output()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
