"""The protocol `BackEnd` and its options: one back end per kind of original.

There are two, one file each: `from_tfhub` and `from_huggingface`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from smaller_labse.encoders.config import PoolingMode
from smaller_labse.make_smaller.manifest import Verification

Say = Callable[[str], None]  # is told each step as it begins


@dataclass(frozen=True)
class Options:
    """What a user chose; see `make_smaller`. A back end refuses what its kind of original does not have."""

    sequence_length: int | None = None
    huggingface: bool = True
    savedmodel: bool | None = None
    dtype: str | None = None
    prompt: str | None = None
    pooling: PoolingMode | None = None


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
