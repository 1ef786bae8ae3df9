"""Cut an original down to a selection, write the smaller model in every format, and prove it."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from smaller_labse.make_smaller.encoder import Encoder, save_encoder
from smaller_labse.make_smaller.excerpt import read_graph
from smaller_labse.make_smaller.huggingface import write_huggingface
from smaller_labse.make_smaller.model_card import ModelDescription, model_card
from smaller_labse.make_smaller.preprocessor import Preprocessor, read_sequence_length, save_preprocessor
from smaller_labse.make_smaller.proof import Proof, prove
from smaller_labse.make_smaller.sentences import builtin_sentences
from smaller_labse.make_smaller.shape import EncoderShape, infer_shape
from smaller_labse.select_vocab.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.original import Original
from smaller_labse.select_vocab.outputs import new_folder
from smaller_labse.select_vocab.selection import VOCABULARY_FILES, Selection
from smaller_labse.select_vocab.tokenizer import Tokenizer, open_tokenizer

MARKER = "manifest.json"
FORMAT = "smaller_labse.model.1"
DEFAULT_SEQUENCE_LENGTH = 128  # of LaBSE's preprocessor on TF Hub

Say = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """A smaller model that was written and proved.

    Attributes:
        folder: where it is.
        original: the original's measures.
        smaller: the smaller model's measures.
        proof: what the comparison with the original saw.
    """

    folder: Path
    original: EncoderShape
    smaller: EncoderShape
    proof: Proof


def make_smaller(
    original: Original,
    selection_folder: Path,
    selection: Selection,
    folder: Path,
    huggingface: bool = True,
    sequence_length: int | None = None,
    license_name: str | None = None,
    overwrite: bool = False,
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
        say: is told each step as it begins.

    Raises:
        SmallerLabseError: original and selection do not belong together, or the proof fails.
    """
    checkpoint = Checkpoint(original.encoder)
    shape = infer_shape(checkpoint.shapes, str(original.encoder))
    tokenizer = open_tokenizer(original, checkpoint)
    _require_same_vocabulary(selection, tokenizer, selection_folder)
    length = sequence_length or _original_length(original)
    if length > shape.positions:
        raise SmallerLabseError(f"--sequence-length {length}: the original has {shape.positions} positions")
    # The proof needs both; what cannot be read is better known before the long work.
    read_graph(original.encoder)
    original_preprocess = _original_preprocess(original, tokenizer, length)
    smaller = replace(shape, rows=len(selection.kept_ids))
    read_tensor = _sliced(checkpoint, selection.kept_ids)
    vocabulary = selection_folder / VOCABULARY_FILES[selection.kind]
    with new_folder(folder, overwrite, MARKER) as partial:
        say("slicing the table and writing encoder/")
        encoder = Encoder(smaller, read_tensor, vocabulary, tokenizer.lower_case)
        save_encoder(encoder, partial / "encoder")
        del encoder
        gc.collect()  # the traced functions and the encoder hold each other: half a gigabyte at LaBSE's size
        say("writing preprocess/")
        save_preprocessor(Preprocessor(vocabulary, tokenizer.lower_case, length), partial / "preprocess")
        if huggingface:
            say("writing huggingface/")
            write_huggingface(
                partial / "huggingface", smaller, read_tensor, selection.pieces, tokenizer.lower_case, length
            )
        say("proving it against the original")
        scratch = partial / ".excerpt"
        proof = prove(checkpoint, original_preprocess, selection, partial, _sentences(selection), scratch)
        shutil.rmtree(scratch)
        description = ModelDescription(
            name=folder.name,
            original_name=original.name,
            original=shape,
            smaller=smaller,
            selection=selection,
            sequence_length=length,
            proof=proof,
            huggingface=huggingface,
            license_name=license_name,
        )
        (partial / "README.md").write_text(model_card(description), encoding="utf-8")
        _write_manifest(partial, description)
    return Made(folder, shape, smaller, proof)


def _sliced(checkpoint: Checkpoint, kept_ids: np.ndarray) -> Callable[[str], np.ndarray]:
    """Read any tensor; of the table, only the kept rows."""

    def read_tensor(name: str) -> np.ndarray:
        return checkpoint.read_rows(name, kept_ids) if name == WORD_EMBEDDINGS else checkpoint.read(name)

    return read_tensor


def _require_same_vocabulary(selection: Selection, tokenizer: Tokenizer, folder: Path) -> None:
    if selection.fingerprint != tokenizer.fingerprint:
        raise SmallerLabseError(
            f"{folder}: a selection of another vocabulary (fingerprint {selection.fingerprint[:12]}…, the "
            f"original's is {tokenizer.fingerprint[:12]}…); select with this original"
        )
    for piece, original_id in zip(selection.pieces, selection.kept_ids.tolist(), strict=True):
        if tokenizer.ids.get(piece) != original_id:
            raise SmallerLabseError(
                f"{folder}: {piece!r} is not the original's piece {original_id}; select again"
            )


def _original_length(original: Original) -> int:
    if original.preprocess is None:
        return DEFAULT_SEQUENCE_LENGTH
    return read_sequence_length(original.preprocess)


def _original_preprocess(
    original: Original, tokenizer: Tokenizer, length: int
) -> Callable[[tf.Tensor], Mapping[str, tf.Tensor]]:
    """The original's preprocessor, packing to `length`; where it has none, one of its vocabulary.

    Raises:
        SmallerLabseError: it cannot be loaded.
    """
    if original.preprocess is None:
        return Preprocessor(tokenizer.file, tokenizer.lower_case, length)
    try:
        preprocess = tf.saved_model.load(str(original.preprocess))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise SmallerLabseError(
            f"{original.preprocess}: the preprocessor cannot be loaded ({str(error).splitlines()[0]}); "
            "is the SavedModel complete?"
        ) from error
    return lambda texts: preprocess.bert_pack_inputs(
        [preprocess.tokenize(texts)], seq_length=tf.constant(length)
    )


def _sentences(selection: Selection) -> dict[str, tuple[str, ...]]:
    """A few of the counted lines in each language, and our own sentences in it."""
    builtin = builtin_sentences()
    languages = selection.languages or tuple(builtin)
    return {code: (*selection.sentences.get(code, ()), *builtin.get(code, ())) for code in languages}


def _write_manifest(folder: Path, description: ModelDescription) -> None:
    selection = description.selection
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "made_with": f"smaller-labse {version('smaller-labse')}",
        "original": {
            "name": description.original_name,
            "fingerprint": selection.fingerprint,
            "parameters": description.original.parameters,
            **asdict(description.original),
        },
        "smaller": {"parameters": description.smaller.parameters, **asdict(description.smaller)},
        "sequence_length": description.sequence_length,
        "languages": list(selection.languages),
        "rule": dict(selection.rule),
        "keep_characters": selection.keep_characters,
        "order": selection.order,
        "coverage": [asdict(language) for language in selection.coverage],
        "proof": asdict(description.proof),
        "files": {file.relative_to(folder).as_posix(): file.stat().st_size for file in files},
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    (folder / MARKER).write_text(text + "\n", encoding="utf-8")
