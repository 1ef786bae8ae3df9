"""The config files of a Hugging Face folder whose vocabulary is trimmed.

What changes: the vocabulary size, and every token id (`pad_token_id` and the like), at the top
and in the sections that share the vocabulary, such as the `text_config` of a model that reads pictures too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.vocabulary import NOT_KEPT, VocabularySubset

TOKEN_ID = re.compile(r"_token_(ids?|index)$")
# Lists of ids that only generated text needs, in forms of their own; encoders have none.
OTHER_IDS = (
    *("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "force_words_ids"),
    *("forced_decoder_ids", "sequence_bias"),
)
TEXT = "text_config"
SIZE = "vocab_size"
# Some models' own code rounds the vocabulary size up to a multiple of this; ours is that of the kept tokens.
ROUNDING = "pad_vocab_size_multiple"
PAD = "pad_token_id"
# Where the model lay when it was saved, perhaps on somebody's machine; nobody reads it.
PLACE = "_name_or_path"
LOW_IDS = 4  # transformers' own pad_token_id, where a config has none, is 0 or 1 in every encoder


def trim_config(
    config: Mapping[str, Any], file: Path, subset: VocabularySubset, learned_positions: bool
) -> dict[str, Any]:
    """The `config.json` of the trimmed model.

    Args:
        config: the original's.
        file: where it is from, for messages.
        subset: the kept tokens.
        learned_positions: whether the model has learned position embeddings. RoBERTa and its kin count
            positions from the padding token's id on, so that it must keep its id.

    Raises:
        SmallerLabseError: the config has no vocabulary, or one of another size than the embedding matrix,
            names a token that is not kept, or the padding token moves where it must not.
    """
    _check_size(config, file, subset.original_size)
    text = config[TEXT] if isinstance(config.get(TEXT), Mapping) else config
    _check_pad(text.get(PAD, config.get(PAD)), PAD in text or PAD in config, file, subset, learned_positions)
    trimmed = _trim_section(config, file, subset)
    if text is not config:  # its size may be left to transformers' default, which is the original's
        trimmed[TEXT][SIZE] = len(subset)
    return trimmed


def trim_generation_config(config: Mapping[str, Any], file: Path, subset: VocabularySubset) -> dict[str, Any]:
    """The `generation_config.json` of the trimmed model; see `trim_config`."""
    return _trim_section(config, file, subset)


def as_float16(config: Mapping[str, Any]) -> dict[str, Any]:
    """The `config.json` of the model whose numbers became float16."""
    sections = {
        key: as_float16(value)
        for key, value in config.items()
        if isinstance(value, Mapping) and {"dtype", "torch_dtype"} & set(value)
    }
    # transformers says `dtype` since 4.56 and still reads `torch_dtype`, which is all that older ones read.
    names = [name for name in ("dtype", "torch_dtype") if name in config] or ["torch_dtype"]
    return {**config, **sections, **dict.fromkeys(names, "float16")}


def _new_id(original_id: int, subset: VocabularySubset) -> int | None:
    """A token's new id, None for one that is not kept; what was no token before stays what it is."""
    if not 0 <= original_id < subset.original_size:
        return original_id
    new_id = int(subset.to_new_ids(np.array(original_id)))
    return None if new_id == NOT_KEPT else new_id


def _check_size(config: Mapping[str, Any], file: Path, rows: int) -> None:
    text = config.get(TEXT)
    if SIZE not in config and not isinstance(text, Mapping):
        raise SmallerLabseError(
            f"{file}: no {SIZE} in it, expected {rows:,}, the number of rows of the embedding matrix"
        )
    for section in (config, text):
        if isinstance(section, Mapping) and section.get(SIZE, rows) != rows:
            raise SmallerLabseError(
                f"{file}: {SIZE} is {section[SIZE]}, but the embedding matrix has {rows:,} rows; "
                "they do not belong together"
            )


def _check_pad(pad: Any, named: bool, file: Path, subset: VocabularySubset, learned_positions: bool) -> None:
    low = np.arange(min(LOW_IDS, subset.original_size))
    if not named and not np.array_equal(subset.original_ids[:LOW_IDS], low):
        raise SmallerLabseError(
            f"{file}: no {PAD} in it, and tokens with ids below {LOW_IDS} are dropped or moved; add it, "
            "or null where the model has none"
        )
    if named and learned_positions and type(pad) is int and _new_id(pad, subset) != pad:
        raise SmallerLabseError(
            f"{file}: the {PAD} {pad} would become {_new_id(pad, subset)}, and positions may be counted "
            "from it; select with the special tokens where the original has them"
        )


def _trim_section(section: Mapping[str, Any], file: Path, subset: VocabularySubset) -> dict[str, Any]:
    trimmed = {key: value for key, value in section.items() if key != PLACE}
    for key, value in list(trimmed.items()):
        if SIZE in key and value == subset.original_size:
            trimmed[key] = len(subset)
        elif TOKEN_ID.search(key):
            trimmed[key] = _trim_id(value, key, file, subset)
        elif key in OTHER_IDS and value:
            raise SmallerLabseError(
                f"{file}: {key} lists token ids, which are not translated; set it to null"
            )
        elif key == ROUNDING:
            trimmed[key] = 1
        elif isinstance(value, Mapping) and (key == TEXT or value.get(SIZE) == subset.original_size):
            trimmed[key] = _trim_section(value, file, subset)
    return trimmed


def _trim_id(value: Any, key: str, file: Path, subset: VocabularySubset) -> Any:
    if isinstance(value, list):
        return [_trim_id(each, key, file, subset) for each in value]
    if type(value) is not int:  # nor true and false
        return value
    new_id = _new_id(value, subset)
    if new_id is None:
        raise SmallerLabseError(
            f"{file}: {key} is {value}, a token that the selection does not keep; keep it and select again"
        )
    return new_id
