"""A smaller hidden size: an encoder projected to the directions in which its embeddings differ most.

The student's vectors are Pᵀx for the teacher's x. P [H, h] has orthonormal columns that span the direction of
all ones and the h − 1 principal directions, orthogonal to it, of what the layers see: the embedding matrix's
rows behind the first layer normalization, a truncated singular value decomposition. A kernel W that reads x
becomes PᵀW, one that writes x becomes WP (as SliceGPT does with other models, arXiv 2401.15024, section 3).

Layer normalization takes the mean over a vector's numbers away, which is its part along all ones. P is turned
by a reflection so that P·1/√h = 1/√H. Then, of what P keeps, nothing is lost: with z = (s − mean(s)) / σ(s),

    normalized(Pᵀs) = √(h/H) · Pᵀz        so        γ' = √(H/h) · diag(Pᵀ diag(γ) P),  β' = Pᵀβ

exactly where P loses nothing of s and γ has the same number everywhere; else γ' is nearest by least squares.
What is behind the last layer is projected, too: the embedding has h numbers, unless dense layers behind the
pooling lead to their own number.

Of a layer's heads, and of the numbers between its feed-forward kernels, those are kept whose products of
kernels are largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from smaller_labse.common.errors import UsageError
from smaller_labse.distill.students.heads import Attention, keep_largest_heads, thinner_heads
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig

ReadTensor = Callable[[str], np.ndarray]
POSITIONS, TYPES, FIRST_NORM = (
    "position_embedding/embeddings",
    "type_embeddings/embeddings",
    "embeddings/layer_norm",
)
ROWS_AT_A_TIME = 8192


def smaller_config(config: EncoderConfig, size: int) -> EncoderConfig:
    """The config of an encoder with a smaller hidden size.

    The heads keep their size where `size` is a multiple of it, else their number; the feed-forward layers
    keep their ratio to the hidden size.

    Raises:
        UsageError: `size` is not smaller, or a multiple of neither.
    """
    hidden, heads, head_size = config.hidden_size, config.num_attention_heads, config.head_size
    if not 1 < size < hidden:
        raise UsageError(f"--hidden-size {size}: the model has {hidden}, expected 2 or more, and less")
    if size % head_size and size % heads:
        raise UsageError(
            f"--hidden-size {size}: expected a multiple of {head_size}, the size of the model's attention "
            f"heads, or of {heads}, their number"
        )
    dense = config.pooling.dense
    if dense:
        dense = (replace(dense[0], in_features=size), *dense[1:])
    return replace(
        config,
        hidden_size=size,
        num_attention_heads=heads if size % head_size else size // head_size,
        intermediate_size=max(1, round(config.intermediate_size * size / hidden)),
        pooling=replace(config.pooling, dense=dense),
    )


def shrink_hidden_size(
    config: EncoderConfig, read_tensor: ReadTensor, size: int
) -> tuple[EncoderConfig, ReadTensor]:
    """An encoder with a smaller hidden size, initialised from a larger one; it needs training.

    Args:
        config: the larger one's.
        read_tensor: from each name in `config.tensor_shapes()` to that tensor.
        size: the smaller hidden size.

    Returns:
        The same two of the smaller encoder, whose tensors are all held in memory.

    Raises:
        UsageError: see `smaller_config`.
    """
    smaller = smaller_config(config, size)
    tensors = project(config, read_tensor, smaller, principal_directions(config, read_tensor, size))
    return smaller, tensors.__getitem__


def principal_directions(config: EncoderConfig, read_tensor: ReadTensor, size: int) -> np.ndarray:
    """P of the module's docstring, float64 [hidden size, `size`].

    Args:
        config: the larger encoder's.
        read_tensor: its tensors.
        size: how many directions, 2 or more.
    """
    hidden = config.hidden_size
    squares = _seen_squares(config, read_tensor)
    ones = np.full(hidden, hidden**-0.5)
    without = np.eye(hidden) - np.outer(ones, ones)
    directions = np.linalg.eigh(without @ squares @ without)[1][:, ::-1]  # ascending eigenvalues
    kept = np.column_stack([ones, directions[:, : size - 1]])
    # Householder's reflection that swaps the first unit vector and 1/√size.
    normal = np.full(size, size**-0.5)
    normal[0] -= 1.0
    return kept - np.outer(kept @ normal, 2 * normal / (normal @ normal))


def project(
    config: EncoderConfig, read_tensor: ReadTensor, smaller: EncoderConfig, directions: np.ndarray
) -> dict[str, np.ndarray]:
    """The smaller encoder's tensors, float32, by the names in `smaller.tensor_shapes()`."""
    tensors = project_embeddings(config, read_tensor, directions)
    for number in range(config.num_hidden_layers):
        prefix = f"transformer/layer_{number}"
        tensors |= _project_layer(prefix, read_tensor, smaller, directions)
    if config.pooling.mode == "pooler":
        kernel, bias = (read_tensor(f"pooler_transform/{part}") for part in ("kernel", "bias"))
        tensors |= {
            "pooler_transform/kernel": directions.T @ kernel @ directions,
            "pooler_transform/bias": bias @ directions,
        }
    for name in config.pooling.tensor_shapes():
        values = read_tensor(name)
        tensors[name] = directions.T @ values if name == "dense_0/kernel" else values
    return {name: np.asarray(values, np.float32) for name, values in tensors.items()}


