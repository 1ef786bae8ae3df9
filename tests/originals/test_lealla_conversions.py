"""LEALLA's conversions on the Hugging Face hub: recognised by their config, and said once what they are."""

from __future__ import annotations

import pytest

import smaller_labse
from smaller_labse.common.json_files import write_json
from smaller_labse.make_smaller import make_smaller as stage
from smaller_labse.originals.lealla_conversions import is_lealla_conversion
from tests.small_originals import write_mean_bert

# As setu4993/LEALLA-base's config.json says.
BASE = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 192,
    "intermediate_size": 768,
    "num_attention_heads": 12,
    "num_hidden_layers": 24,
    "layer_norm_eps": 1e-12,
    "type_vocab_size": 2,
    "vocab_size": 501_153,
}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"hidden_size": 128, "intermediate_size": 512}, True),
        ({"hidden_size": 256, "intermediate_size": 1024}, True),
        ({"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}, False),  # LaBSE
        ({"vocab_size": 173_347}, False),
        ({"hidden_act": "gelu_pytorch_tanh"}, False),  # ours
        ({"model_type": "xlm-roberta"}, False),
    ],
)
def test_they_are_recognised_by_their_shape(changes, expected, tmp_path):
    write_json(tmp_path / "config.json", BASE | changes)
    assert is_lealla_conversion(tmp_path) is expected


def test_trimming_one_says_in_one_line_what_it_is(tmp_path, monkeypatch, capsys):
    original = write_mean_bert(tmp_path / "LEALLA-small")
    (tmp_path / "en.txt").write_text("This line is long enough.\n")
    counts = smaller_labse.count(original, text={"en": tmp_path / "en.txt"}, out=tmp_path / "counts")
    selection = smaller_labse.select(original, counts, coverage="1", out=tmp_path / "selection")
    monkeypatch.setattr(stage, "is_lealla_conversion", lambda folder: True)
    capsys.readouterr()
    smaller_labse.make_smaller(original, selection, tmp_path / "model", license="mit", savedmodel=False)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(warnings) == 1 and "LEALLA-small is a conversion of LEALLA that is only near it" in warnings[0]
    assert "google/LEALLA/LEALLA-small/1" in warnings[0]
