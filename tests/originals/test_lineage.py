"""A model's lineage: read from whatever part of it is there, in whatever version it was made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.lineage import Ancestor, Lineage, read_lineage, write_lineage
from smaller_labse.originals.original_card import read_original_card
from smaller_labse.originals.tfhub import TFHubFolders

PARENT = {"name": "labse-8", "hub_id": None, "vocab_size": 300, "parameters": 5000}
GRANDPARENT = {"name": "me/labse", "hub_id": "me/labse", "vocab_size": 900, "parameters": 7000}
LINEAGE = Lineage((Ancestor(**PARENT), Ancestor(**GRANDPARENT)), "float16")


def write(file: Path, content: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content), encoding="utf-8")


def test_what_is_written_into_a_config_is_read_from_that_folder_alone(tmp_path: Path) -> None:
    write(tmp_path / "config.json", {"vocab_size": 5, "smaller_labse": {"trimmed_from": [GRANDPARENT]}})
    write_lineage(LINEAGE, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert config["vocab_size"] == 5 and len(config["smaller_labse"]["trimmed_from"]) == 2
    assert read_lineage(tmp_path) == LINEAGE
    card = read_original_card(HuggingFaceFolder("x", tmp_path))
    assert card.lineage == LINEAGE and card.lineage.hub_id == "me/labse"


def test_a_folder_is_believed_before_the_manifest_that_it_happens_to_lie_beside(tmp_path: Path) -> None:
    write(tmp_path / "manifest.json", {"original": {}, "trimmed_from": [GRANDPARENT], "dtype": None})
    write(tmp_path / "huggingface" / "config.json", {})
    assert read_lineage(tmp_path / "huggingface") == Lineage((Ancestor(**GRANDPARENT),))
    write_lineage(LINEAGE, tmp_path / "huggingface")
    assert read_lineage(tmp_path / "huggingface") == read_lineage(tmp_path) == LINEAGE


def test_saved_models_say_it_by_their_manifest(tmp_path: Path) -> None:
    write(tmp_path / "manifest.json", {"trimmed_from": [PARENT, GRANDPARENT], "dtype": "float16"})
    place = TFHubFolders("x", tmp_path / "encoder", None)
    assert read_lineage(tmp_path) == read_original_card(place).lineage == LINEAGE


def test_a_manifest_of_before_names_the_original_alone(tmp_path: Path) -> None:
    original = {"name": "labse-8", "hub_id": None, "rows": 300, "parameters": 5000, "format": "tfhub"}
    write(tmp_path / "manifest.json", {"original": original, "dtype": "float16"})
    assert read_lineage(tmp_path) == Lineage((Ancestor(**PARENT),), "float16")


def test_a_model_of_others_has_none(tmp_path: Path) -> None:
    write(tmp_path / "config.json", {"vocab_size": 5})
    assert read_lineage(tmp_path) == Lineage()
    assert read_lineage(tmp_path / "nowhere") == Lineage()


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([], "smaller_labse is [], expected an object"),
        ({"trimmed_from": "labse"}, "smaller_labse.trimmed_from is 'labse', expected an array"),
        ({"trimmed_from": [PARENT | {"vocab_size": "9"}]}, "vocab_size is '9', expected a whole number"),
        ({"trimmed_from": [PARENT | {"vocab_size": 0}]}, "labse-8 has 0 tokens and 5,000 parameters"),
        ({"trimmed_from": [PARENT | {"name": "a\x1b[2J"}]}, "is no model's name"),
        ({"trimmed_from": [PARENT | {"name": ""}]}, "is no model's name"),
        ({"trimmed_from": [PARENT | {"hub_id": "a/b/c"}]}, "'a/b/c' is no hub id"),
        ({"rounded_to": "int8"}, "rounded_to is 'int8', expected float16 or null"),
    ],
)
def test_what_is_no_lineage_is_refused_by_its_place(tmp_path: Path, record: object, message: str) -> None:
    write(tmp_path / "config.json", {"smaller_labse": record})
    with pytest.raises(SmallerLabseError) as error:
        read_lineage(tmp_path)
    assert str(error.value).startswith(f"{tmp_path / 'config.json'}: ") and message in str(error.value)
    assert "\n" not in str(error.value) and str(error.value).endswith("; get the model again")
