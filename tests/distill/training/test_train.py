"""Training goes on where it was interrupted, chooses the best state, and stops at NaN with the last good one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.distill.data.examples import Batch, Examples
from smaller_labse.distill.training import train as training
from smaller_labse.distill.training.checkpoint import read_highest
from smaller_labse.distill.training.train import TrainingFiles, TrainingOptions, train

OPTIONS = TrainingOptions(batch_size=2, steps=24, learning_rate=0.1, references=3)
EXAMPLES = Examples(
    sides=([f"a{number}" for number in range(40)], [f"b{number}" for number in range(40)]),
    ids=np.stack([np.arange(40), np.arange(40)]),
    target_rows=np.stack([np.arange(40), np.arange(40)]),
    targets=np.arange(120.0).reshape(40, 3),
    lengths=2 + np.arange(40) % 7,
    sizes=[30, 10],
    shares=np.array([0.7, 0.3]),
)


class Step:
    """Stands in for a training step: adds up what it is given, in an order that matters."""

    def __init__(self, stop_at: int | None = None, nan_at: int | None = None) -> None:
        self.variables = [tf.Variable([1.0, 2.0])]
        self.moments = tf.Variable(0.0)
        self.seen: list[str] = []
        self._stop_at, self._nan_at = stop_at, nan_at

    def __call__(self, batch: Batch, learning_rate: float, max_length: int) -> np.ndarray | None:
        if len(self.seen) == self._stop_at:
            raise KeyboardInterrupt
        if len(self.seen) == self._nan_at:
            return None
        self.seen.append(batch.texts[0])
        number = sum(int(text[1:]) for text in batch.texts) + batch.references.sum()
        self.moments.assign(0.9 * self.moments + number)
        self.variables[0].assign(self.variables[0] * 1.01 + learning_rate * self.moments)
        return np.array([1.0])

    def state(self) -> list[tf.Variable]:
        return [*self.variables, self.moments]


class Bar:
    def __call__(self, amount: int) -> None: ...

    def describe(self, description: str) -> None: ...

    def begin_at(self, amount: int) -> None: ...

    def expect(self, seconds: float) -> None:
        assert seconds >= 0


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., tuple[training.Progress, np.ndarray]]:
    def train_here(step: Step, name: str = "run", options: TrainingOptions = OPTIONS, evaluate=None):
        files = TrainingFiles(*(tmp_path / f"{name}.{end}" for end in ("checkpoint", "best", "log")))
        score = evaluate or (lambda: len(step.seen) / 100)
        done = train(step, EXAMPLES, options, files, lambda: {"fr": np.array([score()])}, Bar())
        return done, step.variables[0].numpy()

    return train_here


def test_an_interrupted_training_ends_with_the_same_weights_to_the_bit(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "PATIENCE", 99)
    always = iter(range(1000))
    better = lambda: next(always) / 1000  # noqa: E731
    _, expected = run(Step(), "undisturbed", evaluate=better)
    for stop in (7, 6, 2):
        with pytest.raises(KeyboardInterrupt):
            run(Step(stop_at=stop), "interrupted", evaluate=better)
    _, weights = run(Step(), "interrupted", evaluate=better)
    assert np.array_equal(weights, expected)
    log = (tmp_path / "interrupted.log").read_text(encoding="utf-8").splitlines()
    whole = (tmp_path / "undisturbed.log").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["step"] for line in log] == [json.loads(line)["step"] for line in whole]


def test_an_interrupted_training_keeps_the_best_state_of_before(
    run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The best one is neither the first nor the last; the run ends after it, and right behind writing it."""
    monkeypatch.setattr(training, "PATIENCE", 99)

    def trained(name: str, **stop: int) -> tuple[training.Progress, np.ndarray]:
        step = Step(**stop)
        return run(step, name, evaluate=lambda: float(np.sin(step.variables[0].numpy()[0])))

    whole, expected = trained("whole")
    assert 0 < whole.best_step < whole.step == OPTIONS.steps
    with pytest.raises(KeyboardInterrupt):
        trained("after", stop_at=whole.best_step + 1)
    done, weights = trained("after")
    assert np.array_equal(weights, expected) and done.best_step == whole.best_step
    write = training.write_checkpoint

    def stop_behind_best(file: Path, variables: object, progress: training.Progress, *rest: object) -> None:
        if file.suffix == ".checkpoint" and progress.step == whole.best_step:
            raise KeyboardInterrupt
        write(file, variables, progress, *rest)

    monkeypatch.setattr(training, "write_checkpoint", stop_behind_best)
    with pytest.raises(KeyboardInterrupt):
        trained("between")
    monkeypatch.setattr(training, "write_checkpoint", write)
    monkeypatch.setattr(np, "sin", lambda value: -0.9)  # as where the clock has the next look elsewhere
    done, weights = trained("between")
    assert np.array_equal(weights, expected) and done.best_step == whole.best_step


def test_where_no_state_is_better_the_one_before_training_is_taken(run) -> None:
    falling = iter(range(100, 0, -1))
    done, weights = run(Step(), evaluate=lambda: next(falling) / 100)
    assert done.best_step == 0 < done.step and weights.tolist() == [1.0, 2.0]


def test_a_log_that_ends_in_the_middle_of_a_line_goes_on(run, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Step(stop_at=13))
    log = tmp_path / "run.log"
    whole = log.read_text(encoding="utf-8")
    log.write_text(whole + '{"step": 12, "held_out": 0.5}\n{"step": 13, "lo', encoding="utf-8")
    run(Step())
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    looks = [line["step"] for line in lines if "held_out" in line]
    assert looks == sorted(set(looks)), "each look is there once"


