"""Measure one model in a process of its own, and keep what was measured.

In a process of its own, so that its memory is its own; kept under the digests of the model's files and of the
tasks' data, so that adding a model or a task does not measure the others again.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import blake2b
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from smaller_labse.evaluate.models import NamedModel
from smaller_labse.evaluate.scores import Score
from smaller_labse.evaluate.tasks import Encode, Task, fingerprint, texts_of
from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.outputs import new_file

FORMAT = "smaller_labse.measured.1"
READ_BYTES = 1 << 20


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


def measure(model: NamedModel, tasks: Sequence[Task], prompt: str | None, cache: Path) -> Measured:
    """Measure a model, or what is not known of it yet.

    Args:
        model: a folder or handle; see `smaller_labse.evaluate.load`.
        tasks: what to measure it on.
        prompt: what goes before every text; None for the model's own.
        cache: a folder, in which results are kept.

    Raises:
        SmallerLabseError: the model cannot be loaded, or returned NaN or infinity.
    """
    files = model_files(model.folder)
    of_model = digest_files(files)
    place = cache / f"{_key(of_model, prompt, *map(fingerprint, tasks))}.npz"
    if place.is_file():
        return _read(place, model)
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        arguments = (model, list(tasks), prompt, cache, of_model)
        measured = process.submit(_measure_here, *arguments).result()
    size = Size(**{**asdict(measured.size), "bytes_on_disk": sum(file.stat().st_size for file in files)})
    measured = Measured(model, size, measured.pieces, measured.scores, measured.cuts)
    _write(place, measured)
    return measured


def model_files(folder: str) -> list[Path]:
    """The files of which a model consists: SavedModels with their preprocessor, or a Hugging Face folder."""
    from smaller_labse.select_vocab.hf_folder import locate_huggingface
    from smaller_labse.select_vocab.original import locate_original

    huggingface = locate_huggingface(folder)
    if huggingface is not None:
        folders = [huggingface.folder]
    else:
        original = locate_original(folder)
        folders = [place for place in (original.encoder, original.preprocess) if place is not None]
    return sorted(file for place in folders for file in place.rglob("*") if file.is_file())


def digest_files(files: Sequence[Path]) -> str:
    """A digest of the files' names and bytes."""
    digest = blake2b(digest_size=16)
    for file in files:
        digest.update(f"{file.parent.name}/{file.name}\n{file.stat().st_size}\n".encode())
        with file.open("rb") as stream:
            while block := stream.read(READ_BYTES):
                digest.update(block)
    return digest.hexdigest()


def _measure_here(
    model: NamedModel, tasks: list[Task], prompt: str | None, cache: Path, of_model: str
) -> Measured:
    """Measure in this process; results of tasks that are known are taken from the cache."""
    from smaller_labse.select_vocab.progress import progress
    from smaller_labse.select_vocab.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from smaller_labse.evaluate.loading import load

    encoder = load(model.folder, prompt=prompt)
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
            scores += _measure_task(
                task, encode, cache / f"{_key(of_model, prompt, fingerprint(task))}.task.npz"
            )
    rate = clock.texts / clock.seconds if clock.texts else None
    size = Size(*encoder.table_shape, encoder.parameters, 0, resident, rate)
    return Measured(model, size, encoder.pieces, tuple(scores), cuts)


def _measure_task(task: Task, encode: Encode, place: Path) -> list[Score]:
    if place.is_file():
        with np.load(place, allow_pickle=False) as arrays:
            return _scores(json.loads(str(arrays["scores"])), arrays)
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
    return [[score.task, score.part, score.metric] for score in scores]


def _scores(described: list[list[str]], arrays: np.lib.npyio.NpzFile) -> list[Score]:
    return [Score(*names, arrays[f"items_{number}"]) for number, names in enumerate(described)]


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


def _read(place: Path, model: NamedModel) -> Measured:
    try:
        with np.load(place, allow_pickle=False) as arrays:
            described = json.loads(str(arrays["measured"]))
            cuts = {
                language: Cut(arrays[f"ids_{number}"], arrays[f"lengths_{number}"])
                for number, language in enumerate(described["languages"])
            }
            scores = tuple(_scores(described["scores"], arrays))
    except (OSError, ValueError, KeyError) as error:
        raise SmallerLabseError(f"{place}: not a result of ours ({error}); delete it") from None
    return Measured(model, Size(**described["size"]), tuple(described["pieces"]), scores, cuts)


def _save(place: Path, **arrays: object) -> None:
    with new_file(place, overwrite=True) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
