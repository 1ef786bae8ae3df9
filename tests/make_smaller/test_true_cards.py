"""What is published says what is true: our cards, no scores or paths of others, the original's licence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import smaller_labse
from smaller_labse.make_smaller.__main__ import main
from smaller_labse.make_smaller.licenses import license_entries
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.original_card import read_original_card
from tests.conftest import LANGUAGES, Trimmed

THEIRS = """---
language: [multilingual]
license: other
license_name: gemma
license_link: https://ai.google.dev/gemma/terms
base_model: somebody/else
tags: [mteb]
model-index:
- name: big
  results:
  - task: {type: STS}
    dataset: {name: MTEB STS22, type: mteb/sts22}
    metrics: [{type: cos_sim_spearman, value: 63.5}]
---

# big model

It supports 100 languages.
"""


@pytest.fixture(scope="module")
def folders(trimmed: Trimmed, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, str]]:
    """Trim a Hugging Face folder with this card; the model's folder, and what was said."""
    place = tmp_path_factory.mktemp("private-folder")
    shutil.copytree(trimmed.model / "huggingface", place / "big")
    for name, key in {
        "config.json": "_name_or_path",
        "tokenizer_config.json": "special_tokens_map_file",
    }.items():
        file = place / "big" / name
        content = json.loads(file.read_text("utf-8")) | {key: str(place)}
        content.pop("smaller_labse", None)  # else it were a smaller model of ours
        file.write_text(json.dumps(content), encoding="utf-8")
    words = place / "words.txt"
    words.write_text("one\nthe\n.\n", encoding="utf-8")

    def trim(card: str | None, *options: str) -> Path:
        (place / "big" / "README.md").unlink(missing_ok=True)
        if card is not None:
            (place / "big" / "README.md").write_text(card, encoding="utf-8")
        selection, model = place / "selection", place / "model"
        text = trimmed.selection.parent / "{code}.txt"
        counts = smaller_labse.count(
            place / "big", LANGUAGES, text=text, out=place / "counts", overwrite=not selection.exists()
        )
        smaller_labse.select(place / "big", counts, out=selection, top_k=30, overwrite=True)
        arguments = ["--model", place / "big", "--selection", selection, "--out", model, "--overwrite"]
        arguments += ["--no-savedmodel"]  # half of the time
        assert main([*map(str, arguments), *options]) == 0
        return model

    return trim


def front_matter(card: Path) -> dict[str, Any]:
    text = card.read_text(encoding="utf-8")
    assert text.startswith("---\n")
    return yaml.safe_load(text.split("---\n")[1])


def test_the_originals_card_is_not_copied_and_its_licence_is_taken_over(folders) -> None:
    model = folders(THEIRS)
    for card in (model / "README.md", model / "huggingface" / "README.md"):
        text, data = card.read_text(encoding="utf-8"), front_matter(card)
        for theirs in ("MTEB", "63.5", "100 languages", "multilingual", "model-index"):
            assert theirs not in text
        stated = {key: value for key, value in data.items() if key.startswith("license")}
        assert stated == {
            "license": "other",
            "license_name": "gemma",
            "license_link": "https://ai.google.dev/gemma/terms",
        }
        assert data["language"] == list(LANGUAGES)
        assert data["base_model"] == "somebody/else", "a local folder is no hub id, but its card names one"
        summary = "big, made from somebody/else as its card says, trimmed to English, Japanese, Norwegian and"
        assert summary in text
    assert front_matter(model / "huggingface" / "README.md")["library_name"] == "sentence-transformers"


