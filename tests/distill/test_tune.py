"""A model is tuned by the command: its layers change, it stays near itself if asked, and it says what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.distill import tune as module
from smaller_labse.distill.__main__ import main
from smaller_labse.distill.data.held_out import HeldOutPairs
from smaller_labse.distill.tune import tune
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.evaluate.comparison.parity import parity
from smaller_labse.originals.folder_check import check_folder
from smaller_labse.originals.weights.checkpoint import Checkpoint

WORDS = ("good", "morning", "the", "house", "red", "night", "xy")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("pairs") / "en-it.tsv"
    lines = [f"{a} {b}\t{b} {a} it\tbook" for a in WORDS for b in WORDS]
    file.write_text("\n".join(lines), encoding="utf-8")
    return f"en-it={file}"


@pytest.fixture(scope="module", autouse=True)
def last_is_best() -> Iterator[None]:
    """The last state of a training is taken: it finds more of the held-out pairs than any before."""
    scores = iter(range(1000))
    with pytest.MonkeyPatch.context() as patch:
        rising = lambda self, encode: {"it": np.array([next(scores) / 1000])}  # noqa: E731
        patch.setattr(HeldOutPairs, "values", rising)
        yield


@pytest.fixture(scope="module")
def tuned(original: Path, pairs: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tuned in chunks, with the matrix, and without any embeddings before training."""
    out = tmp_path_factory.mktemp("tuned") / "tuned"
    options = [
        "--train-matrix",
        "--steps",
        "4",
        "--batch-pairs",
        "4",
        "--chunk-texts",
        "3",
        "--margin",
        "0.1",
    ]
    assert main(["tune", "--model", str(original), "--pairs", pairs, *options, "--out", str(out)]) == 0
    return out


def test_layers_and_seen_rows_change_and_the_model_says_what_it_is(tuned: Path, original: Path) -> None:
    before, after = Checkpoint(original / "encoder"), Checkpoint(tuned / "encoder")
    layer = "transformer/layer_1/output/kernel"
    assert not np.array_equal(before.read(layer), after.read(layer))
    changed = (before.read(WORD_EMBEDDINGS) != after.read(WORD_EMBEDDINGS)).any(axis=1)
    assert changed.any() and not changed.all(), "rows that no text has stay to the bit"
    assert not list(tuned.with_name("tuned.training").glob("*.npy")), "nothing asks for the embeddings before"
    manifest = json.loads((tuned / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["distillation"]["method"] == "tune"
    assert manifest["distillation"]["options"]["loss"]["margin"] == 0.1
    card = (tuned / "README.md").read_text(encoding="utf-8")
    assert "original, tuned on translation pairs" in card and "The embedding matrix was trained, too" in card
    check_folder(tuned)


def test_parity_refuses_it_by_name(tuned: Path, original: Path, tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("good morning\n", encoding="utf-8")
    with pytest.raises(SmallerLabseError, match="tuned: distilled from original, so its embeddings are not"):
        parity(str(original), str(tuned), {"en": tmp_path / "en.txt"})


def test_it_stays_near_itself_where_that_is_asked_for(
    original: Path, tuned: Path, pairs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides' targets are the embeddings of themselves before training, not of their translation."""
    encoder, asked = smaller_labse.load(original), []

    def vectors(model: Path, texts: list[str], *rest: object) -> np.ndarray:
        asked.extend(texts)
        return encoder.encode(texts, normalize=True).astype(np.float16)

    monkeypatch.setattr(module, "teacher_vectors", vectors)
    options = {"batch_pairs": 4, "steps": 4, "near_weight": 1000, "learning_rate": 1e-3}
    near = tune(original, pairs, tmp_path / "near", **options)
    assert len(set(asked)) == len(asked) and any(text.endswith(" it") for text in asked)
    texts = ["good morning", "the red house it"]
    before, beside = (
        encoder.encode(texts, normalize=True),
        smaller_labse.load(near).encode(texts, normalize=True),
    )
    away = 1 - (before * beside).sum(axis=1)
    assert (away > 0).all() and (away < 0.02).all()


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"chunk_texts": 8, "batch_pairs": 4}, UsageError, "--chunk-texts 8: a batch has 8 texts"),
        ({"batch_pairs": 1}, UsageError, "--batch-pairs 1: expected 2 or more"),
        ({"scale": 0}, UsageError, "--scale 0: expected more"),
        ({"device": "cpu"}, UsageError, "--device says where the embeddings for --near-weight are computed"),
        ({"languages": "it"}, UsageError, "--languages fills a pattern"),
        ({"pairs": "en-it=none.tsv"}, SmallerLabseError, "none.tsv: there is no such file"),
        ({"model": "no/such/model"}, SmallerLabseError, "no/such/model: no such folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    original: Path, pairs: str, tmp_path: Path, changed: dict, error: type[SmallerLabseError], message: str
) -> None:
    with pytest.raises(error) as said:
        tune(**({"model": original, "pairs": pairs} | changed), out=tmp_path / "out")
    assert message in str(said.value) and "\n" not in str(said.value)
    assert not (tmp_path / "out").exists()
