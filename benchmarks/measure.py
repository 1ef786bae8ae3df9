"""Run commands as processes of their own, in turn and several times, and say what each one took."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from smaller_labse.select_vocab.tables import Table

PACKAGES = ("tensorflow", "tensorflow-text", "numpy", "pyarrow", "safetensors", "tokenizers")


@dataclass(frozen=True)
class Run:
    """One run of a command.

    Attributes:
        seconds: wall time, from start to exit.
        gigabytes: peak resident memory, in 10^9 bytes; a child's children are not counted.
    """

    seconds: float
    gigabytes: float


def measure(command: Sequence[str]) -> Run:
    """Run a command to its end.

    Raises:
        SystemExit: it failed; its output is shown.
    """
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}\nended with {process.returncode}:\n{output}")
    # Linux counts kilobytes, macOS bytes.
    return Run(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9)


def take_turns(
    commands: Mapping[str, Sequence[str]], repetitions: int, before_each: Callable[[], None]
) -> dict[str, list[Run]]:
    """Run all commands once, then all again, so that a slow minute of the machine hits every one."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for repetition in range(repetitions):
        for name, command in commands.items():
            before_each()
            print(f"{repetition + 1} of {repetitions}: {name}", file=sys.stderr, flush=True)
            runs[name].append(measure(command))
    return runs


def runs_table(runs: Mapping[str, Sequence[Run]], reference: str) -> Table:
    """Medians, in brackets the spread, and ratios to the command called `reference`."""
    reference_seconds = statistics.median(run.seconds for run in runs[reference])
    rows = []
    for name, done in runs.items():
        seconds = sorted(run.seconds for run in done)
        memory = statistics.median(run.gigabytes for run in done)
        median = statistics.median(seconds)
        rows.append(
            (
                name,
                f"{median:.1f} s ({seconds[0]:.1f} to {seconds[-1]:.1f})",
                f"{reference_seconds / median:.1f} x",
                f"{memory:.2f} GB",
            )
        )
    return Table(("", "wall time", "speed", "peak memory"), rows)


def describe_machine() -> str:
    """Processor, cores and versions, in one line."""
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"{_processor()}, {os.cpu_count()} cores, Python {platform.python_version()}, {packages}"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - no file of ours
            return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
