"""Debian packages: fetched by apt, which checks them, and read without unpacking them onto the disk."""

from __future__ import annotations

import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from smaller_labse.common.errors import SmallerLabseError

LARGEST_FILE = 64 * 2**20  # bytes; the largest catalogues have 10 MB
COPYRIGHT = re.compile(r"usr/share/doc/[^/]+/copyright")
LICENCE = re.compile(r"^License:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)  # dep.debian.net/deps/dep5
MACHINE_READABLE = re.compile(r"^Format(-Specification)?:", re.MULTILINE)
UNKNOWN = "see copyright/"


@dataclass(frozen=True)
class Package:
    """What a package says of itself.

    Attributes:
        name: its name.
        version: its version.
        source: the source package that it is built from.
    """

    name: str
    version: str
    source: str


def require_apt() -> None:
    """Refuse to begin on a machine without apt.

    Raises:
        SmallerLabseError: a command is missing.
    """
    for command in ("apt-get", "dpkg-deb"):
        if shutil.which(command) is None:
            raise SmallerLabseError(
                f"{command} is missing: this works on Debian, Ubuntu and the like only; "
                "elsewhere take pairs of your own"
            )


def download(name: str, folder: Path) -> Path:
    """Download a package into a folder; apt compares it with the signed lists.

    Raises:
        SmallerLabseError: there is no such package, or it cannot be fetched.
    """
    before = set(folder.iterdir())
    done = subprocess.run(
        ["apt-get", "download", "-qq", "--", name], cwd=folder, capture_output=True, text=True, check=False
    )
    found = [file for file in folder.iterdir() if file not in before and file.suffix == ".deb"]
    if done.returncode or len(found) != 1:
        reason = next((line for line in done.stderr.splitlines() if line.startswith("E:")), "E: nothing came")
        raise SmallerLabseError(
            f"{name}: apt cannot fetch it ({reason[2:].strip()}); check the name, "
            "or run `apt-get update` first"
        )
    return found[0]


def describe(deb: Path) -> Package:
    """Read a package's name, version and source.

    Raises:
        SmallerLabseError: the file is no Debian package.
    """
    fields = ("Package", "Version", "Source")
    done = subprocess.run(
        ["dpkg-deb", "--field", str(deb), *fields], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SmallerLabseError(f"{deb}: no readable Debian package; download it again")
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)
    source = said.get("Source", said["Package"]).partition(" ")[0]  # "gcc-12 (12.2.0-14)"
    return Package(said["Package"], said["Version"], source)


def files_of(deb: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Go through a package's regular files; nothing is written, and links are not followed.

    Args:
        deb: the package.
        wanted: whether a file is read, by its path from the root on, such as "usr/share/doc/a/copyright".

    Raises:
        SmallerLabseError: the package is damaged, or a wanted file has more than 64 MiB.
    """
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    path = PurePosixPath(member.name).as_posix().removeprefix("./")
                    if not member.isreg() or not wanted(path):
                        continue
                    if member.size > LARGEST_FILE:
                        raise SmallerLabseError(
                            f"{deb.name}: {path} has {member.size:,} bytes, expected {LARGEST_FILE:,} or less"
                        )
                    stream = archive.extractfile(member)
                    assert stream is not None
                    yield path, stream.read()
        except tarfile.TarError:
            raise SmallerLabseError(f"{deb}: no readable Debian package; download it again") from None
        finally:
            process.stdout.close()
            process.wait()


def licences(copyrights: Sequence[str]) -> str:
    """The names of the licences in copyright files, as Debian's machine-readable format gives them.

    Returns:
        The different names with commas between; where a file has another format, where it is to be read.

    >>> licences(["Format: https://…\\n\\nFiles: *\\nLicense: GPL-2+\\n\\nFiles: a\\nLicense: MIT\\n"])
    'GPL-2+, MIT'
    >>> licences(["This package is under the GPL."])
    'see copyright/'
    """
    names = [name for text in copyrights if MACHINE_READABLE.search(text) for name in LICENCE.findall(text)]
    return ", ".join(dict.fromkeys(names)) or UNKNOWN
