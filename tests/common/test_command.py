"""Commands end well: in any encoding, with a closed or full output, after Ctrl-C."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import SmallerLabseError, UsageError

def run(options):
    {body}

parser = CommandParser(prog="work", examples=("work --option 1",))
parser.set_defaults(run=run)
parser.add_argument("--option")
sys.exit(run_command(parser))
"""


def work(body: str, *arguments: str, **settings: object) -> subprocess.CompletedProcess:
    """Run a command whose work is `body`."""
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | settings
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.format(body=body), *arguments], check=False, **settings
    )


def test_wrong_usage_says_where_to_look_and_a_failure_does_not():
    wrong = work("raise UsageError('these two clash')")
    assert (wrong.returncode, wrong.stderr) == (2, "work: these two clash (see work --help)\n")
    failed = work("raise SmallerLabseError('it is not there')")
    assert (failed.returncode, failed.stderr) == (1, "work: it is not there\n")


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
)
def test_a_terminal_without_our_signs_gets_plain_ones(environment):
    body = "print('en→xx – 1 … Malmö \udcff'); print('loading …', file=sys.stderr)"
    body = body.encode("ascii", "backslashreplace").decode("ascii")
    ended = work(body, env=os.environ | environment)
    assert (ended.returncode, ended.stderr) == (0, "loading ...\n")
    assert ended.stdout == "en->xx - 1 ... Malm\\xf6 \\udcff\n"


def test_a_file_name_that_is_no_text_can_be_printed():
    assert work("print('work/\\udcff')").stdout == "work/\\udcff\n"


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",)])
def test_a_full_output_is_one_line(arguments):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        ended = work("print('done')", *arguments, stdout=full)
    assert (ended.returncode, ended.stderr) == (1, "work: No space left on device\n")


@pytest.mark.parametrize("arguments", [(), ("--help",), ("--version",)])
def test_a_reader_that_stops_listening_is_no_error(arguments):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        ended = work("print('done')", *arguments, stdout=closed)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_no_output_at_all_is_no_error():
    command = [sys.executable, "-c", SCRIPT.format(body="print('done')")]
    ended = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *command], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")


def after_sighup(disposition: str, body: str) -> subprocess.CompletedProcess:
    """A command that gets SIGHUP in the middle of its work, where that was ignored, or not, when it began."""
    begin = f"import signal\nsignal.signal(signal.SIGHUP, signal.{disposition})\n"
    script = begin + SCRIPT.format(body=f"signal.raise_signal(signal.SIGHUP); {body}")
    return subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)


def test_a_terminal_that_is_closed_ends_the_work_as_ctrl_c_does():
    ended = after_sighup("SIG_DFL", "print('it went on')")
    assert (ended.returncode, ended.stdout) == (130, "")
    assert ended.stderr == "work: interrupted; nothing half-done is left, run the same command again\n"


def test_under_nohup_the_work_goes_on():
    ended = after_sighup("SIG_IGN", "print('it went on')")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "it went on\n", "")


def test_where_nothing_can_be_said_any_more_the_exit_code_still_is():
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        assert work("raise KeyboardInterrupt", stderr=full).returncode == 130


def test_ctrl_c_is_one_line_and_130():
    for body in ("raise KeyboardInterrupt", "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"):
        ended = work(body)
        assert ended.returncode == 130
        assert ended.stderr == "work: interrupted; nothing half-done is left, run the same command again\n"
