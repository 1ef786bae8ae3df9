"""A graft has the tuned model's layers and rows, and everything else of the original to the bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.distill.__main__ import main
from smaller_labse.distill.graft import graft
from smaller_labse.distill.students import student as students
from smaller_labse.distill.students.kept_tokens import find_kept_tokens
from smaller_labse.distill.students.merged import count_changed_rows, require_same_encoder
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.encoders.sentence_transformers_folder import read_default_prompt, write_default_prompt
from smaller_labse.evaluate.comparison.parity import parity
from smaller_labse.make_smaller.back_ends.trim_huggingface import trim_huggingface
from smaller_labse.originals.folder_check import require_as_written
from smaller_labse.originals.lineage import Lineage
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset, write_pieces
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.originals.weights.checkpoint import Checkpoint
from tests.conftest import CONFIG, PIECES, SPECIAL, WriteModel
from tests.small_originals import write_xlm_roberta

KEPT = [piece for piece in PIECES if piece not in ("house", "xy", "猫")]


@pytest.fixture(scope="module")
def tuned(write_model: WriteModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trimmed from `original`, and every number of it moved a little."""
    return write_model(tmp_path_factory.mktemp("models") / "tuned", KEPT, lambda name, values: 1.01 * values)


@pytest.fixture(scope="module")
def grafted(original: Path, tuned: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("grafted") / "full"
    assert main(["graft", "--original", str(original), "--tuned", str(tuned), "--out", str(out)]) == 0
    return out


def test_rows_of_other_tokens_are_the_originals_and_all_else_the_tuned_models(
    grafted: Path, original: Path, tuned: Path
) -> None:
    of_original, of_tuned, found = (Checkpoint(each / "encoder") for each in (original, tuned, grafted))
    assert found.shapes == of_original.shapes
    for name in CONFIG.tensor_shapes():
        expected = of_tuned.read(name)
        if name == WORD_EMBEDDINGS:
            kept, rows = [PIECES.index(piece) for piece in KEPT], expected
            expected = of_original.read(name)
            expected[kept] = rows
        np.testing.assert_array_equal(found.read(name), expected, err_msg=name)


def test_texts_of_its_tokens_have_the_tuned_models_embeddings(grafted: Path, tuned: Path) -> None:
    texts = ["good morning", "the night is red.", "a b c"]
    expected = smaller_labse.load(tuned).encode(texts)
    np.testing.assert_allclose(smaller_labse.load(grafted).encode(texts), expected, atol=1e-5)


def test_the_folder_is_whole_and_says_what_it_is(grafted: Path, original: Path, tmp_path: Path) -> None:
    require_as_written(grafted)
    manifest = json.loads((grafted / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["distilled_from"] == "tuned"
    assert manifest["distillation"]["method"] == "graft"
    assert manifest["distillation"]["tokens"] == manifest["distillation"]["rows_changed"] == len(KEPT)
    card = (grafted / "README.md").read_text(encoding="utf-8")
    assert f"a model with {len(KEPT)} of its {len(PIECES)} tokens" in card
    (tmp_path / "en.txt").write_text("good morning\n", encoding="utf-8")
    with pytest.raises(SmallerLabseError, match="full: distilled from tuned, so its embeddings are not"):
        parity(str(original), str(grafted), {"en": tmp_path / "en.txt"})


def test_a_hugging_face_original_keeps_its_other_rows_and_gets_the_tuned_models_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(students._HuggingFaceStudent, "_write_saved_models", lambda self, folder: None)
    original = write_xlm_roberta(tmp_path / "original")
    tokenizer = open_original(str(original)).tokenizer
    kept = tokenizer.with_dependencies(np.union1d(tokenizer.special_ids, np.arange(0, 3000, 3)))
    subset = VocabularySubset(kept, 3013)
    trim_huggingface(original, subset, tmp_path / "tuned", None)
    tokenizer.write_subset(subset, tmp_path / "tuned")
    write_default_prompt(tmp_path / "tuned", "query: ")
    tensors = load_file(tmp_path / "tuned" / "model.safetensors")
    save_file(
        {name: np.float32(1.01) * values for name, values in tensors.items()},
        tmp_path / "tuned" / "model.safetensors",
        {"format": "pt"},
    )
    done = graft(original, tmp_path / "tuned", tmp_path / "full")
    assert (done.tokens, done.rows_changed) == (len(kept), len(kept))
    before, after = (
        load_file(folder / "model.safetensors") for folder in (original, done.folder / "huggingface")
    )
    matrix = "embeddings.word_embeddings.weight"
    expected = {
        name: values
        if name.startswith("pooler.")
        else np.float32(1.01) * values  # mean pooling asks no pooler
        for name, values in before.items()
    }
    others = np.setdiff1d(np.arange(3013), kept)
    expected[matrix][others] = before[matrix][others]
    assert before.keys() == after.keys()
    for name, values in after.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)
    assert read_default_prompt(done.folder / "huggingface") == "query: "
    for file in ("sentencepiece.bpe.model", "tokenizer_config.json", "1_Pooling/config.json"):
        assert (done.folder / "huggingface" / file).read_bytes() == (original / file).read_bytes()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"num_hidden_layers": 1}, "tuned: 1 layers, the original has 2; only a model with all"),
        ({"hidden_size": 32}, "tuned: hidden_size is 32, the original's is 16; give the original that"),
    ],
)
def test_another_encoder_is_refused(changed: dict, message: str) -> None:
    with pytest.raises(SmallerLabseError, match=message):
        require_same_encoder(CONFIG, replace(CONFIG, vocab_size=7, **changed), "tuned")


@pytest.mark.parametrize(
    ("pieces", "renamed", "message"),
    [
        (["dog"], {}, "1 of 6 tokens, such as 'dog', are not among the original's"),
        (["red", "dog"], {"dog": "red"}, "2 tokens are called 'red', so it is not known whose row is whose"),
    ],
)
def test_tokens_that_are_not_the_originals_are_refused(
    tmp_path: Path, pieces: list[str], renamed: dict[str, str], message: str
) -> None:
    for name, listed in (("original", PIECES), ("tuned", [*SPECIAL, *pieces])):
        write_pieces(listed, tmp_path / name)
    tokenizers = (WordPiece(tmp_path / name) for name in ("original", "tuned"))
    with pytest.raises(SmallerLabseError, match=message):
        find_kept_tokens(*tokenizers, Lineage(renamed=renamed))


def test_a_model_with_other_rows_is_refused() -> None:
    random = np.random.default_rng(1)
    original, other = (SimpleNamespace(read_tensor=lambda name: random.normal(size=(9, 99))) for _ in "ab")
    with pytest.raises(
        SmallerLabseError, match=r"other: .* a mean cosine of -?0\.\d+ to the original's; give"
    ):
        count_changed_rows(original, other, np.arange(9), "other")
