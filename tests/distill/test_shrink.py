"""A model is shrunk by the command: the result loads, is whole, says what it is, and is never called unchanged."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.distill import shrink as shrinking
from smaller_labse.distill import teacher_vectors as teaching
from smaller_labse.distill.__main__ import main
from smaller_labse.distill.run import Run, run_training, work_folder
from smaller_labse.distill.shrink import shrink
from smaller_labse.encoders.config import LEALLA_POOLING
from smaller_labse.evaluate.comparison.parity import parity, require_parity
from smaller_labse.originals.folder_check import check_folder
from smaller_labse.originals.lineage import read_lineage
from tests.conftest import CONFIG
from tests.small_originals import write_mean_bert

WORDS = ("good", "morning", "the", "house", "red", "night", "xy")
NO_WEIGHTS = {"feature_weight": 0, "similarity_weight": 0, "retrieval_weight": 0}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("pairs")
    for code in ("it", "ja"):
        lines = [f"{a} {b} {code}\t{b} {a}\tbook" for a in WORDS for b in WORDS]
        (folder / f"en-{code}.tsv").write_text("\n".join(lines), encoding="utf-8")
    return f"en-{{code}}={folder}/en-{{code}}.tsv"


@pytest.fixture(scope="module")
def shrunk(original: Path, pairs: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shrunk") / "one"
    options = ["--languages", "en,it,ja", "--layers", "1", "--steps", "4", "--batch-pairs", "4"]
    of = ["--model", str(original), "--teacher", str(original), "--pairs", pairs]
    assert main(["shrink", *of, *options, "--out", str(out)]) == 0
    return out


def test_the_result_is_whole_and_says_what_it_is(shrunk: Path, original: Path) -> None:
    manifest = json.loads((shrunk / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["distilled_from"] == "original" and manifest["distillation"]["layers"] in ([0], [1])
    [layer] = manifest["distillation"]["layers"]
    assert manifest["distillation"]["text"] == "en-it.tsv + en-ja.tsv"
    for part in ("", "encoder", "huggingface"):
        assert read_lineage(shrunk / part).distilled_from == "original"
    check_folder(shrunk)
    for card in ("README.md", "huggingface/README.md"):
        text = (shrunk / card).read_text(encoding="utf-8")
        assert f"1 of the 2 layers of original ({layer})" in text and "What no longer holds" in text
    assert (shrunk / "training.jsonl").read_text(encoding="utf-8").count("held_out") >= 4


def test_the_teacher_reads_text_with_its_prompt_or_the_models(
    original: Path, pairs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which of them is `teacher_prompt`'s to say."""
    monkeypatch.setattr(shrinking, "teacher_prompt", lambda teacher, model: f"{teacher} for {model}: ")

    def vectors(teacher: Path, texts: list[str], work: Path, prompt: str, device: str | None) -> None:
        raise SmallerLabseError(prompt)

    monkeypatch.setattr(teaching, "teacher_vectors", vectors)
    with pytest.raises(SmallerLabseError, match=f"^{original} for {original}: $"):
        shrink(original, original, pairs, tmp_path / "out", languages="it", layers=1)


def test_it_says_what_training_did_to_each_language(shrunk: Path) -> None:
    held_out = json.loads((shrunk / "manifest.json").read_text(encoding="utf-8"))["distillation"]["held_out"]
    assert set(held_out["languages"]) == {"it", "ja"} and held_out["measure"] == "precision at 1"
    for score in (held_out, *held_out["languages"].values()):
        assert score["change"] == pytest.approx(score["after"] - score["before"], abs=1e-4)
        assert score["interval"][0] <= score["change"] <= score["interval"][1]
        assert score["teacher"] > 0
    log = map(json.loads, (shrunk / "training.jsonl").read_text(encoding="utf-8").splitlines())
    *_, best = (line["held_out"] for line in log if line.get("is_best"))
    assert best == pytest.approx(held_out["after"], abs=1e-5)
    card = (shrunk / "README.md").read_text(encoding="utf-8")
    head = "| language | examples | teacher | before | after | change |"
    assert head in card and "| Italian (it) |" in card
    assert "](training.png)" in card and (shrunk / "training.png").read_bytes().startswith(b"\x89PNG")
    assert "training.png" not in (shrunk / "huggingface" / "README.md").read_text(encoding="utf-8")


