"""A smaller hidden size loses nothing where there is nothing to lose, and is refused where heads do not divide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.common.errors import UsageError
from smaller_labse.distill.students.heads import Attention, keep_largest_heads, thinner_heads
from smaller_labse.distill.students.hidden_size import (
    principal_directions,
    project,
    shrink_hidden_size,
    smaller_config,
)
from smaller_labse.encoders.config import Dense, EncoderConfig, Pooling
from smaller_labse.make_smaller.example import random_tensors
from tests.conftest import CONFIG, PIECES

LARGE = replace(CONFIG, pooling=Pooling("mean"), num_attention_heads=4)
ReadTensor = Callable[[str], np.ndarray]


@pytest.fixture(scope="module")
def embed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[EncoderConfig, ReadTensor], np.ndarray]:
    """An encoder's embeddings of some token ids."""
    from smaller_labse.encoders.bert import Encoder

    file: Path = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    file.write_text("".join(f"{piece}\n" for piece in PIECES), encoding="utf-8", newline="\n")
    ids = np.random.default_rng(3).integers(0, len(PIECES), (6, 9)).astype(np.int32)
    inputs = {"input_word_ids": ids, "input_mask": np.ones_like(ids), "input_type_ids": np.zeros_like(ids)}
    return lambda config, read: Encoder(config, read, file)(inputs)["default"].numpy()


def beginning_with_ones(size: int) -> np.ndarray:
    """An orthogonal matrix whose first column has the same positive number everywhere."""
    random = np.random.default_rng(size).normal(size=(size, size - 1))
    basis = np.linalg.qr(np.column_stack([np.ones(size), random]))[0]
    return basis * np.sign(basis[0, 0])


def even_norms(read_tensor: ReadTensor, gamma: float) -> ReadTensor:
    """The same tensors, but for layer normalizations that have the same γ everywhere."""
    return lambda name: (
        np.full_like(read_tensor(name), gamma) if name.endswith("/gamma") else read_tensor(name)
    )


def test_all_directions_give_the_same_encoder_turned(embed) -> None:
    read = even_norms(random_tensors(LARGE), 1.2)
    directions = principal_directions(LARGE, read, 16)
    np.testing.assert_allclose(directions.T @ directions, np.eye(16), atol=1e-9)
    np.testing.assert_allclose(directions.sum(axis=1), np.ones(16), atol=1e-9)
    turned = embed(LARGE, project(LARGE, read, LARGE, directions).__getitem__)
    np.testing.assert_allclose(turned, embed(LARGE, read) @ directions, atol=1e-4)


def test_what_lies_in_few_directions_loses_nothing(embed) -> None:
    small = replace(LARGE, hidden_size=8, num_attention_heads=2, intermediate_size=12)
    of_small = even_norms(random_tensors(small), 1.0)
    lift = beginning_with_ones(8) @ beginning_with_ones(16)[:, :8].T  # [8, 16]; ones go to ones

    def lifted(name: str) -> np.ndarray:
        """The small encoder in half of the directions, heads and inner numbers of the large one."""
        values, shape = of_small(name), LARGE.tensor_shapes()[name]
        if name.endswith("/gamma"):
            return np.full(shape, np.sqrt(0.5), np.float32)
        if "/embeddings" in name or name.endswith(("output/kernel", "output/bias", "beta")):
            values = values @ lift
        elif name.endswith("/kernel"):
            values = np.tensordot(lift, values, (0, 0))
        padded = np.zeros(shape, np.float32)
        padded[tuple(slice(size) for size in values.shape)] = values
        return padded

    config, read = shrink_hidden_size(LARGE, lifted, 8)
    assert config == small
    expected, found = embed(LARGE, lifted), embed(config, read)
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, rtol=1e-3, atol=1e-3)


def test_thinner_heads_write_and_score_as_the_thick_ones_that_need_no_more() -> None:
    random = np.random.default_rng(0)
    kernels = {part: random.normal(size=(6, 2, 4)) for part in ("query", "key", "value")}
    for part in kernels:  # only the first two numbers of a head matter
        kernels[part][..., 2:] = 0
    biases = {part: np.pad(random.normal(size=(2, 2)), ((0, 0), (0, 2))) for part in kernels}
    thick = Attention(kernels, biases, random.normal(size=(2, 4, 6)), random.normal(size=6))
    thin = thinner_heads(thick, 2)
    assert thin.output.shape == (2, 2, 6)
    x, y = random.normal(size=(2, 6))

    def scores(attention: Attention) -> np.ndarray:
        query, key = (
            np.einsum("h,hnd->nd", vector, attention.kernels[part]) + attention.biases[part]
            for vector, part in ((x, "query"), (y, "key"))
        )
        return (query * key).sum(axis=1) / np.sqrt(attention.head_size)

    def written(attention: Attention) -> np.ndarray:
        value = np.einsum("h,hnd->nd", x, attention.kernels["value"]) + attention.biases["value"]
        return np.einsum("nd,ndh->h", value, attention.output) + attention.output_bias

    np.testing.assert_allclose(scores(thin), scores(thick))
    np.testing.assert_allclose(written(thin), written(thick))


def test_of_the_heads_the_largest_are_kept_and_the_others_bias_stays() -> None:
    random = np.random.default_rng(0)
    kernels = {part: random.normal(size=(6, 3, 2)) for part in ("query", "key", "value")}
    kernels["value"][:, 1] = 0
    biases = {part: random.normal(size=(3, 2)) for part in kernels}
    output = random.normal(size=(3, 2, 6))
    kept = keep_largest_heads(Attention(kernels, biases, output, np.zeros(6)), 2)
    np.testing.assert_array_equal(kept.output, output[[0, 2]])
    np.testing.assert_allclose(kept.output_bias, biases["value"][1] @ output[1])


def test_the_config_follows_the_hidden_size() -> None:
    config = replace(LARGE, hidden_size=384, num_attention_heads=12, intermediate_size=1536)
    assert smaller_config(config, 192).num_attention_heads == 6
    assert smaller_config(config, 192).intermediate_size == 768
    assert smaller_config(config, 120).num_attention_heads == 12
    with_dense = replace(config, pooling=Pooling("mean", (Dense(384, 512, "tanh"),)))
    assert smaller_config(with_dense, 64).pooling.dense == (Dense(64, 512, "tanh"),)
    for size, message in (
        (384, "the model has 384, expected 2 or more, and less"),
        (100, "expected a multiple of 32, the size of the model's attention heads, or of 12, their number"),
    ):
        with pytest.raises(UsageError, match=message):
            smaller_config(config, size)
