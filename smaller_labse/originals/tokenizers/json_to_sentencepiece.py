"""The SentencePiece model of a Unigram `tokenizer.json` that comes without one."""

from __future__ import annotations

from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.byte_alphabet import BYTE_PIECE
from smaller_labse.originals.tokenizers.normalizer import OUTER_SPACES, SPACES, flat_steps, read_charsmap
from smaller_labse.originals.tokenizers.sentencepiece_conversion import SPACE
from smaller_labse.originals.tokenizers.sentencepiece_model import (
    BYTE,
    CONTROL,
    NAMES,
    NORMAL,
    UNKNOWN,
    USER_DEFINED,
    SentencePieceForm,
)
from smaller_labse.originals.tokenizers.tokenizer_json import TokenizerJson

XLM_ROBERTA = ["<s>", "<pad>", "</s>", "<unk>"]  # its first pieces; SentencePiece's are <unk>, <s>, </s>
ROLES = (("bos", "<s>"), ("eos", "</s>"), ("pad", "<pad>"))


def build_form(json_file: TokenizerJson, scores: np.ndarray) -> SentencePieceForm:
    """Build the SentencePiece model that cuts text as a Unigram `tokenizer.json` does.

    Added tokens behind all other pieces (`<mask>`, `<extra_id_0>`) are left out, as XLM-R and T5 do.

    Args:
        json_file: the tokenizer.
        scores: of its pieces, float64 [pieces].

    Raises:
        SmallerLabseError: sentencepiece cannot prepare text as it does, or it has no unknown piece.
    """
    from sentencepiece.sentencepiece_model_pb2 import ModelProto

    model = ModelProto()
    model.normalizer_spec.CopyFrom(_normalizer_spec(json_file))
    ids, kinds = _pieces(json_file)
    for number, kind in zip(ids, kinds, strict=True):
        score = float(scores[number]) if kind == NORMAL else 0.0
        model.pieces.add(piece=json_file.pieces[number], score=score, type=kind)
    trainer = model.trainer_spec
    trainer.model_type = trainer.UNIGRAM
    trainer.vocab_size = len(ids)
    trainer.byte_fallback = BYTE in kinds
    trainer.unk_id = kinds.index(UNKNOWN)
    trainer.unk_piece = json_file.pieces[ids[trainer.unk_id]]
    for role, piece in ROLES:
        number = json_file.ids.get(piece, -1)
        setattr(trainer, f"{role}_id", ids.index(number) if number in ids else -1)
    return SentencePieceForm(NAMES[0], model, np.array(ids, np.int32))


def _pieces(json_file: TokenizerJson) -> tuple[list[int], list[int]]:
    """Which of the tokenizer's pieces the model has, in its order, by id, and their types."""
    unknown = json_file.model.get("unk_id")
    if unknown is None:
        raise _cannot(json_file, "it has no unknown piece")
    special = {token["id"]: token.get("special") for token in json_file.content["added_tokens"]}
    end = len(json_file.pieces)
    while end and end - 1 in special and end - 1 != unknown:
        end -= 1
    ids = list(range(end))
    if json_file.pieces[: len(XLM_ROBERTA)] == XLM_ROBERTA:
        ids[: len(XLM_ROBERTA)] = [3, 0, 2]
    kinds = []
    for number in ids:
        kind = NORMAL
        if number == unknown:
            kind = UNKNOWN
        elif number in special:
            kind = CONTROL if special[number] else USER_DEFINED
        elif json_file.model.get("byte_fallback") and BYTE_PIECE.fullmatch(json_file.pieces[number]):
            kind = BYTE
        kinds.append(kind)
    return ids, kinds


def _normalizer_spec(json_file: TokenizerJson) -> Any:
    from sentencepiece.sentencepiece_model_pb2 import NormalizerSpec

    spec = NormalizerSpec(name="from_tokenizer_json", remove_extra_whitespaces=False, escape_whitespaces=True)
    for number, step in enumerate(flat_steps(json_file.content.get("normalizer"))):
        if step.get("type") == "Precompiled" and number == 0:
            spec.precompiled_charsmap = read_charsmap(step, json_file.file)
        elif _takes_spaces_away(step):
            spec.remove_extra_whitespaces = True
        else:
            raise _cannot(json_file, f"its normalizer {step.get('type')} has no counterpart there")
    steps = list(flat_steps(json_file.content.get("pre_tokenizer")))
    kinds = [step.get("type") for step in steps]
    if kinds not in (["Metaspace"], ["WhitespaceSplit", "Metaspace"]):
        raise _cannot(json_file, f"its pre-tokenizers are {kinds}, expected Metaspace")
    spec.remove_extra_whitespaces |= len(kinds) == 2
    if steps[-1].get("replacement") != SPACE:
        raise _cannot(json_file, f"it writes {steps[-1].get('replacement')!r} for a space")
    # Files of older tokenizers say add_prefix_space, which is true unless they say otherwise.
    scheme = steps[-1].get("prepend_scheme", "always" if steps[-1].get("add_prefix_space", True) else "never")
    spec.add_dummy_prefix = scheme != "never"
    return spec


def _takes_spaces_away(step: dict[str, Any]) -> bool:
    """Whether a normalizer does a part of what sentencepiece's remove_extra_whitespaces does."""
    if step.get("type") == "Strip":
        return bool(step.get("strip_right"))
    replaced = (step.get("pattern", {}).get("Regex"), step.get("content"))
    return step.get("type") == "Replace" and replaced in (
        (SPACES, " "),
        (SPACES, SPACE),
        (OUTER_SPACES, ""),
    )


def _cannot(json_file: TokenizerJson, why: str) -> SmallerLabseError:
    return SmallerLabseError(
        f"{json_file.file}: sentencepiece cannot cut text as it does, for {why}; "
        "put the original's sentencepiece.bpe.model beside it"
    )
