"""The file that a model is finished as: which vocabulary size fits a limit, and what takes the room.

A megabyte is 10^6 bytes. The limit is of the model's file alone; the tokenizer beside it is said, and comes
on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from smaller_labse.common.errors import UsageError
from smaller_labse.common.result_table import Table
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.model_folder import HUGGINGFACE
from smaller_labse.originals.open import Original
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.select_vocab.choosing.file_sizes import FILES, FileSize, file_size, largest_that_fits

MEGABYTE = 10**6
TOKENIZER = f"{HUGGINGFACE}/{TOKENIZER_JSON}"
SAID_IN_TENTHS = MEGABYTE // 10


@dataclass(frozen=True)
class FinishedFile:
    """A file that a selection was made to fit, as it will be.

    Attributes:
        format: one of `FILES`.
        file: its path in the model's folder.
        max_bytes: what it may have at most.
        bytes: what it will have.
        layers_bytes: of these, all but the embedding matrix.
        matrix_bytes: of these, the embedding matrix.
        tokenizer_bytes: of `huggingface/tokenizer.json`, which comes on top.
    """

    format: str
    file: str
    max_bytes: int
    bytes: int
    layers_bytes: int
    matrix_bytes: int
    tokenizer_bytes: int


@dataclass(frozen=True)
class SizeLimit:
    """A limit of a finished file, and the vocabulary size that fits it.

    Attributes:
        format: one of `FILES`.
        max_bytes: the limit.
        size: the file's, by vocabulary size.
        round_to: what the vocabulary size is a multiple of.
        vocab_size: the largest that fits; 0 where none does.
    """

    format: str
    max_bytes: int
    size: FileSize
    round_to: int
    vocab_size: int

    def too_small(self, always_kept: int) -> UsageError:
        """What to say where more tokens are always kept than fit."""
        rows = -(-always_kept // self.round_to) * self.round_to
        smallest, layers = self.size.in_all(rows), self.size.in_all(rows) - self.size.of_matrix(rows)
        tenths = -(-smallest // SAID_IN_TENTHS)
        return UsageError(
            f"--max-megabytes {self.max_bytes / MEGABYTE:,g}: the smallest {self.format} file has "
            f"{tenths / 10:,.1f} MB, {layers / MEGABYTE:,.1f} of them the layers and the rest the "
            f"{always_kept:,} tokens that are always kept (special tokens, characters, the keep-list); ask "
            "for that, choose another format, or add --no-keep-characters"
        )


def limit_size(original: Original, format: str, max_megabytes: str, round_to: int) -> SizeLimit:
    """Find the largest vocabulary size whose finished file fits.

    Args:
        original: what the model is trimmed from.
        format: one of `FILES`.
        max_megabytes: of the file, at most; a decimal number.
        round_to: what the vocabulary size is a multiple of.

    Raises:
        UsageError: the original cannot become a file of this format.
    """
    size, max_bytes = file_size(original, format), int(Fraction(max_megabytes) * MEGABYTE)
    most_rows = min(original.vocab_size, len(original.tokenizer.pieces))
    largest = largest_that_fits(size.in_all, max_bytes, most_rows)
    return SizeLimit(format, max_bytes, size, round_to, largest // round_to * round_to)


def finished_file(
    limit: SizeLimit, original: Original, subset: VocabularySubset, pieces: Sequence[str]
) -> FinishedFile:
    """What the file of a selection will be.

    Args:
        limit: what it was made to fit.
        original: the original.
        subset: the kept tokens.
        pieces: the same, as they will be called.
    """
    rows = len(subset)
    in_all, matrix = limit.size.in_all(rows), limit.size.of_matrix(rows)
    tokenizer = _tokenizer_bytes(original, subset, pieces)
    return FinishedFile(
        limit.format, FILES[limit.format], limit.max_bytes, in_all, in_all - matrix, matrix, tokenizer
    )


def file_table(file: FinishedFile) -> Table:
    """What takes the room in it."""
    sizes = {
        "layers": file.layers_bytes,
        "embedding matrix": file.matrix_bytes,
        f"in all: {file.file}": file.bytes,
        "at most": file.max_bytes,
        f"beside it: {TOKENIZER}": file.tokenizer_bytes,
    }
    rows = [(name, f"{size / MEGABYTE:,.2f}") for name, size in sizes.items()]
    return Table((f"the {file.format} file", "MB (10^6 bytes)"), rows)


def _tokenizer_bytes(original: Original, subset: VocabularySubset, pieces: Sequence[str]) -> int:
    if not isinstance(original.place, HuggingFaceFolder):
        from smaller_labse.select_vocab.choosing.finished_huggingface import finished_backend

        return len(finished_backend(original.tokenizer, pieces).to_str(pretty=True).encode("utf-8"))
    with scratch_folder() as scratch:
        original.tokenizer.write_subset(subset, scratch)
        return sum(file.stat().st_size for file in scratch.glob(TOKENIZER_JSON))
