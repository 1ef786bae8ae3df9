"""Cut an original down to a selection, write the smaller model in every format, and prove it."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.common.atomic_output import new_folder
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.bert import Encoder, save_encoder
from smaller_labse.encoders.config import EncoderConfig, infer_config
from smaller_labse.encoders.preprocessor import Preprocessor, read_sequence_length, save_preprocessor
from smaller_labse.encoders.to_huggingface import write_huggingface
from smaller_labse.make_smaller.manifest import (
    MARKER,
    Made,
    Say,
    describe,
    proof_sentences,
    require_same_vocabulary,
)
from smaller_labse.make_smaller.model_card import HUGGINGFACE, SAVED_MODEL, ModelDescription
from smaller_labse.make_smaller.verify import prove
from smaller_labse.originals.tfhub import Original
from smaller_labse.originals.tokenizers.base import BertTokenizerSetup
from smaller_labse.originals.tokenizers.open_tokenizer import open_tfhub_tokenizer
from smaller_labse.originals.tokenizers.wordpiece import VOCABULARY, WordPiece
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.embedding_shard import write_embedding_shard
from smaller_labse.originals.weights.saved_model_graph import read_graph, replace_embedding_matrix
from smaller_labse.select_vocab.selection import Selection

TABLE = ".table"
DEFAULT_SEQUENCE_LENGTH = 128  # of LaBSE's preprocessor on TF Hub


def make_smaller(
    original: Original,
    selection_folder: Path,
    selection: Selection,
    folder: Path,
    huggingface: bool = True,
    sequence_length: int | None = None,
    license_name: str | None = None,
    overwrite: bool = False,
    tokenizer: WordPiece | None = None,
    say: Say = lambda step: None,
) -> Made:
    """Write a smaller model's folder; it appears when the model is proved, or not at all.

    Args:
        original: the model to cut.
        selection_folder: where the selection's files are.
        selection: the pieces to keep.
        folder: the model's folder.
        huggingface: whether to write `huggingface/` too.
        sequence_length: what the preprocessor packs to by default; None for the original's.
        license_name: for the model card, e.g. "apache-2.0"; the original's licence holds for what is cut
            from it.
        overwrite: replace an earlier model.
        tokenizer: the original's, where it is open already.
        say: is told each step as it begins.

    Raises:
        SmallerLabseError: original and selection do not belong together, or the proof fails.
    """
    checkpoint = Checkpoint(original.encoder)
    config = infer_config(checkpoint.shapes, str(original.encoder))
    tokenizer = tokenizer or open_tfhub_tokenizer(original, checkpoint)
    require_same_vocabulary(selection, tokenizer, selection_folder)
    length = sequence_length or _original_length(original)
    if length > config.max_position_embeddings:
        raise SmallerLabseError(
            f"--sequence-length {length}: the original has {config.max_position_embeddings} positions"
        )
    # The proof needs both; what cannot be read is better known before the long work.
    read_graph(original.encoder)
    with tempfile.TemporaryDirectory() as scratch:
        setup = tokenizer.write_for_tensorflow(Path(scratch))
        original_preprocess = _original_preprocess(original, setup, length)
    smaller = replace(config, vocab_size=len(selection.kept_ids))
    vocabulary = selection_folder / VOCABULARY
    # The table is read, written and compared beside what TensorFlow does in Python.
    with new_folder(folder, overwrite, MARKER) as partial, ThreadPoolExecutor(1) as background:
        say("slicing the table and writing encoder/" + (" and huggingface/" if huggingface else ""))
        stored = checkpoint.find(WORD_EMBEDDINGS)
        table = background.submit(
            write_embedding_shard, stored.read_in_parts(selection.kept_ids), partial / TABLE
        )
        written = None
        if huggingface:
            written = background.submit(
                write_huggingface,
                partial / "huggingface",
                smaller,
                checkpoint.read,
                selection.pieces,
                setup.lower_case,
                length,
                table=lambda: stored.read_in_parts(selection.kept_ids),
            )
        _write_encoder(
            smaller, read_without_table(checkpoint), vocabulary, setup.lower_case, partial / "encoder"
        )
        replace_embedding_matrix(partial / "encoder", table.result(), partial / TABLE)
        say("writing preprocess/")
        save_preprocessor(Preprocessor(vocabulary, setup.lower_case, length), partial / "preprocess")
        say("proving it against the original")
        sentences = proof_sentences(selection)
        proof = prove(checkpoint, original_preprocess, selection, partial, sentences, background)
        if written:
            written.result()
        description = ModelDescription(
            name=folder.name,
            original_name=original.name,
            original_parameters=config.parameters,
            selection=selection,
            sequence_length=length,
            proof=proof,
            formats=(SAVED_MODEL, HUGGINGFACE) if huggingface else (SAVED_MODEL,),
            license_name=license_name,
        )
        describe(partial, description)
    return Made(folder, config.parameters, proof)


def read_without_table(checkpoint: Checkpoint) -> Callable[[str], np.ndarray]:
    """Read any tensor, but of the table only its first row."""

    def read_tensor(name: str) -> np.ndarray:
        return (
            checkpoint.read_rows(name, np.zeros(1, int)) if name == WORD_EMBEDDINGS else checkpoint.read(name)
        )

    return read_tensor


def _write_encoder(
    config: EncoderConfig,
    read_tensor: Callable[[str], np.ndarray],
    vocabulary: Path,
    lower_case: bool,
    folder: Path,
) -> None:
    """Write the encoder's SavedModel with one row of the table."""
    save_encoder(Encoder(replace(config, vocab_size=1), read_tensor, vocabulary, lower_case), folder)
    gc.collect()  # the traced functions and the encoder hold each other


def _original_length(original: Original) -> int:
    if original.preprocess is None:
        return DEFAULT_SEQUENCE_LENGTH
    return read_sequence_length(original.preprocess)


def _original_preprocess(
    original: Original, setup: BertTokenizerSetup, length: int
) -> Callable[[tf.Tensor], Mapping[str, tf.Tensor]]:
    """The original's preprocessor, packing to `length`; where it has none, one of its vocabulary.

    Raises:
        SmallerLabseError: it cannot be loaded.
    """
    if original.preprocess is None:
        return Preprocessor(setup.file, setup.lower_case, length)
    try:
        preprocess = tf.saved_model.load(str(original.preprocess))
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]  # the rest is advice to programmers
        raise SmallerLabseError(
            f"{original.preprocess}: the preprocessor cannot be loaded ({reason}); "
            "is the SavedModel complete?"
        ) from error
    return lambda texts: preprocess.bert_pack_inputs(
        [preprocess.tokenize(texts)], seq_length=tf.constant(length)
    )
