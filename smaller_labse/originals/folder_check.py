"""The check of a model's folder: are its files as `make-smaller` wrote them, by the digests in its manifest?

Safetensors, tokenizers and graphs have no checksums of their own. Hidden files, such as git's, are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.digests import DIGEST, digest_of_json, digests_of_files
from smaller_labse.originals.model_folder import MANIFEST, read_manifest

DIGESTS = "sha256"  # of the manifest: path → digest of every other file


@dataclass(frozen=True)
class FolderCheck:
    """What is not as it was written; paths in the folder, ascending.

    Attributes:
        files: how many files were compared.
        changed: those with other bytes, the manifest among them.
        missing: those that are not there.
        added: those that are there and were not written.
    """

    files: int
    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]


def check_folder(folder: Path) -> FolderCheck:
    """Compare a model's folder with its manifest; every file is read once.

    Args:
        folder: as `make-smaller` wrote it.

    Raises:
        SmallerLabseError: it has no manifest of ours, or one without digests, as version 0.1.0 wrote it.

    Example:
        >>> check_folder(Path("work/model"))  # doctest: +SKIP
        FolderCheck(files=22, changed=(), missing=(), added=())
    """
    manifest = _read_manifest(folder)
    digests: dict[str, str] = manifest[DIGESTS]
    found = {path: file for path, file in _files(folder).items() if path != MANIFEST}
    now = digests_of_files({path: found[path] for path in digests if path in found})
    changed = [path for path, digest in now.items() if digest != digests[path]]
    if manifest[DIGEST] != digest_of_json(manifest):
        changed.append(MANIFEST)
    return FolderCheck(
        files=len(digests) + 1,
        changed=tuple(sorted(changed)),
        missing=tuple(sorted(digests.keys() - found)),
        added=tuple(sorted(found.keys() - digests)),
    )


def require_as_written(folder: Path) -> FolderCheck:
    """The check of a folder in which nothing is changed.

    Raises:
        SmallerLabseError: something is, a line for each file; or as for `check_folder`.
    """
    check = check_folder(folder)
    lines = [
        *(f"{folder / path}: not as it was written" for path in check.changed),
        *(f"{folder / path}: missing" for path in check.missing),
        *(f"{folder / path}: added, it was not written with the model" for path in check.added),
    ]
    if lines:
        raise SmallerLabseError(
            *lines, f"{folder}: {len(lines)} differences; get the model again, or make it again"
        )
    return check


def require_whole_manifest(folder: Path) -> None:
    """Refuse to write digests anew into a manifest that was damaged: it would look whole.

    Raises:
        SmallerLabseError: it has a digest, and another one.
    """
    manifest = read_manifest(folder)
    if DIGEST in manifest and manifest[DIGEST] != digest_of_json(manifest):
        raise SmallerLabseError(
            f"{folder / MANIFEST}: not as it was written (its digest is another); make the model again"
        )


def _read_manifest(folder: Path) -> dict[str, Any]:
    if not (folder / MANIFEST).is_file() or not (manifest := read_manifest(folder)):
        raise SmallerLabseError(
            f"{folder}: no {MANIFEST} of make-smaller's in it, so nobody can tell whether it is as it "
            "was written"
        )
    if DIGESTS not in manifest or DIGEST not in manifest:
        raise SmallerLabseError(
            f"{folder / MANIFEST}: no digests in it, as in those of version 0.1.0, so nobody can tell "
            "whether the folder is as it was written; make the model again"
        )
    return manifest


def _files(folder: Path) -> dict[str, Path]:
    """Path in the folder → file; without hidden ones."""
    paths = {file.relative_to(folder): file for file in folder.rglob("*") if file.is_file()}
    return {
        path.as_posix(): file
        for path, file in paths.items()
        if not any(part.startswith(".") for part in path.parts)
    }
