"""One model folder has one prompt: in every format, and carried on when it is trimmed again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.encoders.prompt import read_prompt, teacher_prompt
from smaller_labse.select_vocab.selection import Selection
from tests.small_originals import (
    PROMPTS,
    SENTENCES,
    read_settings,
    write_byte_pairs,
    write_mean_bert,
    write_sentence_transformers,
    write_xlm_roberta,
)

PROMPT = PROMPTS["query"]


@pytest.fixture(scope="module")
def e5(tmp_path_factory) -> Path:
    return write_xlm_roberta(tmp_path_factory.mktemp("e5") / "original")


@pytest.fixture(scope="module")
def model(e5) -> Path:
    """A model folder that was made with --prompt."""
    return trim(e5, e5.parent, prompt=PROMPT)


def choose(original: Path, folder: Path, share: str = "80%") -> Selection:
    folder.mkdir(exist_ok=True)
    text = folder / "en.txt"
    text.write_text("".join(f"{sentence}\n" for sentence in SENTENCES), encoding="utf-8")
    counts = smaller_labse.count(original, text={"en": text}, out=folder / "counts")
    keep = folder / "keep.txt"
    keep.write_text(f"{PROMPT}\n", encoding="utf-8")
    return smaller_labse.select(original, counts, keep=keep, out=folder / "selection", vocab_size=share)


def trim(original: Path, folder: Path, share: str = "80%", **options: object) -> Path:
    selection = choose(original, folder, share)
    return smaller_labse.make_smaller(original, selection, out=folder / "model", **options).folder


def manifest(model: Path) -> dict:
    return json.loads((model / "manifest.json").read_text(encoding="utf-8"))


def encoded_by_hand(model: Path, texts: list[str]) -> np.ndarray:
    """What users of the SavedModels get, as the model card shows it."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 - registers the preprocessor's ops

    inputs = tf.saved_model.load(str(model / "preprocess"))(tf.constant(texts))
    return tf.saved_model.load(str(model / "encoder"))(inputs)["default"].numpy()


def test_every_format_has_the_prompt_once(model, tmp_path) -> None:
    assert manifest(model)["prompt"] == PROMPT
    settings = read_settings(model / "huggingface")
    assert settings["default_prompt_name"] == "query" and settings["prompts"] == PROMPTS
    alone = tmp_path / "huggingface only"
    shutil.copytree(model / "huggingface", alone)
    texts = SENTENCES[:6]
    expected = smaller_labse.load(model, prompt="").encode([PROMPT + text for text in texts])
    for place in (model, model / "huggingface", alone):
        assert read_prompt(place) == PROMPT
        found = smaller_labse.load(place).encode(texts)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(encoded_by_hand(model, texts), expected, rtol=0, atol=1e-5)
    card = (model / "README.md").read_text(encoding="utf-8")
    assert "The prompt 'query: ' goes before every text" in card


def test_an_original_that_names_no_prompt_teaches_its_trimmed_model_with_that_ones(
    model, e5, tmp_path
) -> None:
    assert teacher_prompt(e5, model) == teacher_prompt(e5, model / "huggingface") == PROMPT
    assert teacher_prompt(model, e5) == PROMPT
    assert teacher_prompt(write_byte_pairs(tmp_path / "other"), model) == ""


def test_a_smaller_model_that_is_trimmed_again_keeps_it(model, e5, tmp_path) -> None:
    again = trim(model, tmp_path / "again", share="100%")
    assert teacher_prompt(e5, again) == PROMPT, "the first original reads as the last of its line"
    assert manifest(again)["prompt"] == read_prompt(again / "huggingface") == PROMPT
    before, after = (smaller_labse.load(folder).encode(SENTENCES[:4]) for folder in (model, again))
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-5)
    without = trim(model, tmp_path / "without", prompt="", savedmodel=False)
    assert manifest(without)["prompt"] == read_prompt(without) == ""
    assert read_settings(without / "huggingface")["default_prompt_name"] is None


def test_the_originals_own_default_prompt_is_taken_over(e5, tmp_path) -> None:
    original = shutil.copytree(e5, tmp_path / "e5")
    assert read_prompt(original) is None
    write_sentence_transformers(original, default_prompt="passage")
    assert read_prompt(original) == PROMPTS["passage"]
    model = trim(original, tmp_path / "trimmed", savedmodel=False)
    assert manifest(model)["prompt"] == read_prompt(model) == PROMPTS["passage"]


def test_a_folder_without_savedmodels_has_it_whatever_its_architecture(tmp_path) -> None:
    original = write_byte_pairs(tmp_path / "original")
    model = trim(original, tmp_path / "trimmed", prompt=PROMPT, savedmodel=False)
    assert manifest(model)["prompt"] == read_prompt(model) == PROMPT
    settings = read_settings(model / "huggingface")
    assert settings["prompts"][settings["default_prompt_name"]] == PROMPT


def test_a_prompt_that_the_folder_did_not_have_gets_a_name(e5, tmp_path) -> None:
    model = trim(e5, tmp_path, prompt="query", savedmodel=False)
    settings = read_settings(model / "huggingface")
    assert settings["default_prompt_name"] == "default"
    assert settings["prompts"] == {**PROMPTS, "default": "query"}


def test_a_prompt_whose_tokens_are_not_kept_is_refused(e5, tmp_path) -> None:
    with pytest.raises(SmallerLabseError, match="is not kept; select with --keep and a file that holds"):
        trim(e5, tmp_path, prompt="คำถาม: ")
    assert not (tmp_path / "model").exists()


def test_a_folder_that_nobody_reads_a_prompt_from_is_refused(tmp_path) -> None:
    original = write_mean_bert(tmp_path / "original")
    (original / "modules.json").unlink()
    with pytest.raises(UsageError, match=r"has no modules.json, and without it"):
        trim(original, tmp_path, prompt=PROMPT, savedmodel=False)


def test_pooling_that_leaves_the_prompt_out_is_not_computed(e5, tmp_path) -> None:
    original = shutil.copytree(e5, tmp_path / "original")
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True, "include_prompt": False}
    (original / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    with pytest.raises(UsageError, match=r"leaves its tokens out when it pools .* add --no-savedmodel"):
        trim(original, tmp_path, prompt=PROMPT)
    with pytest.raises(SmallerLabseError, match="its pooling leaves the tokens of the prompt 'query: ' out"):
        smaller_labse.load(original, prompt=PROMPT)
    assert len(smaller_labse.load(original).encode(["a"])) == 1


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pooling_that_was_chosen_is_said_in_every_format(tmp_path, pooling) -> None:
    original = write_mean_bert(tmp_path / "original")
    (original / "modules.json").unlink()
    model = trim(original, tmp_path, prompt=PROMPT, pooling=pooling)
    by_savedmodel, by_huggingface = (
        smaller_labse.load(place).encode(SENTENCES[:6]) for place in (model, model / "huggingface")
    )
    np.testing.assert_allclose(by_huggingface, by_savedmodel, rtol=0, atol=1e-5)
