"""Where a model's files are: an original's, or a model folder of ours, whatever formats it holds."""

from __future__ import annotations

from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.originals.huggingface import CONFIG, HuggingFaceFolder, is_hub_id, locate_huggingface
from smaller_labse.originals.links import require_links_inside
from smaller_labse.originals.model_folder import (
    ENCODER,
    FROM_HUGGINGFACE,
    HUGGINGFACE,
    MANIFEST,
    MODEL_CARD,
    PREPROCESS,
    read_manifest,
)
from smaller_labse.originals.onnx_formats import FOLDER as ONNX
from smaller_labse.originals.onnx_formats import FORMATS, RUNTIMES, SUFFIX
from smaller_labse.originals.preprocessors import PREPROCESSORS
from smaller_labse.originals.tfhub import TFHubFolders, find_vocabularies, locate_tfhub

Place = TFHubFolders | HuggingFaceFolder


def locate_original(model: str, preprocessor: str | None = None) -> Place:
    """Find the files that a model is counted, selected and trimmed by.

    A model folder of ours is an original again: by its `huggingface/` where it was made from a Hugging Face
    folder or holds nothing else, by its SavedModels where it was made from such. As parts of it are copied,
    links that lead out of it are refused, see `links.py`.

    Args:
        model: a Hugging Face folder or hub id, a model folder of ours, or what `locate_tfhub` takes.
        preprocessor: see `locate_tfhub`.

    Raises:
        UsageError: a preprocessor is given for a Hugging Face model, which has a tokenizer of its own.
        SmallerLabseError: it cannot be found or fetched, a model folder of ours lacks what it is trimmed by,
            or a link in it leads elsewhere.
    """
    refuse_useless_preprocessor(model, preprocessor)
    place: Place
    if _needs_no_folder(preprocessor) and _is_trimmed_by_huggingface(Path(model)):
        _refuse_preprocessor(model, preprocessor)
        place = _huggingface_in(model)
    else:
        place = locate_huggingface(model) or locate_tfhub(model, preprocessor)
    for folder in folders_of(place):
        _require_links_inside(folder, Path(model))
    return place


def locate_encoder(model: str, preprocessor: str | None = None) -> Place:
    """Find the files that a model is loaded by: its SavedModels, or else its Hugging Face folder.

    They are read and not copied, so links are followed wherever they lead.

    Args:
        model: see `locate_original`; or an ONNX file in a Hugging Face folder, or in its `onnx/`.
        preprocessor: see `locate_tfhub`.

    Raises:
        UsageError: a preprocessor is given for a Hugging Face model, which has a tokenizer of its own.
        SmallerLabseError: it cannot be found or fetched.
    """
    refuse_useless_preprocessor(model, preprocessor)
    if is_onnx_file(model):
        _refuse_preprocessor(model, preprocessor)
        return _locate_onnx(Path(model))
    folder = Path(model)
    if _needs_no_folder(preprocessor) and _holds_huggingface(folder) and not (folder / ENCODER).is_dir():
        _refuse_preprocessor(model, preprocessor)
        return _huggingface_in(model)
    return locate_huggingface(model) or locate_tfhub(model, preprocessor)


def is_onnx_file(model: str) -> bool:
    """Whether a model is named by an ONNX file."""
    return model.endswith(SUFFIX) and not Path(model).is_dir()


def in_runtime(model: str, runtime: str | None) -> str:
    """A model by the name of what a runtime loads: by "onnx", one of the ONNX files in its folder.

    That is the float32 one, or where there is none the int8 one, or else the int4 one.

    Args:
        model: as for `locate_encoder`.
        runtime: one of `RUNTIMES`; None for what loads `model` as it is.

    Raises:
        UsageError: there is no such runtime, or `model` is an ONNX file and the runtime another.
        SmallerLabseError: the folder has no ONNX file.
    """
    if runtime not in (None, *RUNTIMES):
        raise UsageError(f"runtime: expected {' or '.join(RUNTIMES)}, got {runtime!r}")
    if is_onnx_file(model):
        if runtime == RUNTIMES[0]:
            raise UsageError(f"runtime {runtime}: {model} is an ONNX file; leave it out, or give the folder")
        return model
    if runtime != "onnx":
        return model
    folder = Path(model)
    places = [part / ONNX / each.file for each in FORMATS.values() for part in (folder / HUGGINGFACE, folder)]
    for file in places:
        if file.is_file():
            return str(file)
    raise SmallerLabseError(
        f"{model}: no ONNX file of ours in {HUGGINGFACE}/{ONNX}/; write it: make-smaller --onnx float32"
    )


def folders_of(place: Place) -> tuple[Path, ...]:
    """The folders that its files are in."""
    if isinstance(place, HuggingFaceFolder):
        return (place.folder,)
    return (place.encoder,) if place.preprocess is None else (place.encoder, place.preprocess)


def _require_links_inside(folder: Path, model: Path) -> None:
    """Refuse links out of a folder that is read, and out of the model that it is a part of."""
    if folder not in (model / ENCODER, model / PREPROCESS, model / HUGGINGFACE):
        require_links_inside(folder, folder)
        return
    for part in (folder, model / MANIFEST, model / MODEL_CARD):
        require_links_inside(part, model)


def refuse_useless_preprocessor(model: str, preprocessor: str | None) -> None:
    """Refuse a preprocessor beside a Hugging Face folder or hub id; nothing is fetched.

    Raises:
        UsageError: it would do nothing.
    """
    if is_hub_id(model) or (Path(model) / CONFIG).is_file():
        _refuse_preprocessor(model, preprocessor)


def _refuse_preprocessor(model: str, preprocessor: str | None) -> None:
    if preprocessor is not None:
        raise UsageError(
            f"a preprocessor is given, but {model} is a Hugging Face model, which has its own tokenizer; "
            "leave it out"
        )


def _needs_no_folder(preprocessor: str | None) -> bool:
    return preprocessor is None or preprocessor in PREPROCESSORS


def _is_trimmed_by_huggingface(folder: Path) -> bool:
    holds = _holds_huggingface(folder)
    if not (folder / ENCODER).is_dir():
        return holds
    made_from = read_manifest(folder).get("original", {}).get("format")
    if made_from is None:  # version 0.1.0 did not say it
        return holds and not find_vocabularies(folder / ENCODER)
    if made_from == FROM_HUGGINGFACE and not holds:
        raise SmallerLabseError(
            f"{folder}: made from a Hugging Face folder, but its {HUGGINGFACE}/ is not there, by which it is "
            "counted and trimmed; put it back, or make the model again"
        )
    return made_from == FROM_HUGGINGFACE


def _holds_huggingface(folder: Path) -> bool:
    return (folder / HUGGINGFACE / CONFIG).is_file()


def _huggingface_in(model: str) -> HuggingFaceFolder:
    return HuggingFaceFolder(model, Path(model) / HUGGINGFACE)


def _locate_onnx(file: Path) -> HuggingFaceFolder:
    if not file.is_file():
        raise SmallerLabseError(f"{file}: no such file; give a model's ONNX file, or its folder")
    folder = file.parent.parent if file.absolute().parent.name == ONNX else file.parent
    if not (folder / CONFIG).is_file():
        raise SmallerLabseError(
            f"{file}: no {CONFIG} in {folder}; leave the file where it was, its tokenizer is beside it"
        )
    return HuggingFaceFolder(str(file), folder, onnx=file)