def test_the_result_loads_in_both_formats_alike(shrunk: Path) -> None:
    texts = ["good morning", "the red house"]
    encoder = smaller_labse.load(shrunk)
    embeddings = encoder.encode(texts, normalize=True)
    beside = smaller_labse.load(shrunk / "huggingface").encode(texts, normalize=True)
    np.testing.assert_allclose(embeddings, beside, atol=1e-5)


def test_a_teacher_of_another_size_teaches_a_thinner_student_by_a_projection(
    tmp_path: Path, pairs: str
) -> None:
    model, vectors = write_mean_bert(tmp_path / "model"), tmp_path / "teacher.npy"
    np.save(vectors, np.random.default_rng(0).normal(size=(2 * len(WORDS) ** 2, 24)).astype(np.float32))
    given = {"languages": "it,ja", "layers": 1, "hidden_size": 16, "steps": 2, "batch_pairs": 4}
    out = shrink(model, vectors, pairs, tmp_path / "out", **given, export_projection=True).folder
    encoder = smaller_labse.load(out)
    assert encoder.embedding_size == 24
    texts = ["good morning", "the red house"]
    embeddings = encoder.encode(texts)
    beside = smaller_labse.load(out / "huggingface").encode(texts)
    np.testing.assert_allclose(embeddings, beside, atol=1e-5)
    assert (out / "huggingface" / "2_Dense").exists()
    config = json.loads((out / "huggingface" / "config.json").read_text(encoding="utf-8"))
    assert (config["hidden_size"], config["num_attention_heads"], config["intermediate_size"]) == (16, 2, 28)
    assert "projected from a hidden size of 32 to 16" in (out / "README.md").read_text(encoding="utf-8")


