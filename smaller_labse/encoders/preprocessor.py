"""A Hugging Face folder as encoder and preprocessor in TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.bert_preprocessor import Preprocessor
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.encoders.from_huggingface import HuggingFaceEncoder
from smaller_labse.encoders.sentencepiece_preprocessor import PieceIds, SentencePiecePreprocessor
from smaller_labse.originals.tokenizers.base import (
    BertTokenizerSetup,
    SentencePieceSetup,
    TensorFlowSetup,
)


def build_encoder(encoder: HuggingFaceEncoder, vocabulary: Path, rows: np.ndarray | None = None) -> Encoder:
    """The encoder in TensorFlow.

    Args:
        encoder: where its tensors are, and what it computes.
        vocabulary: the file that travels with the SavedModel.
        rows: take only these rows of the table, int [n]; None for all.
    """
    if rows is None:
        return Encoder(encoder.config, encoder.read_tensor, vocabulary)

    def read_tensor(name: str) -> np.ndarray:
        if name == WORD_EMBEDDINGS:
            return encoder.table.read_rows(rows, as_float32=True)
        return encoder.read_tensor(name)

    return Encoder(replace(encoder.config, vocab_size=len(rows)), read_tensor, vocabulary)


def build_preprocessor(
    setup: TensorFlowSetup, sequence_length: int, prompt: str = ""
) -> Preprocessor | SentencePiecePreprocessor:
    """The preprocessor in TensorFlow.

    Args:
        setup: what `Tokenizer.write_for_tensorflow` wrote.
        sequence_length: how many tokens inputs are truncated to.
        prompt: what goes before every sentence.

    Raises:
        SmallerLabseError: a special piece is missing.
    """
    match setup:
        case BertTokenizerSetup():
            return Preprocessor(setup.file, setup.lower_case, sequence_length, prompt)
        case SentencePieceSetup():
            ids = PieceIds(setup.token_ids, setup.start_id, setup.end_id, setup.padding_id)
            return SentencePiecePreprocessor(setup.file, ids, sequence_length, prompt)
