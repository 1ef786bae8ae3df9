"""A Hugging Face folder as encoder and preprocessor in TensorFlow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.bert import Encoder
from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.encoders.from_huggingface import HuggingFaceEncoder
from smaller_labse.encoders.preprocessor import Preprocessor
from smaller_labse.encoders.sentencepiece_preprocessor import PieceIds, SentencePiecePreprocessor
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.huggingface_wordpiece import HuggingFaceWordPiece
from smaller_labse.originals.tokenizers.sentencepiece_model import write_sentencepiece
from smaller_labse.originals.tokenizers.unigram import Unigram
from smaller_labse.originals.tokenizers.vocabulary import write_pieces
from smaller_labse.originals.tokenizers.wordpiece import VOCABULARY


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


def write_vocabulary(tokenizer: Tokenizer, folder: Path) -> Path:
    """Write the file that the preprocessor in TensorFlow reads: `vocab.txt`, or the SentencePiece model.

    Raises:
        SmallerLabseError: tf-text has no tokenizer for the family.
    """
    if isinstance(tokenizer, HuggingFaceWordPiece):
        write_pieces(tokenizer.pieces, folder / VOCABULARY)
        return folder / VOCABULARY
    if isinstance(tokenizer, Unigram):
        file = folder / tokenizer.sentencepiece.name
        write_sentencepiece(tokenizer.sentencepiece.model, file)
        return file
    raise SmallerLabseError(
        f"{tokenizer.file}: tf-text has no tokenizer for {tokenizer.kind}; add --no-savedmodel to cut the "
        "Hugging Face folder only"
    )


def build_preprocessor(
    tokenizer: Tokenizer, vocabulary: Path, sequence_length: int, prompt: str = ""
) -> Preprocessor | SentencePiecePreprocessor:
    """The preprocessor in TensorFlow.

    Args:
        tokenizer: the Hugging Face folder's.
        vocabulary: what `write_vocabulary` wrote for it.
        sequence_length: pieces that inputs are cut at.
        prompt: what goes before every sentence.

    Raises:
        SmallerLabseError: a special piece is missing.
    """
    if isinstance(tokenizer, HuggingFaceWordPiece):
        return Preprocessor(vocabulary, lower_cases(tokenizer), sequence_length, prompt)
    ids = tokenizer.sentencepiece.ids
    unknown = tokenizer.unknown_id or 0
    return SentencePiecePreprocessor(
        vocabulary,
        PieceIds(
            of_piece=np.where(ids < 0, unknown, ids).astype(np.int32),
            start=_special(tokenizer, "<s>"),
            end=_special(tokenizer, "</s>"),
            padding=_special(tokenizer, "<pad>"),
        ),
        sequence_length,
        prompt,
    )


def lower_cases(tokenizer: HuggingFaceWordPiece) -> bool:
    """Whether the tokenizer lower-cases text, as its `tokenizer.json` says."""
    normalizer = tokenizer.json_file.content.get("normalizer") or {}
    return bool(normalizer.get("lowercase", False))


def _special(tokenizer: Tokenizer, piece: str) -> int:
    if piece not in tokenizer.ids:
        raise SmallerLabseError(f"{tokenizer.file}: no piece {piece}, which XLM-R's tokenizers have")
    return tokenizer.ids[piece]
