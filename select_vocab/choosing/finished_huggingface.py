"""What the `huggingface/` of a model that is trimmed from an original will be, before it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.encoders.config import Dense, EncoderConfig, Pooling, infer_config
from smaller_labse.encoders.from_huggingface import read_encoder
from smaller_labse.encoders.lealla.tanh_gelu import tanh_gelu_modules
from smaller_labse.encoders.lealla.weights import read_weights
from smaller_labse.encoders.sentence_transformers_folder import ACTIVATIONS, MODULES
from smaller_labse.encoders.sentence_transformers_modules import DenseModule
from smaller_labse.encoders.to_huggingface import (
    add_around,
    bert_backend,
    bert_pooler,
    require_special_tokens,
)
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.open import Original
from smaller_labse.originals.preprocessors import MENDED
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.huggingface_wordpiece import mended_backend
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer, lealla_backend
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.originals.weights.lealla_checkpoint import LEALLACheckpoint
from smaller_labse.originals.weights.safetensors_folder import open_safetensors

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

POOLER = "pooler.dense.weight"


def finished_config(original: Original) -> EncoderConfig:
    """The encoder's config, its pooling as the modules of `huggingface/` say it.

    Args:
        original: one that is rebuilt in TensorFlow, see `is_rebuilt`.

    Raises:
        SmallerLabseError: a tensor is missing, or has a shape that the others contradict.
    """
    place = original.place
    if isinstance(place, HuggingFaceFolder):
        tensors = open_safetensors(place.folder).tensors
        says = (place.folder / MODULES).is_file() or any(name.endswith(POOLER) for name in tensors)
        return read_encoder(place.folder, tensors, None if says else "mean").config
    checkpoint = place.open_checkpoint()
    if isinstance(checkpoint, LEALLACheckpoint):
        return _with_modules(read_weights(checkpoint).config, is_lealla=True)
    config = infer_config(checkpoint.shapes, str(place.encoder))
    return _with_modules(config, is_lealla=original.tokenizer.kind == LEALLATokenizer.kind)


def finished_backend(tokenizer: Tokenizer, pieces: Sequence[str]) -> Backend:
    """The `tokenizer.json` of an original in TF Hub's format with some of its tokens.

    Raises:
        SmallerLabseError: a special token is missing.
    """
    ids: Mapping[str, int] = {piece: number for number, piece in enumerate(pieces)}
    require_special_tokens(ids)
    if isinstance(tokenizer, LEALLATokenizer):
        return add_around(lealla_backend(ids), ids)
    if tokenizer.preprocessor == MENDED:
        return mended_backend(pieces)
    lower_case = isinstance(tokenizer, WordPiece) and tokenizer.lower_case
    return add_around(bert_backend(ids, lower_case), ids)


def _with_modules(config: EncoderConfig, is_lealla: bool) -> EncoderConfig:
    """A pooler's config as one of [CLS] and dense layers, which sentence-transformers has."""
    size = config.hidden_size
    shapes = config.bert_tensor_shapes()
    modules = (
        tanh_gelu_modules(np.zeros((size, size), np.float32), np.zeros(size, np.float32))
        if is_lealla
        else bert_pooler(config, lambda name: np.zeros(shapes[name], np.float32))
    )
    return replace(config, pooling=Pooling("cls", tuple(map(_dense, modules)), normalize=True))


def _dense(module: DenseModule) -> Dense:
    outputs, inputs = module.weight.shape
    return Dense(inputs, outputs, ACTIVATIONS[module.activation.rsplit(".", 1)[-1]])
