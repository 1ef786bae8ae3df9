"""The benchmark `kills` sees what a command that is killed loses and leaves, and that ours does not."""

from __future__ import annotations

import os
import random
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Workers that stop halfway where a file says so, until they are killed.
STOP = """
import os, shutil, subprocess, sys, time
from pathlib import Path
out = Path(sys.argv[-2 if "--overwrite" in sys.argv else -1])
def stop():
    if Path(os.environ["STOP"]).exists():
        Path(os.environ["HALFWAY"]).touch()
        time.sleep(600)
"""
WHOLE = f"""{STOP}
from smaller_labse.common.atomic_output import new_folder
with new_folder(out, "--overwrite" in sys.argv, "a") as folder:
    (folder / "a").write_text(sys.argv[1])
    stop()
    (folder / "b").write_text(sys.argv[1])
"""
HALF_DONE = f"""{STOP}
shutil.rmtree(out, ignore_errors=True)
if Path(os.environ["STOP"]).exists():
    subprocess.Popen(["sleep", "600"])
stop()
out.mkdir()
(out / "a").write_text(sys.argv[1])
(out / f".{{time.monotonic()}}").touch()
"""


@pytest.fixture
def kills(monkeypatch, tmp_path) -> ModuleType:
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    module = import_module("kills")
    monkeypatch.setenv("STOP", str(tmp_path / "stop"))
    monkeypatch.setenv("HALFWAY", str(tmp_path / "halfway"))
    monkeypatch.setattr(module, "A_MINUTE", 0.1)
    monkeypatch.setattr(module, "start", kill_halfway(module.start))
    return module


class Halfway(random.Random):
    """A moment that is drawn is when the worker has come halfway."""

    def uniform(self, a: float, b: float) -> float:
        Path(os.environ["STOP"]).touch()
        return 0.0


def kill_halfway(start):
    """What starts processes, so that to wait for a time is to wait until one has come halfway."""

    def start_one(line, folder):
        process = start(line, folder)
        wait = process.wait

        def wait_halfway(timeout=None):
            if timeout == 0.0:
                while not Path(os.environ["HALFWAY"]).exists():
                    time.sleep(0.01)
                Path(os.environ["STOP"]).unlink()
            return wait(timeout)

        process.wait = wait_halfway
        return process

    return start_one


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(("source", "bad"), [(WHOLE, False), (HALF_DONE, True)])
def test_it_tells_what_is_whole_from_what_is_half_done(kills, tmp_path, source, bad, overwrite):
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "worker.py").write_text(source)
    work = kills.Work("work", "worker", ("new",), ("old",), "out", "a")
    found = kills.Found()
    kills.Runs(work, overwrite, tmp_path).kill_once(found, Halfway())
    assert kills.is_bad(found) == bad
    assert found.kills == 1 and found.completed == 1
    assert (found.outliving, found.equal) == ((1, 0) if bad else (0, 1))
    assert bool(found.missed) == (bad and overwrite)
    assert bool(found.looks) == overwrite
    table = kills.table({"work": found}).markdown()
    assert "alive after a minute" in table
