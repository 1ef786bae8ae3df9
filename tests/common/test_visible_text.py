"""Whatever stands in files and arguments, a terminal is shown it and obeys nothing of it."""

from __future__ import annotations

import io
import sys
from contextlib import suppress
from unicodedata import category

import pytest
from hypothesis import example as for_example
from hypothesis import given, settings
from hypothesis import strategies as st

from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import SmallerLabseError, UsageError, all_of
from smaller_labse.common.progress import announce, progress
from smaller_labse.common.result_table import Table, print_table
from smaller_labse.common.visible_text import markdown_text, visible, visible_output

OVERRIDES = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = st.text(
    st.one_of(
        st.characters(categories=["Cc"]),
        st.sampled_from(OVERRIDES + "\u2028\u2029"),
        st.sampled_from("a[]()<>&|*_`~\\#日ا "),
    ),
    min_size=1,
)
EXAMPLES = (
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[1;1H",
    "\x9b31m",
    "a\rb",
    "a\nb",
    "\u202efdp.exe",
    "[red]",
    "\x85",
)


def obeyed(text: str) -> set[str]:
    """What in a text no terminal may get, line feeds, which are ours, excepted."""
    return {
        sign for sign in text if (category(sign) in ("Cc", "Zl", "Zp") or sign in OVERRIDES) and sign != "\n"
    }


class Terminal(io.StringIO):
    """What a terminal gets."""

    def isatty(self) -> bool:
        return True


def shown(work, stream: type[io.StringIO]) -> str:
    """All that a command whose work this is writes, standard output and error."""
    parser = CommandParser(prog="work")
    parser.set_defaults(run=lambda options: work())
    with pytest.MonkeyPatch.context() as patch:
        both = stream()
        patch.setattr(sys, "stdout", both)
        patch.setattr(sys, "stderr", both)
        patch.setenv("COLUMNS", "10000")
        with suppress(SystemExit):
            run_command(parser, [])
    return both.getvalue()


def fail(kind, *texts: str) -> None:
    raise kind(*texts)


WAYS = {
    "print": lambda text: (print(text), print(text, file=sys.stderr)),
    "error": lambda text: fail(SmallerLabseError, f"{text}: wrong"),
    "usage": lambda text: fail(UsageError, f"{text}: wrong"),
    "errors": lambda text: all_of(
        lambda: fail(UsageError, text), lambda: fail(SmallerLabseError, f"{text}!")
    ),
    "system": lambda text: fail(FileNotFoundError, 2, "No such file or directory", text),
    "argument": lambda text: CommandParser(prog="work").parse_command_line([f"--{text}"]),
    "step": lambda text: announce(f"loading {text}"),
    "table": lambda text: print_table(Table(("", text), [(text, "1"), ("en", text)])),
}


@pytest.mark.parametrize("way", WAYS)
@given(text=HOSTILE)
@settings(max_examples=40, deadline=None)
def test_nothing_in_a_text_is_obeyed(way, text):
    assert not obeyed(shown(lambda: WAYS[way](text), io.StringIO))


@pytest.mark.parametrize("text", EXAMPLES)
@pytest.mark.parametrize("way", [way for way in WAYS if way not in ("print", "argument")])
def test_a_line_feed_in_a_name_begins_no_line_of_ours(way, text):
    """On a terminal, too, where a table is drawn: as it would be drawn with the text written out."""
    for stream in (io.StringIO, Terminal):
        assert shown(lambda: WAYS[way](text), stream) == shown(lambda: WAYS[way](visible(text)), stream)


@pytest.mark.parametrize("text", EXAMPLES)
def test_a_progress_bar_shows_names_and_what_is_printed_beside_it(text):
    def work(text: str) -> None:
        with progress(text, 10, "lines") as advance:
            advance(1)
            print(text, file=sys.stderr)

    raw = shown(lambda: work(text), Terminal)
    written = visible(text) if "\n" not in text else "a"
    assert written in raw
    assert "\x1b]" not in raw and "\x07" not in raw and "\x9b" not in raw and "\u202e" not in raw
    assert "\x1b[1;1H" not in raw


@given(HOSTILE)
@for_example("\x1b[31m`<script>`")
def test_markdown_shows_a_text_as_it_is(text):
    """Read by a CommonMark reader: a paragraph of nothing but text, and that text the same."""
    written = markdown_text(text)
    assert not obeyed(written) and "\n" not in written
    html = (
        pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table").render(f"a {written} a")
    )
    assert html.count("<") == 2 and html.startswith("<p>") and html.endswith("</p>\n")


def test_closed_streams_stay_closed(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with visible_output():
        assert sys.stdout is None
