"""Sizes of the files that a model can be finished as, by vocabulary size, before they are written."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NoReturn, Protocol

from smaller_labse.common.errors import UsageError
from smaller_labse.common.json_files import read_object
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig, Pooling, is_rebuilt
from smaller_labse.originals.huggingface import CONFIG, HuggingFaceFolder
from smaller_labse.originals.model_folder import HUGGINGFACE
from smaller_labse.originals.onnx_formats import FOLDER, FORMATS
from smaller_labse.originals.open import Original
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS, SafetensorsFolder, open_safetensors
from smaller_labse.originals.weights.safetensors_writer import NewTensor, safetensors_bytes
from smaller_labse.originals.weights.vocabulary_tensors import find_vocabulary_tensors

SAFETENSORS = "safetensors"
FILES = {name: f"{HUGGINGFACE}/{FOLDER}/{each.file}" for name, each in FORMATS.items()}
FILES |= {SAFETENSORS: f"{HUGGINGFACE}/{WEIGHTS}"}  # by format, in the model's folder


class FileSize(Protocol):
    """The size of a finished file as a function of the vocabulary size."""

    def in_all(self, vocab_size: int) -> int:
        """Bytes of the file."""
        ...

    def of_matrix(self, vocab_size: int) -> int:
        """Bytes of the embedding matrix in it."""
        ...


def require_file_format(format: str | None, is_limited: bool) -> None:
    """Check the format that `select` is given.

    Args:
        format: what the user chose; None for nothing.
        is_limited: whether the size of a file is limited.

    Raises:
        UsageError: there is no such format, none is given, or it would do nothing.
    """
    if format is None and is_limited:
        raise UsageError(f"--max-megabytes goes with --format, the file's: {', '.join(FILES)}")
    if format is not None and not is_limited:
        raise UsageError("--format goes with --max-megabytes, the size of a file of this format")
    if format is not None and format not in FILES:
        raise UsageError(f"--format: expected {', '.join(FILES)}, got {format!r}")


def file_size(original: Original, format: str) -> FileSize:
    """The size of the file of a format, of models that are trimmed from an original.

    Args:
        original: the original.
        format: one of `FILES`.

    Raises:
        UsageError: the original cannot become one, or a library is missing.
    """
    place = original.place
    from smaller_labse.encoders.onnx.write_onnx import require_onnx
    from smaller_labse.select_vocab.choosing.finished_huggingface import finished_config

    if format == SAFETENSORS and isinstance(place, HuggingFaceFolder):
        return HuggingFaceSize(open_safetensors(place.folder), read_object(place.folder / CONFIG))
    if format == SAFETENSORS:
        return BertModelSize(finished_config(original))
    if isinstance(place, HuggingFaceFolder) and not is_rebuilt(read_object(place.folder / CONFIG)):
        raise UsageError(
            f"--format {format}: ONNX files are written only for encoders that are rebuilt in TensorFlow, "
            f"and {place.name} is none; choose {SAFETENSORS}"
        )
    require_onnx(f"--format {format}")
    from smaller_labse.encoders.onnx.file_size import OnnxFileSize

    return OnnxFileSize(finished_config(original), FORMATS[format])


class HuggingFaceSize:
    """The size of the safetensors files of a Hugging Face folder, in the original's dtype."""

    def __init__(self, weights: SafetensorsFolder, config: dict) -> None:
        """Find the tensors with a row for each token.

        Raises:
            SmallerLabseError: it is not certain which they are.
        """
        self._weights = weights
        self._by_token = set(find_vocabulary_tensors(weights, config).names)

    def in_all(self, vocab_size: int) -> int:
        """Bytes of all files of weights together."""
        return sum(
            safetensors_bytes(self._tensors(file.tensors, vocab_size), file.metadata)
            for file in self._weights.files
        )

    def of_matrix(self, vocab_size: int) -> int:
        """Bytes of all tensors with a row for each token."""
        return sum(each.size for each in self._tensors(self._by_token, vocab_size))

    def _tensors(self, names: Iterable[str], rows: int) -> list[NewTensor]:
        found = []
        for name in names:
            tensor = self._weights.tensors[name]
            shape, size = tensor.shape, tensor.size
            if name in self._by_token:
                size, shape = size // shape[0] * rows, (rows, *shape[1:])
            found.append(NewTensor(name, tensor.dtype, shape, size, lambda: ()))
        return found


class BertModelSize:
    """The size of the safetensors file that an original in TF Hub's format becomes, in float32."""

    def __init__(self, config: EncoderConfig) -> None:
        """Of any vocabulary size."""
        self._config = replace(config, pooling=Pooling("pooler"))

    def in_all(self, vocab_size: int) -> int:
        """Bytes of the file."""
        from smaller_labse.encoders.sentence_transformers_modules import PYTORCH
        from smaller_labse.encoders.to_huggingface import bert_tensors

        config = replace(self._config, vocab_size=vocab_size)
        return safetensors_bytes(bert_tensors(config, _unread), PYTORCH)

    def of_matrix(self, vocab_size: int) -> int:
        """Bytes of the embedding matrix."""
        return 4 * vocab_size * math.prod(self._config.tensor_shapes()[WORD_EMBEDDINGS][1:])


def largest_that_fits(in_all: Callable[[int], int], most_bytes: int, most_rows: int) -> int:
    """The largest vocabulary size whose file has no more bytes; 0 where not even one token fits.

    Args:
        in_all: bytes by vocabulary size; larger ones take more.
        most_bytes: of the file.
        most_rows: how many tokens the original has.

    >>> largest_that_fits(lambda rows: 100 + 10 * rows, 155, 1000)
    5
    """
    fits, too_many = 0, most_rows + 1
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        fits, too_many = (middle, too_many) if in_all(middle) <= most_bytes else (fits, middle)
    return fits


def _unread(name: str) -> NoReturn:
    raise AssertionError(name)
