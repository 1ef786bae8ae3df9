"""Promise 5: what a run that was killed left is put right by the next; what is not ours, or lives, stays."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from smaller_labse.common import atomic_output, file_lock, workplace
from smaller_labse.common.atomic_output import new_file, new_folder, require_absent
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.workplace import FORMER, LOCK, NEW, put_right, put_right_in, scratch_folder
from tests.common.test_atomic_output import tree, write_folder

OURS = ".model.a1_b2c3d.partial"
REMOVED = "removed what a run that was killed had left of it\n"


def leave(folder: Path, *names: str) -> Path:
    """What a run leaves that is killed, with so many of its parts."""
    folder.mkdir()
    (folder / LOCK).touch()
    for name in names:
        (folder / name).mkdir()
        (folder / name / "marker").write_text(name)
    return folder


def test_what_killed_runs_left_is_removed_by_the_next_which_says_so(tmp_path, capsys):
    leave(tmp_path / OURS, NEW)
    (leave(tmp_path / ".model.00000000.partial") / NEW).write_text("a file")
    write_folder(tmp_path / "model", "new")
    assert tree(tmp_path) == {"model": None, "model/marker": b"new"}
    assert capsys.readouterr().err == f"{tmp_path / 'model'}: {REMOVED}"


def test_it_is_removed_even_where_the_output_is_refused(tmp_path, capsys):
    write_folder(tmp_path / "model", "old")
    leave(tmp_path / OURS, NEW, FORMER)  # killed after the second rename
    with pytest.raises(SmallerLabseError, match="exists"):
        require_absent(tmp_path / "model", overwrite=False)
    assert tree(tmp_path) == {"model": None, "model/marker": b"old"}
    assert capsys.readouterr().err == f"{tmp_path / 'model'}: {REMOVED}"


@pytest.mark.parametrize("through_a_link", [False, True])
def test_an_output_that_was_moved_away_is_put_back(tmp_path, capsys, through_a_link):
    """Killed between the two renames, where names cannot be exchanged."""
    leave(tmp_path / OURS, NEW, FORMER)
    output = tmp_path / "model"
    if through_a_link:
        output = tmp_path / "link"
        output.symlink_to(tmp_path / "model")
    with pytest.raises(SmallerLabseError, match="exists"):
        require_absent(output, overwrite=False)
    assert (tmp_path / "model" / "marker").read_text() == FORMER
    assert not (tmp_path / OURS).exists()
    assert f"{tmp_path / 'model'}: put back" in capsys.readouterr().err


def test_what_is_not_provably_ours_stays(tmp_path, capsys):
    unlocked = tmp_path / ".model.11111111.partial"
    (unlocked / NEW).mkdir(parents=True)
    (leave(tmp_path / ".model.22222222.partial", NEW) / "thesis.tex").write_text("years of work")
    leave(tmp_path / ".model.short.partial", NEW)
    leave(tmp_path / ".other.33333333.partial", NEW)
    (tmp_path / ".model.44444444.partial").write_text("a file")
    elsewhere = leave(tmp_path / "elsewhere", NEW)
    (tmp_path / ".model.55555555.partial").symlink_to(elsewhere)
    held_by_a_link = leave(tmp_path / ".model.66666666.partial", NEW)
    (held_by_a_link / LOCK).unlink()
    (held_by_a_link / LOCK).symlink_to(elsewhere / LOCK)
    before = tree(tmp_path)
    put_right(tmp_path / "model")
    assert tree(tmp_path) == before
    assert capsys.readouterr().err == ""


def test_another_users_stays(tmp_path, monkeypatch):
    leave(tmp_path / OURS, NEW)
    monkeypatch.setattr(workplace.os, "geteuid", lambda: 12345)
    put_right(tmp_path / "model")
    assert (tmp_path / OURS / NEW).is_dir()


def test_what_a_living_run_writes_stays(tmp_path, capsys):
    with new_folder(tmp_path / "model") as slow, new_file(tmp_path / "model.json") as file:
        (slow / "half").write_text("half")
        put_right_in(tmp_path)
        write_folder(tmp_path / "other", "quick")
        with new_file(tmp_path / "model.json") as quick:
            quick.write_text("quick")
        assert slow.is_dir() and file.is_file()
        (tmp_path / "model.json").unlink()
        file.write_text("slow")
    assert (tmp_path / "model" / "half").read_text() == "half"
    assert (tmp_path / "model.json").read_text() == "slow"
    assert capsys.readouterr().err == ""


def test_where_there_are_no_locks_outputs_are_written_and_nothing_is_taken_for_dead(tmp_path, monkeypatch):
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(file_lock.fcntl, "flock", no_locks)
    leave(tmp_path / OURS, NEW)
    write_folder(tmp_path / "model", "new")
    assert (tmp_path / "model" / "marker").read_text() == "new"
    assert (tmp_path / OURS / NEW).is_dir()


def test_everything_in_a_folder_is_put_right(tmp_path):
    leave(tmp_path / ".a.11111111.partial", NEW)
    leave(tmp_path / "..en.parquet.partial.22222222.partial", NEW)
    (tmp_path / ".b.33333333.partial").mkdir()  # killed when it had made no more
    (tmp_path / ".en.parquet.partial").write_text("an unfinished count")
    put_right_in(tmp_path)
    put_right_in(tmp_path / "nowhere")
    assert tree(tmp_path) == {".en.parquet.partial": b"an unfinished count"}


def test_temporary_files_of_a_killed_run_vanish_with_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    leave(tmp_path / ".smaller-labse.11111111.partial", NEW)
    with scratch_folder() as scratch:
        (scratch / "vocab.txt").write_text("the")
        assert len(list(tmp_path.iterdir())) == 1
    assert tree(tmp_path) == {}


KILLED = """
import os, signal, sys
from pathlib import Path
from smaller_labse.common import atomic_output

