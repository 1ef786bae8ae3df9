"""The protocol `BackEnd` and its options: one back end per kind of original.

There are two, one file each: `tfhub_back_end` and `huggingface_back_end`. Options that would do nothing
for an original are refused here, before anything of it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from smaller_labse.common.errors import UsageError
from smaller_labse.common.json_files import read_object
from smaller_labse.encoders.config import PoolingMode, is_rebuilt
from smaller_labse.encoders.sentence_transformers_folder import MODULES
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.originals.huggingface import CONFIG, HuggingFaceFolder, is_hub_id
from smaller_labse.originals.locate import Place, locate_original
from smaller_labse.originals.onnx_formats import OnnxFormat
from smaller_labse.originals.tfhub import is_handle

Say = Callable[[str], None]  # is told each step as it begins


@dataclass(frozen=True)
class Options:
    """What a user chose; see `make_smaller`."""

    sequence_length: int | None = None
    huggingface: bool = True
    savedmodel: bool | None = None
    dtype: str | None = None
    prompt: str | None = None
    pooling: PoolingMode | None = None
    onnx: tuple[OnnxFormat, ...] = ()


@dataclass(frozen=True)
class Written:
    """What a back end wrote into a model's folder and verified.

    Attributes:
        original_parameters: of the original, all of them.
        formats: the parts that were written, of `ENCODER`, `SENTENCES` and `HUGGINGFACE`.
        verification: what the comparison with the original saw.
        sequence_length: the length in tokens that the preprocessor packs to; None where there is none.
        prompt: what goes before every text, in every format.
        digests: of files that were hashed beside the verification, by their paths in the folder.
    """

    original_parameters: int
    formats: tuple[str, ...]
    verification: Verification
    sequence_length: int | None
    prompt: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)


class BackEnd(Protocol):
    """One original and the selection that it is to be trimmed to.

    Making one checks all that can be known before the long work.
    """

    def write(self, folder: Path, say: Say) -> Written:
        """Write the smaller model's parts and verify them; the original and it are not in memory together.

        Args:
            folder: an empty folder, which whoever calls this makes appear whole.
            say: is told each step as it begins.

        Raises:
            SmallerLabseError: the original cannot be read or trimmed, or the verification fails.
        """
        ...


def locate_for(model: str, preprocessor: str | None, options: Options) -> Place:
    """Find an original, and refuse options that would do nothing for it.

    Args:
        model: see `locate_original`.
        preprocessor: likewise.
        options: what the user chose.

    Raises:
        UsageError: an option would do nothing.
        SmallerLabseError: the original cannot be found or fetched.
    """
    # What these two are is known before they are fetched.
    if is_handle(model):
        _require_effect_on_tfhub(options, model)
    elif is_hub_id(model):
        _require_effect_on_huggingface(options, model)
    place = locate_original(model, preprocessor)
    if not isinstance(place, HuggingFaceFolder):
        _require_effect_on_tfhub(options, model)
        return place
    _require_effect_on_huggingface(options, model)
    _require_effect_on_folder(options, place.folder)
    return place


def _require_effect_on_tfhub(options: Options, model: str) -> None:
    given = {
        "--no-savedmodel": options.savedmodel is False,
        "--dtype": options.dtype,
        "--prompt": options.prompt,
        "--pooling": options.pooling,
    }
    useless = [option for option, value in given.items() if value not in (None, False)]  # "" is a prompt, too
    if useless:
        raise UsageError(
            f"{' and '.join(useless)}: for originals from Hugging Face only, and {model} is in TF Hub's "
            "format"
        )


def _require_effect_on_huggingface(options: Options, model: str) -> None:
    if not options.huggingface:
        raise UsageError(f"--no-huggingface: for TF Hub originals only, and {model} is from Hugging Face")


def _require_effect_on_folder(options: Options, folder: Path) -> None:
    """Refuse what a Hugging Face folder does not need, and what is only for files that are not written."""
    if options.pooling is not None and (folder / MODULES).is_file():
        raise UsageError(f"--pooling {options.pooling}: {folder / MODULES} says how to pool; leave it out")
    rebuilt = is_rebuilt(read_object(folder / CONFIG))
    if options.onnx and not rebuilt:
        raise UsageError(f"--onnx: only for encoders that are rebuilt in TensorFlow, and {folder} is none")
    of_savedmodel: dict[str, object] = {"--sequence-length": options.sequence_length}
    of_savedmodel |= {} if options.onnx else {"--pooling": options.pooling}
    useless = " and ".join(option for option, value in of_savedmodel.items() if value is not None)
    if useless and options.savedmodel is False:
        raise UsageError(f"{useless}: for the SavedModels, which --no-savedmodel leaves out")
    if useless and options.savedmodel is None and not rebuilt:
        raise UsageError(
            f"{useless}: for the SavedModels, which are not written: the architecture of {folder} is not "
            "rebuilt in TensorFlow"
        )
