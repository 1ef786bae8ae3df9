"""Accuracy on Tatoeba as the published evaluations print it: one row per model and direction.

It is the task `translation_retrieval` in another form, for any number of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean

from smaller_labse.common.progress import progress
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.result_table import Table
from smaller_labse.corpora.languages import Language
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.tasks.task import Encode
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
    models: Sequence[NamedModel],
    data: Path,
    languages: Sequence[Language] | None = None,
    prompt: str | None = None,
) -> tuple[ModelAccuracy, ...]:
    """Measure models on Tatoeba, one after another.

    A sentence's nearest neighbour is the one of the highest cosine; among equally near ones the first
    counts, so of two pairs with the same translation only the first can be found.

    Args:
        models: to measure; only one is in memory at a time.
        data: the folder of the files; see `read_tatoeba`.
        languages: to measure; English is passed over. None for all that `data` holds, by code.
        prompt: what goes before every sentence; None for each model's own.

    Raises:
        SmallerLabseError: a file is missing, empty or not UTF-8, the two files of a language differ in
            length, or a model cannot be loaded or returned NaN or infinity.
    """
    tasks = read_tatoeba(data, languages)
    import_tensorflow_quietly()
    from smaller_labse.encoders.load import load

    results = []
    total = len(models) * sum(2 * len(task.left) for task in tasks)
    with progress("encoding", total, "texts") as advance:
        for model in models:
            encode = partial(load(model.folder, prompt=prompt).encode, normalize=True, advance=advance)
            results.append(measure_accuracy(model, tasks, encode))
            del encode  # before the next one is loaded
    return tuple(results)


def measure_accuracy(
    model: NamedModel, tasks: Sequence[TranslationRetrieval], encode: Encode
) -> ModelAccuracy:
    """Measure one model.

    Args:
        model: what it is called in the result.
        tasks: one per language, at least one.
        encode: texts → embeddings of length 1, float [texts, hidden size].
    """
    languages = tuple(_measure_language(task, encode) for task in tasks)
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


def _measure_language(task: TranslationRetrieval, encode: Encode) -> LanguageAccuracy:
    from_english, to_english = task.measure(encode)
    _, language = task.languages
    return LanguageAccuracy(language, len(task.left), from_english.value, to_english.value)
