"""URLs of text: what they name, and what of them may be shown."""

from __future__ import annotations

import glob
import re
from pathlib import PurePosixPath
from urllib.parse import SplitResult, unquote, urlsplit

from smaller_labse.common.errors import UsageError

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
HTTP = ("http", "https")
BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "hf", "memory")  # in whose URLs a ? stands for a letter
# Of other URLs' queries everything may be a secret, as in links that are signed for a while.
HIDDEN = "…"
SHORTEST_SECRET = 4  # characters; shorter ones are looked for as whole words only


def is_url(written: str) -> bool:
    """Whether this is a URL, and no path.

    >>> is_url("s3://bucket/en.txt"), is_url("text/en.txt")
    (True, False)
    """
    return URL.match(written) is not None


def split_url(url: str) -> SplitResult:
    """The parts of a URL.

    Raises:
        UsageError: it is none.
    """
    try:
        return urlsplit(url)
    except ValueError:
        raise UsageError(f"--text {shown_url(url)}: this is no URL that can be read") from None


def local_path(url: str) -> str:
    """The path that a file:// URL names (RFC 8089).

    Raises:
        UsageError: it is one of another machine.

    >>> local_path("file:///my%20text/{code}.txt")
    '/my text/{code}.txt'
    """
    parts = split_url(url)
    if parts.netloc not in ("", "localhost"):
        raise UsageError(f"--text {shown_url(url)}: write file:///PATH, with three slashes")
    return unquote(url[url.index("://") + 3 + len(parts.netloc) :])


def shown_url(url: str) -> str:
    """A URL as it may be shown: without user, password and query; what has none in it, as it is.

    >>> shown_url("https://me:secret@host:80/en.txt?token=secret"), shown_url("s3://bucket/en?.txt")
    ('https://host:80/en.txt?…', 's3://bucket/en?.txt')
    """
    begin = URL.search(url)
    if begin is None:
        return url
    if begin.start():
        return url[: begin.start()] + shown_url(url[begin.start() :])
    scheme, _, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    place = place.rpartition("@")[2]
    query = ""
    if scheme.lower() not in BUCKETS:
        path, mark, _ = path.partition("?")
        path, query = path.partition("#")[0], mark and mark + HIDDEN
    return f"{scheme}://{place}{slash}{path}{query}"


def without_secrets(text: str, url: str) -> str:
    """What a library says of a URL, without what `shown_url` leaves out.

    >>> without_secrets("404 for https://me:secret@host/a?t=1234", "https://me:secret@host/a?t=1234")
    '404 for https://host/a?…'
    """
    text = text.replace(url, shown_url(url))
    for secret in sorted(_secrets(url), key=len, reverse=True):
        pattern = re.escape(secret) if len(secret) >= SHORTEST_SECRET else rf"\b{re.escape(secret)}\b"
        text = re.sub(pattern, HIDDEN, text)
    return text


def _secrets(url: str) -> set[str]:
    place, _, path = url.partition("://")[2].partition("/")
    user, _, password = place.rpartition("@")[0].partition(":")
    found = {user, password}
    if url.partition("://")[0].lower() not in BUCKETS:
        query = path.partition("?")[2]
        found |= {query, *(pair.partition("=")[2] for pair in query.split("&"))}
    return {form for secret in found for form in (secret, unquote(secret)) if form}


def name_of_url(url: str) -> str:
    """What counts files call a text: the last part of its URL, as of a path.

    >>> name_of_url("s3://bucket/en/*.parquet"), name_of_url("https://host/my%20en.txt?a=b")
    ('*.parquet', 'my en.txt')
    """
    shown = shown_url(url)
    scheme, _, path = shown.partition("://")
    if scheme.lower() in HTTP:
        path = unquote(path.partition("?")[0])
    return PurePosixPath(path).name


def is_url_pattern(url: str) -> bool:
    """Whether a URL has * or the like in it; a web server's has a question mark before its query.

    >>> is_url_pattern("s3://bucket/*.txt"), is_url_pattern("https://host/en.txt?a=b")
    (True, False)
    """
    scheme, _, rest = url.partition("://")
    return glob.has_magic(rest.replace("?", "") if scheme.lower() in HTTP else rest)


def is_local(url: str) -> bool:
    """Whether a URL names a path of this machine."""
    return url.lower().startswith("file://")


def as_path(written: str) -> str:
    """What the user wrote, where it is a file:// URL its path."""
    return local_path(written) if is_url(written) and is_local(written) else written
