"""A model's prompt: what it wants before every text, and which of its files says so.

A model folder of ours has one prompt, in every format: its manifest says it, the SavedModel in `preprocess/`
puts it before the text, and in `huggingface/` it is the default prompt of sentence-transformers.
"""

from __future__ import annotations

import os

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.encoders.sentence_transformers_folder import (
    MODULES,
    pools_without_prompt,
    read_default_prompt,
)
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.lineage import read_lineage
from smaller_labse.originals.locate import Place, folders_of, locate_encoder, locate_original
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, read_manifest
from smaller_labse.originals.open import open_place
from smaller_labse.originals.tokenizers.base import Tokenizer


def read_prompt(model: StrPath) -> str | None:
    """The prompt that a model's files name; "" where they say that there is none, None where they are silent.

    Args:
        model: as for `smaller_labse.load`.

    Raises:
        SmallerLabseError: there is no such model, or a file that might say it is not readable.

    Example:
        >>> read_prompt("work/model")  # doctest: +SKIP
        'query: '
    """
    return prompt_of(locate_encoder(os.fspath(model)))


def prompt_of(place: Place) -> str | None:
    """As `read_prompt`, of a model that is found already."""
    if isinstance(place, HuggingFaceFolder):
        default = read_default_prompt(place.folder)
        if default or place.folder.name != HUGGINGFACE:
            return default or None
        model = place.folder.parent  # made by version 0.1.0, whose huggingface/ did not name the prompt
    elif place.encoder.name == ENCODER:
        model = place.encoder.parent
    else:
        return None
    return read_manifest(model).get("prompt")


def teacher_prompt(teacher: StrPath, model: StrPath) -> str:
    """What a teacher puts before every text when it teaches a model.

    That is its own prompt. A teacher whose files name none, but which has all of the model's tokens, as what
    the model was trimmed from has, gets the model's: so both read the same text.

    Args:
        teacher: as for `smaller_labse.load`.
        model: the student's model, likewise.

    Raises:
        SmallerLabseError: one of them cannot be read.
    """
    place = locate_encoder(os.fspath(teacher))
    own, prompt = prompt_of(place), read_prompt(model) or ""
    if own is not None or not prompt:
        return own or ""
    return prompt if _pieces(model) <= _pieces(teacher) else ""


def _pieces(model: StrPath) -> set[str]:
    """A model's tokens, as what it was trimmed from first calls them."""
    original = open_place(locate_original(os.fspath(model)))
    lineage = read_lineage(folders_of(original.place)[0])
    return set(lineage.original_pieces(original.tokenizer.pieces))


def choose_prompt(
    original: HuggingFaceFolder,
    tokenizer: Tokenizer,
    kept_ids: np.ndarray,
    given: str | None,
    saved_model: bool,
) -> str:
    """The prompt of a smaller model: the original's or another, if the smaller model can have it.

    Args:
        original: what is trimmed.
        tokenizer: the original's.
        kept_ids: the tokens that the smaller model keeps, by their ids in the original, int [kept].
        given: what the user chose; None for the original's own.
        saved_model: whether SavedModels are written, too.

    Raises:
        UsageError: a part of the smaller model could not have this prompt.
        SmallerLabseError: a token of it is not kept, so that no text would keep its tokens.
    """
    prompt = (prompt_of(original) or "") if given is None else given
    if not prompt:
        return prompt
    if not saved_model and not (original.folder / MODULES).is_file():
        raise UsageError(
            f"the prompt {prompt!r}: {original.name} has no {MODULES}, and without it sentence-transformers "
            "reads no prompt; leave --prompt out"
        )
    if saved_model and pools_without_prompt(original.folder):
        raise UsageError(
            f"the prompt {prompt!r}: {original.name} leaves its tokens out when it pools (include_prompt), "
            "which is not rebuilt in TensorFlow; add --no-savedmodel"
        )
    # White space at its end becomes part of the word behind it.
    needed = tokenizer.tokenize([prompt.strip()])[0]
    kept = np.isin(needed, kept_ids)
    if not kept.all():
        missing = tokenizer.pieces[needed[~kept][0]]
        raise SmallerLabseError(
            f"the prompt {prompt!r}: its token {missing!r} is not kept; select with --keep and a file that "
            "holds the prompt"
        )
    return prompt
