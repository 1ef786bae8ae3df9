"""Run commands as processes of their own, in turn and several times, and say what each one took."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

from smaller_labse.common.result_table import Table

Result = TypeVar("Result")
PACKAGES = ("tensorflow", "tensorflow-text", "numpy", "numba", "tokenizers")


@dataclass(frozen=True)
class Run:
    """One run of a command.

    Attributes:
        seconds: wall time, from start to exit; or what the command itself says that its work took.
        gigabytes: peak resident memory, in 10^9 bytes; a child's children are not counted.
        amount: how much work was done, e.g. how many tokens were counted.
    """

    seconds: float
    gigabytes: float
    amount: int = 1


@dataclass(frozen=True)
class Section:
    """What one benchmark found.

    Attributes:
        title: what was asked.
        table: the answer, for people.
        runs: every run, by its row's name; or dataclasses of what else was found.
        notes: what one has to know to read the table, a sentence or more.
    """

    title: str
    table: Table
    runs: Mapping[str, Sequence[Any]]
    notes: str = ""

    def markdown(self) -> str:
        """The section as it stands in the README."""
        return f"#### {self.title}\n\n{self.table.markdown()}" + (f"\n{self.notes}\n" if self.notes else "")


def measure(command: Sequence[str | Path], amount: str | None = None, folder: Path | None = None) -> Run:
    """Run a command to its end.

    Args:
        command: what to run.
        amount: the last line of its output is JSON, in which `seconds` and the amount under this key stand,
            and `gigabytes` where it knows better; None for a command whose wall time counts.
        folder: where to run it; None for here.

    Raises:
        SystemExit: it failed; its output is shown.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder)
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            sys.exit(
                f"{' '.join(map(str, command))}\nended with {process.returncode}:\n{output}{errors.read()}"
            )
    # Linux counts kilobytes, macOS bytes.
    gigabytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
    if amount is None:
        return Run(seconds, gigabytes)
    said = json.loads(output.splitlines()[-1])
    return Run(said["seconds"], said.get("gigabytes", gigabytes), said[amount])


def apart(function: Callable[..., Result], *arguments: object) -> Result:
    """Call a function in a process of its own: what a parent ever held counts in its children's peak."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(function, *arguments).result()


def take_turns(ways: Mapping[str, Callable[[], Run]], repetitions: int) -> dict[str, list[Run]]:
    """Go through all ways, then through all again, so that a slow minute of the machine hits every one."""
    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for repetition in range(repetitions):
        for name, run in ways.items():
            print(f"{repetition + 1} of {repetitions}: {name}", file=sys.stderr, flush=True)
            runs[name].append(run())
    return runs


def spread(values: Sequence[float], form: str = "{:.1f}") -> str:
    """The median and, in brackets, minimum and maximum."""
    if len(values) == 1:
        return form.format(values[0])
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{form.format(median)} ({form.format(least)} to {form.format(most)})"


def median_rate(runs: Sequence[Run]) -> float:
    """Work done per second."""
    return statistics.median(run.amount / run.seconds for run in runs)


def peak(runs: Sequence[Run]) -> str:
    """The median of the peak memory."""
    return f"{statistics.median(run.gigabytes for run in runs):.2f} GB"


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
