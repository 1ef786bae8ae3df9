"""The back end for LEALLA: SavedModels, of which one is called as LEALLA is, and a Hugging Face folder."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.encoders.bert import Encoder, save_encoder
from smaller_labse.encoders.config import LEALLA_POOLING, WORD_EMBEDDINGS, EncoderConfig, infer_config
from smaller_labse.encoders.deterministic_tensorflow import deterministic_tensorflow
from smaller_labse.encoders.from_huggingface import WORD_EMBEDDINGS as HUGGINGFACE_WORD_EMBEDDINGS
from smaller_labse.encoders.lealla.huggingface_folder import write_lealla_huggingface
from smaller_labse.encoders.lealla.sentence_model import SIGNATURE as EMBEDDING
from smaller_labse.encoders.lealla.sentence_model import EmbedTexts, load_sentence_model, save_sentence_model
from smaller_labse.encoders.lealla.weights import read_weights
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
from smaller_labse.encoders.preprocessors.preprocessor import (
    build_preprocessor,
    read_sequence_length,
    save_preprocessor,
)
from smaller_labse.make_smaller.back_ends.back_end import Options, Say, Written
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.verification_texts import choose_texts, kept_by_tokenizer
from smaller_labse.make_smaller.verify import (
    BATCH_TEXTS,
    EMBEDDED_TEXTS,
    WORD_IDS,
    as_arrays,
    embed_inputs,
    load_embed,
    require_same_embeddings,
    verify_rows,
    verify_tokens,
)
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, PREPROCESS, SENTENCES
from smaller_labse.originals.tfhub import LEALLAFolder, TFHubFolders
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.originals.tokenizers.tokenizer_files import VOCABULARY
from smaller_labse.originals.tokenizers.wordpiece import END, PADDING, START
from smaller_labse.originals.weights.allowed_operations import load_saved_model
from smaller_labse.originals.weights.checkpoint import Checkpoint
from smaller_labse.originals.weights.safetensors_file import read_safetensors
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS
from smaller_labse.originals.weights.stored_tensor import StoredTensor
from smaller_labse.select_vocab.selection import Selection


@dataclass(frozen=True)
class Source:
    """Where an original's tensors come from: LEALLA's own folder, or a smaller LEALLA of ours.

    Attributes:
        config: the encoder's.
        read: the float32 tensor of a name in `config.tensor_shapes()`.
        matrix: the embedding matrix.
        load: loads the original itself, to compare with.
        sequence_length: the length in tokens at which it truncates.
    """

    config: EncoderConfig
    read: Callable[[str], np.ndarray]
    matrix: StoredTensor
    load: Callable[[], EmbedTexts]
    sequence_length: int


class LEALLABackEnd:
    """LEALLA and a selection; see `BackEnd`. It is small: all of the smaller model is held in memory."""

    def __init__(
        self, original: TFHubFolders, tokenizer: LEALLATokenizer, selection: Selection, options: Options
    ) -> None:
        """Check the original's files.

        Raises:
            SmallerLabseError: a part of the original cannot be read.
        """
        self._tokenizer, self._selection, self._options = tokenizer, selection, options
        self._source = _open(original)
        self._length = options.sequence_length or self._source.sequence_length
        positions = self._source.config.max_length
        if self._length > positions:
            raise SmallerLabseError(
                f"--sequence-length {self._length}: the original has {positions} positions"
            )

    @property
    def config(self) -> EncoderConfig:
        """The original encoder's."""
        return self._source.config

    def write(self, folder: Path, say: Say) -> Written:
        """Write `encoder/`, `preprocess/`, `sentences/` and, unless it is not wanted, `huggingface/`."""
        kept_ids = self._selection.subset.original_ids
        config = replace(self._source.config, vocab_size=len(kept_ids))

        def read_tensor(name: str) -> np.ndarray:
            return (
                self._source.matrix.read_rows(kept_ids)
                if name == WORD_EMBEDDINGS
                else self._source.read(name)
            )

        with scratch_folder() as scratch:
            self._tokenizer.write_subset(self._selection.subset, scratch)
            vocabulary = scratch / VOCABULARY
            smaller = LEALLATokenizer(vocabulary)
            with_huggingface = " and huggingface/" if self._options.huggingface else ""
            say(f"trimming the embedding matrix and writing encoder/{with_huggingface}")
            if self._options.huggingface:
                write_lealla_huggingface(
                    folder / HUGGINGFACE, config, read_tensor, self._selection.pieces, self._length
                )
            encoder = Encoder(config, read_tensor, vocabulary, splits_by_script=True)
            save_encoder(encoder, folder / ENCODER)
            say("writing preprocess/ and sentences/")
            preprocessor = build_preprocessor(smaller.write_for_tensorflow(scratch), self._length)
            save_preprocessor(preprocessor, folder / PREPROCESS)
            save_sentence_model(preprocessor, encoder, folder / SENTENCES)
            del encoder, preprocessor
            gc.collect()  # the traced functions and the encoder hold each other
            say("verifying it against the original")
            verification = self._verify(folder)
        return Written(
            original_parameters=self._source.config.parameters,
            formats=(ENCODER, SENTENCES, *([HUGGINGFACE] if self._options.huggingface else [])),
            verification=verification,
            sequence_length=self._length,
        )

    def _verify(self, model: Path) -> Verification:
        """Compare the files that were written with the original.

        Raises:
            SmallerLabseError: the smaller model is not what the original is.
        """
        selection, subset = self._selection, self._selection.subset
        written = {
            str(model / part): Checkpoint(model / part).find(WORD_EMBEDDINGS) for part in (ENCODER, SENTENCES)
        }
        if self._options.huggingface:
            tensors = read_safetensors(model / HUGGINGFACE / WEIGHTS).tensors
            written[str(model / HUGGINGFACE)] = tensors[HUGGINGFACE_WORD_EMBEDDINGS].stored
        verify_rows(self._source.matrix, written, selection)
        chosen = choose_texts(selection, self._tokenizer, kept_by_tokenizer(selection, self._tokenizer))
        texts = chosen.all
        before = self._pack(texts)
        lengths = np.count_nonzero(before != self._tokenizer.ids[PADDING], axis=1)
        after = as_arrays(tf.saved_model.load(str(model / PREPROCESS))(tf.constant(texts)))
        unchanged = verify_tokens(
            before,
            after[WORD_IDS],
            subset,
            texts,
            str(model / PREPROCESS),
            self._tokenizer.unknown_id,
            truncated=lengths == self._length,
        )
        # The original truncates texts at its own length.
        length = min(self._length, self._source.sequence_length)
        compared = unchanged
        if self._length != self._source.sequence_length:
            compared = unchanged[lengths[unchanged] < length]
        if not len(compared):
            raise SmallerLabseError(
                f"none of {len(texts)} texts, some of them drawn from the kept tokens, gets the "
                "original's tokens; the selection is not one of this original's tokenizer"
            )
        evenly = np.linspace(0, len(compared) - 1, min(len(compared), EMBEDDED_TEXTS)).astype(int)
        chosen_texts = compared[evenly]
        sample = [texts[number] for number in chosen_texts]
        inputs = {name: values[chosen_texts] for name, values in after.items()}
        with deterministic_tensorflow():
            expected = _embed(self._source.load, sample)
            found = (
                _embed(lambda: load_sentence_model(model / SENTENCES), sample),
                embed_inputs(lambda: load_embed(model / ENCODER), inputs),
            )
        difference = max(require_same_embeddings(expected, embeddings, sample) for embeddings in found)
        return Verification(
            len(subset), len(texts), len(unchanged), len(sample), difference, texts_from=chosen.numbers
        )

    def _pack(self, texts: Sequence[str]) -> np.ndarray:
        """The original's token ids of texts, int32 [texts, length], as its preprocessor packs them."""
        ids, lengths = self._tokenizer.tokenize(texts)
        start, end, padding = (self._tokenizer.ids[token] for token in (START, END, PADDING))
        packed = np.full((len(texts), self._length), padding, np.int32)
        for row, of_text in zip(packed, np.split(ids, np.cumsum(lengths)[:-1]), strict=True):
            fitting = [start, *of_text[: self._length - 2], end]
            row[: len(fitting)] = fitting
        return packed


