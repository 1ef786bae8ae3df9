"""The config of a BERT or XLM-R encoder in a Hugging Face folder, read off its `config.json`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object
from smaller_labse.encoders.config import EncoderConfig, HiddenActivation, Pooling
from smaller_labse.originals.huggingface import CONFIG

MOST = {"num_hidden_layers": 1000}  # else a size that no array can have
LARGEST_SIZE = 2**31


@dataclass(frozen=True)
class _Sizes:
    """The fields of transformers' `BertConfig` and `XLMRobertaConfig` that decide what is computed."""

    model_type: str
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    type_vocab_size: int
    hidden_act: str
    layer_norm_eps: float
    pad_token_id: int | None = None


@dataclass(frozen=True)
class _HiddenSize:
    hidden_size: int


def read_hidden_size(folder: Path) -> int:
    """The hidden size that a Hugging Face folder says.

    Raises:
        SmallerLabseError: `config.json` is not readable, or says none.
    """
    file = folder / CONFIG
    return read_checked(_HiddenSize, read_object(file), file, more=True).hidden_size


def read_encoder_config(folder: Path, vocab_size: int, pooling: Pooling) -> EncoderConfig:
    """The config of an encoder that is rebuilt in TensorFlow, see `is_rebuilt`.

    Args:
        folder: the Hugging Face folder.
        vocab_size: rows of its embedding matrix.
        pooling: from the tokens' outputs to one embedding.

    Raises:
        SmallerLabseError: `config.json` is not readable, lacks something, or no encoder can have its sizes.
    """
    file = folder / CONFIG
    sizes = read_checked(_Sizes, read_object(file), file, more=True)
    for name in ("hidden_size", "num_attention_heads", "intermediate_size", "type_vocab_size", *MOST):
        size, most = getattr(sizes, name), MOST.get(name, LARGEST_SIZE)
        if not 1 <= size <= most:
            raise SmallerLabseError(f"{file}: {name} is {size}, expected 1 to {most:,}; get it again")
    if sizes.hidden_act not in get_args(HiddenActivation):
        raise SmallerLabseError(
            f"{file}: hidden_act is {sizes.hidden_act[:60]!r}, expected one of "
            f"{', '.join(get_args(HiddenActivation))}"
        )
    if sizes.hidden_size % sizes.num_attention_heads:
        raise SmallerLabseError(
            f"{file}: hidden_size is {sizes.hidden_size:,}, expected a multiple of the "
            f"{sizes.num_attention_heads:,} attention heads; get it again"
        )
    if not 0 < sizes.layer_norm_eps < 1:
        raise SmallerLabseError(
            f"{file}: layer_norm_eps is {sizes.layer_norm_eps}, expected 0 to 1; get it again"
        )
    # XLM-R's positions begin behind the padding's (Hugging Face's create_position_ids_from_input_ids).
    first = 0
    if sizes.model_type == "xlm-roberta":
        first = -1 if sizes.pad_token_id is None else sizes.pad_token_id + 1
    if not 0 <= first < sizes.max_position_embeddings <= LARGEST_SIZE:
        raise SmallerLabseError(
            f"{file}: {sizes.max_position_embeddings} positions and the pad_token_id {sizes.pad_token_id}, "
            "which leave no position for a text; get it again"
        )
    return EncoderConfig(
        vocab_size=vocab_size,
        hidden_size=sizes.hidden_size,
        num_hidden_layers=sizes.num_hidden_layers,
        num_attention_heads=sizes.num_attention_heads,
        intermediate_size=sizes.intermediate_size,
        max_position_embeddings=sizes.max_position_embeddings,
        type_vocab_size=sizes.type_vocab_size,
        hidden_act=cast(HiddenActivation, sizes.hidden_act),
        layer_norm_eps=sizes.layer_norm_eps,
        first_position=first,
        pooling=pooling,
    )
