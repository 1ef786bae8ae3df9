"""Two versions of the toolkit side by side in one run: counting, trimming and encoding, time and memory.

    git worktree add ../before COMMIT           # and install it into an environment of its own
    scripts/benchmark.sh versions --before ../before/.venv/bin/python

Both run the same commands on the same text and originals, in turn, each in a process of its own, from an
empty folder: in this repository, Python would take this version for both.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from counting import vocabulary_of
from encoding import write_sentences
from measure import Run, Section, apart, measure, peak, spread, take_turns
from text import LANGUAGES, write_text
from trimming import PUBLISHED_SIZE

from smaller_labse.common.result_table import Table

LINES = 500_000
SENTENCES = 600


def measure_versions(before: Path, labse: Path, e5: Path, scratch: Path, repetitions: int) -> list[Section]:
    """Run every job with the interpreter of the earlier version and with this one's."""
    labse, e5, scratch = labse.resolve(), e5.resolve(), scratch.resolve()
    text, out = scratch / f"text_{LINES}", scratch / "versions_out"
    apart(write_text, text, LINES)
    write_sentences(scratch / "sentences.txt", SENTENCES)
    kept, selection = scratch / "kept.txt", scratch / "versions_selection"
    pieces = vocabulary_of(labse).read_bytes().splitlines()
    # Spread over the whole matrix, as the tokens of any language are.
    kept.write_bytes(b"\n".join(pieces[row * len(pieces) // PUBLISHED_SIZE] for row in range(PUBLISHED_SIZE)))
    measure([sys.executable, "-m", "smaller_labse.select_vocab", "select", "--model", labse, "--pieces", kept,
             "--no-keep-characters", "--order", "alphabetical", "--out", selection])  # fmt: skip
    languages = ("--languages", ",".join(LANGUAGES), "--max-lines", "0")
    jobs: dict[str, tuple[str | Path, ...]] = {
        f"count, WordPiece, {LINES:,} lines": (
            *("smaller_labse.select_vocab", "count", "--model", labse, "--text", text / "{code}.txt"),
            *languages,
        ),
        f"count, SentencePiece, {LINES:,} lines": (
            *("smaller_labse.select_vocab", "count", "--model", e5, "--text", text / "{code}.txt"),
            *languages,
        ),
        "make-smaller, 501,153 x 768, all formats": (
            *("smaller_labse.make_smaller", "--model", labse, "--selection", selection),
        ),
        f"encode, {SENTENCES:,} sentences": (
            *("smaller_labse.evaluate", "encode", "--model", labse, "--text", scratch / "sentences.txt"),
        ),
    }
    return [
        _section(title, job, {"before": before.absolute(), "now": Path(sys.executable)}, out, repetitions)
        for title, job in jobs.items()
    ]


def _section(
    title: str, job: tuple[str | Path, ...], pythons: dict[str, Path], out: Path, repetitions: int
) -> Section:
    def run(python: Path) -> Callable[[], Run]:
        def once() -> Run:
            _remove(out)
            with tempfile.TemporaryDirectory(dir=out.parent) as empty:
                return measure([python, "-m", *job, "--out", out], folder=Path(empty))

        return once

    runs = take_turns({name: run(python) for name, python in pythons.items()}, repetitions)
    _remove(out)
    first = median(run.seconds for run in runs["before"])
    rows = [
        (
            name,
            spread([run.seconds for run in done]) + " s",
            f"{median(run.seconds for run in done) / first:.2f} x",
            peak(done),
        )
        for name, done in runs.items()
    ]
    return Section(title, Table(("", "wall time", "of before", "peak memory"), rows), runs)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
