"""Comparing an original with the models trimmed from it: what `evaluate-encoder compare` does, for Python."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import require_absent, require_not_read
from smaller_labse.common.errors import UsageError, all_of
from smaller_labse.common.workplace import put_right_in, scratch_folder
from smaller_labse.corpora.language_files import expand_user
from smaller_labse.evaluate.comparison.cache import require_cache
from smaller_labse.evaluate.comparison.measure import Computing, require_models
from smaller_labse.evaluate.comparison.models import in_the_runtime, parse_models
from smaller_labse.evaluate.comparison.side_by_side import Report, measure_side_by_side
from smaller_labse.evaluate.report.card_scores import require_card, write_scores
from smaller_labse.evaluate.report.write_report import NUMBERS, require_matplotlib, write_report
from smaller_labse.evaluate.tasks.bitext_mining import read_bucc
from smaller_labse.evaluate.tasks.datasets_by_name import read_dataset
from smaller_labse.evaluate.tasks.language_groups import parse_group
from smaller_labse.evaluate.tasks.sts import read_sts
from smaller_labse.evaluate.tasks.task import Task
from smaller_labse.evaluate.tasks.translation_retrieval import read_parallel, read_tatoeba


def compare(
    original: StrPath,
    models: StrPath | Iterable[StrPath] = (),
    *,
    tatoeba: StrPath | None = None,
    languages: str | os.PathLike[str] | Iterable[str] | None = None,
    parallel: str | Iterable[str] = (),
    bucc: StrPath | None = None,
    sts: str | Iterable[str] = (),
    dataset: str | Iterable[str] = (),
    out: StrPath | None = None,
    cache: StrPath | None = None,
    prompt: str | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    runtime: str | None = None,
    pictures: bool = True,
    cards: bool = False,
    overwrite: bool = False,
) -> Report:
    """Measure an original and the models trimmed from it on any data: what was lost?

    Each model is measured in its own process, so a script calls this below `if __name__ == "__main__":`, as
    always where Python starts processes.

    Args:
        original: the original: a folder, TF Hub handle or hub id, or "NAME=MODEL" to name it in the results.
        models: the trimmed models, likewise; may be empty.
        tatoeba: a folder of Tatoeba's files, `tatoeba.xxx-eng.{xxx,eng}`.
        languages: of Tatoeba and `dataset`: codes or names, as a list or as text with commas between, or a
            file with one per line; or "tatoeba14" or "tatoeba36", the papers' groups; None for all that
            there are.
        parallel: two files of translations, line by line, "XX=FILE,YY=FILE"; one such text or several.
        bucc: a folder of BUCC's files, `xx-en.training.gold` and so on.
        sts: similarity that people have judged, "NAME=FILE" or "NAME=INPUT,GOLD"; one such text or several.
        dataset: test data by name, from the Hugging Face hub through `datasets`: "tatoeba", "bucc", "sts17",
            "flores200"; or "tatoeba=FOLDER" for a copy of the hub's; one such text or several.
        out: the report's folder; None to write none.
        cache: a folder where results are kept, so that nothing is measured twice; None for one beside `out`,
            OUT.cache, or where there is no `out` for none.
        prompt: what goes before every text, e.g. "query: ", for all models; "" for nothing. None for what
            their folders name: an original that names none gets the smaller models' prompt, and models that
            name different ones are refused.
        device: where it is computed: "cpu", "gpu" or, of several, "gpu:1"; None for a GPU where there is one.
        batch_size: how many texts are computed at a time; None for as many as have 1,024 tokens together.
        runtime: "onnx" or "tensorflow", see `smaller_labse.load`, for the trimmed models; None for what each
            is.
        pictures: draw some, for which matplotlib is needed.
        cards: write each trimmed model's scores into its model card.
        overwrite: replace an earlier report.

    Returns:
        All that was measured. `report.averages` has one line for each task and metric, with each model's
        value and the differences to the original with their intervals; `report.models` has their sizes.

    Raises:
        UsageError: an argument is wrong.
        SmallerLabseError: a model or data cannot be read, a model returned NaN or infinity, `out` exists, or
            there is no model card to write to.

    Example::

        report = smaller_labse.compare(
            "original=work/original",
            ["smaller=work/model"],
            parallel="en=text/en.txt,it=text/it.txt",
            out="work/report",
        )
        for line in report.averages:
            print(line.task, line.metric, line.values, line.differences)
    """
    if out is not None:
        require_absent(Path(out), overwrite, NUMBERS)
    computing = Computing(device, batch_size)
    named, *trimmed = parse_models([original, *_several(models)])
    trimmed = in_the_runtime(trimmed, runtime)
    if cards and not trimmed:
        raise UsageError(
            "--cards writes the scores of trimmed models into their cards; name some with --model"
        )
    if out is not None:
        data = [text.rpartition("=")[2] for given in (parallel, sts, dataset) for text in _paths_in(given)]
        folders = [str(folder) for folder in (tatoeba, bucc) if folder is not None]
        read = [*(model.loaded for model in (named, *trimmed)), *folders, *data]
        require_not_read(Path(out), [expand_user(path) for path in read], overwrite)
    tasks, *_ = all_of(
        lambda: _read_tasks(tatoeba, languages, _several(parallel), bucc, _several(sts), _several(dataset)),
        lambda: require_models([named, *trimmed], device),
        lambda: require_matplotlib() if pictures and out is not None else None,
        lambda: None if cache is None else require_cache(Path(cache)),
    )
    if cards:
        all_of(*(partial(require_card, Path(model.folder)) for model in trimmed))
    with _results_folder(out, cache) as results:
        put_right_in(Path(results))
        report = measure_side_by_side(named, trimmed, tasks, Path(results), prompt, computing)
    if out is not None:
        write_report(report, Path(out), pictures, overwrite)
    if cards:
        for number, model in enumerate(trimmed, start=1):
            write_scores(Path(model.folder), report, number)
    return report


def _read_tasks(
    tatoeba: StrPath | None,
    languages: str | os.PathLike[str] | Iterable[str] | None,
    parallel: Iterable[StrPath],
    bucc: StrPath | None,
    sts: Iterable[StrPath],
    dataset: list[StrPath],
) -> list[Task]:
    if languages is not None and tatoeba is None and not dataset:
        raise UsageError("--languages goes with --tatoeba or --dataset")
    wanted = None if languages is None else parse_group(languages)
    tasks: list[Task] = []
    if tatoeba is not None:
        tasks += read_tatoeba(Path(tatoeba), wanted)
    tasks += [read_parallel(os.fspath(text)) for text in parallel]
    if bucc is not None:
        tasks += read_bucc(Path(bucc))
    tasks += [read_sts(os.fspath(text)) for text in sts]
    for text in dataset:
        tasks += read_dataset(os.fspath(text), wanted)
    return _require_different_data(tasks)


def _require_different_data(tasks: list[Task]) -> list[Task]:
    """Refuse two data sets of one task and sample, whose results a report could not tell apart."""
    sources: dict[tuple[str, str], list[str]] = {}
    for task in tasks:
        for sample in task.pairs():
            sources.setdefault((task.name, sample), []).append(task.source)
    for (name, sample), of_both in sources.items():
        if len(of_both) > 1:
            raise UsageError(
                f"{len(of_both)} data sets of {name} are called {sample!r} ({'; '.join(of_both)}); name them "
                "apart, or compare on one after the other"
            )
    return tasks


def _paths_in(given: str | Iterable[str]) -> list[str]:
    """The parts of "XX=FILE,YY=FILE"."""
    return [part for text in _several(given) for part in os.fspath(text).split(",")]


def _several(given: StrPath | Iterable[StrPath]) -> list[StrPath]:
    return [given] if isinstance(given, str | os.PathLike) else list(given)


def _results_folder(out: StrPath | None, cache: StrPath | None) -> AbstractContextManager[StrPath]:
    """Where results are kept: the folder that was asked for, one beside the report, or one that vanishes."""
    if out is None:
        return scratch_folder() if cache is None else nullcontext(cache)
    report = Path(out).resolve()
    if cache is None:
        return nullcontext(report.with_name(f"{report.name}.cache"))
    if Path(cache).resolve().is_relative_to(report):
        raise UsageError(
            f"--cache {cache}: in the report's own folder, which is made anew; choose another place"
        )
    return nullcontext(cache)
