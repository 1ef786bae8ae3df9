"""What a `tokenizer.json` takes alone is measured, and is no number where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from smaller_labse.evaluate.comparison.tokenizer_cost import load_and_measure, measure_tokenizer
from tests.small_originals import write_byte_pairs, write_xlm_roberta

RESIDENT = "smaller_labse.evaluate.comparison.tokenizer_cost.resident_bytes"


def test_a_hugging_face_folder_s_is_loaded_in_a_process_of_its_own(tmp_path: Path):
    cost = measure_tokenizer(str(write_byte_pairs(tmp_path / "gpt")))
    assert cost is not None and cost.seconds > 0


def test_its_memory_is_by_how_much_the_process_grew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    seen = iter([100, 350])
    monkeypatch.setattr(RESIDENT, lambda: next(seen))
    assert load_and_measure(write_byte_pairs(tmp_path / "gpt")).bytes == 250


def test_savedmodels_and_a_folder_with_a_sentencepiece_model_only_have_none(example: Path, tmp_path: Path):
    for model in (example, write_xlm_roberta(tmp_path / "e5")):
        assert measure_tokenizer(str(model)) is None
