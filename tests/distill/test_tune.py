"""A model is tuned by the command: its layers change, it stays near itself if asked, and it says what it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.distill import teacher_vectors as teaching
from smaller_labse.distill.__main__ import main
from smaller_labse.distill.data.held_out import HeldOutPairs
from smaller_labse.distill.tune import tune
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.evaluate.comparison.parity import parity
from smaller_labse.make_smaller.__main__ import main as making
from smaller_labse.originals.folder_check import check_folder
from smaller_labse.originals.weights.checkpoint import Checkpoint
from tests.small_originals import write_mean_bert

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


def test_translations_move_to_their_sentence_and_sentences_stay_unless_margins_are_asked_for(
    original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the sentences is embedded before training: they are what both sides learn."""
    pairs = tmp_path / "en-it.tsv"
    lines = [f"{a} {b}\t{WORDS[-number]} it xy" for number, a in enumerate(WORDS) for b in WORDS]
    pairs.write_text("\n".join(lines), encoding="utf-8")
    sentences, translations = zip(*(line.split("\t") for line in lines), strict=True)
    asked: list[str] = []
    embed = teaching.teacher_vectors
    monkeypatch.setattr(
        teaching,
        "teacher_vectors",
        lambda model, texts, *rest: asked.extend(texts) or embed(model, texts, *rest),
    )
    options = {"batch_pairs": 8, "steps": 60, "learning_rate": 3e-3}
    out = tune(original, f"en-it={pairs}", tmp_path / "out", **options)
    assert set(asked) <= set(sentences) and len(set(asked)) == len(asked)
    before, after = (smaller_labse.load(each) for each in (original, out))
    targets = before.encode(sentences, normalize=True)
    away = {
        (name, side): 1 - float((encoder.encode(texts, normalize=True) * targets).sum(axis=1).mean())
        for name, encoder in (("before", before), ("after", after))
        for side, texts in (("sentences", sentences), ("translations", translations))
    }
    assert away["after", "translations"] < 0.8 * away["before", "translations"], away
    assert away["after", "sentences"] < 0.5 * away["after", "translations"], away
    manifest = json.loads((out.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["distillation"]["options"]["loss"]["margins"] == 0
    assert "multilingual distillation from itself" in (out.folder / "README.md").read_text(encoding="utf-8")


def test_margins_and_distillation_add_up_where_both_are_asked_for(
    original: Path, pairs: str, tmp_path: Path
) -> None:
    out = tune(
        original, pairs, tmp_path / "out", steps=10, batch_pairs=4, margin=0.1, feature_weight=2
    ).folder
    loss = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["distillation"]["options"]["loss"]
    assert (loss["features"], loss["similarities"], loss["retrieval"], loss["margins"]) == (2, 0, 0, 1)
    logged = map(json.loads, (out / "training.jsonl").read_text(encoding="utf-8").splitlines())
    [parts] = [line["loss"] for line in logged if "loss" in line]
    assert len(parts) == 2 and min(parts) > 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "softmax, margin 0.1, scale 20; multilingual distillation from itself" in card


def test_it_stays_near_itself_where_that_is_asked_for(
    original: Path, tuned: Path, pairs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sides' targets are the embeddings of themselves before training, not of their translation."""
    encoder, asked = smaller_labse.load(original), []

    def vectors(model: Path, texts: list[str], *rest: object) -> np.ndarray:
        asked.extend(texts)
        return encoder.encode(texts, normalize=True).astype(np.float16)

    monkeypatch.setattr(teaching, "teacher_vectors", vectors)
    options = {"batch_pairs": 4, "steps": 12, "learning_rate": 5e-3}
    texts = ["good morning", "the red house it"]
    before, away = encoder.encode(texts, normalize=True), {}
    for weight in (1e-6, 1000):
        out = tune(original, pairs, tmp_path / f"near-{weight}", near_weight=weight, **options)
        after = smaller_labse.load(out).encode(texts, normalize=True)
        away[weight] = 1 - (before * after).sum(axis=1)
    assert len(set(asked)) == len(asked) / 2 and any(text.endswith(" it") for text in asked)
    assert (away[1000] > 0).all() and (away[1000] < away[1e-6] / 2).all(), away


def test_a_bare_hugging_face_folder_keeps_its_prompt(pairs: str, tmp_path: Path) -> None:
    """It has no manifest around it, from which what a model folder says of itself could be taken over."""
    model = write_mean_bert(tmp_path / "model")
    settings = {"prompts": {"query": "good "}, "default_prompt_name": "query"}
    (model / "config_sentence_transformers.json").write_text(json.dumps(settings), encoding="utf-8")
    out = tune(model, pairs, tmp_path / "out", steps=1, batch_pairs=4).folder
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["prompt"] == smaller_labse.load(out).prompt == "good " and manifest["hidden_size"] == 32
    texts = ["morning", "the red house"]
    embeddings, beside = (smaller_labse.load(each).encode(texts) for each in (out, out / "huggingface"))
    np.testing.assert_allclose(embeddings, beside, atol=1e-5)


def test_onnx_files_are_added_to_what_was_made_of_an_original_without_a_manifest(
    tuned: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    model = shutil.copytree(tuned, tmp_path / "model")
    assert making(["--model", str(model), "--onnx", "float32"]) == 0
    check_folder(model)


def test_it_says_so_where_training_made_nothing_better(
    original: Path, pairs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HeldOutPairs, "values", lambda self, encode: {"it": np.ones(1)})
    out = tmp_path / "out"
    tuned = tune(original, pairs, out, steps=20, batch_pairs=4)
    assert tuned.best_step == 0 < tuned.steps < 20
    layer = "transformer/layer_1/output/kernel"
    before, after = (Checkpoint(folder / "encoder").read(layer) for folder in (original, out))
    np.testing.assert_array_equal(after, before)
    assert "none of which did better on held-out text" in (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"chunk_texts": 8, "batch_pairs": 4}, UsageError, "--chunk-texts 8: a batch has 8 texts"),
        ({"batch_pairs": 1}, UsageError, "--batch-pairs 1: expected 2 or more"),
        ({"scale": 0}, UsageError, "scale: expected a number above 0"),
        ({"device": "cpu", "margin": 0.1}, UsageError, "--device says where embeddings before training are"),
        ({"near_weight": 1, "feature_weight": 1}, UsageError, "--near-weight keeps each text at its own"),
        ({"margin_weight": 0, "scale": 20}, UsageError, "--scale is of additive margin softmax, whose"),
        (
            {"feature_weight": 0, "similarity_weight": 0, "retrieval_weight": 0},
            UsageError,
            "nothing to train",
        ),
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
