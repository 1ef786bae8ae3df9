"""The protocol `BackEnd` and its options: one back end per kind of original.

There are two, one file each: `from_tfhub` and `from_huggingface`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from smaller_labse.common.errors import UsageError
from smaller_labse.encoders.config import PoolingMode
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.locate import Place

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

    def require_kind(self, place: Place) -> None:
        """Refuse what an original's kind does not have, before TensorFlow is loaded.

        Raises:
            UsageError: an option is for the other kind of originals, or two do not go together.
        """
        if isinstance(place, HuggingFaceFolder):
            if not self.huggingface:
                raise UsageError("--no-huggingface is for TF Hub originals")
            of_savedmodel = (self.sequence_length, self.pooling)
            if self.savedmodel is False and any(option is not None for option in of_savedmodel):
                raise UsageError("--sequence-length and --pooling are the SavedModel's")
        elif self.savedmodel is False or self.dtype or self.prompt or self.pooling:
            raise UsageError(
                "--no-savedmodel, --dtype, --prompt and --pooling are for originals from Hugging Face"
            )


@dataclass(frozen=True)
class Written:
    """What a back end wrote into a model's folder and verified.

    Attributes:
        original_parameters: of the original, all of them.
        formats: the parts that were written, `ENCODER`, `HUGGINGFACE` or both.
        verification: what the comparison with the original saw.
        sequence_length: the length in tokens that the preprocessor packs to; None where there is none.
        prompt: what goes before every text, in every format.
    """

    original_parameters: int
    formats: tuple[str, ...]
    verification: Verification
    sequence_length: int | None
    prompt: str = ""


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
