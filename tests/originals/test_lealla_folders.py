"""LEALLA's TF Hub format: found, counted and selected for; what is no LEALLA, or not whole, is said in one line."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tfhub import is_handle
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer


@pytest.fixture(scope="module")
def lealla(shared) -> Path:
    return shared / "lealla_format"


@pytest.fixture
def copied(lealla, tmp_path) -> Path:
    return Path(shutil.copytree(lealla / "encoder", tmp_path / "lealla"))


def test_it_is_opened_without_its_graph(lealla):
    original = open_original(str(lealla / "encoder"))
    assert isinstance(original.tokenizer, LEALLATokenizer)
    assert (original.vocab_size, original.hidden_size) == (15_020, 64)
    layer = 4 * (64 * 64 + 64) + 2 * 2 * 64 + 64 * 128 + 128 + 128 * 64 + 64
    embeddings = (15_020 + 512 + 2 + 2) * 64  # the rows of token_type_embeddings_real are not used
    assert original.parameters == embeddings + 4 * layer + 64 * 64 + 64


def test_text_is_counted_and_selected_for(lealla, tmp_path):
    (tmp_path / "ja.txt").write_text("猫が2 3匹いる、とても可愛い。\n" * 3, encoding="utf-8")
    counts = smaller_labse.count(lealla, text={"ja": tmp_path / "ja.txt"}, out=tmp_path / "counts")
    selection = smaller_labse.select(lealla, counts, out=tmp_path / "selection", coverage="1")
    assert selection.kind == "lealla"
    tokenizer = open_original(str(lealla)).tokenizer
    ids, _ = tokenizer.tokenize(["猫が2 3匹いる、とても可愛い。"])
    assert np.isin(ids, selection.subset.original_ids).all()
    assert "23" in selection.pieces and "[CLS]" in selection.pieces


def test_counts_of_labse_are_not_lealla_s_though_the_vocabulary_is(lealla, shared, tmp_path):
    (tmp_path / "en.txt").write_text("This line is long enough.\n")
    counts = smaller_labse.count(
        shared / "labse_format", text={"en": tmp_path / "en.txt"}, out=tmp_path / "counts"
    )
    with pytest.raises(SmallerLabseError, match="fingerprint"):
        smaller_labse.select(lealla, counts, out=tmp_path / "selection", coverage="1")


def test_a_preprocessor_beside_it_would_do_nothing(lealla, shared):
    with pytest.raises(UsageError, match="tokenizes by itself; leave it out"):
        open_original(str(lealla), str(shared / "labse_format" / "preprocess"))


def test_one_without_its_vocabulary_is_refused(copied):
    (copied / "assets" / "cased_vocab.txt").unlink()
    with pytest.raises(SmallerLabseError, match=r"assets: no \.txt file, expected one vocabulary file"):
        open_original(str(copied))


def test_one_with_another_vocabulary_is_refused(copied):
    with (copied / "assets" / "cased_vocab.txt").open("a", encoding="utf-8") as file:
        file.write("one more\n")
    with pytest.raises(SmallerLabseError, match="15,021 pieces, but the embedding matrix has 15,020 rows"):
        open_original(str(copied))


def test_another_model_of_tensorflow_1_is_refused(example, tmp_path):
    other = Path(shutil.copytree(example / "encoder", tmp_path / "other"))
    (other / "tfhub_module.pb").write_bytes(b"\x08\x03")
    with pytest.raises(SmallerLabseError, match="TensorFlow 1 model without LEALLA's embedding matrix"):
        open_original(str(other))


def test_one_that_is_not_whole_is_refused(copied):
    (copied / "variables" / "variables.index").unlink()
    with pytest.raises(SmallerLabseError, match="no readable TensorFlow 1 checkpoint"):
        open_original(str(copied))


@pytest.mark.parametrize("model", ["google/LEALLA/LEALLA-small/1", "https://tfhub.dev/google/LaBSE/2"])
def test_tf_hubs_handles_are_told_from_hub_ids_and_paths(model, tmp_path, monkeypatch):
    assert is_handle(model)
    assert not is_handle("setu4993/LEALLA-small") and not is_handle("some/folder/of/mine")
    monkeypatch.chdir(tmp_path)
    Path("google/LEALLA/LEALLA-small/1").mkdir(parents=True)
    assert not is_handle("google/LEALLA/LEALLA-small/1")