def test_no_path_stands_in_card_manifest_or_selection(folders) -> None:
    model = folders(THEIRS)
    manifest = json.loads((model / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["original"]["name"], manifest["license"]) == ("big", "other")
    assert (manifest["original"]["hub_id"], manifest["original"]["base_model"]) == (None, "somebody/else")
    for file in [file for file in model.rglob("*") if file.is_file()]:
        assert b"private-folder" not in file.read_bytes(), file


@pytest.mark.parametrize("card", [None, "---\nlicense: unknown\n---\n"])
def test_an_unknown_licence_is_said_and_asked_for(folders, capsys, card) -> None:
    model = folders(card)
    assert "warning: big states no licence, so the model card names none; add --license" in (
        capsys.readouterr().err
    )
    for file in (model / "README.md", model / "huggingface" / "README.md"):
        assert "license" not in front_matter(file)
        assert "## Licence\n\nNot known: the original's folder states none." in file.read_text("utf-8")


def test_a_licence_that_contradicts_the_originals_is_warned_of(folders, capsys) -> None:
    model = folders("---\nlicense: mit\n---\n", "--license", "apache-2.0")
    assert "warning: the model card names the licence apache-2.0, as --license says; big states mit" in (
        capsys.readouterr().err
    )
    assert front_matter(model / "huggingface" / "README.md")["license"] == "apache-2.0"


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        ("MIT", {"license": "mit"}),
        ("CC0-1.0", {"license": "cc0-1.0"}),
        ("bsd-4-clause", {"license": "other", "license_name": "bsd-4-clause"}),  # SPDX's, not the hub's
        ("our-license-2", {"license": "other", "license_name": "our-license-2"}),
    ],
)
def test_a_licence_is_called_as_the_hub_calls_it(given: str, entries: dict[str, str]) -> None:
    assert license_entries(given) == entries


def test_a_licence_that_the_hub_does_not_know_is_named_and_its_text_asked_for(folders, capsys) -> None:
    model = folders("---\nlicense: mit\n---\n", "--license", "our-license-2")
    said = capsys.readouterr().err
    assert "the model card names the licence our-license-2, as --license says; big states mit" in said
    assert "hub does not know the licence our-license-2, so the model card calls it 'other'" in said
    data = front_matter(model / "README.md")
    assert (data["license"], data["license_name"]) == ("other", "our-license-2")
    assert "## Licence\n\nour-license-2. " in (model / "README.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("place", "card", "name", "hub_id", "base_model"),
    [
        ("models/labse", "", "labse", None, None),
        (
            "work/model/huggingface",
            "base_model: google/labse\ntags: [smaller-labse]",
            "model",
            None,
            "google/labse",
        ),
        ("labse", "base_model: google/labse\ntags: [mteb]", "labse", None, "google/labse"),
        ("labse", "base_model: [google/labse]", "labse", None, "google/labse"),
        ("labse", "base_model: [google/labse, google/bert]", "labse", None, None),
        ("labse", "base_model: ../labse\ntags: [smaller-labse]", "labse", None, None),
        ("labse", "base_model: {a: b}", "labse", None, None),
        ("models--google--labse/snapshots/1f2e", "", "google/labse", "google/labse", None),
    ],
)
def test_a_base_model_is_a_hub_id_or_none(tmp_path: Path, place, card, name, hub_id, base_model) -> None:
    folder = tmp_path / place
    folder.mkdir(parents=True)
    (folder / "README.md").write_text(f"---\n{card}\n---\n", encoding="utf-8")
    found = read_original_card(HuggingFaceFolder(str(folder), folder))
    assert (found.name, found.hub_id, found.base_model) == (name, hub_id, base_model)


@pytest.mark.parametrize("card", ["", "no front matter", "---\n: [\n---\n", "---\nlicense:\n---\n"])
def test_a_card_that_states_nothing_is_no_error(tmp_path: Path, card: str) -> None:
    (tmp_path / "README.md").write_text(card, encoding="utf-8")
    found = read_original_card(HuggingFaceFolder("x", tmp_path))
    assert (found.license, found.hub_id, found.base_model) == ({}, None, None)


def test_what_was_fetched_from_the_hub_is_called_by_its_id(tmp_path: Path) -> None:
    found = read_original_card(HuggingFaceFolder("me/model", tmp_path, hub_id="me/model"))
    assert (found.name, found.hub_id) == ("me/model", "me/model")
