"""The `tokenizer.json` of a SentencePiece model that comes without one, in XLM-R's or T5's layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.huggingface_wordpiece import piece_setting
from smaller_labse.originals.tokenizers.normalizer import OUTER_SPACES, SPACES
from smaller_labse.originals.tokenizers.sentencepiece_model import CONTROL, USER_DEFINED, is_unigram

SPACE = "▁"  # what sentencepiece writes for a space
SAVE_IT = "load the original with transformers and save it, which writes tokenizer.json"
T5_EXTRA_IDS = 100  # transformers' T5Tokenizer without `extra_ids`


def xlm_roberta_json(model: Any, settings: Mapping[str, Any], file: Path) -> str:
    """A `tokenizer.json` in XLM-R's layout.

    `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3, then every piece's own id + 1, `<mask>` last, as transformers'
    `XLMRobertaTokenizer` numbers them; `<s>` before a text and `</s>` behind it.

    Args:
        model: a `ModelProto`.
        settings: the folder's `tokenizer_config.json`.
        file: the model's, for messages.

    Raises:
        SmallerLabseError: the model does not begin with three special pieces, or works in a way that
            tokenizers cannot follow.
    """
    begin, pad, end, unknown, mask = (
        piece_setting(settings, f"{name}_token", f"<{default}>")
        for name, default in (("bos", "s"), ("pad", "pad"), ("eos", "/s"), ("unk", "unk"), ("mask", "mask"))
    )
    if [piece.piece for piece in model.pieces[:3]] != [unknown, begin, end]:
        found = [piece.piece for piece in model.pieces[:3]]
        raise SmallerLabseError(f"{file}: begins with {found}, expected {[unknown, begin, end]}, as XLM-R's")
    vocabulary = [(piece, 0.0) for piece in (begin, pad, end, unknown)]
    vocabulary += [(piece.piece, piece.score) for piece in model.pieces[3:]] + [(mask, 0.0)]
    tokenizer = _tokenizer(model, vocabulary, 3, file)
    _add_special(tokenizer, [begin, pad, end, unknown], mask)
    return _with_template(tokenizer, [begin, "$A", end], [begin, "$A", end, end, "$B", end])


def t5_json(model: Any, settings: Mapping[str, Any], file: Path) -> str:
    """A `tokenizer.json` in T5's layout: every piece's own id, then `<extra_id_99>` … `<extra_id_0>`.

    `</s>` stands behind a text. For the arguments and errors see `xlm_roberta_json`.
    """
    count = settings.get("extra_ids", T5_EXTRA_IDS)
    if type(count) is not int or not 0 <= count <= 10_000:
        raise SmallerLabseError(f"{file}: extra_ids is {count!r} in tokenizer_config.json, expected a number")
    pad, end, unknown = (
        piece_setting(settings, f"{name}_token", f"<{default}>")
        for name, default in (("pad", "pad"), ("eos", "/s"), ("unk", "unk"))
    )
    pieces = [piece.piece for piece in model.pieces]
    for piece in (pad, end, unknown):
        if piece not in pieces:
            raise SmallerLabseError(f"{file}: no piece {piece!r}, which T5's tokenizers have")
    extra = [f"<extra_id_{number}>" for number in reversed(range(count))]
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
    steps = [normalizers.Replace(Regex(OUTER_SPACES), ""), normalizers.Replace(Regex(SPACES), " ")]
    if rules.precompiled_charsmap:
        steps.insert(0, normalizers.Precompiled(rules.precompiled_charsmap))
    tokenizer.normalizer = normalizers.Sequence(steps)
    metaspace = {
        "replacement": SPACE,
        "prepend_scheme": "always" if rules.add_dummy_prefix else "never",
        "split": not any(SPACE in piece[1:] for piece, _ in vocabulary),
    }
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(**metaspace)
    tokenizer.decoder = decoders.Metaspace(**metaspace)
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
