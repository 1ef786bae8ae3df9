"""BERT-shaped encoders in Hugging Face folders, read under the names of LaBSE on TF Hub."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.config import WORD_EMBEDDINGS as LABSE_WORD_EMBEDDINGS
from smaller_labse.encoders.config import EncoderConfig, Pooling, PoolingMode
from smaller_labse.encoders.labse_tensor_names import bert_model_names
from smaller_labse.encoders.read_config import read_encoder_config
from smaller_labse.encoders.sentence_transformers_folder import (
    SentenceTransformersFolder,
    read_sentence_transformers,
)
from smaller_labse.originals.tokenizers.base import LEALLASetup, TensorFlowSetup
from smaller_labse.originals.weights.safetensors_file import Tensor, read_safetensors
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS

if TYPE_CHECKING:
    from smaller_labse.encoders.bert import Encoder

PREFIXES = ("", "bert.", "roberta.", "model.", "0.auto_model.", "xlm_roberta.")
WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"


@dataclass(frozen=True)
class HuggingFaceEncoder:
    """An encoder that can be rebuilt in TensorFlow.

    Attributes:
        config: its sizes and what it computes, the pooling included.
        side_files: what the folder says beside.
        read_tensor: from a name in `config.tensor_shapes()` to the tensor, float32.
        embedding_matrix: the tensor of the word embeddings, for reading rows.
        names: from a name in `config.bert_tensor_shapes()` to the tensor's in the folder.
    """

    config: EncoderConfig
    side_files: SentenceTransformersFolder
    read_tensor: Callable[[str], np.ndarray]
    embedding_matrix: Tensor
    names: Mapping[str, str]

    @property
    def sequence_length(self) -> int:
        """The folder's own limit, or else the encoder's."""
        return min(self.side_files.sequence_length or self.config.max_length, self.config.max_length)


def read_encoder(
    folder: Path, tensors: Mapping[str, Tensor], pooling: PoolingMode | None = None
) -> HuggingFaceEncoder:
    """Find an encoder's tensors and its config.

    Args:
        folder: the Hugging Face folder.
        tensors: its weights by name.
        pooling: "mean", "cls" or "pooler", where the folder does not say (no `modules.json`).

    Raises:
        SmallerLabseError: a tensor is missing or has another shape than config.json says, or nobody says
            how to pool.
    """
    side_files = read_sentence_transformers(folder)
    prefix = _find_prefix(folder, tensors)
    chosen = side_files.pooling or Pooling(pooling or "pooler")
    has_pooler = f"{prefix}pooler.dense.weight" in tensors
    if chosen.mode == "pooler" and not has_pooler:
        raise SmallerLabseError(
            f"{folder}: neither modules.json nor a pooler says how to pool; add --pooling mean or cls"
        )
    config = read_encoder_config(folder, tensors[prefix + WORD_EMBEDDINGS].shape[0], chosen)
    names = {name: prefix + theirs for name, theirs in bert_model_names(config).items()}
    shapes = config.bert_tensor_shapes()
    for name, theirs in names.items():
        _require_shape(folder, tensors, theirs, _torch_shape(name, shapes[name]))
    dense = _read_dense_tensors(side_files)

    def read_tensor(name: str) -> np.ndarray:
        if name in dense:
            return dense[name]
        values = tensors[names[name]].read(as_float32=True)
        values = values.T if name.endswith("/kernel") else values
        return np.ascontiguousarray(values).reshape(shapes[name])

    return HuggingFaceEncoder(config, side_files, read_tensor, tensors[prefix + WORD_EMBEDDINGS], names)


def build_encoder(
    encoder: HuggingFaceEncoder, tokenizer: TensorFlowSetup, rows: np.ndarray | None = None
) -> Encoder:
    """The encoder in TensorFlow.

    Args:
        encoder: where its tensors are, and what it computes.
        tokenizer: the tokenizer's; its file travels with the SavedModel.
        rows: take only these rows of the embedding matrix, int [n]; None for all.
    """
    from smaller_labse.encoders.bert import Encoder  # TensorFlow, which reading a folder does not need

    if rows is None:
        splits = isinstance(tokenizer, LEALLASetup)
        return Encoder(encoder.config, encoder.read_tensor, tokenizer.file, splits_by_script=splits)

    def read_tensor(name: str) -> np.ndarray:
        if name == LABSE_WORD_EMBEDDINGS:
            return encoder.embedding_matrix.read_rows(rows, as_float32=True)
        return encoder.read_tensor(name)

    return Encoder(replace(encoder.config, vocab_size=len(rows)), read_tensor, tokenizer.file)


def _find_prefix(folder: Path, tensors: Mapping[str, Tensor]) -> str:
    for prefix in PREFIXES:
        if prefix + WORD_EMBEDDINGS in tensors:
            return prefix
    raise SmallerLabseError(
        f"{folder}: no tensor {WORD_EMBEDDINGS}, nor one with bert. or roberta. before it"
    )


def _torch_shape(name: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """LaBSE's shape → PyTorch's: [out, in] for kernels, whose heads lie side by side."""
    if not name.endswith("/kernel"):
        return shape if name.endswith("/embeddings") else (int(np.prod(shape)),)
    inputs = int(np.prod(shape[:2])) if "attention_output" in name else shape[0]
    return (int(np.prod(shape)) // inputs, inputs)


def _require_shape(folder: Path, tensors: Mapping[str, Tensor], name: str, shape: tuple[int, ...]) -> None:
    if name not in tensors:
        raise SmallerLabseError(f"{folder}: the tensor {name} is missing, which config.json asks for")
    if tensors[name].shape != shape:
        raise SmallerLabseError(
            f"{folder}: the tensor {name} has the shape {list(tensors[name].shape)}, config.json asks for "
            f"{list(shape)}"
        )


def _read_dense_tensors(side_files: SentenceTransformersFolder) -> dict[str, np.ndarray]:
    dense: dict[str, np.ndarray] = {}
    for number, (folder, layer) in enumerate(
        zip(side_files.dense_folders, side_files.pooling.dense if side_files.pooling else (), strict=True)
    ):
        file = folder / WEIGHTS
        if not file.is_file():
            raise SmallerLabseError(f"{file}: missing; pickled weights (pytorch_model.bin) are not read")
        tensors = read_safetensors(file).tensors
        _require_shape(folder, tensors, "linear.weight", (layer.out_features, layer.in_features))
        kernel = tensors["linear.weight"].read(as_float32=True).T
        bias = np.zeros(layer.out_features, np.float32)
        if "linear.bias" in tensors:
            _require_shape(folder, tensors, "linear.bias", (layer.out_features,))
            bias = tensors["linear.bias"].read(as_float32=True)
        dense[f"dense_{number}/kernel"] = np.ascontiguousarray(kernel)
        dense[f"dense_{number}/bias"] = bias
    return dense
