"""Models side by side: the report on an original and the models trimmed from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from smaller_labse.common.errors import UsageError
from smaller_labse.evaluate.comparison.lost_tokens import (
    LostToken,
    TextChanges,
    compare_texts,
    find_lost_tokens,
)
from smaller_labse.evaluate.comparison.measure import BY_DEFAULT, Computing, measure_all
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.provenance import Provenance, find_provenance
from smaller_labse.evaluate.comparison.results import Measured
from smaller_labse.evaluate.tasks.task import Task, texts_of
from smaller_labse.metrics.bootstrap import Difference, difference
from smaller_labse.metrics.scores import Score
from smaller_labse.originals.model_folder import read_manifest


@dataclass(frozen=True)
class Line:
    """One number of every model.

    Attributes:
        task: e.g. "tatoeba".
        part: e.g. "en→fr"; "average" for the mean of the task's parts, each counted alike.
        metric: e.g. "precision at 1".
        pairs: how many pairs of texts it is measured on.
        values: one number per model, the original first.
        differences: to the original, one per smaller model.
    """

    task: str
    part: str
    metric: str
    pairs: int
    values: tuple[float, ...]
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Report:
    """All that was measured.

    Attributes:
        models: the original first.
        averages: of each task and metric.
        lines: of each part.
        texts: of each smaller model, what became of each language's texts.
        lost_tokens: of each smaller model, the lost tokens that most texts used.
        provenance: on which data, with which versions, when.
        coverage: of each smaller model, the share of the counted occurrences that it keeps, the mean of its
            languages; None where its folder does not say.
    """

    models: tuple[Measured, ...]
    averages: tuple[Line, ...]
    lines: tuple[Line, ...]
    texts: tuple[tuple[TextChanges, ...], ...]
    lost_tokens: tuple[tuple[LostToken, ...], ...]
    coverage: tuple[float | None, ...]
    provenance: Provenance


def measure_side_by_side(
    original: NamedModel,
    smaller: Sequence[NamedModel],
    tasks: Sequence[Task],
    cache: Path,
    prompt: str | None = None,
    computing: Computing = BY_DEFAULT,
) -> Report:
    """Measure models on tasks, one after another, and compare each with the original.

    Each model is measured in its own process, so a script calls this below `if __name__ == "__main__":`, as
    always where Python starts processes.

    Args:
        original: the original.
        smaller: the models that were trimmed from it; may be empty.
        tasks: one or more.
        cache: a folder in which results are kept, by the digests of the model's files and of the data.
        prompt: what goes before every text; None for what the models' folders name, see `common_prompt`.
        computing: where and how embeddings are computed.

    Raises:
        UsageError: there is no task.
        SmallerLabseError: a model cannot be loaded, or returned NaN or infinity.
    """
    if not tasks:
        raise UsageError("no data to measure on; give --tatoeba, --parallel, --bucc, --sts or --dataset")
    return compare_measured(measure_all([original, *smaller], tasks, prompt, cache, computing), tasks)


def compare_measured(measured: Sequence[Measured], tasks: Sequence[Task]) -> Report:
    """Compare measured models with the first one, the original.

    Args:
        measured: what was measured of each.
        tasks: on which.
    """
    provenance = find_provenance(tasks)
    pairs = {(data.task, data.sample): data.pairs for data in provenance.data}
    original, *smaller = measured
    texts = texts_of(tasks)
    return Report(
        models=tuple(measured),
        averages=tuple(_averages(measured, pairs)),
        lines=tuple(_lines(measured, pairs)),
        texts=tuple(tuple(compare_texts(original, model)) for model in smaller),
        lost_tokens=tuple(tuple(find_lost_tokens(original, model, texts)) for model in smaller),
        coverage=tuple(coverage_of(one.model) for one in smaller),
        provenance=provenance,
    )


def _lines(models: Sequence[Measured], pairs: Mapping[tuple[str, str], int]) -> list[Line]:
    return [
        _line(scores[0].part, [[score] for score in scores], pairs)
        for scores in zip(*(model.scores for model in models), strict=True)
    ]


def _averages(models: Sequence[Measured], pairs: Mapping[tuple[str, str], int]) -> list[Line]:
    groups: dict[tuple[str, str], list[int]] = {}
    for number, score in enumerate(models[0].scores):
        groups.setdefault((score.task, score.metric), []).append(number)
    return [
        _line("average", [[model.scores[number] for number in numbers] for model in models], pairs)
        for numbers in groups.values()
    ]


def _line(part: str, scores: Sequence[Sequence[Score]], pairs: Mapping[tuple[str, str], int]) -> Line:
    first = scores[0][0]
    samples = {(score.task, score.sample) for score in scores[0]}
    return Line(
        task=first.task,
        part=part,
        metric=first.metric,
        pairs=sum(pairs.get(sample, 0) for sample in samples),
        values=tuple(fmean(score.value for score in of_model) for of_model in scores),
        differences=tuple(difference(scores[0], of_model) for of_model in scores[1:]),
    )


def coverage_of(model: NamedModel) -> float | None:
    """The mean of its languages' coverage, as its manifest says it; None where it does not."""
    languages = read_manifest(model.folder).get("coverage") or []
    shares = [language["coverage"] for language in languages if language.get("coverage") is not None]
    return fmean(shares) if shares else None
