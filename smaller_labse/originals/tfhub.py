"""Originals from TF Hub: local SavedModel folders, or a handle that is fetched and cached."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import announce
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.originals.preprocessors import PREPROCESSORS
from smaller_labse.originals.weights.checkpoint import Checkpoint
from smaller_labse.originals.weights.lealla_checkpoint import LEALLACheckpoint

SAVED_MODEL = "saved_model.pb"
TF1_MODULE = "tfhub_module.pb"  # beside it in TF Hub's format of TensorFlow 1
SHORT_HANDLE = re.compile(
    r"[\w.-]+(/[\w.-]+)+/\d+"
)  # publisher/collection/model/version, without the hub's address
TF_HUB = "https://tfhub.dev/"
AnyCheckpoint = Checkpoint | LEALLACheckpoint
EXPECTED = "a Hugging Face folder or hub id (owner/name), or a SavedModel folder or TF Hub handle (https://…)"


@dataclass(frozen=True)
class TFHubFolders:
    """The folders of an original in LaBSE's TF Hub format.

    Attributes:
        name: what the user called it, for messages, manifests and model cards.
        encoder: the encoder's SavedModel folder.
        preprocess: the preprocessor's SavedModel folder; None where only the encoder was given, whose
            vocabulary then says all that is needed.
        chosen: how the user wants text to be read, see `PREPROCESSORS`; None for the model's own way.
    """

    name: str
    encoder: Path
    preprocess: Path | None
    chosen: str | None = None

    def open_checkpoint(self) -> AnyCheckpoint:
        """The encoder's variables.

        Raises:
            SmallerLabseError: they cannot be read, or are another model's.
        """
        return Checkpoint(self.encoder)


@dataclass(frozen=True)
class LEALLAFolder(TFHubFolders):
    """The folder of an original in LEALLA's TF Hub format, which tokenizes in its one graph."""

    def open_checkpoint(self) -> LEALLACheckpoint:
        """See `TFHubFolders`."""
        return LEALLACheckpoint(self.encoder)


def locate_tfhub(model: str, preprocessor: str | None = None) -> TFHubFolders:
    """Find a TF Hub original by a folder or a handle.

    Args:
        model: a folder that holds `encoder/` (and `preprocess/`), or an encoder's SavedModel folder, or a
            TF Hub handle of an encoder such as `https://tfhub.dev/google/LaBSE/2`, or of LEALLA's models.
        preprocessor: the preprocessor's folder or handle, where it is not beside the encoder; or one of
            `PREPROCESSORS`, how text is to be read, for which the encoder's vocabulary is enough.

    Raises:
        SmallerLabseError: there is no SavedModel at that place, or the handle cannot be fetched.
    """
    if is_handle(model):
        encoder, beside = _resolve_handle(model), None
    else:
        encoder, beside = Path(model), None
        if (encoder / "encoder").is_dir():
            encoder, beside = encoder / "encoder", encoder / "preprocess"
    _require_encoder(model, encoder)
    if (encoder / TF1_MODULE).is_file():
        if preprocessor is not None:
            raise UsageError(
                f"a preprocessor is given, but {model} is a model of TensorFlow 1, as LEALLA is, which "
                "tokenizes by itself; leave it out"
            )
        return LEALLAFolder(name=model, encoder=encoder, preprocess=None)
    chosen = preprocessor if preprocessor in PREPROCESSORS else None
    if chosen is None and preprocessor is not None:
        beside = _resolve_handle(preprocessor) if is_handle(preprocessor) else Path(preprocessor)
        if not beside.exists():
            raise SmallerLabseError(
                f"{preprocessor}: no such folder; give {', '.join(PREPROCESSORS)}, or the folder or TF Hub "
                "handle of the original's own preprocessor"
            )
        _require_saved_model(beside)
    elif beside is not None and not beside.is_dir():
        beside = None
    elif beside is not None:
        _require_saved_model(beside)
    return TFHubFolders(model, encoder, beside, chosen)


def find_vocabulary(saved_model: Path) -> Path:
    """The vocabulary file among a SavedModel's assets.

    Raises:
        SmallerLabseError: there is none, or more than one text file could be it.
    """
    files = find_vocabularies(saved_model)
    if len(files) != 1:
        found = f"{len(files)} .txt files" if files else "no .txt file"
        raise SmallerLabseError(
            f"{saved_model / 'assets'}: {found}, expected one vocabulary file; "
            "is this an encoder in LaBSE's or LEALLA's TF Hub format, and complete?"
        )
    return files[0]


def find_vocabularies(saved_model: Path) -> list[Path]:
    """The files among a SavedModel's assets that may be a WordPiece vocabulary."""
    return sorted((saved_model / "assets").glob("*.txt"))


def is_handle(model: str) -> bool:
    """Whether a model is one of TF Hub, and no path of this machine."""
    return "://" in model or (bool(SHORT_HANDLE.fullmatch(model)) and not Path(model).exists())


def _require_encoder(model: str, encoder: Path) -> None:
    """Refuse what is no original of either kind; this is the last place where one is looked for."""
    if not model:
        raise UsageError(f"--model: expected {EXPECTED}, got ''")
    if encoder == Path(model) and not (encoder / SAVED_MODEL).is_file():
        if not encoder.exists():
            raise SmallerLabseError(f"{model}: no such folder; expected {EXPECTED}")
        if not encoder.is_dir():
            raise SmallerLabseError(f"{model}: a file; expected {EXPECTED}")
        raise SmallerLabseError(
            f"{model}: neither config.json, as Hugging Face has, nor {SAVED_MODEL} or encoder/, as TF Hub "
            "has, is in it, so it is no model"
        )
    _require_saved_model(encoder)


def _require_saved_model(folder: Path) -> None:
    if (folder / SAVED_MODEL).is_file():
        return
    if folder.is_dir():
        raise SmallerLabseError(f"{folder}: no {SAVED_MODEL} in it, so it is no SavedModel folder")
    raise SmallerLabseError(f"{folder}: no such folder; give a SavedModel folder or a TF Hub handle")


def _resolve_handle(handle: str) -> Path:
    announce(f"fetching {handle} from TF Hub, or from what is kept of it")
    import_tensorflow_quietly()  # TF Hub's package needs it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what it imports in turn
        import tensorflow_hub as hub
    try:
        return Path(hub.resolve(handle if "://" in handle else TF_HUB + handle))
    except Exception as error:
        # The hub raises whatever its transport raised: URLError, OSError, RuntimeError, tarfile's errors.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SmallerLabseError(
            f"{handle}: could not be fetched ({reason}); check the handle and the network, "
            "or give the folder of a downloaded SavedModel"
        ) from error
