"""Small models of LaBSE's format, written with the toolkit's own writers: an original and one cut from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.make_smaller.shape import WORD_EMBEDDINGS, EncoderShape

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["good", "morning", "ni", "##ght", "the", "house", "red", "xy", "##yz"]
PIECES = [*SPECIAL, *WORDS, *LETTERS, *(f"##{letter}" for letter in LETTERS if letter != "z"), ".", "猫"]
SHAPE = EncoderShape(
    rows=len(PIECES), hidden_size=16, layers=2, heads=2, intermediate_size=24, positions=32, types=2
)
SEQUENCE_LENGTH = 12

WriteModel = Callable[..., Path]


@pytest.fixture(scope="session")
def write_model() -> WriteModel:
    """Write a model that holds `kept` of PIECES, each row that of the original."""
    return _write_model


def _write_model(
    folder: Path,
    kept: list[str] = PIECES,
    spoil: Callable[[str, np.ndarray], np.ndarray] = lambda name, values: values,
    lower_case: bool = False,
    preprocessor: bool = True,
) -> Path:
    from smaller_labse.make_smaller.encoder import Encoder, save_encoder
    from smaller_labse.make_smaller.preprocessor import Preprocessor, save_preprocessor

    folder.mkdir(parents=True)
    vocabulary = folder.parent / f"{folder.name}.vocab.txt"
    vocabulary.write_text("".join(f"{piece}\n" for piece in kept), encoding="utf-8", newline="\n")
    rng = np.random.default_rng(7)
    tensors = {
        name: rng.normal(0, 0.5, size).astype(np.float32) for name, size in SHAPE.tensor_shapes().items()
    }
    tensors[WORD_EMBEDDINGS] = tensors[WORD_EMBEDDINGS][[PIECES.index(piece) for piece in kept]]
    encoder = Encoder(
        replace(SHAPE, rows=len(kept)), lambda name: spoil(name, tensors[name]), vocabulary, lower_case
    )
    save_encoder(encoder, folder / "encoder")
    if preprocessor:
        save_preprocessor(Preprocessor(vocabulary, lower_case, SEQUENCE_LENGTH), folder / "preprocess")
    return folder


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write_model(tmp_path_factory.mktemp("models") / "original")


@pytest.fixture(scope="session")
def smaller(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cut from `original`: without "house" and "xy", and without 猫, so that it turns into [UNK]."""
    kept = [piece for piece in PIECES if piece not in ("house", "xy", "猫")]
    return _write_model(tmp_path_factory.mktemp("models") / "smaller", kept)
