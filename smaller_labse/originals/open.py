"""An original, opened: its tokenizer and its sizes, wherever it comes from."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smaller_labse.originals.huggingface import HuggingFaceFolder, measure_weights, read_prompts
from smaller_labse.originals.locate import Place, locate_original
from smaller_labse.originals.tfhub import TFHubFolders
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import (
    open_huggingface_tokenizer,
    open_tfhub_tokenizer,
    preprocessors_of,
)


@dataclass(frozen=True)
class Original:
    """A model that someone else made, as far as counting and selecting need it; its tensors are not loaded.

    Attributes:
        place: where its files are; its type says which kind of original this is.
        tokenizer: its own.
        vocab_size: how many rows its embedding matrix has, at least as many as the tokenizer has pieces.
        hidden_size: the width of its embedding matrix.
        parameters: of all its tensors.
        prompts: texts that the model wants before sentences; their tokens are always kept.
        preprocessors: how its text can be read, see `PREPROCESSORS`; none where there is no choice.
    """

    place: TFHubFolders | HuggingFaceFolder
    tokenizer: Tokenizer
    vocab_size: int
    hidden_size: int
    parameters: int
    prompts: tuple[str, ...] = ()
    preprocessors: tuple[str, ...] = ()


def open_original(model: str, preprocessor: str | None = None) -> Original:
    """Open an original.

    Args:
        model: a Hugging Face folder or hub id, a model folder of ours, or what `locate_tfhub` takes.
        preprocessor: see `locate_tfhub`; only for TF Hub's.

    Raises:
        UsageError: a preprocessor is given that it cannot have.
        SmallerLabseError: it cannot be found, read or fetched, or its parts do not belong together.

    Example:
        >>> original = open_original("intfloat/multilingual-e5-small")  # doctest: +SKIP
        >>> original.vocab_size, original.hidden_size, original.parameters  # doctest: +SKIP
        (250037, 384, 117653760)
    """
    return open_place(locate_original(model, preprocessor))


def open_place(place: Place) -> Original:
    """Open an original whose files are found; see `open_original`."""
    if isinstance(place, HuggingFaceFolder):
        vocab_size, hidden_size, parameters = measure_weights(place.folder)
        return Original(
            place=place,
            tokenizer=open_huggingface_tokenizer(place.folder, vocab_size),
            vocab_size=vocab_size,
            hidden_size=hidden_size,
            parameters=parameters,
            prompts=tuple(read_prompts(place.folder).values()),
        )
    checkpoint = place.open_checkpoint()
    tokenizer = open_tfhub_tokenizer(place, checkpoint)
    vocab_size, hidden_size = checkpoint.embedding_matrix_shape
    return Original(
        place=place,
        tokenizer=tokenizer,
        vocab_size=vocab_size,
        hidden_size=hidden_size,
        parameters=checkpoint.parameters,
        preprocessors=preprocessors_of(checkpoint),
    )


def read_by(original: Original, preprocessor: str | None) -> Original:
    """An original whose text is read by a preprocessor, where it can be; else it is returned as it is.

    Args:
        original: the original.
        preprocessor: one of `PREPROCESSORS`; None for its own.
    """
    place = original.place
    can_be = preprocessor in original.preprocessors and preprocessor != original.tokenizer.preprocessor
    if not can_be or isinstance(place, HuggingFaceFolder):
        return original
    return open_place(replace(place, chosen=preprocessor))
