"""Symbolic links in an original's folder: followed where they lead to inside of it, else refused.

What an original holds is copied into the model that is made of it, and that is published: a link in a folder
that somebody else made must not bring a private key into it, or the folder that it lies in. Two kinds of
links are followed: those that lead to inside the folder, and those of huggingface_hub's cache, where
models--OWNER--NAME/snapshots/REVISION/FILE leads to a file in models--OWNER--NAME/blobs.
"""

from __future__ import annotations

import os
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError

SNAPSHOTS, BLOBS, REPOSITORY = "snapshots", "blobs", "models--"


def require_links_inside(path: Path, folder: Path) -> None:
    """Refuse links that lead out of an original's folder, before anything of it is copied.

    Hidden files and folders are never copied and are left out.

    Args:
        path: the file or folder to go through, links that it holds too; the folder itself, or a part of it.
        folder: the original's folder, as the user names it; it may be a link itself, or lie behind some.

    Raises:
        SmallerLabseError: a link leads out of the folder, nowhere or in a circle, or a link to a folder lies
            behind another.
    """
    root = Path(os.path.realpath(folder))
    blobs = _blobs_of(root)
    waiting: list[tuple[Path, Path | None]] = [(path, None)]  # and the link to a folder that it lies behind
    while waiting:
        path, behind = waiting.pop()
        if path != folder and path.is_symlink():
            _require_inside(path, root, blobs)
            if path.is_dir():
                _require_no_circle(path, behind)
                behind = path
        if path.is_dir():
            entries = sorted(path.iterdir(), reverse=True)
            waiting += [(entry, behind) for entry in entries if not entry.name.startswith(".")]


def _require_inside(link: Path, root: Path, blobs: Path | None) -> None:
    target = Path(os.path.realpath(link))
    if not link.exists():
        raise SmallerLabseError(
            f"{link}: a link to {link.readlink()}, where nothing is; is the download complete?"
        )
    is_blob = target.parent == blobs and target.is_file()
    if not is_blob and not target.is_relative_to(root):
        raise SmallerLabseError(
            f"{link}: a link to {target}, outside of the model's folder, so it is not followed; put what is "
            "meant there in its place, or remove the link"
        )


def _require_no_circle(link: Path, behind: Path | None) -> None:
    """Refuse a link to a folder that holds it, and one behind another, of which a few make endless files."""
    target = Path(os.path.realpath(link))
    if Path(os.path.realpath(link.parent)).is_relative_to(target):
        raise SmallerLabseError(f"{link}: a link to {target}, a folder that it lies in; remove the link")
    if behind is not None:
        raise SmallerLabseError(
            f"{link}: a link to the folder {target}, behind {behind}, which is such a link, too; remove one"
        )


def _blobs_of(root: Path) -> Path | None:
    """Where the files of a snapshot in huggingface_hub's cache are, of a folder that is or lies in one."""
    for snapshot in (root, *root.parents):
        repository = snapshot.parent.parent
        if snapshot.parent.name == SNAPSHOTS and repository.name.startswith(REPOSITORY):
            return repository / BLOBS
    return None
