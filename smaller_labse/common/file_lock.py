"""A lock on a file, held by a process while it lives: the kernel gives it up when that ends, however that is.

Where a file system has no locks, nobody is kept out, and nobody is taken for dead either.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path, wait: bool) -> Iterator[bool]:
    """Hold a lock while the block runs, by a file that is made for it and vanishes with it.

    Args:
        file: the file to make, and its folder; one that a killed process left is taken.
        wait: for as long as another process holds it.

    Yields:
        Whether the lock is held; only without `wait` may it not be.

    Raises:
        OSError: the file cannot be made.
    """
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:  # another process has removed the folder, which was empty
            continue
        try:
            if not take(descriptor, wait):
                yield False
                return
            if not is_at(descriptor, file):  # whoever had it has removed it meanwhile
                continue
            try:
                yield True
            finally:
                file.unlink(missing_ok=True)  # before it is given up: after that it may be another's
            return
        finally:
            os.close(descriptor)


def take(descriptor: int, wait: bool = False, without_locks: bool = True) -> bool:
    """Take the lock of an open file; it is given up when that is closed, at the latest with the process.

    Args:
        descriptor: the open file.
        wait: for as long as another process holds it.
        without_locks: what to return where the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError:
        return without_locks
    return True


def is_at(descriptor: int, file: Path) -> bool:
    """Whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat(follow_symlinks=False))
    except FileNotFoundError:
        return False
