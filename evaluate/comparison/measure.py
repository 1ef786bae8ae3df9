"""Measure one model in a process of its own, and keep what was measured.

In a process of its own, so that its memory is its own; kept under the digests of the model's files and of the
tasks' data, so that adding a model or a task does not measure the others again.
"""

from __future__ import annotations

import json
import sys
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from hashlib import blake2b
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import numpy as np

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.metrics.scores import Score
from smaller_labse.evaluate.tasks.task import Encode, Task, fingerprint, texts_of

FORMAT = "smaller_labse.measured.1"
READ_BYTES = 1 << 20
# Of a Hugging Face folder, what is not the model that is measured.
OTHER_FOLDERS = ("onnx", "openvino", "coreml")
OTHER_ENDINGS = (".md", ".bin", ".h5", ".msgpack", ".ot", ".onnx", ".png")

Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Size:
    """What a model needs.

    Attributes:
        rows: of its table of word embeddings.
        width: of that table.
        parameters: all of them.
        bytes_on_disk: of its files.
        resident_bytes: of the process that has loaded it and encoded one text.
        texts_per_second: encoded, over all tasks; None where every task's result was kept from before.
    """

    rows: int
    width: int
    parameters: int
    bytes_on_disk: int
    resident_bytes: int
    texts_per_second: float | None


@dataclass(frozen=True)
class Cut:
    """How a model cuts the texts of one language.

    Attributes:
        ids: the pieces of all texts, one text after the other, int32.
        lengths: pieces of each text, int64 [texts].
    """

    ids: np.ndarray
    lengths: np.ndarray

    def text(self, number: int) -> np.ndarray:
        """The piece ids of one text."""
        end = int(self.lengths[: number + 1].sum())
        return self.ids[end - int(self.lengths[number]) : end]


@dataclass(frozen=True)
class Measured:
    """What was measured of one model.

    Attributes:
        model: its name and place.
        size: what it needs.
        pieces: its vocabulary.
        scores: of all tasks, in the order of the tasks.
        cuts: language → how it cuts that language's texts (`texts_of` the tasks).
    """

    model: NamedModel
    size: Size
    pieces: tuple[str, ...]
    scores: tuple[Score, ...]
    cuts: dict[str, Cut]


def measure(
    model: NamedModel, tasks: Sequence[Task], prompt: str | None, cache: Path, or_prompt: str = ""
) -> Measured:
    """Measure a model, or what is not known of it yet.

    Args:
        model: a folder or handle; see `smaller_labse.evaluate.load`.
        tasks: what to measure it on.
        prompt: what goes before every text; None for the model's own.
        cache: a folder, in which results are kept.
        or_prompt: what goes before every text where `prompt` is None and the model has none of its own.

    Raises:
        SmallerLabseError: the model cannot be loaded, or returned NaN or infinity.
    """
    files = model_files(model.folder)
    of_model = _key(digest_files(files), prompt, or_prompt)
    place = cache / f"{_key(of_model, *map(fingerprint, tasks))}.npz"
    if (kept := _read(place, model)) is not None:
        return kept
    measured = _apart(_measure_here, model, list(tasks), prompt, or_prompt, cache, of_model)
    on_disk = sum(file.stat().st_size for file in files.values())
    size = Size(**{**asdict(measured.size), "bytes_on_disk": on_disk})
    measured = Measured(model, size, measured.pieces, measured.scores, measured.cuts)
    _write(place, measured)
    return measured


def _apart(function: Callable[..., Measured], model: NamedModel, *arguments: object) -> Measured:
    """Call a function in a process of its own, which ends when this one is told to."""
    process = ProcessPoolExecutor(1, get_context("spawn"))
    try:
        return process.submit(function, model, *arguments).result()
    except BrokenProcessPool:
        raise SmallerLabseError(
            f"{model.name}: its process was ended from outside; was there too little memory?"
        ) from None
    except KeyboardInterrupt:
        for child in active_children():
            child.terminate()
        raise
    finally:
        process.shutdown()


def model_files(folder: str) -> dict[str, Path]:
    """The files of which a model consists, by their places in it: SavedModels, or a Hugging Face folder.

    What is not the model, such as its card, other formats of the weights, or git's files, is left out.
    """
    from smaller_labse.originals.huggingface import locate_huggingface
    from smaller_labse.originals.tfhub import locate_original

    huggingface = locate_huggingface(folder)
    if huggingface is not None:
        parts = {"": huggingface.folder}
    else:
        original = locate_original(folder)
        parts = {"encoder/": original.encoder, "preprocess/": original.preprocess}
    return {
        name + file.relative_to(place).as_posix(): file
        for name, place in parts.items()
        if place is not None
        for file in sorted(place.rglob("*"))
        if file.is_file() and _is_of_model(file.relative_to(place))
    }