def test_of_fewer_pairs_each_still_has_its_row_of_a_file_of_vectors(
    tmp_path: Path, pairs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, vectors = write_mean_bert(tmp_path / "model"), tmp_path / "teacher.npy"
    rows = np.random.default_rng(0).normal(size=(2 * len(WORDS) ** 2, 32)).astype(np.float32)
    np.save(vectors, rows)
    runs: list[Run] = []
    take = run_training
    monkeypatch.setattr("smaller_labse.distill.run.run_training", lambda run: runs.append(run) or take(run))
    given = {"languages": "it,ja", "layers": 1, "steps": 1, "batch_pairs": 4, "max_pairs": 30}
    shrink(model, vectors, pairs, tmp_path / "out", **given)
    examples = runs[0].examples
    sentences = [f"{a} {b} {code}" for code in ("it", "ja") for a in WORDS for b in WORDS]
    english = [(text, row) for text, row in zip(*examples.sides, examples.target_rows[0], strict=True)
               if text in sentences]  # fmt: skip
    assert 40 < len(english) <= 60 and max(examples.sizes) <= 60
    for text, row in english:
        np.testing.assert_array_equal(examples.targets[row], rows[sentences.index(text)])


def test_objectives_that_never_compare_with_the_teachers_embedding_have_no_projection(
    tmp_path: Path, pairs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    model, vectors = write_mean_bert(tmp_path / "model"), tmp_path / "teacher.npy"
    np.save(vectors, np.random.default_rng(0).normal(size=(2 * len(WORDS) ** 2, 24)).astype(np.float32))
    given = {"languages": "it,ja", "layers": 1, "steps": 1, "batch_pairs": 4}
    shrink(model, vectors, pairs, tmp_path / "out", **given, **NO_WEIGHTS | {"similarity_weight": 1})
    assert "projection" not in capsys.readouterr().err


def test_a_second_command_does_not_train_in_the_same_place(
    original: Path, pairs: str, tmp_path: Path
) -> None:
    with work_folder(tmp_path / "out"), pytest.raises(SmallerLabseError, match="another command is training"):
        shrink(original, original, pairs, tmp_path / "out", languages="it,ja", layers=1)


def test_a_new_lealla_is_a_folder_as_make_smaller_writes_of_lealla(
    original: Path, pairs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from smaller_labse.distill.students import smaller
    from smaller_labse.distill.students.student import open_student
    from smaller_labse.encoders.lealla.sentence_model import load_sentence_model

    tiny = replace(CONFIG, hidden_size=8, num_hidden_layers=1, pooling=LEALLA_POOLING)
    monkeypatch.setattr(smaller, "lealla_config", lambda name, vocab_size: tiny)
    given = {"languages": "it,ja", "like": "lealla-small", "steps": 2, "batch_pairs": 4}
    out = shrink(original, original, pairs, tmp_path / "out", **given).folder
    check_folder(out)
    texts = ["good morning", "the red house, 猫"]
    expected = smaller_labse.load(out).encode(texts)
    np.testing.assert_allclose(np.linalg.norm(expected, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(load_sentence_model(out / "sentences")(texts), expected, atol=1e-5)
    beside = smaller_labse.load(out / "huggingface").encode(texts)
    np.testing.assert_allclose(beside, expected, atol=1e-5)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["tokenizer"], manifest["hidden_size"]) == ("lealla", 8)
    again = open_student(out)
    assert again.tokenizer.kind == "lealla" and again.config == tiny


def test_parity_refuses_it_by_name(shrunk: Path, original: Path, tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("good morning\n", encoding="utf-8")
    with pytest.raises(SmallerLabseError, match="one: distilled from original, so its embeddings are not"):
        parity(str(original), str(shrunk), {"en": tmp_path / "en.txt"})


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"layers": 3}, UsageError, "--layers 3: the model has 2 layers, expected 1 to 2"),
        ({"languages": None}, UsageError, "a pattern needs --languages"),
        (
            {"pairs": ["en-it=none.tsv"], "languages": None},
            SmallerLabseError,
            "none.tsv: there is no such file",
        ),
        ({"batch_pairs": 1}, UsageError, "--batch-pairs 1: expected 2 or more"),
        ({"layers": None}, UsageError, "nothing is to become smaller; add --layers, --hidden-size or --like"),
        ({"like": "lealla-small"}, UsageError, "--like lealla-small says how many layers there are"),
        ({"layers": None, "like": "labse"}, UsageError, "--like labse: expected one of lealla-small, lealla"),
        ({"max_minutes": 0}, UsageError, "max_minutes: expected a number above 0, such as 0.5, got '0'"),
        ({"steps": 0}, UsageError, "steps: expected a positive integer, got '0'"),
        ({"exponent": 80}, UsageError, "exponent: expected a number from 0 to 1, such as 0.5, got '80'"),
        ({"seed": -1}, UsageError, "seed: expected a non-negative integer, got '-1'"),
        ({"margin_weight": "1"}, UsageError, "margin_weight: expected a number, got the text '1'"),
        ({"teacher": "t.npy"}, SmallerLabseError, "t.npy: there is no such file of vectors"),
        ({"teacher": "t.npy", "device": "cpu"}, UsageError, "t.npy is a file of vectors"),
        (NO_WEIGHTS, UsageError, "all weights of objectives are 0"),
        (
            {"export_projection": True},
            UsageError,
            "--export-projection: the format of {model} has no dense layers behind its pooler; leave it out",
        ),
        ({"teacher": "no/such/model"}, SmallerLabseError, "no/such/model: no such folder"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    original: Path, pairs: str, tmp_path: Path, changed: dict, error: type[SmallerLabseError], message: str
) -> None:
    given = {"model": original, "teacher": original, "pairs": pairs, "layers": 1, "languages": "it,ja"}
    with pytest.raises(error) as said:
        shrink(**(given | changed), out=tmp_path / "out")
    assert message.format(model=original) in str(said.value) and "\n" not in str(said.value)
    assert not (tmp_path / "out").exists()


def test_it_is_trimmed_as_any_original_and_stays_a_distilled_one(
    shrunk: Path, original: Path, tmp_path: Path
) -> None:
    text = tmp_path / "it.txt"
    text.write_text("".join(f"{a} {b}\n" for a in WORDS[:6] for b in WORDS[:6]), encoding="utf-8")
    counts = smaller_labse.count(shrunk, text={"it": text}, out=tmp_path / "counts")
    selection = smaller_labse.select(shrunk, counts, out=tmp_path / "selection", vocab_size=36)
    trimmed = smaller_labse.make_smaller(shrunk, selection, out=tmp_path / "trimmed").folder
    assert read_lineage(trimmed).distilled_from == "original"
    require_parity(parity(str(shrunk), str(trimmed), {"it": text}))
    with pytest.raises(SmallerLabseError, match="trimmed: distilled from original"):
        parity(str(original), str(trimmed), {"it": text})
