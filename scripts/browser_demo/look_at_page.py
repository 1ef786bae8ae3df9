"""Look at the page in Chromium, as its tests and its benchmark do: serve it, type, count its files."""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError, UsageError

HERE = Path(__file__).resolve().parent
PACKAGES = HERE.parents[1] / ".cache" / "node"
OPEN_PAGE, EMBED_IN_NODE = HERE / "open_page.mjs", HERE / "embed_in_node.mjs"
INSTALL = "scripts/browser_demo.sh installs the packages, apt-get install chromium the browser"


@dataclass(frozen=True)
class Seen:
    """What Chromium showed; see `open_page.mjs`.

    Attributes:
        views: one for each view that was asked for.
        asked: how often each file was asked for.
        bytes: how large the files are together that a view asks for.
    """

    views: list[dict[str, Any]]
    asked: Counter[str]
    bytes: int


def look_at_page(
    page: Path, views: Sequence[dict], queries: Sequence[str], paste: bool = False, seconds: int = 240
) -> Seen:
    """Open a page at each view, type each query, and read what is found.

    Args:
        page: the folder.
        views: {"width", "height"} in pixels, and "screenshot", a path, where one is wanted.
        queries: what is typed.
        paste: whether a query comes at once, and not key by key.
        seconds: how long that may take.

    Raises:
        UsageError: Node.js, its packages or Chromium are not installed.
        SmallerLabseError: the page did not load.
    """
    asked: Counter[str] = Counter()
    with serve(page, asked) as url:
        chromium, limit = find_program("chromium"), seconds * 1000
        request = {"url": url, "executable": chromium, "timeout": limit, "views": views, "queries": queries}
        seen = run_node(OPEN_PAGE, request | {"paste": paste}, seconds)
    files = (page / (path[1:] or "index.html") for path in asked)
    return Seen(seen, asked, sum(file.stat().st_size for file in files if file.is_file()))


@contextmanager
def serve(page: Path, asked: Counter[str]) -> Iterator[str]:
    """Serve a folder as `python -m http.server` does, and count what is asked for."""

    class Counting(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            asked[self.path] += 1

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Counting, directory=str(page)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def run_node(script: Path, request: object, seconds: int) -> Any:
    """What a script of this folder answers to a request.

    Raises:
        UsageError: Node.js or its packages are not installed.
        SmallerLabseError: it failed.
    """
    if not (PACKAGES / "node_modules" / "@huggingface").is_dir():
        raise UsageError(f"no npm packages in {PACKAGES}; {INSTALL}")
    done = subprocess.run(
        [find_program("node"), script, PACKAGES / "package.json"],
        input=json.dumps(request), capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SmallerLabseError(f"{script.name}: {' '.join(done.stderr.split())[:600]}")
    return json.loads(done.stdout)


def find_program(name: str) -> str:
    """A program's path.

    Raises:
        UsageError: it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"no {name} found; {INSTALL}")
    return found
