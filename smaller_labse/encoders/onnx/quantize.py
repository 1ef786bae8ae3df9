"""Numbers in 8 and 4 bits: by one scale for each output channel, row or block of 32.

A number x becomes the integer nearest to x / scale, and is read as integer · scale: zero stays zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BLOCK = 32  # numbers that share a scale in 4 bits
ROWS_AT_ONCE = 16_384
LARGEST_ROW = 127  # of a row in int8
# What a block's largest number may become. -8 is the end of the range; where the others fit better into a
# finer grid, the largest is cut off.
LARGEST_IN_BLOCK = (-8.0, -7.5, -7.0, -6.5, -6.0, 8.0, 7.5, 7.0)


@dataclass(frozen=True)
class Rows:
    """A matrix in int8: int8 [rows, columns], and float32 [rows, 1], the scales."""

    values: np.ndarray
    scales: np.ndarray


@dataclass(frozen=True)
class Blocks:
    """A matrix in 4 bits.

    Attributes:
        values: uint8 [rows, columns / 2]: the low four bits hold the first half of a row, the high ones the
            second; 8 more than the integer.
        scales: float16 [rows, columns / 32, 1].
    """

    values: np.ndarray
    scales: np.ndarray


def quantize_channels(kernel: np.ndarray, largest: int) -> tuple[np.ndarray, np.ndarray]:
    """Quantize a kernel, one scale for each output channel.

    Args:
        kernel: float32 [in, out].
        largest: the integer that the largest number of a channel becomes.

    Returns:
        int8 [in, out] and float32 [out], the scales.

    Example:
        >>> values, scales = quantize_channels(np.float32([[1, 0], [-2, 0]]), largest=127)
        >>> values.tolist(), scales.tolist()
        ([[64, 0], [-127, 0]], [0.015748031437397003, 1.0])
    """
    scales = _scales(np.abs(kernel).max(axis=0), largest)
    return np.rint(kernel / scales).astype(np.int8), scales


def quantize_rows(matrix: np.ndarray) -> Rows:
    """Quantize a matrix, float32 [rows, columns], one scale for each row."""
    values = np.empty(matrix.shape, np.int8)
    scales = np.empty((len(matrix), 1), np.float32)
    for rows in _parts(len(matrix)):
        scales[rows] = _scales(np.abs(matrix[rows]).max(axis=1, keepdims=True), LARGEST_ROW)
        values[rows] = np.rint(matrix[rows] / scales[rows])
    return Rows(values, scales)


def quantize_blocks(matrix: np.ndarray) -> Blocks:
    """Quantize a matrix in 4 bits, one scale for each 32 numbers beside each other in a row.

    Of some scales each block takes the one by which the sum of the squared errors is least.

    Args:
        matrix: float32 [rows, columns]; columns are a multiple of 32.
    """
    rows, columns = matrix.shape
    values = np.empty((rows, columns // 2), np.uint8)
    scales = np.empty((rows, columns // BLOCK, 1), np.float16)
    for part in _parts(rows):
        blocks = matrix[part].reshape(-1, columns // BLOCK, BLOCK)
        scales[part] = _best_scales(blocks)
        integers = (_in_four_bits(blocks, scales[part]) + 8).astype(np.uint8).reshape(-1, columns)
        values[part] = integers[:, : columns // 2] | integers[:, columns // 2 :] << 4
    return Blocks(values, scales)


def fits_blocks(columns: int) -> bool:
    """Whether rows of so many numbers consist of blocks."""
    return columns % BLOCK == 0


def _best_scales(blocks: np.ndarray) -> np.ndarray:
    """float16 [rows, blocks, 1]."""
    furthest = np.take_along_axis(blocks, np.abs(blocks).argmax(axis=2)[..., np.newaxis], axis=2)
    best = np.zeros(furthest.shape, np.float16)
    least = np.full(furthest.shape, np.inf, np.float32)
    for integer in LARGEST_IN_BLOCK:
        scales = (furthest / np.float32(integer)).astype(np.float16)
        errors = (_in_four_bits(blocks, scales) * scales.astype(np.float32) - blocks) ** 2
        error = errors.sum(axis=2, keepdims=True)
        best = np.where(error < least, scales, best)
        least = np.minimum(error, least)
    return best


def _in_four_bits(blocks: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """The integers from -8 to 7 as float32."""
    divisors = scales.astype(np.float32)
    return np.clip(np.rint(blocks / np.where(divisors == 0, np.float32(1), divisors)), -8, 7)


def _scales(largest_numbers: np.ndarray, largest: int) -> np.ndarray:
    """Scales by which these numbers become an integer; 1 for those that are 0."""
    return np.where(largest_numbers > 0, largest_numbers / np.float32(largest), 1).astype(np.float32)


def _parts(rows: int) -> list[slice]:
    return [slice(start, start + ROWS_AT_ONCE) for start in range(0, rows, ROWS_AT_ONCE)]
