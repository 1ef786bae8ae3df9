"""Write the SavedModels of a cut Hugging Face folder, and compare them with the original."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.bert import save_encoder
from smaller_labse.encoders.from_huggingface import read_encoder
from smaller_labse.encoders.huggingface_in_tensorflow import (
    build_encoder,
    build_preprocessor,
)
from smaller_labse.encoders.preprocessor import save_preprocessor
from smaller_labse.make_smaller.verify import (
    as_arrays,
    choose_texts,
    compare_embeddings,
    load_embed,
    traced_once,
)
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.weights.safetensors_folder import open_safetensors
from smaller_labse.select_vocab.selection import Selection


@dataclass(frozen=True)
class SavedModelOptions:
    """How the preprocessor packs and how the encoder pools, where the folder does not say or a user does.

    Attributes:
        sequence_length: pieces that inputs are cut at; None for the folder's own.
        prompt: what goes before every sentence; None for the folder's default prompt.
        pooling: "mean", "cls" or "pooler", where there is no `modules.json`.
    """

    sequence_length: int | None = None
    prompt: str | None = None
    pooling: str | None = None


def write_saved_models(
    cut: Path, tokenizer: Tokenizer, folder: Path, options: SavedModelOptions
) -> tuple[int, str]:
    """Write `encoder/` and `preprocess/` of a Hugging Face folder, in float32.

    Args:
        cut: the Hugging Face folder.
        tokenizer: its own.
        folder: where the two are written.
        options: what the folder does not say.

    Returns:
        The sequence length and the prompt of the preprocessor.

    Raises:
        SmallerLabseError: the folder's encoder, pooling or tokenizer cannot be rebuilt.
    """
    encoder = read_encoder(cut, open_safetensors(cut).tensors, options.pooling)
    length = options.sequence_length or encoder.sequence_length
    if length > encoder.config.max_length:
        raise SmallerLabseError(
            f"--sequence-length {length}: the encoder takes at most {encoder.config.max_length} pieces"
        )
    prompt = encoder.side_files.prompt if options.prompt is None else options.prompt
    if prompt and (tokenizer.tokenize([prompt])[0] == tokenizer.unknown_id).any():
        raise SmallerLabseError(
            f"the pieces of the prompt {prompt!r} are not kept; select with --keep and a file that holds it"
        )
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        setup = tokenizer.write_for_tensorflow(Path(scratch))
        save_encoder(build_encoder(encoder, setup.file), folder / "encoder")
        gc.collect()
        preprocessor = build_preprocessor(setup, length, prompt)
        save_preprocessor(preprocessor, folder / "preprocess")
    return length, prompt


def compare_saved_models(
    original: Path,
    original_tokenizer: Tokenizer,
    model: Path,
    selection: Selection,
    texts: Sequence[str],
    options: SavedModelOptions,
) -> tuple[int, float]:
    """How many unchanged texts went through the original and the SavedModels, and the largest difference.

    The original is rebuilt in TensorFlow from its own folder, with the rows of the texts' pieces only. Texts
    that tf-text cuts otherwise than the original does are left out.

    Args:
        original: its Hugging Face folder.
        original_tokenizer: its own.
        model: the folder that holds `encoder/` and `preprocess/`.
        selection: what it was made from.
        texts: whose pieces are the same for both tokenizers.
        options: as for `write_saved_models`.

    Raises:
        SmallerLabseError: no text is left, or the difference is larger than float32 rounding allows.
    """
    preprocess = tf.saved_model.load(str(model / "preprocess"))
    after = as_arrays(preprocess(tf.constant(list(texts))))
    encoder = read_encoder(original, open_safetensors(original).tensors, options.pooling)
    with tempfile.TemporaryDirectory(dir=model) as scratch:
        setup = original_tokenizer.write_for_tensorflow(Path(scratch))
        length = after["input_word_ids"].shape[1]
        prompt = encoder.side_files.prompt if options.prompt is None else options.prompt
        before = as_arrays(build_preprocessor(setup, length, prompt)(tf.constant(list(texts))))
        same = np.flatnonzero(
            (selection.kept_ids[after["input_word_ids"]] == before["input_word_ids"]).all(axis=1)
        )
        if not len(same):
            raise SmallerLabseError(
                f"none of {len(texts)} texts, the prompt {prompt!r} before it, gets the original's pieces; "
                "select with --keep and a file that holds the prompt"
            )
        chosen = choose_texts(same)
        used = np.unique(before["input_word_ids"][chosen])
        before["input_word_ids"] = np.searchsorted(used, before["input_word_ids"]).astype(np.int32)
        difference = compare_embeddings(
            lambda: traced_once(build_encoder(encoder, setup.file, used)),
            lambda: load_embed(model / "encoder"),
            before,
            after,
            chosen,
            texts,
        )
    return len(chosen), difference
