"""The back end for originals in LaBSE's TF Hub format: SavedModels, and a Hugging Face folder beside them."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.workplace import scratch_folder
from smaller_labse.encoders.bert import Encoder, save_encoder
from smaller_labse.encoders.config import infer_config
from smaller_labse.encoders.from_huggingface import WORD_EMBEDDINGS as HUGGINGFACE_WORD_EMBEDDINGS
from smaller_labse.encoders.preprocessors.pack_inputs import DEFAULT_SEQUENCE_LENGTH
from smaller_labse.encoders.preprocessors.preprocessor import (
    build_preprocessor,
    read_sequence_length,
    save_preprocessor,
)
from smaller_labse.encoders.to_huggingface import write_huggingface
from smaller_labse.make_smaller.back_ends.back_end import Options, Say, Written
from smaller_labse.make_smaller.excerpt import load_excerpt
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.verification_texts import Keeps, VerificationTexts, choose_texts
from smaller_labse.make_smaller.verify import (
    MASK,
    WORD_IDS,
    Embed,
    as_arrays,
    load_embed,
    verify_embeddings,
    verify_rows,
    verify_tokens,
)
from smaller_labse.make_smaller.verify_mended import count_read_alike, require_same_ids
from smaller_labse.originals.digests import digest_of_file
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, PREPROCESS
from smaller_labse.originals.tfhub import TFHubFolders
from smaller_labse.originals.tokenizers.base import BertTokenizerSetup, MendedSetup, TensorFlowSetup
from smaller_labse.originals.tokenizers.tokenizer_files import VOCABULARY
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.originals.weights.allowed_operations import load_saved_model, require_harmless
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.embedding_shard import write_embedding_shard
from smaller_labse.originals.weights.safetensors_file import read_safetensors
from smaller_labse.originals.weights.safetensors_folder import WEIGHTS
from smaller_labse.originals.weights.saved_model_graph import replace_embedding_matrix
from smaller_labse.select_vocab.selection import Selection

SHARD = ".word_embeddings"  # beside the encoder, until it is moved into it

Preprocess = Callable[[tf.Tensor], Mapping[str, tf.Tensor]]


class TFHubBackEnd:
    """A TF Hub original and a selection; see `BackEnd`."""

    def __init__(
        self, original: TFHubFolders, tokenizer: WordPiece, selection: Selection, options: Options
    ) -> None:
        """Check the original's files.

        Raises:
            SmallerLabseError: a part of the original cannot be read.
        """
        self._tokenizer, self._selection, self._options = tokenizer, selection, options
        self._checkpoint = Checkpoint(original.encoder)
        self._config = infer_config(self._checkpoint.shapes, str(original.encoder))
        self._length = options.sequence_length or _sequence_length(original)
        if self._length > self._config.max_length:
            raise SmallerLabseError(
                f"--sequence-length {self._length}: the original has {self._config.max_length} positions"
            )
        # The verification runs both; what cannot be read or may not be run is known before the long work.
        require_harmless(original.encoder)
        with scratch_folder() as scratch:
            self._setup = tokenizer.write_for_tensorflow(scratch)
            self._lower_case, self._mended = tokenizer.lower_case, isinstance(self._setup, MendedSetup)
            self._original_preprocess = _load_preprocess(original, self._setup, self._length)
            self._own_preprocess = None
            if self._mended and not self._checkpoint.mended:
                faithful = BertTokenizerSetup(self._setup.file, lower_case=False)
                self._own_preprocess = _load_preprocess(original, faithful, self._length)
                self._original_preprocess = build_preprocessor(self._setup, self._length)

    def write(self, folder: Path, say: Say) -> Written:
        """Write `encoder/`, `preprocess/` and, unless it is not wanted, `huggingface/`; see `BackEnd`."""
        # Rows are read, written and compared in the background, beside what TensorFlow does in Python.
        with tempfile.TemporaryDirectory(dir=folder) as scratch, ThreadPoolExecutor(1) as background:
            self._tokenizer.write_subset(self._selection.subset, Path(scratch))
            vocabulary = Path(scratch) / VOCABULARY
            with_huggingface = " and huggingface/" if self._options.huggingface else ""
            say(f"trimming the embedding matrix and writing encoder/{with_huggingface}")
            in_background = self._write_weights(folder, vocabulary, background)
            rows = background.submit(verify_written_rows, self._checkpoint, self._selection, folder)
            digests = background.submit(_digests_of_weights, folder)
            say("writing preprocess/")
            preprocessor = build_preprocessor(replace(self._setup, file=vocabulary), self._length)
            save_preprocessor(preprocessor, folder / PREPROCESS)
            say("verifying it against the original")
            chosen = choose_texts(
                self._selection,
                self._tokenizer,
                kept_by_preprocessor(self._original_preprocess, self._selection, self._tokenizer.unknown_id),
            )
            verification = verify_tfhub(
                self._checkpoint,
                self._original_preprocess,
                self._selection,
                self._tokenizer.unknown_id,
                folder,
                chosen,
                rows.result,
            )
            in_background()
            if self._mended:
                verification = self._verify_mended(verification, folder, preprocessor, chosen.all)
        return Written(
            original_parameters=self._config.parameters,
            formats=(ENCODER, HUGGINGFACE) if self._options.huggingface else (ENCODER,),
            verification=verification,
            sequence_length=self._length,
            digests=digests.result(),
        )

    def _verify_mended(
        self, verification: Verification, folder: Path, preprocess: Preprocess, texts: list[str]
    ) -> Verification:
        """See `verify_mended`."""
        if self._options.huggingface:
            require_same_ids(folder / HUGGINGFACE, as_arrays(preprocess(tf.constant(texts))), texts)
        if self._own_preprocess is None:
            return verification
        own, mended = (
            as_arrays(read(tf.constant(texts))) for read in (self._own_preprocess, self._original_preprocess)
        )
        return replace(verification, read_alike=count_read_alike(own, mended, texts))

    def _write_weights(self, folder: Path, vocabulary: Path, background: Executor) -> Callable[[], object]:
        """Write `encoder/` and `huggingface/`; of the latter, the returned function waits for the end."""
        kept_ids = self._selection.subset.original_ids
        stored = self._checkpoint.find(WORD_EMBEDDINGS)
        smaller = replace(self._config, vocab_size=len(kept_ids))
        shard = background.submit(write_embedding_shard, stored.read_in_parts(kept_ids), folder / SHARD)
        in_background: Callable[[], object] = lambda: None  # noqa: E731
        if self._options.huggingface:
            in_background = background.submit(
                write_huggingface,
                folder / HUGGINGFACE,
                smaller,
                self._checkpoint.read,
                self._selection.pieces,
                self._lower_case,
                self._length,
                embedding_matrix=lambda: stored.read_in_parts(kept_ids),
                mended=self._mended,
            ).result
        # TensorFlow writes the SavedModel with one row in place of the embedding matrix.
        read_tensor = read_with_one_row(self._checkpoint)
        one_row = replace(smaller, vocab_size=1)
        encoder = Encoder(one_row, read_tensor, vocabulary, self._lower_case, mended=self._mended)
        save_encoder(encoder, folder / ENCODER)
        del encoder
        gc.collect()  # the traced functions and the encoder hold each other
        replace_embedding_matrix(folder / ENCODER, shard.result(), folder / SHARD)
        return in_background


def read_with_one_row(checkpoint: Checkpoint) -> Callable[[str], np.ndarray]:
    """Read any tensor, but of the embedding matrix only its first row."""

    def read_tensor(name: str) -> np.ndarray:
        if name == WORD_EMBEDDINGS:
            return checkpoint.read_rows(name, np.zeros(1, int))
        return checkpoint.read(name)

    return read_tensor


def kept_by_preprocessor(preprocess: Preprocess, selection: Selection, unknown_id: int | None) -> Keeps:
    """Which texts keep their tokens, by the original's preprocessor; see `choose_texts`."""

    def keeps(texts: Sequence[str]) -> np.ndarray:
        # With a text that has no token, to see which of the others have one.
        ids = as_arrays(preprocess(tf.constant([*texts, ""])))[WORD_IDS]
        kept = selection.subset.contains(ids) & (ids != unknown_id)
        return (kept.all(axis=1) & (ids != ids[-1]).any(axis=1))[:-1]

    return keeps


