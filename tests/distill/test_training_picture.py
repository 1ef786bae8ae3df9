"""The picture of a training is drawn of any log: long, short, or of one evaluation only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smaller_labse.distill.training_picture import draw_training

LONG = [{"step": n, "seconds": n, "loss": [5 / n, 1 / n]} for n in range(10, 900, 10)]
LONG += [{"step": n, "seconds": n, "held_out": n / 1000} for n in range(0, 900, 80)]


@pytest.mark.parametrize(
    "lines", [LONG, LONG[:1], [{"step": 0, "seconds": 0.0, "held_out": 0.5}]], ids=["long", "short", "none"]
)
def test_a_picture_is_drawn(lines: list[dict], tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    draw_training(tmp_path / "log", ["features", "similarities"], "precision at 1", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
