"""Help answers at once: no command imports TensorFlow before it has read its arguments."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import smaller_labse
from smaller_labse.all_stages import __main__ as all_stages
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.distill import __main__ as distill
from smaller_labse.evaluate import __main__ as evaluate
from smaller_labse.make_smaller import __main__ as make_smaller
from smaller_labse.select_vocab import __main__ as select_vocab

HELP = """
import sys
from smaller_labse.{stage}.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    heavy = {{"tensorflow", "torch", "transformers", "datasets", "numba", "pyarrow", "numpy"}}
    heavy &= set(sys.modules)
    sys.exit(f"imported {{sorted(heavy)}}" if heavy else end.code)
"""
PARSERS = {
    "select-vocab": select_vocab._parser(),
    "make-smaller": make_smaller._parser(),
    "distill-encoder": distill.make_parser(),
    "evaluate-encoder": evaluate._make_parser(),
    "smaller-labse": all_stages._parser(),
}
FOLDERS = ("select_vocab", "make_smaller", "distill", "evaluate", "all_stages")
STAGES = dict(zip(PARSERS, FOLDERS, strict=True))


def subcommands(parser: CommandParser) -> dict[str, CommandParser]:
    """The parsers of a command's subcommands, by name."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


COMMANDS = [
    *((command,) for command in PARSERS),
    *((command, name) for command, parser in PARSERS.items() for name in subcommands(parser)),
]


def run_light(command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in its own process, which fails if it imports what takes time."""
    return subprocess.run(
        [sys.executable, "-c", HELP.format(stage=STAGES[command]), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_answers_at_once_and_ends_with_two_examples(command):
    """As copied into a shell, each is a command line that the command understands."""
    process = run_light(*command, "--help")
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout.startswith(f"usage: {' '.join(command)} ")
    page, examples = process.stdout.split("\nexamples:\n")
    assert "show the version" in page
    lines = examples.replace("\\\n", " ").splitlines()
    assert len(lines) == 2
    for line in lines:
        name, *arguments = shlex.split(line)
        assert line.strip().startswith(" ".join(command))
        PARSERS[name].parse_command_line(arguments)
    assert max(map(len, examples.splitlines())) <= 100


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_says_its_version(command):
    process = run_light(*command, "--version")
    assert process.stdout == f"{command[0]} {smaller_labse.__version__}\n"
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "ends"),
    [
        ("select-vocab", "the following arguments are required: COMMAND (see select-vocab --help)"),
        (
            "select-vocab xyz",
            "invalid choice: 'xyz', expected count, select, merge, inspect (see select-vocab --help)",
        ),
        (
            "select-vocab count --model m --out o --overwite",
            "select-vocab count: unknown argument '--overwite'; did you mean --overwrite? "
            "(see select-vocab count --help)",
        ),
        ("make-smaller m --xyz", "are required: --model, --selection, --out (see make-smaller --help)"),
        (
            "make-smaller --model m --selection s --out o extra",
            "make-smaller: unknown argument 'extra' (see make-smaller --help)",
        ),
        (
            "make-smaller --model m --selection s --out o --sequence-length nan",
            "make-smaller: --sequence-length: expected 3 tokens or more ([CLS], one token, [SEP]), got 'nan' "
            "(see make-smaller --help)",
        ),
        (
            "evaluate-encoder encode --model m --text t --out o --max-length 2",
            "--max-length: expected 3 tokens or more ([CLS], one token, [SEP]), got '2' "
            "(see evaluate-encoder encode --help)",
        ),
        *(
            (
                f"evaluate-encoder parity --original m --model m --text en=t --tolerance={wrong}",
                f"evaluate-encoder parity: --tolerance: expected a number from 0 on, such as 0.001, got "
                f"'{wrong}' (see evaluate-encoder parity --help)",
            )
            for wrong in ("nan", "inf", "-1", "-inf", "x")
        ),
    ],
)
def test_wrong_usage_ends_in_one_line_at_once(line, ends):
    process = run_light(*line.split())
    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert process.stderr.endswith(f"{ends}\n")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "select-vocab cuont",
            "COMMAND: invalid choice: 'cuont', expected count, select, merge, inspect; did you mean count?",
        ),
        (
            "evaluate-encoder party --model m",
            "expected compare, tatoeba, parity, encode, check; did you mean parity?",
        ),
        ("select-vocab count --modl m --out o", "count: unknown argument '--modl'; did you mean --model?"),
        ("select-vocab count --modl=m --out o", "count: unknown argument '--modl=m'; did you mean --model?"),
        (
            "make-smaller --modl x --selecting y",
            "make-smaller: unknown argument '--modl'; did you mean --model?",
        ),
        ("evaluate-encoder encode --model m --txt t", "unknown argument '--txt'; did you mean --text?"),
        ("make-smaller --xyz --selection s", "the following arguments are required: --model, --out"),
        ("make-smaller --sel s", "the following arguments are required: --model, --out"),
        ("make-smaller --out o -- --modl", "the following arguments are required: --model, --selection"),
        (
            "make-smaller --model m --selection s --out o --pooling men",
            "--pooling: invalid choice: 'men', expected mean, cls, pooler; did you mean mean?",
        ),
    ],
)
def test_what_was_meant_is_asked(line, says, capsys):
    command, *arguments = line.split()
    with pytest.raises(SystemExit) as end:
        PARSERS[command].parse_command_line(arguments)
    said = capsys.readouterr().err
    assert (end.value.code, said.count("\n")) == (2, 1)
    assert f"{says} (see {command}" in said


@pytest.mark.parametrize("how", ["module", "script"])
def test_the_command_is_found_as_a_module_and_as_a_script(how):
    script = shutil.which("select-vocab", path=str(Path(sys.executable).parent))
    if how == "script" and script is None:
        pytest.skip("needs the scripts that pip installs")
    command = [sys.executable, "-m", "smaller_labse.select_vocab"] if how == "module" else [script]
    process = subprocess.run([*command, "count", "--out", "x"], capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr == (
        "select-vocab count: the following arguments are required: --model (see select-vocab count --help)\n"
    )


def test_a_reader_that_stops_listening_is_no_error(example, counted, tmp_path):
    """As in `select-vocab … | head -1`."""
    command = [sys.executable, "-m", "smaller_labse.select_vocab", "select", "--model", str(example)]
    command += ["--counts", str(counted), "--out", str(tmp_path / "selection")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0
    assert (tmp_path / "selection" / "selection.json").is_file()
