"""A workplace beside an output, locked while its process lives; what a killed one left is put right.

    .OUT.xxxxxxxx.partial/     beside OUT, eight letters drawn at random
        smaller-labse.lock     locked by the process that writes
        new                    what becomes OUT
        former                 what OUT was, while it is replaced where names cannot be exchanged

A folder of such a name is one of ours only if it is this user's and holds that file, and nothing besides
these; every other is left alone, as is one whose process lives.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from smaller_labse.common.file_lock import is_at, take
from smaller_labse.common.visible_text import visible

LOCK, NEW, FORMER = "smaller-labse.lock", "new", "former"
WORKPLACE = re.compile(r"\.(?P<output>.+)\.[a-z0-9_]{8}\.partial")  # as `tempfile` draws them


@contextmanager
def workplace(output: Path) -> Iterator[Path]:
    """Yield a folder beside an output, with nothing but its lock in it; it vanishes with the block.

    Args:
        output: what will be made there, for its name; its parent exists.
    """
    folder, lock = _make(output)
    try:
        yield folder
    finally:
        _remove(folder)
        os.close(lock)


@contextmanager
def made(folder: Path) -> Iterator[None]:
    """Make a folder and its parents; of these, what is still empty at the end of the block vanishes again."""
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    try:
        yield
    finally:
        with suppress(OSError):
            for path in new:
                path.rmdir()


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield an empty folder for temporary files, which vanishes, of a killed run with the next."""
    place = Path(tempfile.gettempdir()) / "smaller-labse"
    put_right(place)
    with workplace(place) as folder:
        (folder / NEW).mkdir()
        yield folder / NEW


def put_right(output: Path) -> None:
    """Restore an output that a killed run was replacing, and remove what killed runs left beside it.

    It is said on standard error, in a line. What belongs to a living process, or to somebody, stays.
    """
    _put_right(output.parent, output.name)


def put_right_in(folder: Path) -> None:
    """Likewise for every output in a folder."""
    _put_right(folder, None)


def _put_right(parent: Path, name: str | None) -> None:
    try:
        names = sorted(path.name for path in parent.iterdir())
    except OSError:  # not there, or not to be listed
        return
    removed = set()
    for match in filter(None, map(WORKPLACE.fullmatch, names)):
        output = parent / match["output"]
        if name in (None, output.name) and _is_own_folder(parent / match[0]):
            removed |= {output} if _put_one_right(parent / match[0], output) else set()
    for output in sorted(removed):
        _say(f"{output}: removed what a run that was killed had left of it")


def _make(output: Path) -> tuple[Path, int]:
    """A new workplace and its open lock. Until that is locked, another run may take it for a dead one's."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{output.name}.", suffix=".partial", dir=output.parent))
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        except FileNotFoundError:
            continue
        except OSError:
            folder.rmdir()
            raise
        if take(lock) and is_at(lock, folder / LOCK):
            return folder, lock
        os.close(lock)


def _put_one_right(folder: Path, output: Path) -> bool:
    """Restore from a workplace and remove it, if it is a dead one's; whether there was anything to remove."""
    with suppress(OSError):
        folder.rmdir()  # a run was killed when it had made no more than that
        return False
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if not take(lock, without_locks=False) or not is_at(lock, folder / LOCK):
            return False
        held = {path.name for path in folder.iterdir()}
        if not held <= {LOCK, NEW, FORMER}:
            return False
        if FORMER in held and not os.path.lexists(output):
            (folder / FORMER).rename(output)
            _say(f"{output}: put back, as a run that was replacing it was killed")
        _remove(folder)
        return NEW in held
    finally:
        os.close(lock)


def _is_own_folder(path: Path) -> bool:
    try:
        return path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.geteuid()
    except OSError:
        return False


def _remove(folder: Path) -> None:
    """Remove a workplace, its lock last: without that, nobody would know what the rest is."""
    for name in (NEW, FORMER):
        with suppress(OSError):
            (folder / name).unlink()
        shutil.rmtree(folder / name, ignore_errors=True)
    if not any(os.path.lexists(folder / name) for name in (NEW, FORMER)):
        with suppress(OSError):
            (folder / LOCK).unlink()
            folder.rmdir()


def _say(message: str) -> None:
    print(visible(message), file=sys.stderr, flush=True)
