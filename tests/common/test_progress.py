"""Progress: what it says on a terminal of 80 columns, and when piped."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

import pytest

from smaller_labse.common import progress

SHOW = """
import time
from smaller_labse.common.progress import progress
with progress("counting Italian (it), language 2 of 15", {total}, "lines") as advance:
    for _ in range(8):
        advance(12345)
        time.sleep(0.15)
    advance.describe("counting Norwegian Nynorsk (nn), language 12 of 15")
    advance(1)
    time.sleep(0.3)
"""


BY_THE_CLOCK = """
import time
from smaller_labse.common.progress import progress
with progress("training, loss 1.234, held-out 87.5%", None, "texts") as advance:
    advance.begin_at(1_000_000)
    for _ in range(8):
        advance(12)
        advance.expect(7000)
        time.sleep(0.15)
"""


def lines_on_a_terminal(code):
    """What a terminal of 80 columns is sent, line by line, without colours."""
    outer, inner = pty.openpty()
    environment = os.environ | {"COLUMNS": "80", "TERM": "xterm"}
    subprocess.run([sys.executable, "-c", code], stderr=inner, env=environment, check=True, timeout=60)
    os.close(inner)
    shown = ""
    while True:
        try:
            part = os.read(outer, 100_000)
        except OSError:
            break
        shown += part.decode()
        if not part:
            break
    os.close(outer)
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown))


@pytest.mark.parametrize("total", [1_000_000, None])
def test_a_bar_fits_80_columns(total):
    lines = lines_on_a_terminal(SHOW.format(total=total))
    assert max(map(len, lines)) <= 80
    one = next(line for line in lines if "lines/s" in line)
    assert one.startswith("counting Italian (it), language 2 of 15 ")
    assert any(line.startswith("counting Norwegian Nynorsk (nn), language 12 of 15 ") for line in lines)


def test_where_the_clock_decides_it_says_the_time_left_and_the_rate_of_this_run():
    lines = lines_on_a_terminal(BY_THE_CLOCK)
    assert max(map(len, lines)) <= 80
    last = [line for line in lines if "texts/s" in line][-1]
    assert re.search(r"1,000,0\d\d texts +\d{2} texts/s +1:56:\d\d", last), last


def test_piped_lines_say_the_time_left_by_the_clock(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    with progress.progress("training", None, "texts") as advance:
        advance.begin_at(10**9)
        advance.expect(7000)
        advance(5)
    (line,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"training: 1,000,000,005 texts, [\d,]+ texts/s, 7,000 s left", line)


def test_piped_lines_say_what_is_being_done(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0)
    with progress.progress("counting French (fr), language 1 of 15", 10, "lines") as advance:
        advance(5)
        advance.describe("counting Italian (it), language 2 of 15")
        advance(5)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("counting French (fr), language 1 of 15: 5 of 10 lines, ")
    assert second.startswith("counting Italian (it), language 2 of 15: 10 of 10 lines, ")