def project_embeddings(
    config: EncoderConfig, read_tensor: ReadTensor, directions: np.ndarray
) -> dict[str, np.ndarray]:
    """What of the smaller encoder stands before its layers: the embeddings and their layer normalization."""
    tensors = {
        name: np.asarray(read_tensor(name) @ directions.astype(np.float32), np.float32)
        for name in (WORD_EMBEDDINGS, POSITIONS, TYPES)
    }
    return tensors | _project_norm(FIRST_NORM, read_tensor, directions)


def _seen_squares(config: EncoderConfig, read_tensor: ReadTensor) -> np.ndarray:
    """The sum of xxᵀ over all tokens' x, as the first layer sees them at a mean position, float64 [H, H]."""
    gamma, beta = (read_tensor(f"{FIRST_NORM}/{part}") for part in ("gamma", "beta"))
    added = read_tensor(POSITIONS)[config.first_position :].mean(axis=0) + read_tensor(TYPES)[0]
    matrix = read_tensor(WORD_EMBEDDINGS)
    squares = np.zeros((config.hidden_size,) * 2)
    for start in range(0, len(matrix), ROWS_AT_A_TIME):
        rows = matrix[start : start + ROWS_AT_A_TIME] + added
        rows -= rows.mean(axis=1, keepdims=True)
        rows /= np.sqrt(np.square(rows).mean(axis=1, keepdims=True) + config.layer_norm_eps)
        rows = rows * gamma + beta
        squares += rows.T @ rows
    return squares


def _project_layer(
    prefix: str, read_tensor: ReadTensor, smaller: EncoderConfig, directions: np.ndarray
) -> dict[str, np.ndarray]:
    attention = _project_attention(f"{prefix}/self_attention", read_tensor, directions)
    if attention.head_size == smaller.head_size:
        attention = keep_largest_heads(attention, smaller.num_attention_heads)
    else:
        attention = thinner_heads(attention, smaller.head_size)
    inner, inner_bias, output, output_bias = (
        read_tensor(f"{prefix}/{name}")
        for name in ("intermediate/kernel", "intermediate/bias", "output/kernel", "output/bias")
    )
    inner, output = directions.T @ inner, output @ directions
    largest = np.linalg.norm(inner, axis=0) * np.linalg.norm(output, axis=1)
    kept = np.sort(np.argsort(-largest, kind="stable")[: smaller.intermediate_size])
    return {
        **attention.tensors(f"{prefix}/self_attention"),
        **_project_norm(f"{prefix}/self_attention_layer_norm", read_tensor, directions),
        f"{prefix}/intermediate/kernel": inner[:, kept],
        f"{prefix}/intermediate/bias": inner_bias[kept],
        f"{prefix}/output/kernel": output[kept],
        f"{prefix}/output/bias": output_bias @ directions,
        **_project_norm(f"{prefix}/output_layer_norm", read_tensor, directions),
    }


def _project_attention(prefix: str, read_tensor: ReadTensor, directions: np.ndarray) -> Attention:
    kernels, biases = (
        {part: read_tensor(f"{prefix}/{part}/{which}") for part in ("query", "key", "value")}
        for which in ("kernel", "bias")
    )
    return Attention(
        kernels={part: np.einsum("Hh,Hnd->hnd", directions, kernel) for part, kernel in kernels.items()},
        biases=biases,
        output=read_tensor(f"{prefix}/attention_output/kernel") @ directions,
        output_bias=read_tensor(f"{prefix}/attention_output/bias") @ directions,
    )


def _project_norm(name: str, read_tensor: ReadTensor, directions: np.ndarray) -> dict[str, np.ndarray]:
    """γ' and β' of the module's docstring."""
    hidden, size = directions.shape
    gamma, beta = (read_tensor(f"{name}/{part}") for part in ("gamma", "beta"))
    return {
        f"{name}/gamma": math.sqrt(hidden / size) * (np.square(directions).T @ gamma),
        f"{name}/beta": beta @ directions,
    }
