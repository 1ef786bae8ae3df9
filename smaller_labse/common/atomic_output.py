"""Outputs that appear whole or not at all: written beside their place, then renamed into it.

Where an earlier folder is replaced, the two names are exchanged at once, so that there is one at any moment;
where the system cannot do that, one is renamed after the other, and a run that is killed in between is put
right by the next, see `workplace.py`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from smaller_labse.common.errors import LIBRARIES, SmallerLabseError, UsageError
from smaller_labse.common.workplace import FORMER, NEW, put_right, workplace

AT_CURRENT_FOLDER, RENAME_EXCHANGE = -100, 2  # of renameat2(2), Linux
FULL = [os.strerror(number) for number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)]


def require_absent(path: Path, overwrite: bool, marker: str | None = None) -> None:
    """Refuse an output that exists, before any work is done; what a killed run left is put right first.

    Args:
        path: where the output will be.
        overwrite: whether the user allowed to replace it.
        marker: a file that every folder of this kind holds; a folder without it is somebody's, and is
            never replaced. None for outputs that are files.

    Raises:
        SmallerLabseError: the output exists and may not be replaced, or could not be written there.
    """
    put_right(_behind_link(path))
    if not path.exists() and not path.is_symlink():
        _require_writable(path)
        return
    if path.exists() and not path.is_file() and not path.is_dir():
        raise SmallerLabseError(f"{path} is neither a file nor a folder; choose another place")
    if not overwrite:
        raise SmallerLabseError(f"{path} exists; choose another place or add --overwrite")
    if marker is None and path.is_dir():
        raise SmallerLabseError(f"{path} is a folder, expected a file; choose another place")
    if marker is not None and not (path / marker).is_file() and not _is_empty_folder(path):
        raise SmallerLabseError(
            f"{path} holds no {marker}, so it is not an output of this command and is not overwritten; "
            "choose another place"
        )
    _require_writable(path)


def require_not_read(out: Path, read: Iterable[Path], overwrite: bool = True) -> None:
    """Refuse an output that would replace something that is read, before any work is done.

    Args:
        out: the file or folder to write; what is not there yet replaces nothing.
        read: the files and folders that are read; names that are no paths, such as hub ids, do no harm.
        overwrite: whether the output may be replaced at all; if not, there is nothing to say here.

    Raises:
        UsageError: `out` is one of them or holds one of them, or is a file that lies in one of them.
    """
    if not overwrite or not out.exists():
        return
    written = Path(os.path.realpath(out))
    for path in read:
        if not path.exists():
            continue
        place = Path(os.path.realpath(path))
        if out.samefile(path):
            raise UsageError(f"{out} is read, and would be replaced; choose another place for the output")
        if (out.is_file() and written.is_relative_to(place)) or place.is_relative_to(written):
            how = "lies in" if out.is_file() else "holds"
            raise UsageError(
                f"{out} {how} {path}, which is read, and would be replaced; "
                "choose another place for the output"
            )


def require_apart(out: Path, read: Iterable[Path]) -> None:
    """Refuse an output that is, holds or lies in something that is read, whether or not it exists yet.

    Stricter than `require_not_read`: for folders that are copied or read while the output is written.

    Args:
        out: the file or folder to write.
        read: the files and folders that are read; names that are no paths, such as hub ids, do no harm.

    Raises:
        UsageError: they are not apart, links followed.
    """
    written = Path(os.path.realpath(out))
    for path in read:
        if not path.exists():
            continue
        place = Path(os.path.realpath(path))
        if written == place:
            raise UsageError(f"{out} is read; choose another place for the output")
        if written in place.parents or place in written.parents:
            how = "holds" if written in place.parents else "lies in"
            raise UsageError(f"{out} {how} {path}, which is read; choose another place for the output")


@contextmanager
def new_folder(path: Path, overwrite: bool = False, marker: str | None = None) -> Iterator[Path]:
    """Yield an empty folder that becomes `path` when the block ends well, and vanishes otherwise.

    Args:
        path: the folder to make; its parents are made too. Of a link, what it leads to is made.
        overwrite: replace an earlier output.
        marker: see `require_absent`.

    Raises:
        SmallerLabseError: `path` exists and may not be replaced, or the disk is full.

    Example:
        with new_folder(Path("work/selection"), marker="selection.json") as partial:
            (partial / "selection.json").write_text("{}")
    """
    require_absent(path, overwrite, marker)
    place = _behind_link(path)
    _make_folder(place.parent)
    with _said_of(path, place), workplace(place) as folder:
        partial = folder / NEW
        partial.mkdir()
        yield partial
        require_absent(path, overwrite, marker)
        if place.exists():
            _replace(place, folder)
        else:
            partial.rename(place)


@contextmanager
def new_file(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Yield a path to write to that becomes `path` when the block ends well, and vanishes otherwise.

    A link stays a link: what it leads to is replaced.

    Raises:
        SmallerLabseError: `path` exists and may not be replaced, or the disk is full.
    """
    require_absent(path, overwrite)
    place = _behind_link(path)
    _make_folder(place.parent)
    with _said_of(path, place), workplace(place) as folder:
        partial = folder / NEW
        partial.touch()
        yield partial
        require_absent(path, overwrite)
        partial.replace(place)


