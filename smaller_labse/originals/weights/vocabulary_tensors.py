"""Tensors with one row per token: the one answer to which of a model's tensors a trimmed vocabulary shortens.

They are the embedding matrices, the output layers and their biases. Names decide first: a small model may
have another dimension of the same size as the vocabulary, so that a shape alone decides only where that is
ruled out. What stays uncertain is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.safetensors_file import Tensor
from smaller_labse.originals.weights.safetensors_folder import SafetensorsFolder

# The names are those in transformers' models. An embedding matrix has one row per token, always; an output
# layer of such a name has unless its first dimension says otherwise; the other embeddings never have.
EMBEDDING_MATRIX = re.compile(
    r"(^|\.)(word_embeddings?|embed_tokens\w*|tok_embeddings|token_embeddings?|shared|wte|embed_in)\.weight$"
)
OUTPUT_LAYER = re.compile(
    r"(^|\.)(lm_head|decoder|predictions|vocab_projector|generator_lm_head|embed_out|output_projection"
    r"|proj_out|lm_loss)\.(weight|bias)$"
)
OTHER_EMBEDDINGS = re.compile(r"position|token_type")
LAYER = re.compile(r"\.\d+\.")
POSITIONS = re.compile(r"position_embeddings?\.weight$")

# Integers in a config that are no dimension of the architecture: the vocabulary's size, and token ids.
NO_DIMENSION = re.compile(r"vocab_size|token_(ids?|index)$")


@dataclass(frozen=True)
class VocabularyTensors:
    """The tensors with one row per token.

    Attributes:
        rows: how many rows each of them has.
        width: of the embedding matrix by which tokens go in.
        names: their names, in the order of the weights.
        learned_positions: whether the model has learned position embeddings.
    """

    rows: int
    width: int
    names: tuple[str, ...]
    learned_positions: bool


def find_embedding_matrices(weights: SafetensorsFolder) -> tuple[Tensor, ...]:
    """The matrices of token embeddings by their names, of which most models have one.

    Args:
        weights: the model's.

    Returns:
        One or more, in the order of the weights, all with the same number of rows: the vocabulary size,
        which may be larger than the tokenizer's. The first one's width is that of the embeddings.

    Raises:
        SmallerLabseError: there is none under a known name, or there are several of different sizes.
    """
    matrices = tuple(tensor for name, tensor in weights.tensors.items() if EMBEDDING_MATRIX.search(name))
    if not matrices:
        raise SmallerLabseError(
            f"{weights.folder}: no embedding matrix under a known name (word_embeddings, embed_tokens, "
            "tok_embeddings, shared, wte, …), so this architecture cannot be trimmed"
        )
    first = matrices[0]
    for matrix in matrices:
        if len(matrix.shape) != 2 or matrix.shape[0] != first.shape[0]:
            raise SmallerLabseError(
                f"{matrix.file}: the embedding matrix {matrix.name} has the shape {list(matrix.shape)}, but "
                f"{first.name} has {list(first.shape)}; expected one row per token in both"
            )
    return matrices


def find_vocabulary_tensors(weights: SafetensorsFolder, config: Mapping[str, Any]) -> VocabularyTensors:
    """Decide for each tensor whether it has one row per token.

    Args:
        weights: the model's.
        config: its `config.json`.

    Raises:
        SmallerLabseError: see `find_embedding_matrices`; or it is not certain of a tensor.
    """
    matrices = find_embedding_matrices(weights)
    rows, widths = matrices[0].shape[0], {matrix.shape[1] for matrix in matrices}
    unmistakable = rows not in _dimensions(config)
    names = tuple(
        name
        for name, tensor in weights.tensors.items()
        if _has_row_per_token(tensor, rows, widths, unmistakable)
    )
    learned_positions = any(POSITIONS.search(name) for name in weights.tensors)
    return VocabularyTensors(rows, matrices[0].shape[1], names, learned_positions)


def _has_row_per_token(tensor: Tensor, rows: int, widths: set[int], unmistakable: bool) -> bool:
    if EMBEDDING_MATRIX.search(tensor.name):
        return True
    if OUTPUT_LAYER.search(tensor.name) and tensor.shape[:1] == (rows,):
        return True
    if rows not in tensor.shape or OTHER_EMBEDDINGS.search(tensor.name):
        return False
    is_matrix = tensor.shape in {(rows, width) for width in widths}
    is_bias = tensor.shape == (rows,) and tensor.name.endswith("bias")
    # A layer's matrices have dimensions that no config names: heads x head size, 3 x hidden size, …
    if unmistakable and (is_matrix or is_bias) and not LAYER.search(tensor.name):
        return True
    raise SmallerLabseError(
        f"{tensor.file}: the tensor {tensor.name} {list(tensor.shape)} has a dimension of {rows:,}, the size "
        "of the vocabulary, and neither its name nor its shape tells for certain whether it has one row per "
        "token, so this model cannot be trimmed"
    )


def _dimensions(config: Mapping[str, Any]) -> Iterator[int]:
    """Every integer in a config that may be a dimension of the architecture."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _dimensions(value)
        elif not NO_DIMENSION.search(key):
            yield from (each for each in (value if isinstance(value, list) else [value]) if type(each) is int)
