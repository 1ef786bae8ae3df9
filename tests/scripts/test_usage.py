"""Scripts answer --help themselves and refuse wrong usage, both before they set anything up."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = sorted(file.relative_to(ROOT / "scripts").as_posix() for file in (ROOT / "scripts").rglob("*.sh"))
SET_BY_BASH = {"BASH_SOURCE", "IFS", "PATH", "PWD"}


def run(script: str, *arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a script in `folder`, where it finds no Python and no command of ours, so that it can set nothing up."""
    for name in ("python3", *(f"python3.{minor}" for minor in range(10, 14))):
        (folder.parent / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (folder.parent / name).chmod(0o755)
    path = os.pathsep.join([str(folder.parent), "/usr/bin", "/bin"])
    environment = {"PATH": path, "HOME": str(folder), "VENV": str(folder / "venv")} | variables
    command = ["bash", ROOT / "scripts" / script, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder."""
    (tmp_path / "empty").mkdir()
    return tmp_path / "empty"


@pytest.mark.parametrize("asked", [["--help"], ["-h"], ["en", "--help"]])
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_answers_help_and_does_nothing_else(script: str, asked: list[str], folder: Path) -> None:
    done = run(script, *asked, folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    usage, examples = done.stdout.split("\nExamples:\n")
    assert re.search(rf"^  (bash |\. )?scripts/{re.escape(script)}\b", usage, flags=re.MULTILINE)
    assert f"/{script}" in examples
    assert "#!" not in done.stdout and "set -" not in done.stdout
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_help_names_every_variable_that_a_script_reads(script: str, folder: Path) -> None:
    shown = run(script, "--help", folder=folder).stdout
    source = (ROOT / "scripts" / script).read_text(encoding="utf-8")
    if "defaults.sh" in source:
        source = re.sub(r"^\w+=", "", source, flags=re.MULTILINE)
    code = "\n".join(line for line in source.splitlines() if not line.startswith("#"))
    read = set(re.findall(r"\$\{?([A-Z][A-Z_]+)\b", code)) - SET_BY_BASH
    assert {name for name in read if not re.search(rf"\b{name}\b", shown)} == set()


@pytest.mark.parametrize(
    ("script", "arguments", "variables", "says"),
    [
        ("demo.sh", ["--fast"], {}, "unknown option '--fast'"),
        ("demo.sh", ["en"], {}, "one language cannot be compared with itself; name two or more"),
        ("demo.sh", ["en", "xx"], {}, "no language 'xx'; there are ar de en es"),
        ("demo.sh", ["en", "fr"], {"SIZE": "many"}, "SIZE=many: expected a number of tokens"),
        ("example.sh", ["-x"], {}, "unknown option '-x'"),
        ("example.sh", ["xx"], {}, "no language 'xx'; there are af am ar"),
        ("evaluate.sh", [], {}, "name the folder of Tatoeba's files"),
        ("evaluate.sh", ["--overwrite"], {}, "name the folder of Tatoeba's files"),
        ("reproduce_15_languages.sh", ["--fast"], {}, "unknown option '--fast'"),
        ("reproduce_15_languages.sh", ["a", "b"], {}, "one folder, not 2"),
        ("reproduce_15_languages.sh", [], {"TATOEBA": "nowhere"}, "there is no folder nowhere"),
        ("sweep.sh", [], {}, "name one or more sizes"),
        ("sweep.sh", ["--all"], {}, "unknown option '--all'"),
        ("sweep.sh", ["25%"], {}, "name the original: MODEL=folder"),
        ("sweep.sh", ["25%"], {"MODEL": "m"}, "name the folder of Tatoeba's files: TATOEBA=folder"),
        ("sweep.sh", ["big"], {"MODEL": "m", "TATOEBA": "."}, "size 'big': expected a number, 50% or paper"),
        ("setup.sh", ["--fast"], {}, "unknown option '--fast'"),
        ("distill_demo.sh", ["--fast"], {}, "unknown option '--fast'"),
        ("parallel_text.sh", ["--fast"], {}, "unknown option '--fast'"),
        ("development/fuzz.sh", [], {}, "name the minutes"),
        ("development/fuzz.sh", ["counts"], {}, "'counts': expected a number of minutes"),
        ("browser_demo.sh", ["--fast"], {}, "unknown option '--fast'"),
        ("browser_demo.sh", ["a", "b"], {}, "expected one folder for the page, got a b"),
        ("sourced/node_packages.sh", [], {}, "nothing to run by itself, the other scripts read it"),
        ("sourced/usage.sh", [], {}, "nothing to run by itself, the other scripts read it"),
        ("sourced/defaults.sh", ["--fast"], {}, "nothing to run by itself, the other scripts read it"),
    ],
)
def test_wrong_usage_is_refused_in_one_line(
    script: str, arguments: list[str], variables: dict[str, str], says: str, folder: Path
) -> None:
    done = run(script, *arguments, folder=folder, **variables)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"scripts/{script}: {says}")
    assert done.stderr.endswith(f" (see scripts/{script} --help)\n")
    assert done.stderr.count("\n") == 1
    assert list(folder.iterdir()) == []


def test_stages_are_numbered_as_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    numbers = dict(re.findall(r"^(\w+)/ +stage (\d):", readme, flags=re.MULTILINE))
    folders = {"count": "select_vocab", "select": "select_vocab", "evaluate": "evaluate"}
    for script, folder in (folders | {"make_smaller": "make_smaller"}).items():
        header = (ROOT / "scripts" / f"{script}.sh").read_text(encoding="utf-8").splitlines()[1]
        assert re.match(r"# Stage (\d)\b", header)[1] == numbers[folder]


def test_the_benchmarks_are_named() -> None:
    names = re.search(r"NAMES = \((.*?)\)", (ROOT / "benchmarks" / "run.py").read_text("utf-8"), re.DOTALL)[1]
    header = (ROOT / "scripts" / "benchmark.sh").read_text("utf-8")
    assert {name for name in re.findall(r'"([\w-]+)"', names) if name not in header} == set()
