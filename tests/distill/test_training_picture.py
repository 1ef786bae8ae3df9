"""The picture of a training is drawn of any log: long, short, or of one evaluation only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.distill.training_picture import draw_training, training_figure

LONG = [{"step": n, "seconds": n, "loss": [5 / n, 1 / n]} for n in range(10, 900, 10)]
LONG += [{"step": n, "seconds": n, "held_out": n / 1000, "is_best": n < 800} for n in range(0, 900, 80)]


@pytest.mark.parametrize(
    "lines", [LONG, LONG[:1], [{"step": 0, "seconds": 0.0, "held_out": 0.5}]], ids=["long", "short", "none"]
)
def test_a_picture_is_drawn(lines: list[dict], tmp_path: Path) -> None:
    (tmp_path / "log").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    draw_training(tmp_path / "log", ["features", "similarities"], "precision at 1", tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_it_shows_the_loss_with_its_parts_and_every_evaluation_in_percent() -> None:
    above, below = training_figure(LONG, ["features", "similarities"], "precision at 1").axes
    curves = {curve.get_label(): curve.get_xydata() for curve in above.lines}
    assert list(curves) == ["loss", "features", "similarities"]
    np.testing.assert_allclose(curves["loss"][:, 1], curves["features"][:, 1] + curves["similarities"][:, 1])
    assert curves["features"][0, 1] > 5 * curves["features"][-1, 1]  # both fall as 1 / step does
    scores, best = below.lines
    np.testing.assert_allclose(best.get_xydata(), [[720, 72]])
    np.testing.assert_allclose(scores.get_xydata(), [[n, n / 10] for n in range(0, 900, 80)])
    assert below.get_xlabel() == "steps; all of them took 15 minutes"
