"""The wheel holds all that the checkout has, and works where there is no checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = "smaller_labse"
STAGES = ["select_vocab", "make_smaller", "distill", "evaluate", "all_stages"]
HELP = {
    "select-vocab": [[], ["count"], ["select"], ["merge"]],
    "make-smaller": [[]],
    "distill-encoder": [[], ["shrink"], ["tune"], ["graft"]],
    "evaluate-encoder": [[], ["compare"], ["tatoeba"], ["parity"], ["encode"]],
    "smaller-labse": [[]],
}


def run(command: list[str | Path], folder: Path, **variables: str) -> str:
    environment = os.environ | variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a copy of the sources by `python -m build` without the network."""
    copy = tmp_path_factory.mktemp("sources")
    for name in (LIBRARY, *STAGES):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", copy / "dist"], copy)
    [built] = (copy / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, which sees the other packages here but no editable install."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", environment], ROOT)
    [packages] = environment.glob("lib/python*/site-packages")
    # In a folder that a .pth file names, other .pth files, such as the editable install's, are not read.
    here = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "packages_of_the_tests.pth").write_text("\n".join(here), encoding="utf-8")
    install = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-index", wheel]
    run([sys.executable, "-m", "pip", "--python", environment / "bin" / "python", *install], ROOT)
    return environment


def test_the_wheel_holds_every_package_and_data_file(wheel: Path) -> None:
    def name_in_wheel(file: Path) -> str:
        path = file.relative_to(ROOT).as_posix()
        return path if path.startswith(LIBRARY) else f"{LIBRARY}/{path}"

    files = {
        name_in_wheel(file)
        for top in (LIBRARY, *STAGES)
        for file in (ROOT / top).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == files


def test_all_commands_answer_without_the_checkout(installed: Path, tmp_path: Path) -> None:
    where = run(
        [installed / "bin" / "python", "-c", f"import {LIBRARY}; print({LIBRARY}.__file__)"], tmp_path
    )
    assert where.startswith(str(installed))
    for command, parts in HELP.items():
        for part in parts:
            page = run([installed / "bin" / command, *part, "--help"], tmp_path)
            assert page.startswith(f"usage: {' '.join([command, *part])} ")


def test_the_whole_python_example_runs_without_the_checkout(
    installed: Path, example: Path, text_files: Path, tmp_path: Path
) -> None:
    """Count, select, trim, load and encode, as docs/python.md shows it."""
    (tmp_path / "example").mkdir()
    (tmp_path / "example" / "original").symlink_to(example)
    (tmp_path / "example" / "text").symlink_to(text_files)
    shown = re.search(
        r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), flags=re.DOTALL
    )[1]
    (tmp_path / "shown.py").write_text(shown, encoding="utf-8")
    # Compiling the loops for this new place would take longer than all else.
    printed = run([installed / "bin" / "python", "shown.py"], tmp_path, NUMBA_DISABLE_JIT="1")
    cosines = re.findall(r"-?\d\.\d+|1\.", printed)
    assert len(cosines) == 4 and abs(float(cosines[0]) - 1) < 1e-5
    assert (tmp_path / "work" / "model" / "manifest.json").is_file()
