"""How much memory this process has, and had at most."""

from __future__ import annotations

import os
import re
import resource
import sys
from pathlib import Path


def resident_bytes() -> int:
    """Of this process now; where the system does not say, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return peak_bytes()
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    """The most resident memory that this process had.

    Linux's `ru_maxrss` would not do: a process that was forked has its parent's peak in it.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii", errors="replace")
    except OSError:
        status = ""
    if match := re.search(r"^VmHWM:\s*(\d+) kB", status, flags=re.MULTILINE):
        return 1024 * int(match[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
