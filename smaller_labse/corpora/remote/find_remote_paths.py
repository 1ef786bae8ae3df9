"""The files and folders that a URL names, or a pattern of URLs."""

from __future__ import annotations

import glob
from typing import Any

from smaller_labse.corpora.remote.filesystems import failures_in_one_line, is_missing, open_filesystem
from smaller_labse.corpora.remote.remote_path import RemotePath, remote_path
from smaller_labse.corpora.remote.url import HTTP, is_url_pattern, split_url


def find_remote_paths(url: str) -> list[RemotePath]:
    """The path of a URL, or those that a pattern with * stands for, in the order of their names.

    As on a disk, the path of just this name comes first, and * stands for no name that begins with a dot.

    Returns:
        The paths; empty where there is none.

    Raises:
        UsageError: see `open_filesystem`.
        SmallerLabseError: it may not or cannot be listed.
    """
    scheme = split_url(url).scheme.lower()
    filesystem = open_filesystem(url)
    with failures_in_one_line(url):
        # What fsspec remembers of folders may be of earlier text.
        filesystem.invalidate_cache()
        place = filesystem._strip_protocol(url)
        if (found := _find_one(filesystem, scheme, url, place)) is not None:
            return [found]
        if not is_url_pattern(url):
            return []
        return sorted(remote_path(filesystem, scheme, info) for info in _matching(filesystem, place))


def _find_one(filesystem: Any, scheme: str, url: str, place: str) -> RemotePath | None:
    if scheme in HTTP and is_url_pattern(url):
        return None
    try:
        if scheme in HTTP and url.endswith("/"):  # where a folder is a page with links, like any other
            filesystem.ls(url, detail=False)
            return remote_path(filesystem, scheme, {"name": url, "type": "directory"})
        return remote_path(filesystem, scheme, filesystem.info(place))
    except Exception as error:
        if not is_missing(error):
            raise
        return None


def _matching(filesystem: Any, pattern: str) -> list[dict[str, Any]]:
    root = _before_the_pattern(pattern)
    try:
        filesystem.ls(root, detail=False)  # which fails where `glob` matches nothing
    except Exception as error:
        if not is_missing(error):
            raise
        return []
    shown = any(part.startswith(".") for part in pattern[len(root) :].split("/"))
    return [
        {**info, "name": name}
        for name, info in filesystem.glob(pattern, detail=True).items()
        if shown or not any(part.startswith(".") for part in name[len(root) :].split("/"))
    ]


def _before_the_pattern(pattern: str) -> str:
    """The folder that all matching paths lie in.

    >>> _before_the_pattern("bucket/en/*/a[0-9].txt")
    'bucket/en/'
    """
    parts = pattern.split("/")
    fixed = next(number for number, part in enumerate(parts) if glob.has_magic(part))
    return "".join(f"{part}/" for part in parts[:fixed])
