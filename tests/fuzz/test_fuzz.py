"""A few damaged files for every reader, and that the suite itself notices each kind of defect."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from smaller_labse.common.errors import SmallerLabseError
from tests.fuzz import cases, worker
from tests.fuzz.cases import MEGABYTES, ROOT, SECONDS
from tests.fuzz.readers import READERS, Reader
from tests.fuzz.samples import Made, write_samples

CASES = 5  # of each reader
SEED = "tests"


@pytest.fixture(scope="module")
def samples(example, counted, trimmed, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz") / "samples"
    write_samples(folder, Made(example, counted, trimmed.selection, trimmed.model))
    return folder


def test_damaged_files_are_read_or_refused(samples, tmp_path):
    """All readers that need no TensorFlow, in one process."""
    names = ",".join(name for name, reader in READERS.items() if not reader.tensorflow)
    arguments = [samples, tmp_path / "case", names, SEED, 0, CASES, SECONDS, MEGABYTES]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.worker", *map(str, arguments)],
        cwd=ROOT, env=cases.environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (said[-1:], done.stderr[-2000:])
    assert [one for one in said if one.get("ended") not in (None, "read", "refused")] == []
    assert len(said) == 2 * CASES * len(names.split(","))


def defective(defect: str, folder: Path) -> object:
    """A reader with a defect."""
    if defect == "traceback":
        return [][0]
    if defect == "hang":
        time.sleep(60)
    if defect == "memory":
        return sum(bytearray(600 << 20)[:: 1 << 20])
    if defect == "wrong":
        return (folder / "text.txt").read_bytes()
    if defect == "outside":
        (folder.parent / "elsewhere").touch()
    if defect == "escape":
        raise Escaping("\x1b[2J")
    return None


class Escaping(SmallerLabseError):
    """An error whose message is shown as it is."""

    def __str__(self) -> str:
        return str(self.args[0])


@pytest.mark.parametrize("defect", [None, "traceback", "memory", "wrong", "outside", "escape"])
def test_the_suite_notices(samples, tmp_path, defect):
    flip = READERS["text-xz"].files
    reader = Reader("text", lambda folder: defective(defect, folder), flip, noticed=True)
    expected = (samples / "text" / "text.txt").read_bytes() if defect == "wrong" else None
    ended, _ = worker.run_case(reader, samples, tmp_path / "case", SEED, 0, expected, MEGABYTES)
    assert ended == (defect or "read")


def test_a_hang_and_a_death_are_noticed_and_the_next_case_follows(samples, tmp_path, monkeypatch):
    program = tmp_path / "sitecustomize.py"
    program.write_text(
        "import os, signal, sys\n"
        "if 'tests.fuzz.worker' in sys.orig_argv:\n"
        "    first = int(sys.orig_argv[7])\n"
        '    os.write(1, b\'{"reader": "text", "case": %d}\\n\' % first)\n'
        "    os.kill(os.getpid(), signal.SIGALRM if first == 0 else signal.SIGKILL)\n"
    )
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    found = cases.run_cases("text", samples, tmp_path / "case", SEED, 2)
    assert {number: ended for number, (ended, _) in found.defects.items()} == {0: "hang", 1: "memory"}