def verify_tfhub(
    checkpoint: Checkpoint,
    original_preprocess: Preprocess,
    selection: Selection,
    unknown_id: int | None,
    model: Path,
    chosen: VerificationTexts,
    rows_are_the_same: Callable[[], object],
) -> Verification:
    """Verify a written model against its original.

    Args:
        checkpoint: the original encoder's.
        original_preprocess: the original's preprocessor: strings [n] → the encoder's inputs.
        selection: what the model was made from.
        unknown_id: the original's id of the unknown token.
        model: the model's folder.
        chosen: the texts to compare.
        rows_are_the_same: verifies the rows, see `verify_written_rows`, or waits for that.

    Raises:
        SmallerLabseError: the smaller model is not what the original is.
    """
    texts = chosen.all
    preprocess = tf.saved_model.load(str(model / PREPROCESS))
    before = as_arrays(original_preprocess(tf.constant(texts)))
    after = as_arrays(preprocess(tf.constant(texts)))
    unchanged = verify_tokens(
        before[WORD_IDS],
        after[WORD_IDS],
        selection.subset,
        texts,
        str(model / PREPROCESS),
        unknown_id,
        truncated=before[MASK][:, -1] == 1,
    )
    if not len(unchanged):
        raise SmallerLabseError(
            f"none of {len(texts)} texts, some of them drawn from the kept tokens, gets the "
            "original's tokens; the selection is not one of this original's tokenizer"
        )

    def load_smaller() -> Embed:
        rows_are_the_same()  # before TensorFlow's own complaint about a checksum
        return load_embed(model / ENCODER)

    embedded, difference = verify_embeddings(
        lambda used: load_excerpt(checkpoint, used), load_smaller, before, after, unchanged, texts
    )
    return Verification(
        len(selection.subset), len(texts), len(unchanged), embedded, difference, texts_from=chosen.numbers
    )


