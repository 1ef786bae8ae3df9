"""Conversions between a SentencePiece model and a `tokenizer.json`, where a folder holds only one of them.

In the layouts of XLM-R and T5, as transformers converts them. By hand, because transformers is no dependency,
and nothing converts a `tokenizer.json` back.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.normalizer import (
    META_SPACE,
    OUTER_SPACES,
    SPACES,
    flat_steps,
    read_charsmap,
    require_charsmap,
)
from smaller_labse.originals.tokenizers.sentencepiece_model import (
    BEGIN,
    BYTE,
    BYTE_PIECE,
    CONTROL,
    END,
    MASK,
    NAMES,
    NORMAL,
    PAD,
    UNKNOWN,
    UNKNOWN_PIECE,
    USER_DEFINED,
    SentencePieceForm,
    is_unigram,
)
from smaller_labse.originals.tokenizers.tokenizer_files import TokenizerSettings
from smaller_labse.originals.tokenizers.tokenizer_json import TokenizerJson

SAVE_IT = "load the original with transformers and save it, which writes tokenizer.json"
XLM_ROBERTA = [BEGIN, PAD, END, UNKNOWN_PIECE]  # its first pieces; SentencePiece's are <unk>, <s>, </s>
T5_EXTRA_IDS = 100  # transformers' T5Tokenizer without `extra_ids`
MOST_EXTRA_IDS = 10_000
ROLES = (("bos", BEGIN), ("eos", END), ("pad", PAD))  # in a SentencePiece model's trainer_spec


def xlm_roberta_json(model: Any, settings: TokenizerSettings, file: Path) -> str:
    """A `tokenizer.json` in XLM-R's layout.

    `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3, then every piece's own id + 1, `<mask>` last, as transformers'
    `XLMRobertaTokenizer` has them; `<s>` before a text and `</s>` behind it.

    Args:
        model: a `ModelProto`.
        settings: the folder's.
        file: the model's, for messages.

    Raises:
        SmallerLabseError: the model does not begin with three special pieces, or works in a way that
            tokenizers cannot follow.
    """
    begin, end, pad, unknown, mask = (
        settings.token(f"{name}_token", default)
        for name, default in (*ROLES, ("unk", UNKNOWN_PIECE), ("mask", MASK))
    )
    if [piece.piece for piece in model.pieces[:3]] != [unknown, begin, end]:
        found = [piece.piece for piece in model.pieces[:3]]
        raise SmallerLabseError(f"{file}: begins with {found}, expected {[unknown, begin, end]}, as XLM-R's")
    vocabulary = [(piece, 0.0) for piece in (begin, pad, end, unknown)]
    vocabulary += [(piece.piece, piece.score) for piece in model.pieces[3:]] + [(mask, 0.0)]
    tokenizer = _tokenizer(model, vocabulary, 3, file)
    _add_special(tokenizer, [begin, pad, end, unknown], mask)
    return _with_template(tokenizer, [begin, "$A", end], [begin, "$A", end, end, "$B", end])


def t5_json(model: Any, settings: TokenizerSettings, file: Path) -> str:
    """A `tokenizer.json` in T5's layout: every piece's own id, then `<extra_id_99>` … `<extra_id_0>`.

    `</s>` stands behind a text. For the arguments and errors see `xlm_roberta_json`.
    """
    count = T5_EXTRA_IDS if settings.extra_ids is None else settings.extra_ids
    if not 0 <= count <= MOST_EXTRA_IDS:
        raise SmallerLabseError(
            f"{file}: extra_ids is {count!r} in tokenizer_config.json, expected an integer from 0 to "
            f"{MOST_EXTRA_IDS:,}"
        )
    pad, end, unknown = (
        settings.token(f"{name}_token", default)
        for name, default in (("pad", PAD), ("eos", END), ("unk", UNKNOWN_PIECE))
    )
    pieces = [piece.piece for piece in model.pieces]
    for piece in (pad, end, unknown):
        if piece not in pieces:
            raise SmallerLabseError(f"{file}: no piece {piece!r}, which T5's tokenizers have")
    extra = [f"<extra_id_{place}>" for place in reversed(range(count))]
    vocabulary = [(piece.piece, piece.score) for piece in model.pieces] + [(piece, 0.0) for piece in extra]
    tokenizer = _tokenizer(model, vocabulary, pieces.index(unknown), file)
    _add_special(tokenizer, [pad, end, unknown, *extra], None)
    return _with_template(tokenizer, ["$A", end], ["$A", end, "$B", end])


def _tokenizer(model: Any, vocabulary: list[tuple[str, float]], unknown_id: int, file: Path) -> Any:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    trainer, rules = model.trainer_spec, model.normalizer_spec
    if not is_unigram(model):
        raise SmallerLabseError(f"{file}: a SentencePiece model of another kind than Unigram; {SAVE_IT}")
    if (
        trainer.treat_whitespace_as_suffix
        or not rules.escape_whitespaces
        or not rules.remove_extra_whitespaces
    ):
        raise SmallerLabseError(f"{file}: treats spaces in a way that tokenizers cannot follow; {SAVE_IT}")
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=unknown_id, byte_fallback=trainer.byte_fallback))
    spaces = [normalizers.Replace(Regex(OUTER_SPACES), ""), normalizers.Replace(Regex(SPACES), " ")]
    charsmap = rules.precompiled_charsmap
    if charsmap:
        require_charsmap(charsmap, file)
    rewrites = [normalizers.Precompiled(charsmap)] if charsmap else []
    tokenizer.normalizer = normalizers.Sequence([*rewrites, *spaces])
    scheme = "always" if rules.add_dummy_prefix else "never"
    split = not any(META_SPACE in piece[1:] for piece, _ in vocabulary)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(META_SPACE, prepend_scheme=scheme, split=split)
    tokenizer.decoder = decoders.Metaspace(META_SPACE, prepend_scheme=scheme, split=split)
    marked = [piece for piece in model.pieces if piece.type in (CONTROL, USER_DEFINED)]
    tokenizer.add_tokens(
        [AddedToken(piece.piece, normalized=False, special=piece.type == CONTROL) for piece in marked]
    )
    return tokenizer


def _add_special(tokenizer: Any, pieces: list[str], mask: str | None) -> None:
    from tokenizers import AddedToken

    tokens = [AddedToken(piece, normalized=False, special=True) for piece in pieces]
    if mask is not None:  # takes the space before it along
        tokens.append(AddedToken(mask, lstrip=True, normalized=False, special=True))
    tokenizer.add_special_tokens(tokens)


def _with_template(tokenizer: Any, single: list[str], pair: list[str]) -> str:
    from tokenizers.processors import TemplateProcessing

    special = sorted({piece for piece in single if piece != "$A"})
    tokenizer.post_processor = TemplateProcessing(
        single=single,
        pair=pair,
        special_tokens=[(piece, tokenizer.token_to_id(piece)) for piece in special],
    )
    return tokenizer.to_str()


def build_form(json_file: TokenizerJson, scores: np.ndarray) -> SentencePieceForm:
    """Build the SentencePiece model that tokenizes as a Unigram `tokenizer.json` does.

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
    for token_id, kind in zip(ids, kinds, strict=True):
        score = float(scores[token_id]) if kind == NORMAL else 0.0
        model.pieces.add(piece=json_file.pieces[token_id], score=score, type=kind)
    trainer = model.trainer_spec
    trainer.model_type = trainer.UNIGRAM
    trainer.vocab_size = len(ids)
    trainer.byte_fallback = BYTE in kinds
    if UNKNOWN not in kinds:
        raise _cannot(json_file, "its unknown piece is one that SentencePiece does not have")
    trainer.unk_id = kinds.index(UNKNOWN)
    trainer.unk_piece = json_file.pieces[ids[trainer.unk_id]]
    for role, piece in ROLES:
        token_id = json_file.ids.get(piece, -1)
        setattr(trainer, f"{role}_id", ids.index(token_id) if token_id in ids else -1)
    return SentencePieceForm(NAMES[0], model, np.array(ids, np.int32))


def _pieces(json_file: TokenizerJson) -> tuple[list[int], list[int]]:
    """The token ids of the pieces that the model has, in its order, and their types."""
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
    for token_id in ids:
        kind = NORMAL
        if token_id == unknown:
            kind = UNKNOWN
        elif token_id in special:
            kind = CONTROL if special[token_id] else USER_DEFINED
        elif json_file.model.get("byte_fallback") and BYTE_PIECE.fullmatch(json_file.pieces[token_id]):
            kind = BYTE
        kinds.append(kind)
    return ids, kinds


def _normalizer_spec(json_file: TokenizerJson) -> Any:
    from sentencepiece.sentencepiece_model_pb2 import NormalizerSpec

    spec = NormalizerSpec(name="from_tokenizer_json", remove_extra_whitespaces=False, escape_whitespaces=True)
    for place, step in enumerate(flat_steps(json_file.content.get("normalizer"))):
        if step.get("type") == "Precompiled" and place == 0:
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
    if steps[-1].get("replacement") != META_SPACE:
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
        (SPACES, META_SPACE),
        (OUTER_SPACES, ""),
    )


def _cannot(json_file: TokenizerJson, why: str) -> SmallerLabseError:
    return SmallerLabseError(
        f"{json_file.file}: sentencepiece cannot tokenize as it does, for {why}; "
        "put the original's sentencepiece.bpe.model beside it"
    )
