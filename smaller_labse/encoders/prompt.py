"""A model's prompt: what it wants before every text, and which of its files says so.

A model folder of ours has one prompt, in every format: its manifest says it, the SavedModel in `preprocess/`
puts it before the text, and in `huggingface/` it is the default prompt of sentence-transformers.
"""

from __future__ import annotations

import os

from smaller_labse.common.arguments import StrPath
from smaller_labse.encoders.sentence_transformers_folder import read_default_prompt
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.locate import Place, locate_encoder
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, read_manifest


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
