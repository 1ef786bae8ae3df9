"""A trimmed model is trained by the command to give its original's embeddings again; the rest stays to the bit."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.distill import recover as recovering
from smaller_labse.distill import teacher_vectors as teaching
from smaller_labse.distill.__main__ import main
from smaller_labse.distill.data.held_out import HeldOutPairs
from smaller_labse.distill.recover import recover
from smaller_labse.distill.training import train as training
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.evaluate.comparison.parity import parity
from smaller_labse.originals.folder_check import check_folder
from smaller_labse.originals.weights.checkpoint import Checkpoint

WORDS = ("good", "morning", "the", "house", "red", "night", "xy")
NO_WEIGHTS = {"feature_weight": 0, "similarity_weight": 0, "retrieval_weight": 0}
OPTIONS = ["--languages", "en,it", "--steps", "12", "--batch-texts", "4", "--learning-rate", "0.0003"]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts without "ab", of which some hold "house" or "xy", which the smaller model lost."""
    folder = tmp_path_factory.mktemp("text")
    for number, code in enumerate(("en", "it")):
        lines = [f"{a} {b} {b} {a}" if number else f"{a} {b} {a}" for a in WORDS for b in WORDS]
        (folder / f"{code}.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def arguments(smaller: Path, original: Path, text: Path, out: Path) -> list[str]:
    of = ["--model", str(smaller), "--teacher", str(original), "--text", f"{text}/{{code}}.txt"]
    return ["recover", *of, *OPTIONS, "--train", "matrix", "--out", str(out)]


@pytest.fixture(scope="module")
def recovered(smaller: Path, original: Path, text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("recovered") / "better"
    assert main(arguments(smaller, original, text, out)) == 0
    return out


def test_only_rows_that_a_text_has_change(recovered: Path, smaller: Path) -> None:
    before, after = (Checkpoint(folder / "encoder") for folder in (smaller, recovered))
    for name in before.shapes:
        if name != WORD_EMBEDDINGS:
            np.testing.assert_array_equal(after.read(name), before.read(name))
    changed = (after.read(WORD_EMBEDDINGS) != before.read(WORD_EMBEDDINGS)).any(axis=1)
    pieces = (smaller / "encoder" / "assets" / "smaller.vocab.txt").read_text(encoding="utf-8").splitlines()
    names = {piece for piece, is_changed in zip(pieces, changed, strict=True) if is_changed}
    assert {"[CLS]", "good", "h"} <= names and not {"[PAD]", "[MASK]", "z"} & names


def test_texts_with_lost_tokens_are_nearer_to_the_original(
    recovered: Path, smaller: Path, original: Path
) -> None:
    texts = ["the house", "house house", "red xy"]
    expected, before, after = (
        smaller_labse.load(model).encode(texts, normalize=True) for model in (original, smaller, recovered)
    )
    assert (after * expected).sum() > (before * expected).sum()


def test_unless_asked_otherwise_the_layers_are_trained_too_and_rows_without_a_text_stay(
    smaller: Path, original: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"languages": "en,it", "steps": 12, "batch_texts": 8, "learning_rate": 2e-5}
    recover(smaller, original, f"{text}/{{code}}.txt", tmp_path / "all", **options)
    before, after = (Checkpoint(folder / "encoder") for folder in (smaller, tmp_path / "all"))
    kernel = "transformer/layer_1/output/kernel"
    assert (after.read(kernel) != before.read(kernel)).any()
    changed = (after.read(WORD_EMBEDDINGS) != before.read(WORD_EMBEDDINGS)).any(axis=1)
    assert changed.any() and not changed.all()
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["distillation"]["trained"] == "all"
    monkeypatch.setattr(recovering, "MATRIX_RATE_FACTOR", 0.0)
    still = recover(smaller, original, f"{text}/{{code}}.txt", tmp_path / "still", **options)
    assert still.rows == 0, "the matrix has a learning rate of its own"


def test_it_is_whole_and_says_what_it_is(recovered: Path, original: Path, text: Path) -> None:
    manifest = json.loads((recovered / "manifest.json").read_text(encoding="utf-8"))
    distillation = manifest["distillation"]
    assert manifest["distilled_from"] == "original" and distillation["method"] == "recover"
    assert distillation["trained"] == "matrix" and distillation["draw"]["lost_share"] == 0.75
    assert distillation["held_out"]["after"] > distillation["held_out"]["before"]
    check_folder(recovered)
    card = (recovered / "README.md").read_text(encoding="utf-8")
    rows = re.search(r"Of the embedding matrix ([\d,]+) of [\d,]+ rows changed", card)
    assert rows is not None and int(rows[1].replace(",", "")) == distillation["rows_changed"]
    with pytest.raises(SmallerLabseError, match="better: distilled from original, so its embeddings are not"):
        parity(str(original), str(recovered), {"en": text / "en.txt"})


def test_interrupted_it_gives_the_same_weights_to_the_bit(
    recovered: Path,
    smaller: Path,
    original: Path,
    text: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is stopped while it writes a checkpoint, and goes on after the last whole one."""
    write, written = training.write_checkpoint, []

    def stop_at_fourth(file: Path, *rest: object) -> None:
        if len(written) == 7:
            raise KeyboardInterrupt
        written.append(file)
        write(file, *rest)

    monkeypatch.setattr(training, "write_checkpoint", stop_at_fourth)
    given = arguments(smaller, original, text, tmp_path / "better")
    assert main(given) != 0 and len(written) == 7 and not (tmp_path / "better").exists()
    monkeypatch.setattr(training, "write_checkpoint", write)
    assert main(given) == 0
    for name in ("encoder/variables/variables.data-00000-of-00001", "huggingface/model.safetensors"):
        assert (tmp_path / "better" / name).read_bytes() == (recovered / name).read_bytes()


def test_the_teacher_reads_text_with_its_prompt_or_the_models(
    smaller: Path, original: Path, text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of them is `teacher_prompt`'s to say."""
    monkeypatch.setattr(recovering, "teacher_prompt", lambda teacher, model: f"{teacher} for {model}: ")

    def vectors(teacher: Path, texts: list[str], work: Path, prompt: str, device: str | None) -> None:
        raise SmallerLabseError(prompt)

    monkeypatch.setattr(teaching, "teacher_vectors", vectors)
    with pytest.raises(SmallerLabseError, match=f"^{original} for {smaller}: $"):
        recover(smaller, original, f"{text}/{{code}}.txt", tmp_path / "out", languages="it")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Translations without a token of their sentence; "house" and "xy" are lost."""
    file = tmp_path_factory.mktemp("pairs") / "en-it.tsv"
    lines = [f"{a} {b}\t{WORDS[-number]} it xy" for number, a in enumerate(WORDS) for b in WORDS]
    file.write_text("\n".join(lines), encoding="utf-8")
    return f"en-it={file}"


def test_both_sides_of_pairs_move_to_the_originals_embedding_of_the_first(
    smaller: Path,
    original: Path,
    pairs: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = iter(range(100))  # the last state is the best
    monkeypatch.setattr(HeldOutPairs, "values", lambda self, encode: {"it": np.array([next(scores) / 100])})
    of = ["--model", str(smaller), "--teacher", str(original), "--pairs", pairs]
    options = ["--steps", "60", "--batch-texts", "16", "--learning-rate", "0.001"]
    assert main(["recover", *of, *options, "--out", str(tmp_path / "out")]) == 0
    assert "precision at 1 is" in capsys.readouterr().out
    sides = [line.split("\t") for line in Path(pairs.removeprefix("en-it=")).read_text("utf-8").split("\n")]
    targets = smaller_labse.load(original).encode([sentence for sentence, _ in sides], normalize=True)
    away = {
        (name, side): 1 - float((encoder.encode(texts, normalize=True) * targets).sum(axis=1).mean())
        for name, encoder in (
            ("before", smaller_labse.load(smaller)),
            ("after", smaller_labse.load(tmp_path / "out")),
        )
        for side, texts in enumerate(zip(*sides, strict=True))
    }
    assert away["after", 0] < away["before", 0] and away["after", 1] < 0.8 * away["before", 1], away
    distillation = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))[
        "distillation"
    ]
    assert distillation["method"] == "recover" and distillation["draw"] == {"exponent": 0.5}
    assert distillation["examples"].endswith(" texts of translation pairs")
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "trained on texts of translation pairs to give the embeddings of original again" in card
    check_folder(tmp_path / "out")


def test_a_file_of_vectors_has_a_row_for_each_pairs_first_sentence_those_beyond_max_pairs_too(
    smaller: Path, original: Path, pairs: str, tmp_path: Path
) -> None:
    lines = Path(pairs.removeprefix("en-it=")).read_text(encoding="utf-8").split("\n")
    vectors = smaller_labse.load(original).encode([line.split("\t")[0] for line in lines])
    np.save(tmp_path / "vectors.npy", vectors)
    options = {"pairs": pairs, "steps": 1, "batch_texts": 4}
    recover(smaller, tmp_path / "vectors.npy", None, tmp_path / "out", max_pairs=30, **options)
    np.save(tmp_path / "vectors.npy", vectors[1:])
    with pytest.raises(SmallerLabseError, match=rf"expected floats of the shape \[{len(lines)}, "):
        recover(smaller, tmp_path / "vectors.npy", None, tmp_path / "other", max_pairs=30, **options)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, "expected --text or --pairs, one of the two"),
        ({"text": "it=it.txt", "pairs": "en-it=pairs.tsv"}, "expected --text or --pairs, one of the two"),
        ({"pairs": "en-it=pairs.tsv", "lost_share": 0.5}, "--lost-share is of --text; leave it out with"),
        ({"pairs": "en-it=pairs.tsv", "max_texts": 9}, "--max-texts is of --text; leave it out with --pairs"),
        ({"text": "it=it.txt", "max_pairs": 9}, "--max-pairs is of --pairs; with --text take fewer by"),
        ({"pairs": "en-{code}=pairs.tsv"}, "needs --languages to fill it with"),
    ],
)
def test_text_or_pairs_are_given_and_nothing_that_is_the_others(
    smaller: Path, original: Path, tmp_path: Path, changed: dict, message: str
) -> None:
    with pytest.raises(UsageError) as said:
        recover(**({"model": smaller, "teacher": original, "text": None} | changed), out=tmp_path / "out")
    assert message in str(said.value)


def test_of_a_file_of_vectors_all_texts_count_as_changed(
    smaller: Path, original: Path, text: Path, tmp_path: Path
) -> None:
    lines = (text / "en.txt").read_text(encoding="utf-8").splitlines()
    np.save(tmp_path / "vectors.npy", smaller_labse.load(original).encode(lines))
    out = tmp_path / "out"
    options = {"steps": 1, "batch_texts": 4, "max_texts": 30}
    recover(smaller, tmp_path / "vectors.npy", f"en={text}/en.txt", out, **options)
    distillation = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["distillation"]
    assert distillation["examples"] == "30 texts" and distillation["draw"]["lost_share"] is None


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"train": "lowest:3"}, UsageError, "--train lowest:3: the model has 2 layers, expected lowest:1 to"),
        ({"train": "layers"}, UsageError, "--train layers: expected matrix, lowest:N"),
        ({"languages": None}, UsageError, "name the languages with --languages"),
        ({"text": "it=none.txt", "languages": None}, SmallerLabseError, "none.txt: there is no such text"),
        ({"longer_than": 99}, SmallerLabseError, "it.txt: no line of more than 99 characters in it"),
        ({"batch_texts": 1}, UsageError, "--batch-texts 1: expected 2 or more"),
        ({"precision": "float16"}, UsageError, "--precision float16: expected auto, float32, bfloat16"),
        ({"lost_share": 2}, UsageError, "lost_share: expected a number from 0 to 1"),
        (NO_WEIGHTS, UsageError, "all weights of objectives are 0"),
        ({"teacher": "vectors.npy"}, SmallerLabseError, "vectors.npy: there is no such file of vectors"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    smaller: Path, original: Path, text: Path, tmp_path: Path, changed: dict, error: type, message: str
) -> None:
    given = {"model": smaller, "teacher": original, "text": f"{text}/{{code}}.txt", "languages": "it"}
    with pytest.raises(error) as said:
        recover(**(given | changed), out=tmp_path / "out")
    assert message in str(said.value) and "\n" not in str(said.value)
    assert not (tmp_path / "out").exists()


def test_a_teacher_that_is_not_the_original_is_refused(
    smaller: Path, original: Path, text: Path, pairs: str, tmp_path: Path
) -> None:
    with pytest.raises(SmallerLabseError, match="the teacher does not have 3 of the model's tokens"):
        recover(original, smaller, f"en={text}/en.txt", tmp_path / "out")
    with pytest.raises(SmallerLabseError, match="the teacher does not have 3 of the model's tokens"):
        recover(original, smaller, None, tmp_path / "out", pairs=pairs)
    with pytest.raises(SmallerLabseError, match="no text lost a token"):
        recover(original, original, f"en={text}/en.txt", tmp_path / "out")
    np.save(tmp_path / "vectors.npy", np.ones((len(WORDS) ** 2, 3), np.float32))
    with pytest.raises(UsageError, match=r"a \.npy file does not say which texts"):
        recover(smaller, tmp_path / "vectors.npy", f"en={text}/en.txt", tmp_path / "out", lost_share=0.5)
    with pytest.raises(SmallerLabseError, match="embeddings have 3 numbers, the model's 16; expected those"):
        recover(smaller, tmp_path / "vectors.npy", f"en={text}/en.txt", tmp_path / "out")
