"""`import smaller_labse`: instant, typed, and the same as the commands."""

from __future__ import annotations

import argparse
import inspect
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.all_stages import __main__ as all_stages
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.evaluate import __main__ as evaluate
from smaller_labse.make_smaller import __main__ as make_smaller
from smaller_labse.select_vocab import __main__ as select_vocab
from smaller_labse.select_vocab.selection import read_selection

IMPORTED = """
import sys
before = set(sys.modules)
import smaller_labse
dir(smaller_labse)
heavy = {"numpy", "tensorflow", "pyarrow", "numba", "datasets", "huggingface_hub", "argparse"}
print(sorted(heavy & set(sys.modules)))
print(sorted(name for name in set(sys.modules) - before if name.startswith("smaller_labse")))
"""


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def test_importing_it_imports_nothing_heavy():
    process = subprocess.run(
        [sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True, timeout=60
    )
    heavy, ours = process.stdout.splitlines()
    assert heavy == "[]"
    assert ours == str(["smaller_labse", "smaller_labse.make_smaller"])


def test_it_says_what_it_has():
    assert smaller_labse.__version__ == metadata.version("smaller-labse")
    assert set(smaller_labse.__all__) <= set(dir(smaller_labse))
    for name in smaller_labse.__all__:
        assert getattr(smaller_labse, name) is getattr(smaller_labse, name)
    for name in ("count", "select", "make_smaller", "load", "compare", "trim"):
        assert callable(getattr(smaller_labse, name))
    with pytest.raises(AttributeError, match="module 'smaller_labse' has no attribute 'nothing'"):
        _ = smaller_labse.nothing
    assert (Path(smaller_labse.__file__).parent / "py.typed").is_file()


def options_of(parser: argparse.ArgumentParser, command: str | None) -> set[str]:
    if command:
        (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        parser = commands.choices[command]
    return {action.dest.removeprefix("no_") for action in parser._actions} - {"help", "version"}


@pytest.mark.parametrize(
    ("parser", "command", "name", "only_command", "only_python"),
    [
        (select_vocab._parser, "count", "count", set(), {"report"}),
        (select_vocab._parser, "select", "select", set(), {"report"}),
        (select_vocab._parser, "merge", "merge_counts", set(), set()),
        (select_vocab._parser, "inspect", "inspect", {"json", "overwrite"}, set()),
        (make_smaller._parser, None, "make_smaller", set(), set()),
        (evaluate._make_parser, "compare", "compare", {"model"}, {"models"}),
        (all_stages._parser, None, "trim", set(), {"report"}),
    ],
)
def test_a_function_takes_what_its_command_takes(parser, command, name, only_command, only_python):
    parameters = set(inspect.signature(getattr(smaller_labse, name)).parameters)
    assert parameters - only_python == options_of(parser(), command) - only_command


def test_counts_and_selection_are_those_of_the_commands(example, text_files, run, tmp_path):
    text, by_command, by_python = text_files / "{code}.txt", tmp_path / "command", tmp_path / "python"
    (tmp_path / "words.txt").write_text("buongiorno\n")
    common = ["--model", example, "--out"]
    assert run("count", *common, by_command / "counts", "--text", text, "--languages", "en,it").code == 0
    size = ["--vocab-size", "5%", "--order", "alphabetical", "--no-keep-characters"]
    lists = ["--counts", by_command / "counts", "--keep", tmp_path / "words.txt"]
    assert run("select", *common, by_command / "selection", *lists, *size).code == 0

    counts = smaller_labse.count(example, ["English", "it"], out=by_python / "counts", text=text)
    assert counts == [by_python / "counts" / "en.parquet", by_python / "counts" / "it.parquet"]
    selection = smaller_labse.select(
        str(example),
        counts,
        out=str(by_python / "selection"),
        vocab_size="5%",
        order="alphabetical",
        keep=tmp_path / "words.txt",
        keep_characters=False,
    )
    assert all_bytes(by_python) == all_bytes(by_command)
    read = read_selection(by_python / "selection")
    assert selection.pieces == read.pieces
    assert selection.coverage == read.coverage
    assert [language.name for language in selection.coverage] == ["en", "it"]


def test_the_whole_example(example, text_files, tmp_path):
    """As in the package's own docstring, with an original and a text that are here."""
    text = {code: text_files / f"{code}.txt" for code in ("en", "it", "ja")}
    counts = smaller_labse.count(example, text=text, out=tmp_path / "counts")
    selection = smaller_labse.select(example, counts, out=tmp_path / "selection", vocab_size="25%")
    model = smaller_labse.make_smaller(example, selection, out=tmp_path / "model")
    sentences = [line for file in text.values() for line in file.read_text("utf-8").splitlines()]
    embeddings = smaller_labse.load(model).encode(sentences, normalize=True)
    assert isinstance(selection, smaller_labse.Selection)
    assert isinstance(model, smaller_labse.SmallerModel)
    assert os.fspath(model) == str(tmp_path / "model")
    originals = smaller_labse.load(example).encode(sentences, normalize=True)
    assert np.allclose(embeddings, originals, atol=1e-5)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1)
    # A folder stands for what was written into it.
    again = smaller_labse.make_smaller(example, tmp_path / "selection", out=tmp_path / "again")
    assert np.array_equal(smaller_labse.load(str(again.folder)).encode(sentences, normalize=True), embeddings)


CLASH = """
import smaller_labse
from smaller_labse.make_smaller import manifest
from smaller_labse.make_smaller.manifest import Verification
import smaller_labse.make_smaller.back_ends.huggingface_config
from smaller_labse import make_smaller, SmallerModel
print(callable(make_smaller), make_smaller is smaller_labse.make_smaller, manifest.__name__)
"""


@pytest.mark.parametrize(
    "first",
    ["", "import smaller_labse.make_smaller.manifest", "import smaller_labse.make_smaller.make_smaller"],
)
def test_make_smaller_is_the_function_whatever_is_imported_first(first):
    """The package of the same name stays importable."""
    process = subprocess.run(
        [sys.executable, "-c", f"{first}\n{CLASH}"], capture_output=True, text=True, check=False, timeout=120
    )
    assert (process.returncode, process.stderr) == (0, "")
    assert process.stdout == "True True smaller_labse.make_smaller.manifest\n"


@pytest.mark.parametrize("form", ["mapping", "list", "one"])
def test_text_may_be_a_mapping_a_list_or_one(example, text_files, counted, tmp_path, form):
    file = text_files / "en.txt"
    text = {"mapping": {"en": file}, "list": [f"en={file}"], "one": f"en={file}"}[form]
    (counts,) = smaller_labse.count(example, text=text, out=tmp_path)
    assert counts.read_bytes() == (counted / "en.parquet").read_bytes()


def test_counts_are_merged(example, counted, run, tmp_path):
    files = [counted / "en.parquet"]
    assert run("merge", "--model", example, *files, "--out", tmp_path / "a.parquet").code == 0
    assert smaller_labse.merge_counts(example, files, out=tmp_path / "b.parquet") == tmp_path / "b.parquet"
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"vocab_size": 0.25},
            "vocab_size: expected a positive integer or a percentage, such as 25%, got '0.25'",
        ),
        ({"top_k": 0}, "top_k: expected a positive integer, got '0'"),
        ({"coverage": 99}, "coverage: expected a share from 0 to 1, such as 0.00005, got '99'"),
        ({"top_k": 5, "coverage": 0.9}, "--top-k and --coverage exclude each other; choose one rule"),
        ({"order": "random"}, "order: expected original or alphabetical, got 'random'"),
        ({"languages": ["xx"]}, "unknown language 'xx'"),
        ({"languages": []}, r"no language in \[\]"),
    ],
)
def test_what_python_may_get_wrong_is_named(example, counted, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        smaller_labse.select(example, counted, out=tmp_path / "selection", **arguments)
    assert not (tmp_path / "selection").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"longer_than": -1}, "longer_than: expected a non-negative integer, got '-1'"),
        ({"max_lines": "ten"}, "max_lines: expected a non-negative integer, got 'ten'"),
        ({"workers": 1.5}, "workers: expected a non-negative integer, got '1.5'"),
        ({"dataset": "somebody/corpus"}, "every language has text of its own"),
    ],
)
def test_what_counting_cannot_mean_is_named(example, text_files, tmp_path, arguments, message):
    with pytest.raises(UsageError, match=message):
        smaller_labse.count(example, text={"en": text_files / "en.txt"}, out=tmp_path / "counts", **arguments)
    assert not (tmp_path / "counts").exists()


def test_nothing_is_replaced_without_being_told_to(example, counted, tmp_path):
    smaller_labse.select(example, counted, out=tmp_path / "selection", top_k=10)
    before = all_bytes(tmp_path)
    with pytest.raises(SmallerLabseError, match="selection exists; choose another place"):
        smaller_labse.select(example, counted, out=tmp_path / "selection", top_k=20)
    assert all_bytes(tmp_path) == before
    smaller_labse.select(example, counted, out=tmp_path / "selection", top_k=20, overwrite=True)
    assert all_bytes(tmp_path) != before
