"""Quantized numbers are as near as their grid allows."""

from __future__ import annotations

import numpy as np

from smaller_labse.encoders.onnx.quantize import BLOCK, quantize_blocks, quantize_channels, quantize_rows

RANDOM = np.random.default_rng(0)


def test_each_row_has_its_own_scale_and_zeros_stay_zeros():
    matrix = RANDOM.standard_normal((50, 64)).astype(np.float32) * np.logspace(-3, 3, 50)[:, np.newaxis]
    matrix = np.vstack([matrix, np.zeros(64)]).astype(np.float32)
    rows = quantize_rows(matrix)
    errors = np.abs(rows.values * rows.scales - matrix)
    assert (errors <= rows.scales * 0.5001).all()
    assert not rows.values[-1].any()
    assert rows.scales.dtype == np.float32


def test_each_output_channel_has_its_own_scale():
    kernel = RANDOM.standard_normal((64, 20)).astype(np.float32) * np.logspace(-3, 3, 20)
    values, scales = quantize_channels(kernel.astype(np.float32), 64)
    assert np.abs(values).max(axis=0).tolist() == [64] * 20
    assert (np.abs(values * scales - kernel) <= scales * 0.5001).all()


def test_blocks_are_packed_in_halves_and_better_than_by_their_largest_number():
    matrix = RANDOM.standard_normal((40, 96)).astype(np.float32)
    matrix[3] = 0
    blocks = quantize_blocks(matrix)
    assert blocks.values.shape == (40, 48) and blocks.scales.shape == (40, 3, 1)
    halves = np.concatenate([blocks.values & 15, blocks.values >> 4], axis=1).astype(np.float32) - 8
    found = (halves.reshape(40, 3, BLOCK) * blocks.scales.astype(np.float32)).reshape(matrix.shape)
    plain = np.abs(matrix.reshape(40, 3, BLOCK)).max(axis=2, keepdims=True) / 7
    usual = (np.rint(matrix.reshape(40, 3, BLOCK) / np.where(plain, plain, 1)) * plain).reshape(matrix.shape)
    assert ((found - matrix) ** 2).sum() < 0.9 * ((usual - matrix) ** 2).sum()
    assert not found[3].any()
