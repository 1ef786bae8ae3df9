"""Running a command: exit codes, one line for each failure, Ctrl-C that is never lost."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from smaller_labse.common.errors import SmallerLabseError

INTERRUPTED = 130  # 128 + SIGINT, as shells report it


def run_command(parser: argparse.ArgumentParser, arguments: list[str] | None = None) -> int:
    """Parse `arguments`, call the `run` function that the parser chose, and return the exit code.

    Args:
        parser: sets `run`, a function of the parsed arguments.
        arguments: the command line without the program's name; None reads `sys.argv`.

    Returns:
        0; 1 after a failure; 2 after wrong usage (by argparse itself, too); 130 after Ctrl-C or SIGTERM.
        Failures print one line on standard error; only a defect of ours shows a traceback.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    options = parser.parse_args(arguments)
    with _interruptible():
        return _report_failure(parser.prog, options.run, options)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, and let neither get lost.

    Python swallows an exception that is raised while an object is finalized, an interrupt, too. Such a one
    strikes again a moment later, elsewhere.
    """
    previous = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGALRM)}
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


def _report_failure(
    program: str, function: Callable[[argparse.Namespace], None], options: argparse.Namespace
) -> int:
    try:
        function(options)
        sys.stdout.flush()
        return 0
    except SmallerLabseError as error:
        message, code = str(error), error.exit_code
    except KeyboardInterrupt:
        message, code = "interrupted; nothing half-done is left, run the same command again", INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has stopped; keep Python from complaining about it when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        message, code = "out of memory", 1
    except OSError as error:
        message, code = _one_line(error), 1
    except Exception as error:
        # TensorFlow and safetensors report a full disk or an unreadable file with classes of their own.
        if not type(error).__module__.startswith(("tensorflow", "safetensors", "pyarrow")):
            raise
        message, code = _one_line(error), 1
    print(f"{program}: {message}", file=sys.stderr)
    return code


def _one_line(error: BaseException) -> str:
    """Say what the system said, the file first where it is known."""
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    text = re.sub(r"\{\{.*?\}\} | \[Op:\w+\]", "", " ".join(str(error).split()))  # TensorFlow's inner names
    return text or type(error).__name__
