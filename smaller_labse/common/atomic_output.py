"""Outputs that appear whole or not at all: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from smaller_labse.common.errors import LIBRARIES, SmallerLabseError, UsageError

FULL = [os.strerror(number) for number in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)]


def require_absent(path: Path, overwrite: bool, marker: str | None = None) -> None:
    """Refuse an output that exists, before any work is done.

    Args:
        path: where the output will be.
        overwrite: whether the user allowed to replace it.
        marker: a file that every folder of this kind holds; a folder without it is somebody's, and is
            never replaced. None for outputs that are files.

    Raises:
        SmallerLabseError: the output exists and may not be replaced, or could not be written there.
    """
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
    place.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".partial", dir=place.parent))
    try:
        partial.chmod(0o777 & ~_umask())
        yield partial
        require_absent(path, overwrite, marker)
        if place.exists():
            _replace(place, partial)
        else:
            partial.rename(place)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        _name_place(error, partial, path)
        raise


@contextmanager
def new_file(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Yield a path to write to that becomes `path` when the block ends well, and vanishes otherwise.

    A link stays a link: what it leads to is replaced.

    Raises:
        SmallerLabseError: `path` exists and may not be replaced, or the disk is full.
    """
    require_absent(path, overwrite)
    place = _behind_link(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".partial", dir=place.parent)
    os.close(descriptor)
    partial = Path(name)
    try:
        partial.chmod(0o666 & ~_umask())
        yield partial
        require_absent(path, overwrite)
        partial.replace(place)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        _name_place(error, partial, path)
        raise


def _require_writable(path: Path) -> None:
    """Refuse a place in which nothing can be made: below a file, or where the system does not let us."""
    nearest = next(folder for folder in Path(os.path.realpath(path)).parents if folder.exists())
    if not nearest.is_dir():
        raise SmallerLabseError(f"{path}: {nearest} is a file, expected a folder; choose another place")
    try:  # nothing else tells for certain: not of root, not of a file system that is read only
        Path(tempfile.mkdtemp(prefix=".", suffix=".partial", dir=nearest)).rmdir()
    except OSError as error:
        _name_full_disk(error, path)
        raise SmallerLabseError(
            f"{path}: nothing can be written in {nearest} ({error.strerror}); choose another place"
        ) from None


def _behind_link(path: Path) -> Path:
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def _replace(path: Path, partial: Path) -> None:
    """Put a folder in the place of another; if that does not succeed, the other is there again."""
    replaced = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".replaced", dir=path.parent))
    former = replaced / path.name
    try:
        path.rename(former)
        partial.rename(path)
    except BaseException:
        if former.exists() and not path.exists():
            former.rename(path)
        raise
    finally:
        shutil.rmtree(replaced, ignore_errors=True)


def _name_full_disk(error: BaseException, path: Path) -> None:
    """TensorFlow and Arrow have errors of their own for it, but all quote the system."""
    for reason in FULL:
        if reason in str(error):
            raise SmallerLabseError(f"{path}: {reason}; free some, or choose another place") from error


def _name_place(error: BaseException, partial: Path, path: Path) -> None:
    """Say what went wrong of the user's own `path`, not of what is written beside it for the time being."""
    _name_full_disk(error, path)
    text = " ".join(str(error).split())
    if partial.name not in text:
        return
    if isinstance(error, SmallerLabseError):
        raise type(error)(text.replace(str(partial), str(path))) from error
    if isinstance(error, OSError) and error.strerror:
        raise SmallerLabseError(f"{path}: {error.strerror}") from error
    if isinstance(error, OSError) or type(error).__module__.startswith(LIBRARIES):
        raise SmallerLabseError(text.replace(str(partial), str(path))) from error


def _is_empty_folder(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
