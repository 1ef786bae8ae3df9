"""Promise 5: outputs appear whole or not at all, and nothing that is not ours is overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pyarrow.fs
import pyarrow.parquet
import pytest

from smaller_labse.common import atomic_output
from smaller_labse.common.atomic_output import new_file, new_folder, require_absent, require_not_read
from smaller_labse.common.errors import SmallerLabseError, UsageError


def tree(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


def write_folder(path: Path, content: str, **options) -> None:
    with new_folder(path, **options) as partial:
        assert not any(partial.iterdir())
        assert partial.parent.parent == path.parent  # the same file system: the last step is a rename
        (partial / "marker").write_text(content)


def test_a_folder_appears_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "model"
    with new_folder(path) as partial:
        (partial / "a").write_text("a")
        assert not path.exists()
    assert tree(tmp_path) == {"new": None, "new/model": None, "new/model/a": b"a"}


@pytest.mark.parametrize("error", [SmallerLabseError("no"), KeyboardInterrupt(), OSError(28, "full")])
def test_a_failure_leaves_nothing_and_an_earlier_output_as_it_was(tmp_path, error):
    write_folder(tmp_path / "model", "old")
    (tmp_path / "counts").write_text("old")
    before = tree(tmp_path)
    with pytest.raises(type(error)), new_folder(tmp_path / "model", True, "marker") as partial:
        (partial / "marker").write_text("half")
        raise error
    with pytest.raises(type(error)), new_file(tmp_path / "counts", True) as partial:
        partial.write_text("half")
        raise error
    with pytest.raises(type(error)), new_file(tmp_path / "other") as partial:
        raise error
    assert tree(tmp_path) == before


def test_an_earlier_output_is_replaced_only_when_that_is_allowed(tmp_path):
    write_folder(tmp_path / "model", "old")
    with pytest.raises(SmallerLabseError, match="exists; choose another place or add --overwrite"):
        write_folder(tmp_path / "model", "new")
    assert tree(tmp_path) == {"model": None, "model/marker": b"old"}
    write_folder(tmp_path / "model", "new", overwrite=True, marker="marker")
    assert tree(tmp_path) == {"model": None, "model/marker": b"new"}
    with new_file(tmp_path / "model" / "marker", overwrite=True) as partial:
        partial.write_text("newer")
    assert tree(tmp_path) == {"model": None, "model/marker": b"newer"}


def test_somebody_elses_folder_is_never_replaced(tmp_path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.tex").write_text("years of work")
    with pytest.raises(SmallerLabseError, match="holds no marker, so it is not an output of this command"):
        write_folder(theirs, "new", overwrite=True, marker="marker")
    with pytest.raises(SmallerLabseError, match="is a folder, expected a file"), new_file(theirs, True):
        pass
    assert (theirs / "thesis.tex").read_text() == "years of work"
    (tmp_path / "empty").mkdir()
    write_folder(tmp_path / "empty", "new", overwrite=True, marker="marker")


def test_an_output_that_appeared_meanwhile_is_not_replaced(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(SmallerLabseError, match="exists"), new_folder(path):
        write_folder(path, "faster")
    assert tree(tmp_path) == {"model": None, "model/marker": b"faster"}


@pytest.mark.parametrize("failing", [1, 2])
def test_the_earlier_output_is_there_again_when_the_replacement_fails(tmp_path, monkeypatch, failing):
    """Between two renames there is no output; an interrupt just then must not lose the earlier one."""
    monkeypatch.setattr(atomic_output, "_exchange", lambda first, second: False)
    write_folder(tmp_path / "model", "old")
    before = tree(tmp_path)
    rename, calls = Path.rename, []

    def fail_once(path: Path, target: Path) -> Path:
        calls.append(path)
        if len(calls) == failing:
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_once)
    with pytest.raises(KeyboardInterrupt):
        write_folder(tmp_path / "model", "new", overwrite=True, marker="marker")
    assert len(calls) >= failing
    assert tree(tmp_path) == before


def test_a_link_that_leads_nowhere_is_an_output_that_exists(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(SmallerLabseError, match="exists"):
        require_absent(tmp_path / "link", overwrite=False)


@pytest.mark.parametrize(("mask", "folder", "file"), [(0o022, 0o755, 0o644), (0o077, 0o700, 0o600)])
def test_outputs_have_the_permissions_that_the_user_gives_new_files(tmp_path, mask, folder, file):
    """Temporary files are private; what they become is not."""
    previous = os.umask(mask)
    try:
        write_folder(tmp_path / "model", "new")
        with new_file(tmp_path / "counts") as partial:
            partial.write_text("new")
    finally:
        os.umask(previous)
    assert (tmp_path / "model").stat().st_mode & 0o777 == folder
    assert (tmp_path / "counts").stat().st_mode & 0o777 == file


def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(tmp_path):
    disk = tmp_path / "disk"
    write_folder(disk / "model", "old", marker="marker")
    (disk / "counts").write_text("old")
    for name in ("model", "counts"):
        (tmp_path / name).symlink_to(disk / name)
    with new_folder(tmp_path / "model", True, "marker") as partial:
        assert partial.parent.parent == disk  # the same file system
        (partial / "marker").write_text("new")
    with new_file(tmp_path / "counts", True) as partial:
        partial.write_text("new")
    assert (tmp_path / "model").is_symlink() and (tmp_path / "counts").is_symlink()
    assert tree(disk) == {"model": None, "model/marker": b"new", "counts": b"new"}


def test_what_is_read_is_not_written_over(tmp_path):
    folder = tmp_path / "model"
    write_folder(folder, "weights")
    inside, other = folder / "marker", tmp_path / "other"
    (tmp_path / "hard").hardlink_to(inside)
    for out, read in ((inside, inside), (tmp_path / "hard", inside), (inside, folder), (tmp_path, folder)):
        with pytest.raises(UsageError, match="read, and would be replaced; choose another place"):
            require_not_read(out, [other, read])
        require_not_read(out, [read], overwrite=False)  # refused elsewhere
    require_not_read(other, [folder])
    require_not_read(folder / "new", [folder])
    require_not_read(folder, [tmp_path])  # a folder of ours in one that is read: only the former is replaced
    require_not_read(inside, [other, Path("sentence-transformers/LaBSE")])


@pytest.mark.parametrize("kind", ["of ours", "of the system", "of a library"])
def test_messages_name_the_users_path_and_not_the_partial_one(tmp_path, kind):
    out = tmp_path / "model"

    def fail(partial: Path) -> None:
        if kind == "of ours":
            raise UsageError(f"{partial / 'config.json'}: wrong")
        if kind == "of the system":
            (partial / "nowhere" / "file").write_text("")
        pyarrow.parquet.read_table(partial / "file.parquet", filesystem=pyarrow.fs.LocalFileSystem())

    with pytest.raises(SmallerLabseError) as raised, new_folder(out, marker="config.json") as partial:
        fail(partial)
    assert str(out) in str(raised.value)
    assert ".partial" not in str(raised.value)
    assert (kind == "of ours") == isinstance(raised.value, UsageError)
    assert list(tmp_path.iterdir()) == []


def test_in_a_link_to_a_folder_that_is_not_there_yet_that_folder_is_made(tmp_path):
    (tmp_path / "link").symlink_to("folder")
    with new_file(tmp_path / "link" / "en.parquet") as partial:
        partial.write_text("counts")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "folder" / "en.parquet").read_text() == "counts"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_device_is_no_output(overwrite):
    with pytest.raises(SmallerLabseError, match="/dev/null is neither a file nor a folder; choose another"):
        require_absent(Path("/dev/null"), overwrite)


def test_a_place_where_nothing_can_be_written_is_refused_first(tmp_path):
    if not Path("/proc/self").exists():
        pytest.skip("needs /proc, where even root can make no file")
    with pytest.raises(SmallerLabseError, match=r"^/proc/a/b: nothing can be written in /proc"):
        require_absent(Path("/proc/a/b"), overwrite=False)


def test_a_file_that_may_grow_no_further_is_a_full_disk(tmp_path):
    code = """
import resource, sys
from pathlib import Path
from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    with new_file(Path(sys.argv[1])) as partial:
        partial.write_bytes(bytes(2000))
except SmallerLabseError as error:
    print(error)
"""
    out = tmp_path / "file"
    run = subprocess.run([sys.executable, "-c", code, out], capture_output=True, text=True, check=False)
    assert run.stdout == f"{out}: File too large; free some, or choose another place\n"
    assert list(tmp_path.iterdir()) == []
