"""A model's folder or handle to an encoder in memory."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from smaller_labse.evaluate.encode import SentenceEncoder, find_rows
from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.original import Original, find_vocabulary, locate_original, read_pieces

DEFAULT_LENGTH = 128  # of LaBSE's preprocessor on TF Hub, where a model comes without one


def load(model: str | Path, preprocessor: str | Path | None = None) -> SentenceEncoder:
    """Load a model to encode sentences with.

    Args:
        model: a folder with `encoder/` and `preprocess/`, as `make-smaller` writes it, or an encoder's
            SavedModel folder or TF Hub handle. Without a preprocessor, one is built from the vocabulary
            among the encoder's assets.
        preprocessor: the preprocessor's folder or handle, where it is not beside the encoder.

    Raises:
        SmallerLabseError: there is no model, it has another format, or encoder and preprocessor have
            different vocabularies.
    """
    original = locate_original(str(model), None if preprocessor is None else str(preprocessor))
    pieces = read_pieces(find_vocabulary(original.preprocess or original.encoder))
    encoder = tf.saved_model.load(str(original.encoder))
    _require_vocabulary(original, encoder, pieces)
    return SentenceEncoder(original.name, _load_preprocessor(original, encoder), encoder, pieces)


def _load_preprocessor(original: Original, encoder: tf.Module) -> tf.Module:
    if original.preprocess is not None:
        return tf.saved_model.load(str(original.preprocess))
    from smaller_labse.make_smaller.preprocessor import Preprocessor

    lower_case = getattr(encoder, "do_lower_case", None)
    if lower_case is None:
        raise SmallerLabseError(
            f"{original.name}: the encoder does not say whether its vocabulary is lower-case; "
            "give its preprocessor too"
        )
    length = min(DEFAULT_LENGTH, find_rows(original.name, encoder, "position_embedding"))
    return Preprocessor(find_vocabulary(original.encoder), bool(lower_case), length)


def _require_vocabulary(original: Original, encoder: tf.Module, pieces: list[str]) -> None:
    """Refuse a preprocessor whose ids mean other rows: the embeddings would be nonsense, silently."""
    rows = find_rows(original.name, encoder, "word_embedding")
    if len(pieces) > rows:
        raise SmallerLabseError(
            f"{original.name}: the vocabulary has {len(pieces):,} pieces, but the encoder has only {rows:,} "
            "rows; give the preprocessor that belongs to it"
        )
    own = original.encoder / "assets"
    if any(own.glob("*.txt")) and read_pieces(find_vocabulary(original.encoder)) != pieces:
        raise SmallerLabseError(
            f"{original.preprocess}: its vocabulary is not that of the encoder {original.encoder}; "
            "give the preprocessor that belongs to it"
        )
