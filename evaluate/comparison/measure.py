"""Measuring one model, in its own process, so that the memory that is measured is the model's."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from smaller_labse.common.arguments import check, device_name, positive_integer
from smaller_labse.common.errors import all_of
from smaller_labse.common.progress import announce
from smaller_labse.corpora.languages import language_label
from smaller_labse.evaluate.comparison.cache import (
    cache_key,
    digest_files,
    read_measured,
    read_scores,
    write_measured,
    write_scores,
)
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.own_process import in_own_process
from smaller_labse.evaluate.comparison.process_memory import peak_bytes, resident_bytes
from smaller_labse.evaluate.comparison.prompt import common_prompt
from smaller_labse.evaluate.comparison.results import Measured, ModelSize, TokenizedTexts
from smaller_labse.evaluate.comparison.tokenizer_cost import measure_tokenizer
from smaller_labse.evaluate.tasks.task import Task, fingerprint, texts_of
from smaller_labse.metrics.scores import Score

# Of a Hugging Face folder, what is not the model that is measured.
OTHER_FOLDERS = ("onnx", "openvino", "coreml")
BESIDE_ONNX = (
    "tokenizer.json",
    "tokenizer_config.json",
    "config_sentence_transformers.json",
    "sentence_bert_config.json",
)
OTHER_ENDINGS = (".md", ".bin", ".h5", ".msgpack", ".ot", ".onnx", ".png")


@dataclass(frozen=True)
class Computing:
    """Where and how embeddings are computed.

    Attributes:
        device: "cpu", "gpu" or, of several, "gpu:1"; None for a GPU where there is one.
        batch_size: how many texts at a time; None for as many as have 1,024 tokens together.

    Raises:
        UsageError: it is no name of a device, or no positive integer.
    """

    device: str | None = None
    batch_size: int | None = None

    def __post_init__(self) -> None:
        """Check both."""
        if self.device is not None:
            check("device", device_name, self.device)
        if self.batch_size is not None:
            check("batch_size", positive_integer, self.batch_size)


BY_DEFAULT = Computing()


def measure_all(
    models: Sequence[NamedModel],
    tasks: Sequence[Task],
    prompt: str | None,
    cache: Path,
    computing: Computing = BY_DEFAULT,
) -> tuple[Measured, ...]:
    """Measure models on tasks, one after another, as far as no results are kept from before.

    Args:
        models: what to measure.
        tasks: what to measure them on.
        prompt: what goes before every text; None for what their folders name, see `common_prompt`.
        cache: a folder, in which results are kept: each task's as soon as it is measured.
        computing: where and how embeddings are computed.

    Raises:
        UsageError: the models have different prompts.
        SmallerLabseError: a model is not there, which is said before any is measured, or cannot be loaded,
            or returned NaN or infinity.
    """
    require_models(models, computing.device)
    common = common_prompt(models, prompt)
    return tuple(measure(model, tasks, common, cache, computing) for model in models)


def require_models(models: Sequence[NamedModel], device: str | None = None) -> None:
    """See that all models are there and can be computed, before the first one is measured for an hour.

    Args:
        models: what will be measured.
        device: where; None for the default.

    Raises:
        UsageError: there is no such device, or a library is missing; a line for each.
        SmallerLabseError: some models are not there, a line for each.
    """
    from smaller_labse.encoders.load import require_loadable

    all_of(*(partial(model_files, model.loaded) for model in models))
    all_of(*(partial(require_loadable, model.loaded) for model in models))
    if device is not None:  # its library is imported to look, and this process stays without it
        folders = [model.loaded for model in models]
        in_own_process(models[0].name, _require_device, folders, device)


def _require_device(folders: Sequence[str], device: str) -> None:
    from smaller_labse.encoders.load import require_loadable

    all_of(*(partial(require_loadable, folder, device) for folder in folders))


def measure(
    model: NamedModel,
    tasks: Sequence[Task],
    prompt: str,
    cache: Path,
    computing: Computing = BY_DEFAULT,
) -> Measured:
    """Measure a model, as far as no result is kept from before.

    Args:
        model: a folder or handle; see `smaller_labse.load`.
        tasks: what to measure it on.
        prompt: what goes before every text.
        cache: a folder, in which results are kept.
        computing: where and how embeddings are computed.

    Raises:
        SmallerLabseError: the model cannot be loaded, or returned NaN or infinity.
    """
    files = model_files(model.loaded)
    # Time and memory depend on it.
    otherwise = () if computing == BY_DEFAULT else (repr(computing),)
    model_key = cache_key(digest_files(files), prompt, *otherwise)
    kept_file = cache / f"{cache_key(model_key, *map(fingerprint, tasks))}.npz"
    if (kept := read_measured(kept_file, model)) is not None:
        return kept
    announce(f"loading {model.name}")
    bytes_on_disk = sum(file.stat().st_size for file in files.values())
    given = (model, list(tasks), prompt, bytes_on_disk, cache, model_key, computing)
    measured = in_own_process(model.name, _measure_here, *given)
    if tokenizer := measure_tokenizer(model.loaded):
        size = replace(measured.size, tokenizer_bytes=tokenizer.bytes, tokenizer_seconds=tokenizer.seconds)
        measured = replace(measured, size=size)
    write_measured(kept_file, measured)
    return measured


def model_files(folder: str) -> dict[str, Path]:
    """The files of which a model consists, by their places in it: SavedModels, or a Hugging Face folder.

    What is not the model, such as its card, other formats of the weights, or git's files, is left out.

    Raises:
        SmallerLabseError: there is no such model.
    """
    from smaller_labse.originals.huggingface import HuggingFaceFolder
    from smaller_labse.originals.locate import locate_encoder

    place = locate_encoder(folder)
    if isinstance(place, HuggingFaceFolder) and place.onnx is not None:
        beside = [place.folder / name for name in BESIDE_ONNX]
        found = [place.onnx, place.onnx.with_name(f"{place.onnx.name}_data"), *beside]
        return {file.name: file for file in found if file.is_file()}
    if isinstance(place, HuggingFaceFolder):
        parts = {"": place.folder}
    else:
        parts = {"encoder/": place.encoder}
        if place.preprocess is not None:
            parts["preprocess/"] = place.preprocess
    return {
        name + file.relative_to(part).as_posix(): file
        for name, part in parts.items()
        for file in sorted(part.rglob("*"))
        if file.is_file() and _is_of_model(file.relative_to(part))
    }


def _is_of_model(place: Path) -> bool:
    hidden = any(part.startswith(".") for part in place.parts)
    return not hidden and place.parts[0] not in OTHER_FOLDERS and place.suffix not in OTHER_ENDINGS


def _measure_here(
    model: NamedModel,
    tasks: list[Task],
    prompt: str,
    bytes_on_disk: int,
    cache: Path,
    model_key: str,
    computing: Computing,
) -> Measured:
    """Measure in this process, as far as no result of a single task is kept from before."""
    from smaller_labse.common.progress import progress
    from smaller_labse.encoders.load import import_library, load

    import_library(model.loaded)
    started = time.monotonic()
    encoder = load(model.loaded, prompt=prompt, device=computing.device)
    encoder.encode([""], advance=lambda amount: None)
    load_seconds, loaded_bytes = time.monotonic() - started, resident_bytes()
    tokenized = {
        language: TokenizedTexts.of(encoder.tokenize(texts)) for language, texts in texts_of(tasks).items()
    }
    scores: list[Score] = []
    rates: list[float] = []  # texts a second
    total = sum(len(texts) for task in tasks for texts in task.texts().values())
    with progress(f"encoding with {model.name}", total, "texts") as advance:

        def encode(texts: Sequence[str]) -> np.ndarray:
            begin = time.monotonic()
            embeddings = encoder.encode(texts, True, None, advance, computing.batch_size)
            rates.append(len(texts) / (time.monotonic() - begin))
            return embeddings

        for number, task in enumerate(tasks):
            advance.describe(f"{model.name}: {_describe(tasks, number)}")
            kept_file = cache / f"{cache_key(model_key, fingerprint(task))}.task.npz"
            if (kept := read_scores(kept_file)) is None:
                kept = task.measure(encode)
                write_scores(kept_file, kept)
            else:
                advance(sum(map(len, task.texts().values())))
            scores += kept
    vocabulary_size, hidden_size = encoder.embedding_matrix_shape
    size = ModelSize(
        vocabulary_size=vocabulary_size,
        hidden_size=hidden_size,
        parameters=encoder.parameters,
        bytes_on_disk=bytes_on_disk,
        resident_bytes=loaded_bytes,
        peak_bytes=peak_bytes() if rates else None,
        load_seconds=load_seconds,
        texts_per_second=statistics.median(rates) if rates else None,
        least_per_second=min(rates, default=None),
        most_per_second=max(rates, default=None),
        tokenizer_bytes=None,
        tokenizer_seconds=None,
    )
    return Measured(model, size, encoder.pieces, tuple(scores), tokenized, encoder.prompt)


def _describe(tasks: Sequence[Task], number: int) -> str:
    """E.g. "Italian (it), language 2 of 15": which of the tasks of its name one is."""
    task = tasks[number]
    alike = [other for other, one in enumerate(tasks) if one.name == task.name]
    named = language_label(list(task.texts())[-1])  # of Tatoeba's the one that is not English
    return f"{named}, language {alike.index(number) + 1} of {len(alike)}"
