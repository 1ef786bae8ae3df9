"""The filesystems that URLs of text are read from, by fsspec, and what their failures mean.

Only those are opened that read bytes from elsewhere. fsspec has others, which unpack archives, keep copies on
the disk or follow references that a file holds.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.remote.url import HTTP, shown_url, split_url, without_secrets

# The module that fsspec opens a scheme with, and what pip calls it.
MODULES = {
    **dict.fromkeys(("s3", "s3a"), ("s3fs", "s3fs")),
    **dict.fromkeys(("gs", "gcs"), ("gcsfs", "gcsfs")),
    **dict.fromkeys(("az", "abfs"), ("adlfs", "adlfs")),
    **dict.fromkeys(HTTP, ("aiohttp", "aiohttp")),
    "hf": ("huggingface_hub", "huggingface-hub"),
    "memory": ("fsspec", "fsspec"),
}
SCHEMES = ("s3", "gs", "az", "hf", "https", "http", "file")  # for people
SECONDS_TO_CONNECT, SECONDS_TO_READ = 10.0, 60.0
MOST_OF_REASON = 300  # characters
NOT_THERE = (404, 410)  # of HTTP


def open_filesystem(url: str) -> Any:
    """The filesystem of a URL; fsspec keeps it, and its connections, for the next time.

    What it needs besides, such as credentials or an endpoint, fsspec and its own library find: in the
    environment, in their files, from the machine.

    Raises:
        UsageError: it is of another kind, or its library is missing.
        SmallerLabseError: it cannot be opened.
    """
    parts = split_url(url)
    scheme = parts.scheme.lower()
    if scheme not in MODULES:
        raise UsageError(
            f"--text {shown_url(url)}: nothing is read from {scheme}://; there are "
            f"{', '.join(f'{known}://' for known in SCHEMES)}"
        )
    if not parts.netloc:
        raise UsageError(f"--text {shown_url(url)}: there is no name behind {scheme}://")
    if parts.password is not None and scheme not in HTTP:
        raise UsageError(
            f"--text {shown_url(url)}: no password is read from such a URL; give it to the machine's "
            f"environment, as {MODULES[scheme][1]} says"
        )
    module, package = MODULES[scheme]
    try:
        importlib.import_module(module)
        import fsspec
    except ImportError as error:
        missing = package if error.name == module else f"{package}, which lacks {error.name}"
        raise UsageError(f"{shown_url(url)} needs {missing}; pip install {package}") from None
    with failures_in_one_line(url):
        return fsspec.filesystem(scheme, **_options(scheme))


def _options(scheme: str) -> dict[str, Any]:
    """A web server that does not answer is waited for a minute, not five."""
    if scheme not in HTTP:
        return {}
    import aiohttp
    import fsspec.config

    of_user: Mapping[str, Any] = fsspec.config.conf.get(scheme, {})
    if "client_kwargs" in of_user:
        return {}
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=SECONDS_TO_CONNECT, sock_read=SECONDS_TO_READ)
    return {"client_kwargs": {"timeout": timeout}}


@contextmanager
def failures_in_one_line(url: str) -> Iterator[None]:
    """Say in one line, without secrets, why a URL could not be read, whatever a library raises.

    Raises:
        SmallerLabseError: in place of any other exception.
    """
    try:
        yield
    except SmallerLabseError:
        raise
    except Exception as error:
        # Each library has its own, and their texts may hold the URL.
        raise failure(error, url) from None


def failure(error: BaseException, url: str) -> SmallerLabseError:
    """The error that says why a URL cannot be read."""
    shown = shown_url(url)
    if is_missing(error):
        return SmallerLabseError(f"{shown}: there is no such file or folder of text")
    cause = _cause(error)
    reason = without_secrets(" ".join(str(cause).split()), url) or type(cause).__name__
    reason = reason if len(reason) <= MOST_OF_REASON else reason[:MOST_OF_REASON] + "…"
    if _is_refused(cause):
        return SmallerLabseError(
            f"{shown}: may not be read with the credentials that are here ({reason}); see "
            "'Buckets and servers' in docs/many-machines.md"
        )
    return SmallerLabseError(
        f"{shown}: cannot be read ({reason}); check the address and the network, then run the same "
        "command again"
    )


def is_missing(error: BaseException) -> bool:
    """Whether an error says that there is no such file.

    Of a web server fsspec says so of every failure, and gives the true one as its cause.
    """
    return isinstance(_cause(error), FileNotFoundError) or _status(_cause(error)) in NOT_THERE


def may_pass(error: BaseException) -> bool:
    """Whether the same may succeed a moment later: a connection failed, or a server."""
    cause = _cause(error)
    if is_missing(error) or _is_refused(cause):
        return False
    status = _status(cause)
    return isinstance(cause, OSError | TimeoutError) if status is None else status >= 500


def _cause(error: BaseException) -> BaseException:
    cause = error.__cause__
    if cause is None or not isinstance(error, FileNotFoundError):
        return error
    is_the_webs = type(cause).__module__.split(".")[0] in ("aiohttp", "asyncio")
    return cause if is_the_webs or isinstance(cause, OSError) else error


def _status(error: BaseException) -> int | None:
    """Of HTTP; None where there was no answer."""
    status = getattr(error, "status", None)
    return status if isinstance(status, int) else None


def _is_refused(error: BaseException) -> bool:
    return (
        isinstance(error, PermissionError)
        or "Credential" in type(error).__name__
        or _status(error) in (401, 403)
    )
