"""Visible text: what a terminal or a page would obey in place of showing it is written out, as `\\\\x1b`.

Names and texts come out of files that others made. A control character in them can move the cursor, change
colours, set a window's title or type into a shell; a bidirectional override shows a name as another one
(Unicode Technical Report 36, section 2.3; "Trojan Source", CVE-2021-42574).
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

# Controls (Cc), line and paragraph separators, and bidirectional embeddings, overrides and isolates.
OBEYED = "\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069"
IN_A_LINE = re.compile(f"[{OBEYED}]")
IN_LINES = re.compile(f"(?!\\n)[{OBEYED}]")
MARKDOWN = re.compile(
    r"\\(?=[!-/:-@\[-`{-~])|[`|]"  # a backslash before what it would make plain, code, a table's next cell
    r"|(?<=\S)\*|\*(?=\S)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~"  # emphasis, but not our own " *"
    r"|<(?=[A-Za-z/!?])|&(?=#|\w+;)|\](?=[(\[])"  # HTML, and links
)


def visible(text: str) -> str:
    """One line of text, with all that would not be shown written out.

    >>> print(visible("en\\x1b[2J\\u202e.txt\\n"))
    en\\x1b[2J\\u202e.txt\\n
    """
    return IN_A_LINE.sub(_written_out, text)


def markdown_text(text: str) -> str:
    """One line of text, as Markdown shows it and does nothing else with it.

    >>> print(markdown_text("<b>[a](b) zh_min_nan __init__ 2 *"))
    \\<b>[a\\](b) zh_min_nan \\_\\_init\\_\\_ 2 *
    """
    return MARKDOWN.sub(r"\\\g<0>", " ".join(visible(text).split()))


@contextmanager
def visible_output() -> Iterator[None]:
    """Let nothing but visible text and line feeds reach standard output and error, whoever prints it."""
    previous = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (
        None if stream is None else cast(TextIO, VisibleStream(stream))  # None: closed, as by >&-
        for stream in previous
    )
    try:
        yield
    finally:
        sys.stdout, sys.stderr = previous


def drawing_stream(stream: TextIO) -> TextIO:
    """A stream that escape sequences of our own may be written to, as for a bar; only to them is it given."""
    return drawing_stream(stream.stream) if isinstance(stream, VisibleStream) else stream


class VisibleStream:
    """A text stream that writes out what a terminal would obey, except line feeds."""

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        self.stream = stream

    def write(self, text: str) -> int:
        """Write text, and say how many characters of it there were, as every stream does."""
        self.stream.write(IN_LINES.sub(_written_out, text))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        return getattr(self.stream, name)


def _written_out(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
