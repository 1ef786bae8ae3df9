"""Every option that a message, a docstring or a document names is one that its command has."""

from __future__ import annotations

import argparse
import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from smaller_labse.all_stages import __main__ as all_stages
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.distill import __main__ as distill
from smaller_labse.evaluate import __main__ as evaluate
from smaller_labse.make_smaller import __main__ as make_smaller
from smaller_labse.make_smaller import example
from smaller_labse.select_vocab import __main__ as select_vocab

ROOT = Path(__file__).resolve().parents[1]
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*[a-z0-9]")
PARSERS = {
    "select-vocab": select_vocab._parser(),
    "make-smaller": make_smaller._parser(),
    "distill-encoder": distill.make_parser(),
    "evaluate-encoder": evaluate._make_parser(),
    "smaller-labse": all_stages._parser(),
}
FOLDERS = ("select_vocab", "make_smaller", "distill", "evaluate", "all_stages")
STAGES = dict(zip(FOLDERS, PARSERS, strict=True))
OF_OTHERS = {"--no-deps"}  # pip's
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
# Those that are left out call pip, pytest and mypy.
SCRIPTS = [
    file for file in (ROOT / "scripts").glob("*.sh") if file.stem not in ("setup", "test", "typecheck")
]


def options_of(parser: argparse.ArgumentParser) -> set[str]:
    """A parser's options, and those of its subcommands."""
    found = set(parser._option_string_actions)
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {option for one in action.choices.values() for option in options_of(one)}
    return found


def strings_of(file: Path) -> Iterator[tuple[int, str]]:
    """Every string in a file's source, the parts of f-strings joined, and its line."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    inside: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inside |= {id(part) for part in node.values}
            yield (
                node.lineno,
                "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values),
            )
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.lineno, node.value


def unknown_options(text: str, known: set[str]) -> set[str]:
    """The options that a text names and that are not known; of another command where the text names it."""
    for command, parser in PARSERS.items():
        if command in text:
            known = known | options_of(parser)
    return set(OPTION.findall(text)) - known


@pytest.mark.parametrize("folder", [*STAGES, "smaller_labse"])
def test_messages_and_docstrings_name_options_that_exist(folder: str) -> None:
    if folder in STAGES:
        known = options_of(PARSERS[STAGES[folder]])
    else:  # what all share speaks to the users of all
        known = {option for parser in PARSERS.values() for option in options_of(parser)}
    wrong = []
    for file in sorted((ROOT / folder).rglob("*.py")):
        own = {"--rows", *options_of_example()} if file.name == "example.py" else set()
        for line, text in strings_of(file):
            wrong += [f"{file}:{line}: {option}" for option in sorted(unknown_options(text, known | own))]
    assert wrong == []


def options_of_example() -> set[str]:
    """Options of `smaller_labse.make_smaller.example`, which stand in its source alone."""
    source = Path(example.__file__).read_text(encoding="utf-8")
    return set(re.findall(r'"(--[a-z-]+)"', source))


def command_lines(text: str) -> Iterator[str]:
    """The lines of a document's blocks for the shell, those that go on in the next put together."""
    for block in re.findall(r"```(?:bash|sh|console)\n(.*?)```", text, flags=re.DOTALL):
        yield from block.replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("document", [str(file.relative_to(ROOT)) for file in DOCUMENTS])
def test_the_command_lines_of_the_documents_are_understood(document: str) -> None:
    """Each is parsed by the command that it calls; what it calls besides must not matter to us."""
    for line in command_lines((ROOT / document).read_text(encoding="utf-8")):
        words = [word for word in shlex.split(line, comments=True) if "=" not in word or word.startswith("-")]
        name = Path(words[0]).name if words else ""
        if name in PARSERS:
            given = shlex.split(line, comments=True)
            arguments = given[given.index(words[0]) + 1 :]
            try:
                PARSERS[name].parse_command_line(arguments)
            except SystemExit as end:
                assert end.code == 0, line


@pytest.mark.parametrize("document", [str(file.relative_to(ROOT)) for file in (*DOCUMENTS, *SCRIPTS)])
def test_the_documents_and_scripts_name_options_that_exist(document: str) -> None:
    known = {option for parser in PARSERS.values() for option in options_of(parser)}
    for folder in ("examples", "benchmarks", "scripts", "tests/fuzz"):
        for file in (ROOT / folder).rglob("*.py"):
            known |= set(re.findall(r'"(--[a-z-]+)"', file.read_text(encoding="utf-8")))
    text = (ROOT / document).read_text(encoding="utf-8")
    assert set(OPTION.findall(text)) - known - OF_OTHERS == set()


def test_an_option_that_is_not_there_is_seen() -> None:
    known = options_of(PARSERS["select-vocab"])
    assert unknown_options("--dataset, --dataset-config or --split", known) == {"--split"}
    assert unknown_options("give --tolerance", known) == {"--tolerance"}
    assert unknown_options("`evaluate-encoder parity --tolerance 1`", known) == set()
    assert isinstance(PARSERS["select-vocab"], CommandParser)
