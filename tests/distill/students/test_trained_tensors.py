"""What is trained is named: the matrix, all that comes before a layer, or everything that is written."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.distill.students.trained_tensors import choose_trained
from smaller_labse.encoders.config import WORD_EMBEDDINGS, Dense, Pooling
from tests.conftest import CONFIG

WITH_DENSE = replace(CONFIG, pooling=Pooling("pooler", dense=(Dense(16, 8, "tanh"),)))


def test_lower_parts_hold_each_other() -> None:
    matrix, first, both, everything = (
        choose_trained(written, WITH_DENSE) for written in ("matrix", "lowest:1", "lowest:2", "all")
    )
    assert matrix == {WORD_EMBEDDINGS} and matrix < first < both < everything
    assert {"position_embedding/embeddings", "embeddings/layer_norm/beta"} <= first
    assert not any("layer_1/" in name for name in first) and any("layer_0/" in name for name in first)
    assert everything - both == {"pooler_transform/kernel", "pooler_transform/bias"}


@pytest.mark.parametrize("written", ["layers", "lowest:", "lowest:0", "lowest:3", "lowest:-1", "", "Matrix"])
def test_what_names_nothing_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match=f"--train {written}: "):
        choose_trained(written, CONFIG)