def kill(*names):
    os.kill(os.getpid(), signal.SIGKILL)

if sys.argv[2] == "between two renames":
    atomic_output._exchange = lambda first, second: False
    Path.rename, rename = lambda path, target: kill() if path.name == "new" else rename(path, target), Path.rename
else:
    exchange = atomic_output._exchange
    atomic_output._exchange = lambda *names: exchange(*names) and kill()
with atomic_output.new_folder(Path(sys.argv[1]), True, "marker") as partial:
    (partial / "marker").write_text("new")
    if sys.argv[2] == "while it writes":
        kill()
"""


@pytest.mark.parametrize(
    ("when", "there", "then"),
    [
        ("while it writes", "old", "old"),
        ("between two renames", None, "old"),
        ("after the exchange", "new", "new"),
    ],
)
def test_a_killed_run_lets_go_of_its_lock(tmp_path, when, there, then):
    output = tmp_path / "model"
    write_folder(output, "old")
    if when == "after the exchange" and not _can_exchange(tmp_path):
        pytest.skip("needs a file system that can exchange two names")
    ended = subprocess.run([sys.executable, "-c", KILLED, output, when], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert (output / "marker").read_text() == there if there else not output.exists()
    assert len(list(tmp_path.iterdir())) == (1 if there is None else 2)
    put_right(output)
    assert tree(tmp_path) == {"model": None, "model/marker": then.encode()}


def test_an_earlier_folder_is_replaced_without_a_moment_in_which_there_is_none(tmp_path, monkeypatch):
    if not _can_exchange(tmp_path):
        pytest.skip("needs a file system that can exchange two names")
    write_folder(tmp_path / "model", "old")
    renamed = []
    monkeypatch.setattr(Path, "rename", lambda path, target: renamed.append(path))
    write_folder(tmp_path / "model", "new", overwrite=True, marker="marker")
    assert renamed == []
    assert tree(tmp_path) == {"model": None, "model/marker": b"new"}


def test_where_names_cannot_be_exchanged_one_is_renamed_after_the_other(tmp_path, monkeypatch):
    write_folder(tmp_path / "model", "old")
    monkeypatch.setattr(atomic_output.ctypes, "CDLL", lambda name: object())  # a C library without it
    write_folder(tmp_path / "model", "new", overwrite=True, marker="marker")
    assert tree(tmp_path) == {"model": None, "model/marker": b"new"}


def _can_exchange(folder: Path) -> bool:
    for name in ("one", "two"):
        (folder / name).touch()
    done = atomic_output._exchange(folder / "one", folder / "two")
    for name in ("one", "two"):
        (folder / name).unlink()
    return done
