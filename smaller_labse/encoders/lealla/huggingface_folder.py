"""LEALLA as a Hugging Face folder that transformers and sentence-transformers load."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.encoders.lealla.tanh_gelu import tanh_gelu_modules
from smaller_labse.encoders.sentence_transformers_modules import write_sentence_transformers
from smaller_labse.encoders.to_huggingface import (
    SPECIAL_TOKENS,
    add_around,
    write_bert_model,
    write_tokenizer_files,
)
from smaller_labse.originals.tokenizers.lealla import lealla_backend

TOKEN_TYPES = "type_embeddings/embeddings"


def write_lealla_huggingface(
    folder: Path,
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    pieces: Sequence[str],
    sequence_length: int,
    embedding_matrix: Callable[[], Iterable[np.ndarray]] | None = None,
) -> None:
    """Write LEALLA's encoder as a Hugging Face folder.

    `SentenceTransformer.encode` returns LEALLA's embedding. The model is a `BertModel` that has LEALLA's
    pooler, and puts tanh behind it, as that class does, where LEALLA has GELU: its `pooler_output` is not
    LEALLA's. `token_type_embeddings` has the row that LEALLA uses in every place.

    Args:
        folder: where to write; it is made if need be.
        config: the encoder's.
        read_tensor: returns the float32 tensor of a name in `config.tensor_shapes()`.
        pieces: the vocabulary, token id → token.
        sequence_length: the longest input, in tokens; see `write_huggingface`.
        embedding_matrix: see `write_huggingface`.

    Raises:
        SmallerLabseError: see `write_huggingface`.
    """

    def read_used(name: str) -> np.ndarray:
        values = read_tensor(name)
        return np.repeat(values[:1], len(values), axis=0) if name == TOKEN_TYPES else values

    ids = write_bert_model(folder, config, read_used, pieces, sequence_length, embedding_matrix)
    backend = add_around(lealla_backend(ids), ids)
    settings = {
        # Not BERT's, or transformers would make BERT's own tokenizer of the vocabulary.
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": sequence_length,
        "clean_up_tokenization_spaces": False,
    }
    write_tokenizer_files(folder, backend, settings | SPECIAL_TOKENS)
    pooler = tanh_gelu_modules(read_tensor("pooler_transform/kernel").T, read_tensor("pooler_transform/bias"))
    write_sentence_transformers(folder, config, pooler, sequence_length, normalize=True)
