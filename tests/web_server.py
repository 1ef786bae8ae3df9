"""A web server that gives parts of files, for tests of what is read from afar."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a server of a folder's files, while the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Server, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Server(SimpleHTTPRequestHandler):
    """Files of a folder, or parts of them; what is below /closed only with the password."""

    with_ranges = True

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.name.startswith("closed") and not self.headers.get("Authorization"):
            self.send_error(403, f"{self.path} is closed")
            return
        wanted = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if wanted is None or not path.is_file() or not self.with_ranges:
            super().do_GET()
            return
        data, first = path.read_bytes(), int(wanted[1])
        some = data[first : int(wanted[2]) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{first + len(some) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(some)))
        self.end_headers()
        self.wfile.write(some)

    def do_HEAD(self) -> None:
        if "closed" in self.path and not self.headers.get("Authorization"):
            self.send_error(403, "closed")
        else:
            super().do_HEAD()

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""
