"""Measuring one model, in its own process, so that the memory that is measured is the model's."""

from __future__ import annotations

import os
import re
import resource
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import all_of
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
from smaller_labse.evaluate.comparison.prompt import common_prompt
from smaller_labse.evaluate.comparison.results import Measured, ModelSize, TokenizedTexts
from smaller_labse.evaluate.metrics.scores import Score
from smaller_labse.evaluate.tasks.task import Encode, Task, fingerprint, texts_of

# Of a Hugging Face folder, what is not the model that is measured.
OTHER_FOLDERS = ("onnx", "openvino", "coreml")
OTHER_ENDINGS = (".md", ".bin", ".h5", ".msgpack", ".ot", ".onnx", ".png")


def measure_all(
    models: Sequence[NamedModel], tasks: Sequence[Task], prompt: str | None, cache: Path
) -> tuple[Measured, ...]:
    """Measure models on tasks, one after another, as far as no results are kept from before.

    Args:
        models: what to measure.
        tasks: what to measure them on.
        prompt: what goes before every text; None for what their folders name, see `common_prompt`.
        cache: a folder, in which results are kept: each task's as soon as it is measured.

    Raises:
        UsageError: the models have different prompts.
        SmallerLabseError: a model is not there, which is said before any is measured, or cannot be loaded,
            or returned NaN or infinity.
    """
    require_models(models)
    common = common_prompt(models, prompt)
    return tuple(measure(model, tasks, common, cache) for model in models)


def require_models(models: Sequence[NamedModel]) -> None:
    """See that all models are there, before the first one is measured for an hour.

    Raises:
        SmallerLabseError: some are not; a line for each.
    """
    all_of(*(partial(model_files, model.folder) for model in models))


def measure(
    model: NamedModel, tasks: Sequence[Task], prompt: str | None, cache: Path, or_prompt: str = ""
) -> Measured:
    """Measure a model, as far as no result is kept from before.

    Args:
        model: a folder or handle; see `smaller_labse.load`.
        tasks: what to measure it on.
        prompt: what goes before every text; None for the model's own.
        cache: a folder, in which results are kept.
        or_prompt: what goes before every text where `prompt` is None and the model has none of its own.

    Raises:
        SmallerLabseError: the model cannot be loaded, or returned NaN or infinity.
    """
    files = model_files(model.folder)
    model_key = cache_key(digest_files(files), prompt, or_prompt)
    kept_file = cache / f"{cache_key(model_key, *map(fingerprint, tasks))}.npz"
    if (kept := read_measured(kept_file, model)) is not None:
        return kept
    bytes_on_disk = sum(file.stat().st_size for file in files.values())
    measured = in_own_process(
        model.name, _measure_here, model, list(tasks), prompt, or_prompt, bytes_on_disk, cache, model_key
    )
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
    prompt: str | None,
    or_prompt: str,
    bytes_on_disk: int,
    cache: Path,
    model_key: str,
) -> Measured:
    """Measure in this process, as far as no result of a single task is kept from before."""
    from smaller_labse.common.progress import progress
    from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from smaller_labse.encoders.load import load

    encoder = load(model.folder, prompt=prompt)
    if prompt is None and not encoder.prompt:
        encoder.prompt = or_prompt
    encoder.encode([""], advance=lambda amount: None)
    resident_bytes = _resident_bytes()
    tokenized = {
        language: TokenizedTexts.of(encoder.tokenize(texts)) for language, texts in texts_of(tasks).items()
    }
    clock = _Clock()
    scores: list[Score] = []
    total = sum(len(texts) for task in tasks for texts in task.texts().values())
    with progress(f"encoding with {model.name}", total, "texts") as advance:

        def encode(texts: Sequence[str]) -> np.ndarray:
            with clock:
                clock.texts += len(texts)
                return encoder.encode(texts, normalize=True, advance=advance)

        for task in tasks:
            scores += _measure_task(
                task, encode, cache / f"{cache_key(model_key, fingerprint(task))}.task.npz"
            )
    vocabulary_size, hidden_size = encoder.embedding_matrix_shape
    size = ModelSize(
        vocabulary_size=vocabulary_size,
        hidden_size=hidden_size,
        parameters=encoder.parameters,
        bytes_on_disk=bytes_on_disk,
        resident_bytes=resident_bytes,
        peak_bytes=_peak_bytes() if clock.texts else None,
        texts_per_second=clock.texts / clock.seconds if clock.texts else None,
    )
    return Measured(model, size, encoder.pieces, tuple(scores), tokenized)


def _measure_task(task: Task, encode: Encode, kept_file: Path) -> list[Score]:
    if (kept := read_scores(kept_file)) is not None:
        return kept
    scores = task.measure(encode)
    write_scores(kept_file, scores)
    return scores


class _Clock:
    """Adds up the time that encoding takes."""

    def __init__(self) -> None:
        self.seconds, self.texts, self._started = 0.0, 0, 0.0

    def __enter__(self) -> None:
        self._started = time.monotonic()

    def __exit__(self, *error: object) -> None:
        self.seconds += time.monotonic() - self._started


def _resident_bytes() -> int:
    """Of this process now; where the system does not say, its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    except OSError:
        return _peak_bytes()
    return pages * os.sysconf("SC_PAGE_SIZE")


def _peak_bytes() -> int:
    """The most resident memory that this process had.

    Linux's `ru_maxrss` would not do: a process that was forked has its parent's peak in it.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii", errors="replace")
    except OSError:
        status = ""
    if match := re.search(r"^VmHWM:\s*(\d+) kB", status, flags=re.MULTILINE):
        return 1024 * int(match[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
