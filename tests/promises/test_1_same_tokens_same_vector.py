"""Promise 1: a text whose tokens are all kept gets the same tokens and the same embedding, to 1e-5."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.model_folder import read_manifest
from smaller_labse.select_vocab.selection import read_selection
from tests.conftest import LANGUAGES


@pytest.fixture
def assert_same_on_kept_tokens(example, embed) -> Callable[[Path, Path, np.ndarray], None]:
    def compare(preprocess: Path, encoder: Path, kept_ids: np.ndarray) -> None:
        texts = [text for code in (*LANGUAGES, "ru") for text in builtin_sentences()[code]]
        before, expected = embed(example / "preprocess", example / "encoder", texts)
        after, found = embed(preprocess, encoder, texts)
        length = min(before.shape[1], after.shape[1])
        assert not before[:, length - 1].any(), "a text was truncated"
        kept = np.isin(before, kept_ids).all(axis=1)
        assert 0 < kept.sum() < len(texts)  # some are unchanged, some are not
        assert np.array_equal(kept_ids[after[kept, :length]], before[kept, :length])
        assert np.abs(found[kept] - expected[kept]).max() <= 1e-5
        assert np.abs(found[~kept] - expected[~kept]).max() > 1e-2

    return compare


def test_a_text_whose_tokens_are_kept_has_the_originals_ids_and_embedding(
    trimmed, assert_same_on_kept_tokens
):
    kept_ids = np.load(trimmed.selection / "kept_ids.npy")
    assert_same_on_kept_tokens(trimmed.model / "preprocess", trimmed.model / "encoder", kept_ids)


def test_a_smaller_model_is_an_original_that_can_be_trimmed_again(
    trimmed, assert_same_on_kept_tokens, tmp_path
):
    lines = "".join(f"{text}\n" for text in builtin_sentences()["en"])
    (tmp_path / "en.txt").write_text(lines, encoding="utf-8")
    counts = smaller_labse.count(trimmed.model, text={"en": tmp_path / "en.txt"}, out=tmp_path / "counts")
    again = smaller_labse.select(trimmed.model, counts, out=tmp_path / "selection", coverage="1")
    model = smaller_labse.make_smaller(
        trimmed.model / "encoder",
        tmp_path / "selection",
        preprocessor=trimmed.model / "preprocess",
        out=tmp_path / "model",
        huggingface=False,
    )
    first, second = read_selection(trimmed.selection).subset, again.subset
    assert len(second) < len(first)
    assert second.original_size == len(first)
    assert_same_on_kept_tokens(
        model.folder / "preprocess", model.folder / "encoder", first.to_original_ids(second.original_ids)
    )
    assert read_manifest(model.folder)["sequence_length"] == 128  # the original's
