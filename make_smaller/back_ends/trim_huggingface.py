"""Trim a Hugging Face folder of any architecture, without computing the model.

Every tensor with one row per token loses the rows of tokens that are not kept, the config follows, and all
else is copied byte for byte. Whoever loads the folder computes what the original computes: nothing of the
architecture needs to be known here.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object, write_json
from smaller_labse.encoders.side_files import GENERATION_CONFIG, find_side_files
from smaller_labse.make_smaller.back_ends.huggingface_config import (
    as_float16,
    trim_config,
    trim_generation_config,
)
from smaller_labse.originals.huggingface import CONFIG
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.originals.weights.safetensors_file import FLOATS, Tensor
from smaller_labse.originals.weights.safetensors_folder import (
    SafetensorsFolder,
    open_safetensors,
    write_index,
)
from smaller_labse.originals.weights.safetensors_writer import NewTensor, write_safetensors
from smaller_labse.originals.weights.vocabulary_tensors import VocabularyTensors, find_vocabulary_tensors


@dataclass(frozen=True)
class TrimmedFolder:
    """A Hugging Face folder that was trimmed.

    Attributes:
        folder: where it is.
        tensors: the names of the tensors with one row per token.
        original_vocab_size: rows that each of them had.
        vocab_size: rows that each of them has.
        hidden_size: columns of the embedding matrix.
        original_parameters: numbers in all of the original's tensors.
        parameters: numbers in all tensors now.
        left_out: files and folders of the original that hold it in some other form, e.g. "onnx/".
        rounded: whether numbers were rounded; those of a model in float16 already are not.
    """

    folder: Path
    tensors: tuple[str, ...]
    original_vocab_size: int
    vocab_size: int
    hidden_size: int
    original_parameters: int
    parameters: int
    left_out: tuple[str, ...]
    rounded: bool = False


def trim_huggingface(
    original: Path, subset: VocabularySubset, out: Path, dtype: str | None = None
) -> TrimmedFolder:
    """Trim a Hugging Face folder to some of its tokens; the tokenizer's files are for others to write.

    Only a few thousand rows of a tensor are in memory at a time. Whoever calls it makes the folder appear
    whole.

    Args:
        original: the folder; of links in it, see `originals/links.py`.
        subset: the kept tokens, of the original's embedding matrix.
        out: where to write; it is made if need be, outside of `original`.
        dtype: "float16" to turn every float into one; None to keep them as they are.

    Raises:
        SmallerLabseError: the weights cannot be read, it is not certain which tensors have one row per token,
            the config or the kept tokens do not fit them, or a number is too large for float16.
    """
    if out.resolve().is_relative_to(original.resolve()):
        raise SmallerLabseError(f"{out}: lies in the original {original}; choose another place")
    weights = open_safetensors(original)
    config = read_object(original / CONFIG)
    vocabulary = find_vocabulary_tensors(weights, config)
    if subset.original_size != vocabulary.rows:
        raise SmallerLabseError(
            f"{original}: the embedding matrix has {vocabulary.rows:,} rows, but the selection is from "
            f"{subset.original_size:,} tokens; select with this original"
        )
    configs = _trim_configs(original, config, subset, vocabulary, dtype)
    weight_files = {file.file.name for file in weights.files}
    side_files = find_side_files(original, weight_files, vocabulary.rows)
    out.mkdir(parents=True, exist_ok=True)
    parameters = _write_weights(weights, vocabulary, subset.original_ids, dtype, out)
    for name, content in configs.items():
        write_json(out / name, content)
    side_files.copy_to(out)
    return TrimmedFolder(
        folder=out,
        tensors=vocabulary.names,
        original_vocab_size=vocabulary.rows,
        vocab_size=len(subset),
        hidden_size=vocabulary.width,
        original_parameters=weights.parameters,
        parameters=parameters,
        left_out=side_files.left_out,
        rounded=dtype is not None and any(map(_is_rounded, weights.tensors.values())),
    )


def _trim_configs(
    original: Path,
    config: dict,
    subset: VocabularySubset,
    vocabulary: VocabularyTensors,
    dtype: str | None,
) -> dict[str, dict]:
    """File name → the content of the new config files."""
    configs = {CONFIG: trim_config(config, original / CONFIG, subset, vocabulary.learned_positions)}
    generation = original / GENERATION_CONFIG
    if generation.is_file():
        configs[GENERATION_CONFIG] = trim_generation_config(read_object(generation), generation, subset)
    if dtype is None:
        return configs
    if dtype != "float16":
        raise SmallerLabseError(f"the dtype {dtype!r} is not known, expected float16")
    if config.get("quantization_config"):
        raise SmallerLabseError(f"{original / CONFIG}: a quantized model, which cannot become {dtype}")
    return configs | {CONFIG: as_float16(configs[CONFIG])}


def _write_weights(
    weights: SafetensorsFolder,
    vocabulary: VocabularyTensors,
    kept_ids: np.ndarray,
    dtype: str | None,
    out: Path,
) -> int:
    """Write the weights, in files as the original's, and return how many numbers they hold."""
    trimmed = set(vocabulary.names)
    written: list[NewTensor] = []
    for file in weights.files:
        tensors = [
            _new_tensor(tensor, kept_ids if tensor.name in trimmed else None, dtype)
            for tensor in file.tensors.values()
        ]
        write_safetensors(out / file.file.name, tensors, file.metadata)
        written += tensors
    if weights.sharded:
        write_index(weights, written, out)
    return sum(math.prod(tensor.shape) for tensor in written)


def _new_tensor(tensor: Tensor, rows: np.ndarray | None, dtype: str | None) -> NewTensor:
    """A tensor as it will be: only some rows of it, or all; as it was, or in float16."""
    shape, size, chunks = tensor.shape, tensor.size, tensor.chunks
    if rows is not None:
        shape = (len(rows), *shape[1:])
        size = size // tensor.shape[0] * len(rows)
        chunks = partial(tensor.row_chunks, rows)
    if dtype is None or tensor.dtype not in FLOATS:
        return NewTensor(tensor.name, tensor.dtype, shape, size, chunks)
    return NewTensor(tensor.name, "F16", shape, math.prod(shape) * 2, lambda: _float16(tensor, chunks()))


def _is_rounded(tensor: Tensor) -> bool:
    return tensor.dtype in FLOATS and tensor.dtype != "F16"


def _float16(tensor: Tensor, chunks: Iterator[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        values = tensor.values(np.frombuffer(chunk, tensor.stored.dtype))
        with np.errstate(over="ignore"):
            halves = values.astype("<f2")
        finite = np.isfinite(values)
        if not np.array_equal(finite, np.isfinite(halves)):
            raise SmallerLabseError(
                f"{tensor.file}: the tensor {tensor.name} holds {np.abs(values[finite]).max():.4g}, "
                f"float16 reaches {np.finfo(np.float16).max:.4g}; keep the original's dtype"
            )
        yield halves.tobytes()
