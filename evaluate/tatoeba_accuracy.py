"""Accuracy on Tatoeba as the published evaluations print it: one row per model and direction.

It is the task `translation_retrieval` in another form, for any number of models.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.errors import UsageError, all_of
from smaller_labse.common.result_table import Table, require_result_files_absent, write_result_files
from smaller_labse.corpora.language_files import expand_user
from smaller_labse.evaluate.comparison.cache import require_cache
from smaller_labse.evaluate.comparison.measure import Computing, measure_all, require_models
from smaller_labse.evaluate.comparison.models import NamedModel, parse_models
from smaller_labse.evaluate.metrics.scores import Score
from smaller_labse.evaluate.tasks.language_groups import parse_group
from smaller_labse.evaluate.tasks.translation_retrieval import TranslationRetrieval, read_tatoeba


@dataclass(frozen=True)
class LanguageAccuracy:
    """How many sentences of one language found their translation.

    Attributes:
        language: its code; see `TranslationRetrieval`.
        pairs: how many sentences there are on each side.
        from_english: en→xx, English sentences looking for their translation; a share, 0 to 1.
        to_english: xx→en, the other way round.
    """

    language: str
    pairs: int
    from_english: float
    to_english: float


@dataclass(frozen=True)
class ModelAccuracy:
    """One model's accuracy.

    Attributes:
        model: its name.
        folder: where it came from.
        languages: in the order in which they were asked for.
        average_from_english: the mean of the languages, each counted alike.
        average_to_english: likewise.
    """

    model: str
    folder: str
    languages: tuple[LanguageAccuracy, ...]
    average_from_english: float
    average_to_english: float


def tatoeba(
    models: StrPath | Iterable[StrPath],
    data: StrPath,
    *,
    languages: str | os.PathLike[str] | Iterable[str] | None = None,
    json: StrPath | None = None,
    markdown: StrPath | None = None,
    cache: StrPath | None = None,
    prompt: str | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    overwrite: bool = False,
) -> tuple[ModelAccuracy, ...]:
    """Measure models on Tatoeba, one after another: what `evaluate-encoder tatoeba` does, for Python.

    A sentence's nearest neighbour is the one of the highest cosine; among equally near ones the first
    counts, so of two pairs with the same translation only the first can be found. Each model is measured in
    its own process, so a script calls this below `if __name__ == "__main__":`.

    Args:
        models: folders, TF Hub handles or hub ids, or "NAME=MODEL" to name them in the results.
        data: the folder of the files; see `read_tatoeba`.
        languages: codes or names, as a list or as text with commas between, or a file with one per line;
            English is passed over. None for all that `data` holds.
        json: a file to write the results to.
        markdown: a file to write the table to.
        cache: a folder where results are kept, each language's as soon as it is measured, so that nothing
            is measured twice, here or by `compare`; None for one beside the files, such as `tatoeba.cache`
            beside `tatoeba.json`, or where no file is written for none.
        prompt: what goes before every sentence; None for what the models' folders name, see `compare`.
        device: where it is computed: "cpu", "gpu" or, of several, "gpu:1"; None for a GPU where there is one.
        batch_size: how many texts are computed at a time; None for as many as have 4,096 tokens together.
        overwrite: replace earlier files.

    Raises:
        UsageError: an argument is wrong.
        SmallerLabseError: a model, a file of the data or an output cannot be used, which is said before
            anything is measured, a line for each; or a model returned NaN or infinity.
    """
    computing = Computing(device, batch_size)
    folder = expand_user(os.fspath(data))
    named, wanted = all_of(
        lambda: parse_models([models] if isinstance(models, str | os.PathLike) else models),
        lambda: None if languages is None else parse_group(languages),
    )
    files = [None if file is None else Path(file) for file in (json, markdown)]
    if overwrite and not any(files):
        raise UsageError("--overwrite goes with --json or --markdown, the files to replace")
    read = [*folder.glob("tatoeba.*"), *(Path(model.folder) for model in named)]
    tasks, *_ = all_of(
        lambda: read_tatoeba(folder, wanted),
        lambda: require_models(named, device),
        lambda: require_result_files_absent(*files, overwrite, read),
        lambda: None if cache is None else require_cache(Path(cache)),
    )
    with _results_folder(cache, *files) as kept:
        measured = measure_all(named, tasks, prompt, Path(kept), computing)
    results = tuple(model_accuracy(of_model.model, tasks, of_model.scores) for of_model in measured)
    described = {"data": os.fspath(data), "models": [asdict(result) for result in results]}
    write_result_files(described, accuracy_table(results), *files, overwrite)
    return results


def _results_folder(
    cache: StrPath | None, *files: Path | None
) -> tempfile.TemporaryDirectory[str] | nullcontext[StrPath]:
    """Where results are kept: the folder that was asked for, one beside the output, or one that vanishes."""
    if cache is not None:
        return nullcontext(cache)
    written = next((file for file in files if file is not None), None)
    return tempfile.TemporaryDirectory() if written is None else nullcontext(written.with_suffix(".cache"))


def model_accuracy(
    model: NamedModel, tasks: Sequence[TranslationRetrieval], scores: Iterable[Score]
) -> ModelAccuracy:
    """A model's scores on tasks as accuracy of each language.

    Args:
        model: what it is called in the result.
        tasks: one per language, at least one.
        scores: two of each task, as its `measure` gives them.
    """
    values = iter([score.value for score in scores])
    languages = tuple(
        LanguageAccuracy(task.languages[1], len(task.left), next(values), next(values)) for task in tasks
    )
    return ModelAccuracy(
        model=model.name,
        folder=model.folder,
        languages=languages,
        average_from_english=fmean(language.from_english for language in languages),
        average_to_english=fmean(language.to_english for language in languages),
    )


def accuracy_table(results: Sequence[ModelAccuracy]) -> Table:
    """Accuracy in percent: one row per model and direction, one column per language, the average last."""
    languages = [language.language for language in results[0].languages]
    rows = []
    for result in results:
        columns = result.languages
        forward = [*(column.from_english for column in columns), result.average_from_english]
        back = [*(column.to_english for column in columns), result.average_to_english]
        rows.append([f"{result.model} en→xx", *(f"{100 * share:.2f}" for share in forward)])
        rows.append([f"{result.model} xx→en", *(f"{100 * share:.2f}" for share in back)])
    return Table(["", *languages, "avg"], rows)
