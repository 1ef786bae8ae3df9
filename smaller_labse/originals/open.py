"""Open an original, wherever it comes from, as far as counting and selecting need it."""

from __future__ import annotations

from dataclasses import dataclass

from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.originals.huggingface import (
    HuggingFaceFolder,
    locate_huggingface,
    measure_weights,
    read_prompts,
)
from smaller_labse.originals.tfhub import Original, locate_original
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import (
    open_huggingface_tokenizer,
    open_tfhub_tokenizer,
)
from smaller_labse.originals.weights.checkpoint import Checkpoint


@dataclass(frozen=True)
class OpenOriginal:
    """An original whose text can be cut and whose table can be measured.

    Attributes:
        place: its folders.
        tokenizer: its own.
        rows: of its table; at least as many as the tokenizer has pieces.
        hidden_size: width of its embeddings.
        parameters: of all its tensors.
        prompts: texts that the model wants before sentences; their pieces are always kept.
    """

    place: Original | HuggingFaceFolder
    tokenizer: Tokenizer
    rows: int
    hidden_size: int
    parameters: int
    prompts: tuple[str, ...] = ()


def open_original(model: str, preprocessor: str | None = None) -> OpenOriginal:
    """Open an original.

    Args:
        model: a Hugging Face folder or hub id, or what `locate_original` takes.
        preprocessor: see `locate_original`; only for TF Hub's.

    Raises:
        SmallerLabseError: it cannot be found, read or fetched, or its parts do not belong together.
    """
    place = locate_huggingface(model)
    if place is not None:
        rows, width, parameters = measure_weights(place.folder)
        tokenizer = open_huggingface_tokenizer(place.folder, rows)
        prompts = tuple(read_prompts(place.folder).values())
        return OpenOriginal(place, tokenizer, rows, width, parameters, prompts)
    if "://" in model:
        import_tensorflow_quietly()  # TF Hub's package needs it
    original = locate_original(model, preprocessor)
    checkpoint = Checkpoint(original.encoder)
    tokenizer = open_tfhub_tokenizer(original, checkpoint)
    return OpenOriginal(original, tokenizer, *checkpoint.embedding_matrix_shape, checkpoint.parameters)
