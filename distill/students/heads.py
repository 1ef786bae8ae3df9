"""Attention heads: fewer of them, or thinner ones, that do most of what all of them did.

A head asks how its scores xQ(yK)ᵀ and what it writes, xVO, come out, so that what matters of its four kernels
are the two products QKᵀ and VO.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Attention:
    """The tensors of a layer's attention.

    Attributes:
        kernels: of "query", "key" and "value", float [hidden size, heads, head size] each.
        biases: of them, float [heads, head size] each.
        output: the kernel behind the heads, float [heads, head size, hidden size].
        output_bias: float [hidden size].
    """

    kernels: Mapping[str, np.ndarray]
    biases: Mapping[str, np.ndarray]
    output: np.ndarray
    output_bias: np.ndarray

    @property
    def head_size(self) -> int:
        return self.output.shape[1]

    def tensors(self, prefix: str) -> dict[str, np.ndarray]:
        """By their names in `EncoderConfig.tensor_shapes()`; `prefix` is what these begin with."""
        return {
            **{f"{prefix}/{part}/kernel": kernel for part, kernel in self.kernels.items()},
            **{f"{prefix}/{part}/bias": bias for part, bias in self.biases.items()},
            f"{prefix}/attention_output/kernel": self.output,
            f"{prefix}/attention_output/bias": self.output_bias,
        }


def keep_largest_heads(attention: Attention, heads: int) -> Attention:
    """The heads with the largest products VO.

    What the others write of their values' biases is the same for every text, as attention sums to 1; it is
    added to the output's bias.

    Args:
        attention: of all heads.
        heads: how many are kept.
    """
    values, output = attention.kernels["value"], attention.output
    # ‖VO‖² = trace(VᵀV · OOᵀ), without the product itself.
    squares = np.einsum("hnd,hne,ndk,nek->n", values, values, output, output, optimize=True)
    largest = np.argsort(-squares, kind="stable")
    kept, others = np.sort(largest[:heads]), largest[heads:]
    constant = np.einsum("nd,ndh->h", attention.biases["value"][others], output[others])
    return Attention(
        {part: kernel[:, kept] for part, kernel in attention.kernels.items()},
        {part: bias[kept] for part, bias in attention.biases.items()},
        output[kept],
        attention.output_bias + constant,
    )


def thinner_heads(attention: Attention, head_size: int) -> Attention:
    """All heads, made smaller, with the nearest products QKᵀ and VO by least squares, biases included.

    Args:
        attention: of heads of another size.
        head_size: the new one.
    """
    kernels: dict[str, list[np.ndarray]] = {part: [] for part in attention.kernels}
    outputs = []
    # Scores are divided by the root of the head size.
    scale = (head_size / attention.head_size) ** 0.25
    for number in range(len(attention.output)):
        query, key, value = (
            np.vstack([attention.kernels[part][:, number], attention.biases[part][number]])
            for part in ("query", "key", "value")
        )
        query, key = _nearest(query, key.T, head_size)
        value, output = _nearest(value, attention.output[number], head_size)
        for part, kernel in (("query", scale * query), ("key", scale * key.T), ("value", value)):
            kernels[part].append(kernel)
        outputs.append(output)
    stacked = {part: np.stack(each, axis=1) for part, each in kernels.items()}
    return Attention(
        {part: kernel[:-1] for part, kernel in stacked.items()},
        {part: kernel[-1] for part, kernel in stacked.items()},
        np.stack(outputs),
        attention.output_bias,
    )


def _nearest(left: np.ndarray, right: np.ndarray, rank: int) -> tuple[np.ndarray, np.ndarray]:
    """Two factors, [n, rank] and [rank, m], whose product is nearest to left · right (Eckart and Young)."""
    left_basis, left_rest = np.linalg.qr(left)
    right_basis, right_rest = np.linalg.qr(right.T)
    rotation, values, back = np.linalg.svd(left_rest @ right_rest.T)
    root = np.sqrt(values[:rank])
    return left_basis @ rotation[:, :rank] * root, (right_basis @ back[:rank].T * root).T