def _require_writable(path: Path) -> None:
    """Refuse a place in which nothing can be made: below a file, or where the system does not let us."""
    nearest = next(folder for folder in Path(os.path.realpath(path)).parents if folder.exists())
    if not nearest.is_dir():
        raise SmallerLabseError(f"{path}: {nearest} is a file, expected a folder; choose another place")
    try:  # nothing else tells for certain: not of root, not of a file system that is read only
        probe = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".partial", dir=nearest))
        with suppress(FileNotFoundError):  # another run took it for a dead one's
            probe.rmdir()
    except OSError as error:
        _name_full_disk(error, path)
        raise SmallerLabseError(
            f"{path}: nothing can be written in {nearest} ({error.strerror}); choose another place"
        ) from None


def _make_folder(folder: Path) -> None:
    """Make a folder where there is none; of a link that leads nowhere yet, what it leads to."""
    Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)


def _behind_link(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _replace(path: Path, folder: Path) -> None:
    """Put the new folder of a workplace in the place of another, which then goes with the workplace."""
    new, former = folder / NEW, folder / FORMER
    if _exchange(new, path):
        return
    try:
        path.rename(former)
        new.rename(path)
    except BaseException:
        if former.exists() and not path.exists():
            former.rename(path)
        raise


def _exchange(first: Path, second: Path) -> bool:
    """Exchange two names at once; False, and nothing done, where the system or the file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    if renameat2 is None:
        return False
    names = (AT_CURRENT_FOLDER, os.fsencode(first), AT_CURRENT_FOLDER, os.fsencode(second))
    return renameat2(*names, RENAME_EXCHANGE) == 0


@contextmanager
def _said_of(path: Path, place: Path) -> Iterator[None]:
    """Say what goes wrong in the workplace beside `place` of the user's own `path`."""
    parents = "|".join(re.escape(f"{parent}/") for parent in (place.parent, place.parent.absolute()))
    workplaces = re.compile(rf"({parents})?\.{re.escape(place.name)}\.[a-z0-9_]{{8}}\.partial(/{NEW}\b)?")
    try:
        yield
    except BaseException as error:
        _name_full_disk(error, path)
        text = " ".join(str(error).split())
        named = workplaces.sub(lambda match: str(path), text)
        if named == text:
            raise
        if isinstance(error, SmallerLabseError):
            raise type(error)(named) from error
        if isinstance(error, OSError) and error.strerror:
            raise SmallerLabseError(f"{path}: {error.strerror}") from error
        if isinstance(error, OSError) or type(error).__module__.startswith(LIBRARIES):
            raise SmallerLabseError(named) from error
        raise


def _name_full_disk(error: BaseException, path: Path) -> None:
    """TensorFlow and Arrow have errors of their own for it, but all quote the system."""
    for reason in FULL:
        if reason in str(error):
            raise SmallerLabseError(f"{path}: {reason}; free some, or choose another place") from error


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())
