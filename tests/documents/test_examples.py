"""The scripts of examples/ do what their first lines say, on the model of `scripts/example.sh`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def folder(clone) -> Path:
    """A fresh clone in which `scripts/example.sh` was run."""
    clone.paste("bash", "scripts/example.sh")
    return clone.folder


@pytest.fixture
def run_example(clone, folder: Path) -> Callable[..., str]:
    """What a script of `examples/` prints."""

    def run(script: str, *arguments: str) -> str:
        command = [".venv/bin/python", f"examples/{script}", "--model", "example/model", *arguments]
        return clone.paste("bash", shlex.join(command))

    return run


def test_search_finds_the_nearest_sentences(run_example, folder) -> None:
    texts = (folder / "example" / "text" / "it.txt").read_text(encoding="utf-8").splitlines()
    found = run_example("search.py", "--texts", "example/text/it.txt", "--top", "2", texts[2])
    first, second = found.splitlines()
    assert first == f"1.000  {texts[2]}"
    assert float(second.split()[0]) < 1


def test_translations_are_mined_from_two_files(run_example, folder) -> None:
    """The example's weights are random, so here the translation of a sentence is the sentence."""
    texts = (folder / "example" / "text" / "en.txt").read_text(encoding="utf-8").splitlines()
    (folder / "other.txt").write_text("\n".join(reversed(texts)), encoding="utf-8")
    files = ["--left", "example/text/en.txt", "--right", "other.txt"]
    pairs = [line.split("\t") for line in run_example("mine_translations.py", *files).splitlines()]
    assert [pair[1:] for pair in pairs] == [[text, text] for text in texts]
    assert run_example("mine_translations.py", *files, "--threshold", "9") == ""


def test_fine_tuning_lowers_the_loss(run_example, folder) -> None:
    lines = [
        f"{code}\t{line}"
        for code in ("en", "ja")
        for line in (folder / "example" / "text" / f"{code}.txt").read_text(encoding="utf-8").splitlines()
    ]
    (folder / "data.tsv").write_text("\n".join(lines), encoding="utf-8")
    options = ["--data", "data.tsv", "--out", "classifier", "--epochs", "20", "--learning-rate", "1e-3"]
    printed = run_example("fine_tune.py", *options)
    losses = [float(loss) for loss in re.findall(r"loss (\d+\.\d+)", printed)]
    assert len(losses) == 20 and losses[-1] < losses[0] / 2
    assert printed.endswith("classifier: labels en, ja\n")
    assert (folder / "classifier" / "saved_model.pb").is_file()
