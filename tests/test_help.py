"""Help answers at once: no command imports TensorFlow before it has read its arguments."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HELP = """
import sys
from smaller_labse.{stage}.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    heavy = {{"tensorflow", "torch", "transformers", "datasets"}} & set(sys.modules)
    sys.exit(f"imported {{sorted(heavy)}}" if heavy else end.code)
"""


@pytest.mark.parametrize(
    ("stage", "command", "says"),
    [
        ("select_vocab", [], "count the tokens of each language's text"),
        ("select_vocab", ["count"], "--max-lines N"),
        ("select_vocab", ["select"], "--vocab-size N"),
        ("select_vocab", ["merge"], "counts files of one language"),
        ("make_smaller", [], "--sequence-length N"),
        ("evaluate", [], "usage: evaluate-encoder"),
    ],
)
def test_help_answers_without_tensorflow(stage, command, says):
    process = subprocess.run(
        [sys.executable, "-c", HELP.format(stage=stage), *command, "--help"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert says in process.stdout


@pytest.mark.parametrize("how", ["module", "script"])
def test_the_command_is_found_as_a_module_and_as_a_script(how):
    script = shutil.which("select-vocab", path=str(Path(sys.executable).parent))
    if how == "script" and script is None:
        pytest.skip("needs the scripts that pip installs")
    command = [sys.executable, "-m", "smaller_labse.select_vocab"] if how == "module" else [script]
    process = subprocess.run([*command, "count", "--out", "x"], capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr.endswith("error: the following arguments are required: --model\n")


def test_a_reader_that_stops_listening_is_no_error(example, counted, tmp_path):
    """As in `select-vocab … | head -1`."""
    command = [sys.executable, "-m", "smaller_labse.select_vocab", "select", "--model", str(example)]
    command += ["--counts", str(counted), "--out", str(tmp_path / "selection")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 0
    assert (tmp_path / "selection" / "selection.json").is_file()