def test_the_texts_of_a_step_are_contrasted_with_others_than_those_of_the_next() -> None:
    some = [training._references(EXAMPLES, OPTIONS, step).tolist() for step in (1, 2, 1)]
    assert some[0] == some[2] != some[1] and len(some[0]) == 3
    all_of_few = training._references(EXAMPLES, replace(OPTIONS, references=41), 1)
    assert all_of_few.tolist() == list(range(40))


def test_the_best_state_is_taken_and_training_stops_where_nothing_gets_better(run) -> None:
    step, values = Step(), iter([0.1, 0.2, 0.9, *[0.3] * 20])
    at_best = []

    def evaluate() -> float:
        value = next(values)
        if value == 0.9:
            at_best.append(step.variables[0].numpy())
        return value

    done, weights = run(step, evaluate=evaluate)
    assert done.best == 0.9 and done.best_evaluation == 3
    assert done.evaluations == 3 + training.PATIENCE and done.step < OPTIONS.steps
    assert np.array_equal(weights, at_best[0])


def test_of_states_that_cannot_be_told_apart_the_last_is_the_best(tmp_path: Path) -> None:
    """Each look has 100 examples; the third is a real loss, the fourth a loss of one that gains another."""
    right = [50, 90, 60, 89, 80]
    looks = [np.repeat([1.0, 0.0], [count, 100 - count]) for count in right]
    looks[3][95] = 1.0
    seen = iter([*looks, *[looks[2]] * 9])
    files = TrainingFiles(*(tmp_path / end for end in ("checkpoint", "best", "log")))
    done = train(Step(), EXAMPLES, OPTIONS, files, lambda: {"fr": next(seen)}, Bar())
    assert (done.best, done.best_evaluation) == (0.9, 4)
    logged = [json.loads(line) for line in files.log.read_text(encoding="utf-8").splitlines()]
    assert [line["is_best"] for line in logged if "held_out" in line][:5] == [True, True, False, True, False]
    assert np.array_equal(read_highest(files.best)["fr"], looks[1])


def test_a_state_is_better_than_the_one_before_training_only_by_its_score(tmp_path: Path) -> None:
    hits = [[1.0, 0, 0], [0, 1.0, 0], [1.0, 1.0, 0], [0, 0, 1.0], [1.0, 0, 1.0], *[[1.0, 0, 0]] * 9]
    seen = map(np.array, hits)
    files = TrainingFiles(*(tmp_path / end for end in ("checkpoint", "best", "log")))
    assert train(Step(), EXAMPLES, OPTIONS, files, lambda: {"fr": next(seen)}, Bar()).best_evaluation == 5


def test_nan_stops_with_the_last_good_state(run, tmp_path: Path) -> None:
    with pytest.raises(SmallerLabseError, match="NaN or infinite at step 10; lower --learning-rate"):
        run(Step(nan_at=9))
    assert (tmp_path / "run.checkpoint").exists() and (tmp_path / "run.best").exists()


def test_a_full_disk_leaves_the_last_checkpoint_as_it_was(run, tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(Step(stop_at=5))
    before = (tmp_path / "run.checkpoint").read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("smaller_labse.distill.training.checkpoint.save_file", full)
    with pytest.raises(SmallerLabseError, match="No space left on device; free some"):
        run(Step())
    assert (tmp_path / "run.checkpoint").read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".partial")]


def test_a_damaged_checkpoint_is_named(run, tmp_path: Path) -> None:
    (tmp_path / "run.checkpoint").write_bytes(b"nothing")
    with pytest.raises(
        SmallerLabseError, match=r"run\.best: no readable checkpoint; .* remove run\.\* in its"
    ):
        run(Step())
    (tmp_path / "run.checkpoint").unlink()
    with pytest.raises(KeyboardInterrupt):
        run(Step(stop_at=5))
    for name in ("checkpoint", "best"):
        kept = (tmp_path / f"run.{name}").read_bytes()
        (tmp_path / f"run.{name}").write_bytes(b"nothing")
        with pytest.raises(SmallerLabseError, match=rf"run\.{name}: no readable checkpoint"):
            run(Step())
        (tmp_path / f"run.{name}").write_bytes(kept)


def test_the_learning_rate_rises_and_falls() -> None:
    options = replace(OPTIONS, warm_up=0.1, learning_rate=1.0)
    rates = [options.learning_rate_at(share) for share in (0, 0.05, 0.1, 0.55, 1)]
    assert rates == pytest.approx([0.001, 0.5, 1, 0.5, 0.001])


def test_the_clock_ends_a_training_with_max_minutes(run) -> None:
    done, _ = run(Step(), options=replace(OPTIONS, steps=None, max_minutes=1e-5))
    assert done.seconds >= 6e-4


def test_looking_at_held_out_examples_is_a_part_of_the_minutes(run, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(training, "time", SimpleNamespace(monotonic=lambda: now[0]))

    class SlowStep(Step):
        def __call__(self, *given: Any) -> np.ndarray | None:
            now[0] += 1
            return super().__call__(*given)

    def look() -> float:
        now[0] += 4
        return now[0]

    done, _ = run(SlowStep(), options=replace(OPTIONS, steps=None, max_minutes=2), evaluate=look)
    assert 120 <= now[0] <= 128 and done.step < 90, "120 seconds, of which a look takes 4"