def verify_written_rows(checkpoint: Checkpoint, selection: Selection, model: Path) -> None:
    """Compare each row of a written model's embedding matrices with the original's; see `verify_rows`."""
    written = {str(model / ENCODER): Checkpoint(model / ENCODER).find(WORD_EMBEDDINGS)}
    if (model / HUGGINGFACE).is_dir():
        tensors = read_safetensors(model / HUGGINGFACE / WEIGHTS).tensors
        written[str(model / HUGGINGFACE)] = tensors[HUGGINGFACE_WORD_EMBEDDINGS].stored
    verify_rows(checkpoint.find(WORD_EMBEDDINGS), written, selection)


def _digests_of_weights(model: Path) -> dict[str, str]:
    """Of what is large, so that it takes no time of its own; by paths in the model's folder."""
    weights = [*(model / ENCODER).glob("variables/*.data-*"), *(model / HUGGINGFACE).glob(WEIGHTS)]
    return {file.relative_to(model).as_posix(): digest_of_file(file) for file in weights}


def _sequence_length(original: TFHubFolders) -> int:
    if original.preprocess is None:
        return DEFAULT_SEQUENCE_LENGTH
    return read_sequence_length(original.preprocess)


def _load_preprocess(original: TFHubFolders, setup: TensorFlowSetup, length: int) -> Preprocess:
    """The original's preprocessor, packing to `length`; where it has none, one of its vocabulary.

    Raises:
        SmallerLabseError: it cannot be loaded.
    """
    if original.preprocess is None:
        return build_preprocessor(setup, length)
    try:
        preprocess = load_saved_model(original.preprocess)
    except (OSError, ValueError, tf.errors.OpError) as error:
        reason = str(error).partition("\n")[0]  # the rest is advice to programmers
        raise SmallerLabseError(
            f"{original.preprocess}: the preprocessor cannot be loaded ({reason}); "
            "is the SavedModel complete?"
        ) from error

    # A graph for any number of texts: called as it is, the SavedModel is prepared anew for each number.
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def pack(texts: tf.Tensor) -> Mapping[str, tf.Tensor]:
        return preprocess.bert_pack_inputs([preprocess.tokenize(texts)], seq_length=tf.constant(length))

    return pack