def _is_of_model(place: Path) -> bool:
    hidden = any(part.startswith(".") for part in place.parts)
    return not hidden and place.parts[0] not in OTHER_FOLDERS and place.suffix not in OTHER_ENDINGS


def digest_files(files: Mapping[str, Path]) -> str:
    """A digest of the files' places and bytes."""
    digest = blake2b(digest_size=16)
    for name, file in files.items():
        digest.update(f"{name}\n{file.stat().st_size}\n".encode())
        with file.open("rb") as stream:
            while block := stream.read(READ_BYTES):
                digest.update(block)
    return digest.hexdigest()


def _measure_here(
    model: NamedModel, tasks: list[Task], prompt: str | None, or_prompt: str, cache: Path, of_model: str
) -> Measured:
    """Measure in this process; results of tasks that are known are taken from the cache."""
    from smaller_labse.common.progress import progress
    from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from smaller_labse.encoders.load import load

    encoder = load(model.folder, prompt=prompt)
    if prompt is None and not encoder.prompt:
        encoder.prompt = or_prompt
    encoder.encode([""], advance=lambda amount: None)
    resident = _resident_bytes()
    texts = texts_of(tasks)
    cuts = {}
    for language, of_language in texts.items():
        cut = encoder.tokenize(of_language)
        lengths = np.array([len(ids) for ids in cut], np.int64)
        cuts[language] = Cut(np.concatenate([np.zeros(0, np.int32), *cut]), lengths)
    clock = _Clock()
    scores: list[Score] = []
    encoded = sum(len(of_task) for task in tasks for of_task in task.texts().values())
    with progress(f"encoding with {model.name}", encoded, "texts") as advance:

        def encode(of_task: Sequence[str]) -> np.ndarray:
            with clock:
                clock.texts += len(of_task)
                return encoder.encode(of_task, normalize=True, advance=advance)

        for task in tasks:
            scores += _measure_task(task, encode, cache / f"{_key(of_model, fingerprint(task))}.task.npz")
    rate = clock.texts / clock.seconds if clock.texts else None
    size = Size(*encoder.table_shape, encoder.parameters, 0, resident, rate)
    return Measured(model, size, encoder.pieces, tuple(scores), cuts)


def _measure_task(task: Task, encode: Encode, place: Path) -> list[Score]:
    if (kept := _load(place, lambda arrays: _scores(json.loads(str(arrays["scores"])), arrays))) is not None:
        return kept
    scores = task.measure(encode)
    arrays = {f"items_{number}": score.items for number, score in enumerate(scores)}
    _save(place, scores=json.dumps(_describe(scores)), **arrays)
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
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024)
    import os

    return pages * os.sysconf("SC_PAGE_SIZE")


def _key(*parts: str | None) -> str:
    return blake2b(repr((FORMAT, *parts)).encode(), digest_size=16).hexdigest()


def _describe(scores: Sequence[Score]) -> list[list[str]]:
    return [[score.task, score.part, score.metric, score.sample] for score in scores]


def _scores(described: list[list[str]], arrays: np.lib.npyio.NpzFile) -> list[Score]:
    return [
        Score(task, part, metric, arrays[f"items_{number}"], sample)
        for number, (task, part, metric, sample) in enumerate(described)
    ]


def _write(place: Path, measured: Measured) -> None:
    arrays = {f"items_{number}": score.items for number, score in enumerate(measured.scores)}
    for number, cut in enumerate(measured.cuts.values()):
        arrays |= {f"ids_{number}": cut.ids, f"lengths_{number}": cut.lengths}
    described = {
        "size": asdict(measured.size),
        "pieces": measured.pieces,
        "languages": list(measured.cuts),
        "scores": _describe(measured.scores),
    }
    _save(place, measured=json.dumps(described), **arrays)


def _read(place: Path, model: NamedModel) -> Measured | None:
    def read(arrays: np.lib.npyio.NpzFile) -> Measured:
        described = json.loads(str(arrays["measured"]))
        cuts = {
            language: Cut(arrays[f"ids_{number}"], arrays[f"lengths_{number}"])
            for number, language in enumerate(described["languages"])
        }
        scores = tuple(_scores(described["scores"], arrays))
        return Measured(model, Size(**described["size"]), tuple(described["pieces"]), scores, cuts)

    return _load(place, read)


def _load(place: Path, read: Callable[[np.lib.npyio.NpzFile], Kept]) -> Kept | None:
    """What was kept; None where nothing was, or what is there is damaged: then it is measured again."""
    try:
        with np.load(place, allow_pickle=False) as arrays:
            return read(arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile, zlib.error):
        return None


def _save(place: Path, **arrays: object) -> None:
    with new_file(place, overwrite=True) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
