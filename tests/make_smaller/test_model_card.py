"""The model card's bytes: the front matter that the hub reads, the same for the same model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import yaml

from smaller_labse.make_smaller.manifest import ModelDescription, Verification
from smaller_labse.make_smaller.model_card import model_card
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE
from smaller_labse.originals.original_card import OriginalCard
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.select_vocab.selection import Selection

SELECTION = Selection(
    kind="wordpiece",
    pieces=["[UNK]", "a"],
    subset=VocabularySubset(np.array([0, 2]), original_size=4),
    fingerprint="0" * 64,
    hidden_size=3,
    languages=("en", "no"),
    rule={"name": "top-k", "value": 2},
    keep_characters=True,
    order="original",
)
FRONT_MATTER = {
    "language": ["en", "no"],
    "license": "apache-2.0",
    "base_model": "sentence-transformers/LaBSE",
    "pipeline_tag": "sentence-similarity",
    "tags": ["sentence-similarity", "feature-extraction", "smaller-labse"],
}
SUMMARY = """
# model

sentence-transformers/LaBSE, trimmed to English and Norwegian: 94.0% of its parameters."""


def describe() -> ModelDescription:
    return ModelDescription(
        name="model",
        original=OriginalCard("sentence-transformers/LaBSE", hub_id="sentence-transformers/LaBSE"),
        original_format="huggingface",
        original_parameters=100,
        selection=SELECTION,
        sequence_length=24,
        verification=Verification(rows=2, texts=64, unchanged=33, embedded=33, largest_difference=1e-7),
        formats=(ENCODER, HUGGINGFACE),
        license={"license": "apache-2.0"},
        prompt="query: ",
    )


def test_the_front_matter_is_what_the_hub_reads() -> None:
    _, front_matter, text = str(model_card(describe())).split("---\n", maxsplit=2)
    assert yaml.safe_load(front_matter) == FRONT_MATTER
    assert text.startswith(SUMMARY)


def test_an_original_of_the_hub_is_called_by_its_own_name_whatever_it_was_made_from() -> None:
    original = OriginalCard("a/b", hub_id="a/b", base_model="c/d")
    text = str(model_card(replace(describe(), original=original)))
    assert "base_model: a/b\n" in text and "\na/b, trimmed to English" in text and "c/d" not in text


def test_the_same_model_gives_the_same_bytes_in_memory_and_in_a_file(tmp_path) -> None:
    card = model_card(describe())
    card.save(tmp_path / "README.md")
    assert (tmp_path / "README.md").read_bytes().decode("utf-8") == str(card) == str(model_card(describe()))


def test_the_card_says_what_was_verified_and_how_the_model_reads_text() -> None:
    text = str(model_card(describe()))
    assert (
        "2 rows equal to the bit; 33 of 64 texts keep their tokens, their embeddings differ by 1.0e-07"
        in text
    )
    assert "Inputs are truncated at 24 tokens." in text
    assert "The prompt 'query: ' goes before every text" in text
