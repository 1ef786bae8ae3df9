"""SentencePiece models beside a `tokenizer.json`: read, matched piece by piece, and trimmed with it.

A model's pieces have types (sentencepiece_model.proto): normal ones with a score, the unknown piece, control
pieces such as `<s>`, user-defined ones, bytes, and unused ones. Trimmed by hand, because sentencepiece itself
only trains and uses models.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import LARGEST, read_limited
from smaller_labse.originals.tokenizers.tokenizer_json import TokenizerJson
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

NAMES = ("sentencepiece.bpe.model", "spiece.model", "sentencepiece.model", "spm.model", "tokenizer.model")
BEGIN, PAD, END, UNKNOWN_PIECE, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"  # as XLM-R has them
BYTE_PIECE = re.compile(r"<0x[0-9A-F]{2}>")  # how a byte is written
NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
SPECIAL_IDS = ("unk_id", "bos_id", "eos_id", "pad_id")  # of a model's trainer_spec


@dataclass(frozen=True)
class SentencePieceForm:
    """A SentencePiece model and which token ids its pieces have in the tokenizer beside it.

    Attributes:
        name: the file's name.
        model: the parsed file, a `ModelProto`.
        token_ids: of each piece of the model, int32 [pieces of the model]; -1 where it has none.
    """

    name: str
    model: Any
    token_ids: np.ndarray

    @property
    def kinds(self) -> np.ndarray:
        """The type of each piece, int32 [pieces of the model]."""
        return np.fromiter((piece.type for piece in self.model.pieces), np.int32)

    @property
    def always_kept(self) -> list[int]:
        """The ids of the tokens without which sentencepiece would tokenize otherwise.

        Unknown, control, user-defined and byte pieces; and of the normal ones one with the lowest score,
        which the score of an unknown character is counted from, and one with the highest, which the score of
        user-defined pieces is counted from (`min_score_` and `max_score_` in sentencepiece's
        unigram_model.cc; the latter until 0.2.1, and so in tf-text).
        """
        kinds = self.kinds
        kept = set(self.token_ids[~np.isin(kinds, (NORMAL, UNUSED)) & (self.token_ids >= 0)].tolist())
        normal = np.flatnonzero(kinds == NORMAL)
        if len(normal):
            scores = np.array([self.model.pieces[index].score for index in normal])
            kept |= {int(self.token_ids[normal[place]]) for place in (scores.argmin(), scores.argmax())}
        return sorted(kept)


def find_sentencepiece(folder: Path) -> Path | None:
    """The SentencePiece model in a Hugging Face folder, if there is one."""
    return next((folder / name for name in NAMES if (folder / name).exists()), None)


def read_sentencepiece(file: Path) -> Any:
    """Read a SentencePiece model, a `ModelProto`.

    Raises:
        SmallerLabseError: it is none, or is damaged.
    """
    from google.protobuf.message import DecodeError
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    try:
        model = ModelProto.FromString(read_limited(file, LARGEST, "a SentencePiece model"))
    except OSError as error:
        raise SmallerLabseError(f"{file}: cannot be read ({error.strerror})") from None
    except DecodeError:
        raise SmallerLabseError(f"{file}: no SentencePiece model, or a damaged one; get it again") from None
    if not model.pieces:
        raise SmallerLabseError(f"{file}: a SentencePiece model without pieces; get it again")
    if not all(isinstance(piece.piece, str) for piece in model.pieces):  # protobuf leaves it as bytes
        raise SmallerLabseError(f"{file}: a SentencePiece model with a piece that is not UTF-8; get it again")
    return model


def is_unigram(model: Any) -> bool:
    """Whether a SentencePiece model is a Unigram, and not BPE."""
    return model.trainer_spec.model_type == model.trainer_spec.UNIGRAM


def match_form(file: Path, model: Any, json_file: TokenizerJson, scores: np.ndarray) -> SentencePieceForm:
    """Match a SentencePiece model with the `tokenizer.json` beside it.

    Args:
        file: the model's.
        model: a `ModelProto`.
        json_file: the tokenizer.
        scores: of its pieces, float64 [pieces]; NaN for added tokens that its model does not have.

    Raises:
        SmallerLabseError: they have different pieces, or different scores for one.
    """
    form = SentencePieceForm(file.name, model, _find_pieces(model, json_file))
    kinds = form.kinds
    text = ~np.isin(kinds, (UNKNOWN, CONTROL))
    missing = np.flatnonzero(text & (form.token_ids < 0))
    if len(missing):
        _raise_different(file, json_file, model.pieces[missing[0]].piece, "is only in the first")
    normal = np.flatnonzero(kinds == NORMAL)
    theirs = np.array([model.pieces[index].score for index in normal], np.float32)
    different = normal[theirs != scores[form.token_ids[normal]].astype(np.float32)]
    if len(different):
        _raise_different(file, json_file, model.pieces[different[0]].piece, "has different scores")
    lacking = (
        set(np.flatnonzero(~np.isnan(scores)).tolist()) - set(form.token_ids.tolist()) - json_file.named_ids
    )
    if lacking:
        _raise_different(file, json_file, json_file.pieces[min(lacking)], "is only in the second")
    return form


def trim_form(form: SentencePieceForm, subset: VocabularySubset) -> Any:
    """The SentencePiece model with some of the pieces, a `ModelProto`.

    Its pieces stand in such an order that the token id of each follows from its place as before: it is the
    place (T5), or one more (XLM-R, whose `<s>`, `<pad>`, `</s>`, `<unk>` stand for `<unk>`, `<s>`, `</s>`).

    Args:
        form: the original's.
        subset: the kept tokens of the tokenizer.

    Raises:
        SmallerLabseError: the pieces cannot stand in such an order.
    """
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    order = _new_order(form, subset)
    trimmed = (
        ModelProto()
    )  # a new one: older sentencepieces refuse a model that fails the original's self-test
    trimmed.trainer_spec.CopyFrom(form.model.trainer_spec)
    trimmed.normalizer_spec.CopyFrom(form.model.normalizer_spec)
    if form.model.HasField("denormalizer_spec"):
        trimmed.denormalizer_spec.CopyFrom(form.model.denormalizer_spec)
    trimmed.pieces.extend(form.model.pieces[index] for index in order)
    trimmed.trainer_spec.vocab_size = len(order)
    places = {index: place for place, index in enumerate(order)}
    for name in SPECIAL_IDS:
        index = getattr(form.model.trainer_spec, name)
        if index in places:
            setattr(trimmed.trainer_spec, name, places[index])
    return trimmed


def write_sentencepiece(model: Any, file: Path) -> None:
    """Write a SentencePiece model that sentencepiece itself can read.

    Raises:
        SmallerLabseError: it cannot.
    """
    from sentencepiece import SentencePieceProcessor

    content = model.SerializeToString(deterministic=True)
    try:
        SentencePieceProcessor(model_proto=content)
    except (RuntimeError, ValueError, OSError) as error:
        raise SmallerLabseError(f"{file}: sentencepiece cannot read it ({error})") from None
    file.write_bytes(content)


def _find_pieces(model: Any, json_file: TokenizerJson) -> np.ndarray:
    return np.fromiter((json_file.ids.get(piece.piece, -1) for piece in model.pieces), np.int32)


def _new_order(form: SentencePieceForm, subset: VocabularySubset) -> list[int]:
    """The original model's indices of the kept pieces, in the order in which they are kept."""
    indices = np.arange(len(form.token_ids))
    shift = _shift(form)
    new_ids = subset.to_new_ids(form.token_ids)  # of those without one (-1) it is another's, and not used
    kept = (form.token_ids < 0) | subset.contains(form.token_ids)
    moves = (form.token_ids >= 0) & (form.token_ids - indices == shift)
    places = np.where(moves, new_ids - shift, indices)[kept]
    if not np.array_equal(np.sort(places), np.arange(len(places))):
        raise SmallerLabseError(
            f"{form.name}: the kept pieces cannot stand in this order, for special pieces have their places; "
            "keep the original's order"
        )
    return indices[kept][np.argsort(places)].tolist()


def _shift(form: SentencePieceForm) -> int:
    """By how much the token ids of the pieces that text is made of are larger than the model's own ids."""
    text = ~np.isin(form.kinds, (UNKNOWN, CONTROL))
    shifts = np.unique(form.token_ids[text] - np.flatnonzero(text))
    if len(shifts) != 1:
        raise SmallerLabseError(
            f"{form.name}: its pieces are in another order than those of tokenizer.json; remove it"
        )
    return int(shifts[0])


def _raise_different(file: Path, json_file: TokenizerJson, piece: str, problem: str) -> None:
    raise SmallerLabseError(
        f"{file} and {json_file.file} are not the same tokenizer: the piece {piece!r} {problem}; "
        "remove the one that is not the model's"
    )
