"""The fuzzing suite for as long as one likes: every reader's share of the minutes, a table, failing inputs kept."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.result_table import Table, print_table
from tests.fuzz.cases import DEFECTS, HARMLESS, Found, run_cases
from tests.fuzz.readers import READERS
from tests.fuzz.samples import make_samples
from tests.fuzz.worker import prepare

SHOWN = 3  # defects of a reader in the terminal


def main(arguments: list[str] | None = None) -> int:
    """Run as a command with `arguments` (default: the process's) and return its exit code."""
    parser = CommandParser(
        prog="scripts/development/fuzz.sh", description="Read damaged files, as many as there is time for."
    )
    parser.set_defaults(run=_fuzz)
    parser.add_argument("minutes", type=float, metavar="MINUTES")
    parser.add_argument("readers", nargs="*", metavar="READER")
    parser.add_argument("--out", type=Path, default=Path("work/fuzz"))
    parser.add_argument("--seed", default=None)
    parser.add_argument("--case", type=int)
    return run_command(parser, arguments)


def _fuzz(options: argparse.Namespace) -> None:
    unknown = [name for name in options.readers if name not in READERS]
    if unknown:
        raise UsageError(f"no reader {unknown[0]!r}; there are {', '.join(READERS)}")
    if not options.minutes > 0:
        raise UsageError(f"MINUTES: expected a number above 0, got {options.minutes}")
    names = options.readers or list(READERS)
    seed = options.seed or str(int(time.time()))
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        samples = Path(scratch) / "samples"
        print("making samples …", file=sys.stderr, flush=True)
        make_samples(samples)
        found = []
        for number, name in enumerate(names):
            share = 60 * options.minutes / len(names)
            first, end = (options.case, options.case + 1) if options.case is not None else (0, sys.maxsize)
            found.append(run_cases(name, samples, Path(scratch) / "case", seed, end, share, first))
            _keep(found[-1], samples, options.out)
            print(
                f"{number + 1} of {len(names)}: {name}, {found[-1].cases:,} cases",
                file=sys.stderr,
                flush=True,
            )
    print_table(_table(found))
    _write_json(found, options.out / "fuzz.json")
    defects = sum(len(one.defects) for one in found)
    if defects:
        raise SmallerLabseError(f"{defects:,} defects; the files are in {options.out}")


def _keep(found: Found, samples: Path, out: Path) -> None:
    """Keep the damaged files, and say how to run their cases again."""
    for number, (ended, why) in list(found.defects.items()):
        with tempfile.TemporaryDirectory() as scratch:
            folder, file, _ = prepare(READERS[found.reader], samples, Path(scratch), found.seed, number)
            kept = out / f"{found.reader}-{found.seed}-{number}" / file.relative_to(folder)
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, kept)
        if list(found.defects).index(number) < SHOWN:
            print(f"{found.reader}, case {number}: {ended}: {why}\n  {kept}\n  {_again(found, number)}")


def _again(found: Found, number: int) -> str:
    return f"scripts/development/fuzz.sh 1 {found.reader} --seed {found.seed} --case {number}"


def _table(found: list[Found]) -> Table:
    columns = (
        "reader",
        "cases",
        "refused",
        "tracebacks",
        "hangs",
        "memory",
        "wrong",
        "outside",
        "escapes",
        "seed",
    )
    rows = [
        (
            one.reader,
            f"{one.cases:,}",
            f"{one.ended['refused']:,}",
            *(f"{one.ended[ended]:,}" for ended in DEFECTS),
            one.seed,
        )
        for one in found
    ]
    return Table(
        columns, rows, ("The other cases were read, as what was damaged says nothing or stays possible.",)
    )


def _write_json(found: list[Found], file: Path) -> None:
    described = [
        {
            "reader": one.reader,
            "seed": one.seed,
            "cases": one.cases,
            **{ended: one.ended[ended] for ended in (*HARMLESS, *DEFECTS)},
            "defects": [
                {"case": number, "ended": ended, "why": why, "again": _again(one, number)}
                for number, (ended, why) in one.defects.items()
            ],
        }
        for one in found
    ]
    file.write_text(json.dumps(described, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
