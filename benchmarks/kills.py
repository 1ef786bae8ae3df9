"""Kills at random moments: what is lost, what is left, and what the same command gives when it is run again.

    python benchmarks/kills.py [--kills 40] [--seed 0] [--commands count select make-smaller compare]
    python benchmarks/kills.py --commands recover shrink tune


Every command works on the built-in example original, half of the times into a new place, half of the times
over an earlier, different output (--overwrite). SIGKILL strikes the command's own process, not its children,
at a moment drawn evenly from the time that it takes. Looked at are the output's folder and the one for
temporary files.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from smaller_labse.common.result_table import Table
from smaller_labse.corpora.builtin_sentences import builtin_sentences

LANGUAGES = ("en", "it", "ja")
REPEATED = 20_000  # lines of each built-in sentence: seconds of counting
# Memory and times are measured, so never twice the same.
MEASURED = (
    "resident_bytes",
    "peak_bytes",
    "load_seconds",
    "texts_per_second",
    "least_per_second",
    "most_per_second",
    "tokenizer_bytes",
    "tokenizer_seconds",
)
# TensorFlow's own, about a kilobyte each, which nobody but itself can know to be dead; they are left out.
TENSORFLOWS = "__autograph_generated_file"
GOES_ON_FROM = ".training"  # what training keeps beside its output, to go on from
A_MINUTE = 60.0
LONGEST = 600.0  # seconds, for a second run
TRAINED_ON, STEPS = 400, "300"  # lines of each language, and steps: seconds of training

Digests = dict[str, str]  # a file's place → the digest of its bytes


@dataclass(frozen=True)
class Work:
    """A command whose output is looked at.

    Attributes:
        command: its name, for people.
        module: what is run.
        arguments: without the output.
        earlier: arguments that give another output, which stands there before `--overwrite`.
        output: the output's name.
        marker: a file that is in every such output.
    """

    command: str
    module: str
    arguments: tuple[str, ...]
    earlier: tuple[str, ...]
    output: str
    marker: str

    def line(self, arguments: Sequence[str], place: Path) -> list[str]:
        """The command line that writes into `place`."""
        return [sys.executable, "-m", self.module, *arguments, "--out", str(place / self.output)]


@dataclass
class Found:
    """What the kills of one command showed."""

    kills: int = 0
    whole_after: int = 0  # the output was there whole already
    left_after: int = 0  # something was left beside it
    completed: int = 0
    equal: int = 0
    left_after_next: int = 0
    outliving: int = 0  # processes alive after a minute
    slowest_end: float = 0.0  # seconds until the last process was gone
    looks: int = 0  # of whether the earlier output is there
    missed: int = 0
    broken: list[str] = field(default_factory=list)  # kills after which an output was neither old nor new


def main(arguments: list[str] | None = None) -> int:
    """Kill, look, run again, and print a table; 1 where anything was lost or left."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commands", nargs="+", default=["count", "select", "make-smaller", "compare"])
    parser.add_argument("--original", type=Path, help="default: the built-in example, written anew")
    parser.add_argument("--repeated", type=int, default=REPEATED, help="lines of each sentence to count")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        found = kill_all(options, Path(folder))
    print(table(found).markdown())
    for name, one in found.items():
        for broken in one.broken:
            print(f"{name}: {broken}")
    return int(any(map(is_bad, found.values())))


def kill_all(options: argparse.Namespace, folder: Path) -> dict[str, Found]:
    """Kill every command in turn, in an order and at moments that the seed decides."""
    works = prepare(folder, options.original, options.repeated, options.commands)
    rng = random.Random(options.seed)
    found: dict[str, Found] = {}
    runs = [Runs(work, overwrite, folder) for work in works for overwrite in (False, True)]
    for number in range(options.kills):
        run = runs[number % len(runs)]
        run.kill_once(found.setdefault(run.name, Found()), rng)
        print(f"{number + 1} of {options.kills}: {run.name}", file=sys.stderr, flush=True)
    return found


