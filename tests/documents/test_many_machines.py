"""The files of examples/many_machines: their commands, run shard by shard on small text, give the whole's bytes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

FILES = Path(__file__).resolve().parents[2] / "examples" / "many_machines"
# Stands in for select-vocab: what it was called with, for the test to call in its own process.
RECORDER = '#!/bin/sh\nfor word in "$@"; do printf "%s\\0" "$word" >> "$RECORDED"; done\n'


@pytest.fixture
def commands_of(tmp_path):
    """The arguments with which a script calls select-vocab."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "select-vocab").write_text(RECORDER)
    (tmp_path / "bin" / "select-vocab").chmod(0o755)

    def record(script: str, **variables: object) -> list[str]:
        recorded = tmp_path / "recorded"
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        environment = {"PATH": path, "RECORDED": str(recorded)} | {
            name: str(value) for name, value in variables.items()
        }
        subprocess.run(["bash", "-euc", script], env=environment, check=True)
        words = recorded.read_text().split("\0")[:-1]
        recorded.unlink()
        return words

    return record


def changed(words: list[str], **options: object) -> list[str]:
    """Arguments with the values of these options in place of those that a user would put in."""
    words = list(words)
    for option, value in options.items():
        words[words.index(f"--{option}") + 1] = str(value)
    return words


@pytest.fixture
def whole(example, text_files, run, tmp_path) -> bytes:
    text = ["--text", f"en={text_files / 'en.txt'}", "--max-lines", 0]
    assert run("count", "--model", example, *text, "--out", tmp_path / "whole").code == 0
    return (tmp_path / "whole" / "en.parquet").read_bytes()


def test_the_slurm_array(commands_of, example, text_files, run, tmp_path, whole):
    script = (FILES / "slurm.sh").read_text()
    assert "#SBATCH --array=1-" in script
    variables = {"MODEL": example, "TEXT": f"en={text_files / 'en.txt'}", "OUT": tmp_path / "out"}
    for number in (2, 1, 3):
        array = {"SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_COUNT": 3}
        assert run(*commands_of(script, **array, **variables)).code == 0
    merge = script.split("--wrap '")[1].split("'")[0]
    assert run(*commands_of(merge, **variables)).code == 0
    assert (tmp_path / "out" / "counts" / "en.parquet").read_bytes() == whole


def test_the_kubernetes_job(commands_of, example, text_files, run, tmp_path, whole):
    job = yaml.safe_load((FILES / "kubernetes.yaml").read_text())
    assert (job["kind"], job["spec"]["completionMode"]) == ("Job", "Indexed")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    variables = {one["name"]: one["value"] for one in container["env"]}
    shards = job["spec"]["completions"]
    assert variables == {"SHARDS": str(shards)}
    assert container["command"] == ["bash", "-euc"]
    text = {"model": example, "text": f"en={text_files / 'en.txt'}", "out": tmp_path / "shards"}
    for index in range(shards):
        words = commands_of(container["args"][0], JOB_COMPLETION_INDEX=index, **variables)
        assert run(*changed(words, **text)).code == 0
    assert run("merge", "--model", example, tmp_path / "shards", "--out", tmp_path / "counts").code == 0
    assert (tmp_path / "counts" / "en.parquet").read_bytes() == whole


def test_the_github_matrix(commands_of, example, text_files, run, tmp_path, whole):
    jobs = yaml.safe_load((FILES / "github.yml").read_text())["jobs"]
    commands = {step["name"]: step["run"] for job in jobs.values() for step in job["steps"] if "name" in step}
    assert jobs["merge"]["needs"] == "count"
    shards = jobs["count"]["strategy"]["matrix"]["shard"]
    for number in shards:
        script = commands["count"].replace("${{ matrix.shard }}", str(number))
        words = commands_of(script.replace("${{ strategy.job-total }}", str(len(shards))))
        words[words.index("--languages") : words.index("--max-lines")] = [
            "--text",
            f"en={text_files / 'en.txt'}",
        ]
        assert run(*changed(words, model=example, out=tmp_path / "shards")).code == 0
    words = changed(commands_of(commands["merge"]), model=example, out=tmp_path / "counts")
    assert run(*[str(tmp_path / word) if word == "shards" else word for word in words]).code == 0
    assert (tmp_path / "counts" / "en.parquet").read_bytes() == whole