def _open(original: TFHubFolders) -> Source:
    if isinstance(original, LEALLAFolder):
        weights = read_weights(original.open_checkpoint())
        return Source(
            weights.config,
            weights.read,
            weights.word_embeddings(),
            lambda: load_sentence_model(original.encoder),
            DEFAULT_SEQUENCE_LENGTH,
        )
    checkpoint, preprocess = Checkpoint(original.encoder), original.preprocess
    if preprocess is None:
        raise SmallerLabseError(
            f"{original.name}: a smaller LEALLA without its preprocess/; give its model folder"
        )
    return Source(
        replace(infer_config(checkpoint.shapes, str(original.encoder)), pooling=LEALLA_POOLING),
        checkpoint.read,
        checkpoint.find(WORD_EMBEDDINGS),
        lambda: _load_parts(preprocess, original.encoder),
        read_sequence_length(preprocess),
    )


def _load_parts(preprocess: Path, encoder: Path) -> EmbedTexts:
    """A preprocessor and an encoder, as users of the SavedModels call them."""
    prepare, encode = load_saved_model(preprocess), load_saved_model(encoder)
    return lambda texts: encode(prepare(tf.constant(list(texts))))[EMBEDDING].numpy()


def _embed(load: Callable[[], EmbedTexts], texts: Sequence[str]) -> np.ndarray:
    """The embeddings of texts; what computes them is gone afterwards."""
    embed = load()
    embeddings = np.concatenate(
        [embed(texts[at : at + BATCH_TEXTS]) for at in range(0, len(texts), BATCH_TEXTS)]
    )
    del embed
    gc.collect()  # loaded objects hold each other
    return embeddings