def prepare(folder: Path, original: Path | None, repeated: int, commands: Sequence[str]) -> list[Work]:
    """Write what the commands read, and say how they are called."""
    text = folder / "text"
    text.mkdir()
    for code in LANGUAGES:
        lines = [f"{number} {line}\n" for number in range(repeated) for line in builtin_sentences()[code]]
        (text / f"{code}.txt").write_text("".join(lines), encoding="utf-8")
        few = "".join(f"{line}\n" for line in builtin_sentences()[code])
        (text / f"{code}.few").write_text(few, encoding="utf-8")
        (text / f"{code}.train").write_text("".join(lines[:TRAINED_ON]), encoding="utf-8")
    if original is None:
        original = folder / "original"
        run_whole(
            [sys.executable, "-m", "smaller_labse.make_smaller.example", "--out", str(original)], folder
        )
    model, texts = ("--model", str(original)), ("--text", str(text / "{code}.txt"))
    counting = (*model, *texts, "--languages", ",".join(LANGUAGES), "--max-lines")
    pairs = [f"en={text / 'en.few'},{code}={text / f'{code}.few'}" for code in ("it", "ja")]
    comparing = ("--original", str(original), "--no-pictures", "--parallel")
    selecting = (*model, "--counts", str(folder / "counts"), "--top-k")
    making = (*model, "--license", "apache-2.0", "--selection")
    stages = tuple(
        f"smaller_labse.{stage}" for stage in ("select_vocab", "make_smaller", "evaluate", "distill")
    )
    trimmed, trained = str(folder / "trimmed"), ("--learning-rate", "1e-3", "--steps")
    translated = ("--pairs", f"en-it={text / 'en.train'},{text / 'it.train'}", *trained)
    shrinking = ("shrink", "--model", str(original), "--teacher", str(original), *translated)
    recovering = ("--teacher", str(original), "--text", f"it={text / 'it.train'}", *trained)
    works = {
        "count": Work(
            "count", stages[0], ("count", *counting, "0"), ("count", *counting, "9"), "counts", "en.parquet"
        ),
        "select": Work(
            *("select", stages[0], ("select", *selecting, "500"), ("select", *selecting, "99")),
            *("selection", "selection.json"),
        ),
        "make-smaller": Work(
            *("make-smaller", stages[1], (*making, str(folder / "500")), (*making, str(folder / "99"))),
            *("model", "manifest.json"),
        ),
        "compare": Work(
            *("compare", stages[2], ("compare", *comparing, *pairs), ("compare", *comparing, pairs[0])),
            *("report", "report.json"),
        ),
        "recover": Work(
            *("recover", stages[3], ("recover", "--model", trimmed, *recovering, STEPS, "--train", "all")),
            *(("recover", "--model", trimmed, *recovering, "2"), "model", "manifest.json"),
        ),
        "shrink": Work(
            *("shrink", stages[3], (*shrinking, STEPS, "--layers", "1")),
            *((*shrinking, "2", "--layers", "1"), "model", "manifest.json"),
        ),
        "tune": Work(
            *(
                "tune",
                stages[3],
                ("tune", "--model", str(original), *translated, STEPS, "--near-weight", "1"),
            ),
            *(("tune", "--model", str(original), *translated, "2"), "model", "manifest.json"),
        ),
    }
    if {"select", "make-smaller", "recover"} & set(commands):
        few = ["count", *counting, "9", "--out", str(folder / "counts")]
        run_whole([sys.executable, "-m", stages[0], *few], folder)
        for size in ("500", "99", "9"):
            few = ["select", *selecting, size, "--out", str(folder / size)]
            run_whole([sys.executable, "-m", stages[0], *few], folder)
    if "recover" in commands:
        run_whole([sys.executable, "-m", stages[1], *making, str(folder / "9"), "--out", trimmed], folder)
    return [works[command] for command in commands]


class Runs:
    """Runs of one command, with or without `--overwrite`."""

    def __init__(self, work: Work, overwrite: bool, folder: Path) -> None:
        """Run it whole once, to know its output and how long it takes."""
        self._work, self._overwrite, self._folder = work, overwrite, folder
        self.name = f"{work.command} --overwrite" if overwrite else work.command
        self._earlier: Path | None = None
        if overwrite:
            self._earlier = folder / f"earlier {work.command}"
            self._earlier.mkdir()
            run_whole(work.line(work.earlier, self._earlier), folder)
        whole = folder / f"whole {self.name}"
        self._set_up(whole)
        started = time.monotonic()
        run_whole(self._line(whole), folder)
        self._seconds = time.monotonic() - started
        self._new = digests(whole)

    def kill_once(self, found: Found, rng: random.Random) -> None:
        """Kill one run at a moment, look at what is there, run it again and look at that."""
        place = self._folder / "place"
        seconds = rng.uniform(0, self._seconds)
        old = self._set_up(place)
        watch = Watch(place / self._work.output / self._work.marker) if self._overwrite else None
        process = start(self._line(place), self._folder)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
        process.wait()
        alive, end = until_gone(process.pid)
        if watch is not None:
            found.looks += watch.end()
            found.missed += watch.missed
        found.kills += 1
        found.outliving += alive
        found.slowest_end = max(found.slowest_end, end)
        there = digests(place)
        leftovers = {name for name in there if name.startswith(".") or "/." in name} | self._temporary()
        found.left_after += bool(leftovers)
        outputs = {name: digest for name, digest in there.items() if name not in leftovers}
        whole = outputs == self._new
        found.whole_after += whole
        for name, digest in outputs.items():
            if name.startswith(f"{self._work.output}/") and digest not in (
                old.get(name),
                self._new.get(name),
            ):
                found.broken.append(f"after {seconds:.2f} s {name} was neither old nor new")
        again = start(self._line(place), self._folder)
        code = again.wait(LONGEST)
        found.completed += code == 0 or (code == 1 and whole and not self._overwrite)  # "exists"
        after = digests(place)
        found.equal += after == self._new
        found.left_after_next += bool(self._temporary() or set(after) - set(self._new))
        shutil.rmtree(place)

    def _set_up(self, place: Path) -> Digests:
        """Make the place, with the earlier output in it where there is one; what is in it."""
        if self._earlier is None:
            place.mkdir()
            return {}
        shutil.copytree(self._earlier, place)
        for cache in place.glob("*.cache"):  # or there would be nothing left to measure
            shutil.rmtree(cache)
        return digests(place)

    def _line(self, place: Path) -> list[str]:
        return self._work.line(self._work.arguments, place) + ["--overwrite"] * self._overwrite

    def _temporary(self) -> set[str]:
        names = {path.name for path in temporary_folder(self._folder).iterdir()}
        return {name for name in names if not name.startswith(TENSORFLOWS)}


