"""Accuracy on Tatoeba as the published evaluations count it, a number per model, language and direction.

It is the task `translation_retrieval` in another form, for any number of models.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.errors import UsageError, all_of
from smaller_labse.common.result_table import Table, require_result_files_absent, write_result_files
from smaller_labse.common.workplace import put_right_in, scratch_folder
from smaller_labse.corpora.language_files import expand_user
from smaller_labse.corpora.languages import language_label
from smaller_labse.evaluate.comparison.cache import require_cache
from smaller_labse.evaluate.comparison.measure import Computing, measure_all, require_models
from smaller_labse.evaluate.comparison.models import NamedModel, in_the_runtime, parse_models
from smaller_labse.evaluate.comparison.provenance import Provenance, describe_provenance, find_provenance
from smaller_labse.evaluate.tasks.language_groups import parse_group
from smaller_labse.evaluate.tasks.translation_retrieval import TranslationRetrieval, read_tatoeba
from smaller_labse.metrics.scores import Score

ACCURACY_NOTE = (
    "In percent: the sentences whose nearest neighbour is their translation; *en→xx*: English sentences "
    "looking for it, *xx→en*: the other way round."
)


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
        prompt: what was put before every sentence.
        languages: in the order in which they were asked for.
        average_from_english: the mean of the languages, each counted alike.
        average_to_english: likewise.
    """

    model: str
    folder: str
    prompt: str
    languages: tuple[LanguageAccuracy, ...]
    average_from_english: float
    average_to_english: float


@dataclass(frozen=True)
class TatoebaAccuracy:
    """Some models' accuracy.

    Attributes:
        models: in the order in which they were given.
        provenance: on which data, with which versions, when.
    """

    models: tuple[ModelAccuracy, ...]
    provenance: Provenance


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
    runtime: str | None = None,
    overwrite: bool = False,
) -> TatoebaAccuracy:
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
        batch_size: how many texts are computed at a time; None for as many as have 1,024 tokens together.
        runtime: "onnx" or "tensorflow", see `smaller_labse.load`; None for what each is.
        overwrite: replace earlier files.

    Raises:
        UsageError: an argument is wrong.
        SmallerLabseError: a model, a file of the data or an output cannot be used, which is said before
            anything is measured, a line for each; or a model returned NaN or infinity.
    """
    computing = Computing(device, batch_size)
    folder = expand_user(os.fspath(data))
    named, wanted = all_of(
        lambda: in_the_runtime(
            parse_models([models] if isinstance(models, str | os.PathLike) else models), runtime
        ),
        lambda: None if languages is None else parse_group(languages),
    )
    files = (None if json is None else Path(json), None if markdown is None else Path(markdown))
    if overwrite and not any(files):
        raise UsageError("--overwrite goes with --json or --markdown, the files to replace")
    read = [*folder.glob("tatoeba.*"), *(Path(model.loaded) for model in named)]
    tasks, *_ = all_of(
        lambda: read_tatoeba(folder, wanted),
        lambda: require_models(named, device),
        lambda: require_result_files_absent(*files, overwrite, read),
        lambda: None if cache is None else require_cache(Path(cache)),
    )
    provenance = find_provenance(tasks)
    with _results_folder(cache, *files) as kept:
        put_right_in(Path(kept))
        measured = measure_all(named, tasks, prompt, Path(kept), computing)
    results = TatoebaAccuracy(
        models=tuple(model_accuracy(one.model, tasks, one.scores, one.prompt) for one in measured),
        provenance=provenance,
    )
    described = {**asdict(provenance), "models": [asdict(model) for model in results.models]}
    write_result_files(described, accuracy_table(results), *files, overwrite)
    return results


def _results_folder(cache: StrPath | None, *files: Path | None) -> AbstractContextManager[StrPath]:
    """Where results are kept: the folder that was asked for, one beside the output, or one that vanishes."""
    if cache is not None:
        return nullcontext(cache)
    written = next((file for file in files if file is not None), None)
    return scratch_folder() if written is None else nullcontext(written.with_suffix(".cache"))


def model_accuracy(
    model: NamedModel, tasks: Sequence[TranslationRetrieval], scores: Iterable[Score], prompt: str = ""
) -> ModelAccuracy:
    """A model's scores on tasks as accuracy of each language.

    Args:
        model: what it is called in the result.
        tasks: one per language, at least one.
        scores: two of each task, as its `measure` gives them.
        prompt: what was put before every sentence.
    """
    values = iter([score.value for score in scores])
    languages = tuple(
        LanguageAccuracy(task.languages[1], len(task.left), next(values), next(values)) for task in tasks
    )
    return ModelAccuracy(
        model=model.name,
        folder=model.loaded,
        prompt=prompt,
        languages=languages,
        average_from_english=fmean(language.from_english for language in languages),
        average_to_english=fmean(language.to_english for language in languages),
    )


def accuracy_table(accuracy: TatoebaAccuracy) -> Table:
    """Accuracy in percent: one row per language, the average last, two columns per model."""
    models = accuracy.models
    rows = []
    for of_models in zip(*(model.languages for model in models), strict=True):
        shares = [share for of_one in of_models for share in (of_one.from_english, of_one.to_english)]
        rows.append(
            [language_label(of_models[0].language), f"{of_models[0].pairs:,}", *map(_percent, shares)]
        )
    averages = [share for model in models for share in (model.average_from_english, model.average_to_english)]
    pairs = sum(language.pairs for language in models[0].languages)
    rows.append(["average", f"{pairs:,}", *map(_percent, averages)])
    columns = ["", "pairs", *(f"{model.model} {way}" for model in models for way in ("en→xx", "xx→en"))]
    said = describe_provenance(accuracy.provenance, {model.model: model.prompt for model in models})
    return Table(columns, rows, (ACCURACY_NOTE, " ".join(said)), together=2)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"
