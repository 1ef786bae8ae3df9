"""Cases of a reader, run in a process of their own that is started again when one of them ends it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECONDS, MEGABYTES = 10, 256  # of a case
START_SECONDS = 120  # until a worker has imported all that it needs
HARMLESS = ("read", "refused")
DEFECTS = ("traceback", "hang", "memory", "wrong", "outside", "escape")


@dataclass
class Found:
    """What became of a reader's cases.

    Attributes:
        reader: its name.
        seed: of the cases.
        ended: how cases ended → how many.
        defects: case → how it ended, and why.
    """

    reader: str
    seed: str
    ended: Counter[str] = field(default_factory=Counter)
    defects: dict[int, tuple[str, str]] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many there were."""
        return self.ended.total()


def run_cases(
    reader: str,
    samples: Path,
    scratch: Path,
    seed: str,
    end: int,
    seconds: float | None = None,
    first: int = 0,
) -> Found:
    """Run the cases `first` to `end` of a reader, or those that there is time for.

    Args:
        reader: one of `READERS`.
        samples: as `write_samples` wrote them.
        scratch: a folder for the samples that are damaged.
        seed: the same seed and number, the same case.
        end: the number after the last case's.
        seconds: how long, from the first case on, as imports take seconds; None for all cases.
        first: the number of the first case.
    """
    found = Found(reader, seed)
    clock = _Clock(seconds)
    while first < end and not clock.is_over:
        first = _run_until_one_ends_it(found, samples, scratch, first, end, clock)
    shutil.rmtree(scratch, ignore_errors=True)
    return found


class _Clock:
    """How long cases have been run, from the first one on."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds, self.started = seconds, 0.0

    def start(self) -> None:
        """The first case begins, or a later one."""
        self.started = self.started or time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether there is no more time."""
        return self.seconds is not None and 0 < self.started < time.monotonic() - self.seconds


def _run_until_one_ends_it(
    found: Found, samples: Path, scratch: Path, first: int, end: int, clock: _Clock
) -> int:
    """Run cases in one process; returns the number of the next one."""
    arguments = [samples, scratch, found.reader, found.seed, first, end, SECONDS, MEGABYTES]
    command = [sys.executable, "-m", "tests.fuzz.worker", *map(str, arguments)]
    number, running = first, False
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        for line in process.stdout:
            said = json.loads(line)
            clock.start()
            number, running = said["case"], "ended" not in said
            if not running:
                _note(found, number, said["ended"], said["why"])
                number += 1
                if clock.is_over:
                    process.kill()
                    break
        errors = process.stderr.read()
    if running:
        _note(found, number, *_how_it_died(process.returncode, errors))
        number += 1
    elif process.returncode > 0:
        raise RuntimeError(f"the worker of {found.reader} failed before case {number}:\n{errors[-2000:]}")
    return number


def _note(found: Found, number: int, ended: str, why: str) -> None:
    found.ended[ended] += 1
    if ended not in HARMLESS:
        found.defects[number] = (ended, why)


def _how_it_died(code: int, errors: str) -> tuple[str, str]:
    """What killed a process in the middle of a case: SIGALRM took too long, SIGKILL and aborts too much memory."""
    last = " ".join(errors.split())[-200:]
    if code == -14:
        return "hang", f"more than {SECONDS} seconds"
    if code == -9 or "memory" in last.lower() or "alloc" in last.lower():
        return "memory", f"killed; {last}"
    return "traceback", f"the process ended with {code}; {last}"


def environment() -> Mapping[str, str]:
    """Of a worker."""
    # One thread: readers start many, whose address space counts.
    threads = dict.fromkeys(("OMP_NUM_THREADS", "ARROW_IO_THREADS", "RAYON_NUM_THREADS"), "1")
    return os.environ | threads | {"TOKENIZERS_PARALLELISM": "false", "PYTHONHASHSEED": "0"}