class Watch:
    """Looks, again and again, whether a file is there."""

    def __init__(self, file: Path) -> None:
        """Begin to look."""
        self._file, self._ended, self.looks, self.missed = file, False, 0, 0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> int:
        """Stop, and say how often it was looked."""
        self._ended = True
        self._thread.join()
        return self.looks

    def _look(self) -> None:
        while not self._ended:
            self.looks += 1
            self.missed += not self._file.exists()
            time.sleep(0.0005)


def temporary_folder(folder: Path) -> Path:
    """Where the commands put temporary files."""
    (folder / "temporary").mkdir(exist_ok=True)
    return folder / "temporary"


def start(line: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, by which its processes are found."""
    environment = os.environ | {"TMPDIR": str(temporary_folder(folder)), "SOURCE_DATE_EPOCH": "0"}
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(line, env=environment, stdout=said, stderr=said, start_new_session=True)


def run_whole(line: Sequence[str], folder: Path) -> None:
    """Run a command that must succeed."""
    if start(line, folder).wait() != 0:
        raise SystemExit((folder / "said.txt").read_text(encoding="utf-8")[-2000:])


def until_gone(session: int) -> tuple[int, float]:
    """Wait a minute for a session's processes to be gone; how many are not, and after how many seconds."""
    started = time.monotonic()
    while (alive := processes_of(session)) and time.monotonic() < started + A_MINUTE:
        time.sleep(0.01)
    for process in alive:
        os.kill(process, signal.SIGKILL)
    return len(alive), time.monotonic() - started


def processes_of(session: int) -> list[int]:
    """The processes that run in a session."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, of_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of_session) == session and state != "Z":
            found.append(int(folder.name))
    return found


def digests(place: Path) -> Digests:
    """Every file below a folder, but for what training goes on from; of some, only what is not measured."""
    return {
        path.relative_to(place).as_posix(): hashlib.sha256(contents(path)).hexdigest()
        for path in sorted(place.rglob("*"))
        if not path.relative_to(place).parts[0].endswith(GOES_ON_FROM)
        if path.is_file() or not any(path.iterdir())
    }


def contents(path: Path) -> bytes:
    """A file's bytes; of measured memory and seconds, nothing."""
    if path.is_dir() or path.parent.suffix == ".cache":
        return b""
    if path.name == "report.json":
        return json.dumps(without_measured(json.loads(path.read_bytes()))).encode()
    if path.name == "training.jsonl":
        lines = map(json.loads, path.read_text(encoding="utf-8").splitlines())
        return json.dumps([{**line, "seconds": 0} for line in lines]).encode()
    if path.parent.name == "report":  # pages that show it
        return b""
    return path.read_bytes()


def without_measured(found: object) -> object:
    """JSON without what is measured of memory."""
    if isinstance(found, dict):
        return {key: without_measured(value) for key, value in found.items() if key not in MEASURED}
    return [without_measured(value) for value in found] if isinstance(found, list) else found


def table(found: dict[str, Found]) -> Table:
    """What was found, a row for each command."""
    columns: dict[str, Callable[[Found], str]] = {
        "kills": lambda one: str(one.kills),
        "left something": lambda one: str(one.left_after),
        "whole already": lambda one: str(one.whole_after),
        "next run completed": lambda one: str(one.completed),
        "equal": lambda one: str(one.equal),
        "left after it": lambda one: str(one.left_after_next),
        "alive after a minute": lambda one: str(one.outliving),
        "last gone after (s)": lambda one: f"{one.slowest_end:.2f}",
        "looks for the old one": lambda one: f"{one.looks:,}" if one.looks else "–",
        "it was missing": lambda one: str(one.missed) if one.looks else "–",
    }
    rows = [[name, *(show(one) for show in columns.values())] for name, one in found.items()]
    return Table(("", *columns), rows)


def is_bad(found: Found) -> bool:
    """Whether anything was lost, left or alive."""
    complete = found.completed == found.equal == found.kills
    return not complete or bool(found.left_after_next or found.outliving or found.missed or found.broken)


if __name__ == "__main__":
    sys.exit(main())
