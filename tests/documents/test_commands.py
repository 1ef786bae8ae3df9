"""The commands that documents show: their files, options and packages exist, those of blocks that are not run too."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
STAGES = {
    "select-vocab": "select_vocab",
    "make-smaller": "make_smaller",
    "distill-encoder": "distill",
    "evaluate-encoder": "evaluate",
    "smaller-labse": "all_stages",
}
PARTS = {
    "select-vocab": ["count", "select", "merge", "inspect"],
    "make-smaller": [None],
    "distill-encoder": ["graft", "recover", "shrink", "tune"],
    "evaluate-encoder": ["compare", "tatoeba", "parity", "encode", "check"],
    "smaller-labse": [None],
}
PASSED_ON = {  # to which command a script gives the options that it does not know
    "scripts/count.sh": ("select-vocab", "count"),
    "scripts/select.sh": ("select-vocab", "select"),
    "scripts/make_smaller.sh": ("make-smaller", None),
    "scripts/evaluate.sh": ("evaluate-encoder", "tatoeba"),
}
OTHERS = {"git", "cd", ".", "export", "pip", "python", "python3", "pre-commit", "gzip", "mkdir"}
# Where the command stands: a block in which the environment was activated, or none; else, words in a sentence.
BLOCK, SENTENCE = "a block", "a sentence"


class Command(NamedTuple):
    words: list[str]
    where: str

    def __str__(self) -> str:
        return shlex.join(self.words)


def split_commands(text: str, where: str) -> Iterator[Command]:
    """The simple commands of shell text, without assignments, comments and redirections."""
    for line in text.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if not set(word) <= set("();<>|&"):
                words.append(word)
            elif words:
                if words[0] == "export":
                    words = []
                while words and re.match(r"\w+=", words[0]):
                    words.pop(0)
                if words:
                    yield Command(words, where)
                words = []


def read_commands(page: Path) -> list[Command]:
    text = page.read_text(encoding="utf-8")
    commands = []
    for block in re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        activated = False
        for command in split_commands(block, BLOCK):
            activated |= command.words[:2] == [".", ".venv/bin/activate"]
            commands.append(command._replace(where=SENTENCE) if activated else command)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    names = "|".join([*STAGES, "scripts/", "pip install", ".venv/bin/"])
    for span in re.findall(rf"`((?:[A-Z]+=\S+ )*(?:{names})[^`]*)`", prose):
        commands += split_commands(span.replace("\n", " "), SENTENCE)
    return commands


@pytest.fixture(scope="module")
def options() -> dict[tuple[str, str | None], set[str]]:
    """The options of every command, out of its help."""
    from contextlib import redirect_stdout, suppress
    from importlib import import_module
    from io import StringIO

    found = {}
    for command, parts in PARTS.items():
        main = import_module(f"smaller_labse.{STAGES[command]}.__main__").main
        for part in parts:
            help_page = StringIO()
            with redirect_stdout(help_page), suppress(SystemExit):
                main([*([part] if part else []), "--help"])
            found[command, part] = set(re.findall(r"--[a-z][a-z0-9-]*", help_page.getvalue()))
    return found


def wrong(command: Command, options: dict[tuple[str, str | None], set[str]]) -> str | None:
    """What is wrong with a command, or None."""
    if command.words[0] == "bash" and len(command.words) > 1:
        command = command._replace(words=command.words[1:])
    name = command.words[0]
    program = name.removeprefix(".venv/bin/")
    if program == "pip":
        return wrong_packages(command.words[1:])
    if program in STAGES:
        if name == program and command.where == BLOCK:
            return "not found in a fresh shell; write .venv/bin/ before it, or activate the environment"
        part = next((word for word in command.words[1:] if word in PARTS[program]), None)
        if len(command.words) == 1 or (part is None and PARTS[program] != [None]):
            return None if len(command.words) == 1 else f"no such part of {program}"
        return unknown(command.words, options[program, part])
    if name == "scripts/":
        return None  # the folder
    if name.startswith("scripts/"):
        if not (ROOT / name).is_file():
            return "no such script"
        given = PASSED_ON.get(name)
        script = set(re.findall(r"--[a-z][a-z0-9-]*", (ROOT / name).read_text(encoding="utf-8")))
        if name == "scripts/benchmark.sh":
            script |= set(re.findall(r'"(--[a-z-]+)"', (ROOT / "benchmarks" / "run.py").read_text("utf-8")))
        return unknown(command.words, script | (options[given] if given else set()))
    if program in ("python", "python3") and len(command.words) > 1:
        file = command.words[1]
        if file.endswith(".py") and not (ROOT / file).is_file() and file != "file.py":
            return "no such file"
        return None
    return None if program in OTHERS or name.startswith(".venv/bin/") else "no such command"


def unknown(words: list[str], known: set[str]) -> str | None:
    given = {word.partition("=")[0] for word in words if word.startswith("--")}
    return f"no such option: {', '.join(sorted(given - known))}" if given - known else None


def wrong_packages(words: list[str]) -> str | None:
    """`pip install` of groups and packages that pyproject.toml does not name."""
    groups = PROJECT["optional-dependencies"]
    listed = [*PROJECT["dependencies"], *(one for group in groups.values() for one in group)]
    names = {re.match(r"[\w-]+", requirement)[0].lower() for requirement in listed}
    for word in words[1:]:
        requirement = re.fullmatch(r"([\w.-]+?)(?:\[([\w,-]+)\])?(?:[=<>~!].*)?", word)
        if word.startswith("-") or requirement is None:
            continue
        name, extras = requirement[1], requirement[2]
        if name in (".", PROJECT["name"]):
            missing = set((extras or "").split(",")) - {""} - set(groups)
            if missing:
                return f"pyproject.toml has no group {', '.join(sorted(missing))}"
            if name != ".":
                return "it is not on PyPI; install the checkout: pip install -e '.[group]'"
        elif name.lower() not in names:
            return f"pyproject.toml does not name {name}"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_files_options_and_packages_exist(page, options) -> None:
    mistakes = {str(command): wrong(command, options) for command in read_commands(page)}
    assert {command: mistake for command, mistake in mistakes.items() if mistake} == {}


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("select-vocab count --model X", "not found in a fresh shell"),
        (". .venv/bin/activate\nselect-vocab count --no-such", "no such option: --no-such"),
        (".venv/bin/make-smaller --model X --dtype float16", None),
        ("LANGUAGES=en scripts/count.sh --text 'corpus/{code}.txt'", None),
        ("LANGUAGES=en scripts/count.sh --vocab-size 3", "no such option: --vocab-size"),
        ("scripts/no.sh", "no such script"),
        ("bash scripts/no.sh", "no such script"),
        ("bash scripts/setup.sh onnx", None),
        ("pip install -e '.[tests]'", "pyproject.toml has no group tests"),
        ("pip install torch==2.13.0 -e '.[test,interop]'", None),
        ("pip install smaller-labse", "it is not on PyPI"),
        ("pip install nothing-like-it", "pyproject.toml does not name nothing-like-it"),
        ("sudo make", "no such command"),
    ],
)
def test_a_wrong_command_is_found(tmp_path, options, text, mistake) -> None:
    (tmp_path / "page.md").write_text(f"```bash\n{text}\n```\n", encoding="utf-8")
    mistakes = [wrong(command, options) for command in read_commands(tmp_path / "page.md")]
    if mistake is None:
        assert mistakes == [None]
    else:
        assert mistakes[-1].startswith(mistake)


@pytest.mark.parametrize(
    "command",
    ["select-vocab count", "select-vocab select", "make-smaller", "evaluate-encoder", "smaller-labse"],
)
def test_the_reference_names_every_option_and_no_other(command: str, options) -> None:
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    section = re.search(rf"### `{command}`\n(.*?)(\n##|\Z)", reference, flags=re.DOTALL)[1]
    program, _, part = command.partition(" ")
    known = set().union(*(options[program, one] for one in ([part] if part else PARTS[program])))
    spans = re.findall(r"`([^`\n]+)`", section)
    named = {option for span in spans for option in re.findall(r"--[a-z][a-z0-9-]*", span)}
    assert named - known == set(), "no such option"
    everywhere = {"--help", "--version", "--overwrite"}
    assert known - named - everywhere == set(), "not in the reference"
