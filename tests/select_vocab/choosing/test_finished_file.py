"""`select --max-megabytes`: the largest vocabulary whose finished file fits, for every format and family."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.open import open_original
from smaller_labse.select_vocab.choosing.file_sizes import FILES, file_size, largest_that_fits
from smaller_labse.select_vocab.selection import read_selection
from tests.conftest import Ended
from tests.small_originals import write_byte_pairs, write_mean_bert, write_xlm_roberta

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

Run = Callable[..., Ended]
KINDS = {"xlm-roberta": write_xlm_roberta, "bert": write_mean_bert}


@pytest.fixture(scope="module", params=["labse", *KINDS])
def original(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of each family that ONNX files are written of; LEALLA is in tests/make_smaller/back_ends."""
    if request.param == "labse":
        return request.getfixturevalue("example")
    return KINDS[request.param](tmp_path_factory.mktemp("originals") / request.param)


@pytest.fixture(scope="module")
def counts(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from smaller_labse.select_vocab.count import count

    folder = tmp_path_factory.mktemp("counts")
    (folder / "all.txt").write_text(
        "\n".join(text for texts in builtin_sentences().values() for text in texts), encoding="utf-8"
    )
    count(original, text={"all": folder / "all.txt"}, out=folder / "counts")
    return folder / "counts"


def said(original: Path, counts: Path, out: Path) -> list[object]:
    return ["select", "--model", original, "--counts", counts, "--out", out]


@pytest.mark.parametrize("name", FILES)
def test_it_hits_the_size_and_says_what_takes_the_room(
    name: str, original: Path, counts: Path, run: Run, tmp_path: Path
):
    size, rows = file_size(open_original(str(original)), name), 401
    limit = f"{size.in_all(rows) / 1e6 + 0.000005:.6f}"
    arguments = [*said(original, counts, tmp_path / "s"), "--format", name, "--no-keep-characters"]
    ended = run(*arguments, "--max-megabytes", limit)
    assert ended.code == 0, ended.error
    selection = read_selection(tmp_path / "s")
    file = selection.finished_file
    assert len(selection.subset) == rows == selection.rule["value"] and file is not None
    assert file.bytes == size.in_all(rows) <= float(limit) * 1e6 < size.in_all(rows + 1)
    assert file.layers_bytes + file.matrix_bytes == file.bytes
    assert f"{file.matrix_bytes / 1e6:,.2f}" in ended.out and FILES[name] in ended.out
    assert json.loads((tmp_path / "s" / "selection.json").read_text())["finished_file"]["format"] == name
    assert 20 * rows < file.tokenizer_bytes < 400_000
    ended = run(*arguments, "--max-megabytes", limit, "--round-to", "64", "--overwrite")
    assert len(read_selection(tmp_path / "s").subset) == 6 * 64


def test_one_that_cannot_be_met_says_what_the_smallest_is(
    original: Path, counts: Path, run: Run, tmp_path: Path
):
    arguments = said(original, counts, tmp_path / "s")
    ended = run(*arguments, "--max-megabytes", "0.000001", "--format", "int4")
    assert (ended.code, ended.error.count("\n")) == (2, 1)
    assert "--max-megabytes 1e-06: the smallest int4 file has " in ended.error
    smallest = ended.error.split("int4 file has ")[1].split(" ")[0]
    ended = run(*arguments, "--max-megabytes", smallest, "--format", "int4")
    assert ended.code == 0, "as it said"


def test_too_little_text_for_a_size_is_said(example: Path, counted: Path, run: Run, tmp_path: Path):
    arguments = [*said(example, counted, tmp_path / "s"), "--max-megabytes", "100", "--format", "int8"]
    assert "100 MB have room for " in run(*arguments).error
    assert run(*arguments, "--fill-up", "--overwrite").code == 0
    assert read_selection(tmp_path / "s").finished_file.bytes < 100e6


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            ["--max-megabytes", "50"],
            "--max-megabytes goes with --format, the file's: float32, int8, int4, safe",
        ),
        (["--format", "int8"], "--format goes with --max-megabytes"),
        (["--max-megabytes", "50", "--format", "int2"], "--format: invalid choice: 'int2'"),
        (
            ["--max-megabytes", "0", "--format", "int8"],
            "expected megabytes above 0, such as 50 or 29.5, got '0'",
        ),
        (["--max-megabytes", "1e3", "--format", "int8"], "expected megabytes above 0"),
        (["--max-megabytes", "5", "--vocab-size", "9", "--format", "int8"], "not allowed with argument"),
    ],
)
def test_what_does_not_go_together_is_said_before_anything_is_read(
    options: list[str], says: str, run: Run, tmp_path: Path
):
    ended = run(*said(tmp_path / "none", tmp_path / "none", tmp_path / "s"), *options)
    assert (ended.code, ended.error.count("\n")) == (2, 1)
    assert says in ended.error


def test_what_is_not_rebuilt_has_no_onnx_file_and_may_be_safetensors(run: Run, tmp_path: Path):
    original = write_byte_pairs(tmp_path / "original")
    words = tmp_path / "en.tsv"
    words.write_text("the\t9\nhouse\t3\n", encoding="utf-8")
    counted = run("count", "--model", original, "--text", f"en={words}", "--out", tmp_path / "counts")
    assert counted.code == 0
    arguments = [*said(original, tmp_path / "counts", tmp_path / "s"), "--max-megabytes", "0.08", "--fill-up"]
    ended = run(*arguments, "--format", "int8")
    assert ended.code == 2 and "choose safetensors" in ended.error
    assert run(*arguments, "--format", "safetensors").code == 0
    assert 0.079e6 < read_selection(tmp_path / "s").finished_file.bytes <= 0.08e6


def test_the_largest_that_fits_is_found():
    for rows in range(50):
        assert largest_that_fits(lambda size: 10 + 3 * size, 10 + 3 * rows, 40) == min(rows, 40)
    assert largest_that_fits(lambda size: 10 + 3 * size, 12, 40) == 0
