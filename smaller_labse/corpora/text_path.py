"""A path of text, of this machine or of another: what those who read text ask of it."""

from __future__ import annotations

from collections.abc import Iterable
from io import BufferedReader
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar


class FileStat(Protocol):
    """A file's size, and what is another number when the file has changed."""

    @property
    def st_size(self) -> int:
        """In bytes."""

    @property
    def st_mtime_ns(self) -> int:
        """When it was changed; of a `RemotePath` a number made of what its server says in that place."""


class TextPath(Protocol):
    """A file or folder of text: a `pathlib.Path`, or a `RemotePath`, which has these methods of it.

    `str` of it is for people, and says nothing secret.
    """

    @property
    def name(self) -> str:
        """The last part."""

    @property
    def suffix(self) -> str:
        """The name's ending, with its dot."""

    def exists(self) -> bool:
        """Whether it is there."""

    def is_file(self) -> bool:
        """Whether it is a file that can be read more than once."""

    def is_dir(self) -> bool:
        """Whether it is a folder."""

    def rglob(self, pattern: str, /) -> Iterable[Any]:
        """The paths, of its own kind, of whatever lies in the folder and in those in it."""

    def stat(self) -> FileStat:
        """Its size, and what changes with it."""

    def open(self, mode: Literal["rb"], /) -> BufferedReader:
        """Open the file to read it."""

    def __lt__(self, other: Any, /) -> bool:
        """By their parts."""


AnyTextPath = TypeVar("AnyTextPath", bound=TextPath)


def for_arrow(file: TextPath, opened: BufferedReader) -> Path | BufferedReader:
    """What Arrow reads of a file that is open: one of this machine it opens itself, which is faster."""
    return file if isinstance(file, Path) else opened
