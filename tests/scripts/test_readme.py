"""What the README shows was run: its example, its Python, its options."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
COMMANDS = {
    "select-vocab count": "select_vocab",
    "select-vocab select": "select_vocab",
    "make-smaller": "make_smaller",
    "evaluate-encoder": "evaluate",
}


@pytest.fixture(scope="module")
def example_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which `scripts/example.sh` wrote `example/`; the script's output is in `output.txt`."""
    folder = tmp_path_factory.mktemp("readme")
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "VENV": str(folder / "no-venv"),
        "OUT": str(folder / "example"),
    }
    done = subprocess.run(
        [ROOT / "scripts" / "example.sh"], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (folder / "output.txt").write_text(done.stdout, encoding="utf-8")
    return folder


def test_the_example_ends_as_the_readme_shows(example_folder: Path) -> None:
    output = (example_folder / "output.txt").read_text(encoding="utf-8")
    shown = re.search(r"ends with a model.*?```\n(.*?)```", README, flags=re.DOTALL)[1]
    assert shown.strip() in output.replace(str(example_folder) + "/", "")


@pytest.mark.parametrize("block", PYTHON_BLOCKS, ids=range(len(PYTHON_BLOCKS)))
def test_the_readmes_python_runs_on_the_example(example_folder: Path, block: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block], cwd=example_folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    numbers = re.findall(r"-?\d\.\d+", done.stdout)
    assert all(abs(float(number)) <= 1.0001 for number in numbers)
    if "japanese" in block:
        assert len(numbers) == 18, "two matrices of 3 x 3 cosines"
    else:
        assert "precision at 1" in done.stdout and numbers


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_that_the_readme_names_exists(command: str) -> None:
    section = re.search(rf"### `{command}`\n(.*?)(\n##|\Z)", README, flags=re.DOTALL)[1]
    module = [sys.executable, "-m", f"smaller_labse.{COMMANDS[command]}", *command.split()[1:]]
    if command == "evaluate-encoder":
        pages = [[*module, part, "--help"] for part in ("compare", "tatoeba", "parity", "encode")]
    else:
        pages = [[*module, "--help"]]
    known = "".join(subprocess.run(page, capture_output=True, text=True).stdout for page in pages)
    named = set(re.findall(r"`(--[a-z-]+)", section)) - {"--strip"}
    assert named, "the README's section names no option"
    assert {option for option in named if option not in known} == set()


def test_what_it_costs_is_what_the_benchmark_printed() -> None:
    printed = (ROOT / "benchmarks" / "results.md").read_text(encoding="utf-8")
    assert printed.strip() in README
