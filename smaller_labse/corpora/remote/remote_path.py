"""A file or folder behind a URL, which is read as if it lay on this machine."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.remote.filesystems import failures_in_one_line, may_pass, open_filesystem
from smaller_labse.corpora.remote.url import HTTP, shown_url

READ_BYTES = 1 << 20
BLOCK_BYTES, MOST_BLOCKS = 1 << 22, 8  # are fetched at once, and kept of a file whose pages are read twice
SECONDS_BETWEEN_TRIES = (1.0, 4.0)
# What stores call the version of a file: its digest if they have one, else when it was changed.
VERSIONS = (
    *("ETag", "etag", "blob_id", "md5Hash", "Content-MD5", "Digest", "generation"),
    *("LastModified", "last_modified", "Last-Modified", "updated", "mtime", "created"),
)


@dataclass(frozen=True)
class RemoteStat:
    """What is known of a file without reading it.

    Attributes:
        st_size: in bytes.
        st_mtime_ns: a number that is another when the file is, of its version, see `VERSIONS`; where the
            server says nothing of that, another each time that it is asked.
    """

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True)
class RemotePath:
    """A file or folder of a filesystem of fsspec's; see `TextPath`.

    It holds no connection and no credentials but those in the URL, so that it can be sent to other machines,
    which open the filesystem themselves.

    Attributes:
        scheme: of its URL.
        place: what the filesystem calls it; of HTTP, the URL.
        known: what the filesystem said of it when it was found.
        is_folder: whether it is one.
    """

    scheme: str
    place: str = field(repr=False)
    known: RemoteStat
    is_folder: bool = False

    @property
    def url(self) -> str:
        """Its URL, with what is secret in it."""
        return self.place if self.scheme in HTTP else f"{self.scheme}://{self.place.lstrip('/')}"

    def __str__(self) -> str:
        """Its URL, for people."""
        return shown_url(self.url)

    def __lt__(self, other: RemotePath) -> bool:
        """In the order in which paths on a disk are."""
        return self.parts < other.parts

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its URL, as they are called on a disk."""
        shown = str(self).partition("?")[0] if self.scheme in HTTP else str(self)
        return PurePosixPath(unquote(shown) if self.scheme in HTTP else shown).parts

    @property
    def name(self) -> str:
        """The last part."""
        return self.parts[-1]

    @property
    def suffix(self) -> str:
        """The name's ending, with its dot."""
        return PurePosixPath(self.name).suffix

    def exists(self) -> bool:
        """It was there when it was found."""
        return True

    def is_file(self) -> bool:
        """Whether it is no folder."""
        return not self.is_folder

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.is_folder

    def stat(self) -> RemoteStat:
        """What the filesystem said of it when it was found."""
        return self.known

    def rglob(self, pattern: str) -> list[RemotePath]:
        """All files in the folder and in those in it; `pattern` is "*".

        Raises:
            SmallerLabseError: they cannot be listed.
        """
        assert pattern == "*"
        with failures_in_one_line(self.url):
            filesystem = open_filesystem(self.url)
            filesystem.ls(self.place, detail=False)  # which fails where `find` finds nothing
            found = filesystem.find(self.place, detail=True)
            return [remote_path(filesystem, self.scheme, info) for info in found.values()]

    def open(self, mode: Literal["rb"] = "rb") -> io.BufferedReader:
        """Open the file to read it, in blocks that are fetched as they are needed.

        Raises:
            SmallerLabseError: it cannot be opened, or its size is not that when it was found, the one change
                that is noticed; reading raises it, too.
        """
        assert mode == "rb"
        kept = {"cache_type": "readahead", "cache_options": {}}
        if self.suffix.lower() == ".parquet":  # whose pages' headers are read first, then the pages
            kept = {"cache_type": "blockcache", "cache_options": {"maxblocks": MOST_BLOCKS}}
        with failures_in_one_line(self.url):
            opened = open_filesystem(self.url).open(self.place, mode, block_size=BLOCK_BYTES, **kept)
        size = getattr(opened, "size", None)
        if size is not None and size != self.known.st_size:
            raise SmallerLabseError(
                f"{self}: it has {size:,} bytes, and had {self.known.st_size:,} when this command began; "
                "run it again"
            )
        return io.BufferedReader(_RemoteStream(opened, self), READ_BYTES)


def remote_path(filesystem: Any, scheme: str, info: Mapping[str, Any]) -> RemotePath:
    """The path that a filesystem describes.

    Args:
        filesystem: of fsspec.
        scheme: of its URLs.
        info: what it says of the path.

    Raises:
        SmallerLabseError: the file's size is not known.
        Exception: as the filesystem's.
    """
    place = str(info["name"])
    is_folder = info["type"] == "directory"
    if info.get("size") is None and not is_folder:  # a web server's list says names only
        info = filesystem.info(place)
    if info.get("size") is None and not is_folder:
        raise SmallerLabseError(
            f"{shown_url(place)}: its server does not say how large it is (Content-Length); copy the file"
        )
    version = next((f"{key} {info[key]}" for key in VERSIONS if info.get(key)), None)
    number = hashlib.sha256(os.urandom(16) if version is None else version.encode()).digest()[:8]
    known = RemoteStat(int(info.get("size") or 0), int.from_bytes(number, "little"))
    return RemotePath(scheme, place, known, is_folder)


class _RemoteStream(io.RawIOBase):
    """The bytes of a file that fsspec has opened; a failed reading is tried again."""

    def __init__(self, opened: Any, path: RemotePath) -> None:
        self._opened, self._path, self._position = opened, path, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        before = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._path.known.st_size}[whence]
        if before + offset < 0:
            raise OSError("a position before the file's first byte")
        self._position = before + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        data = self._read(min(len(view), max(0, self._path.known.st_size - self._position)))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _read(self, size: int) -> bytes:
        if not size:
            return b""
        with failures_in_one_line(self._path.url):
            for seconds in (*SECONDS_BETWEEN_TRIES, None):
                try:
                    self._opened.seek(self._position)
                    data: bytes = self._opened.read(size)
                    break
                except Exception as error:
                    if seconds is None or not may_pass(error):
                        raise
                    time.sleep(seconds)
        if not data:
            raise SmallerLabseError(
                f"{self._path}: ends behind {self._position:,} bytes, expected "
                f"{self._path.known.st_size:,}; is it being changed?"
            )
        return data

    def close(self) -> None:
        if not self.closed:
            self._opened.close()
        super().close()
