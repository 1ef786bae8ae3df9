"""The config files of a Hugging Face folder after its vocabulary was cut.

What follows: the size of the vocabulary, and every id of a piece (`pad_token_id` and the like), at the top
and in the sections that share the vocabulary, such as the `text_config` of a model that reads pictures too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError

PIECE_ID = re.compile(r"_token_(ids?|index)$")
# Lists of ids that only generated text needs, in forms of their own; encoders have none.
OTHER_IDS = (
    *("suppress_tokens", "begin_suppress_tokens", "bad_words_ids", "force_words_ids"),
    *("forced_decoder_ids", "sequence_bias"),
)
TEXT = "text_config"
SIZE = "vocab_size"
# Some models' own code rounds the table up to a multiple of this; ours has as many rows as pieces are kept.
ROUNDING = "pad_vocab_size_multiple"
PAD = "pad_token_id"
LOW_IDS = 4  # transformers' own pad_token_id, where a config has none, is 0 or 1 in every encoder


@dataclass(frozen=True)
class Renumbering:
    """How pieces are numbered after the cut.

    Attributes:
        rows: rows of the original's table.
        kept_ids: new id → original id, int [kept].
    """

    rows: int
    kept_ids: np.ndarray

    def new_id(self, original_id: int) -> int | None:
        """A piece's new id, None for one that is not kept; what was no row before stays what it is."""
        if not 0 <= original_id < self.rows:
            return original_id
        found = np.flatnonzero(self.kept_ids == original_id)
        return int(found[0]) if len(found) else None


def follow_config(
    config: Mapping[str, Any], file: Path, renumbering: Renumbering, learned_positions: bool
) -> dict[str, Any]:
    """The `config.json` of the cut model.

    Args:
        config: the original's.
        file: where it is from, for messages.
        renumbering: how pieces are numbered.
        learned_positions: whether the model has a table of positions. RoBERTa and its kin count positions
            from the pad piece's id on, so that it must keep its number.

    Raises:
        SmallerLabseError: the config has no vocabulary, or one of another size than the table, names a piece
            that is not kept, or the pad piece moves where it must not.
    """
    _check_size(config, file, renumbering.rows)
    text = config[TEXT] if isinstance(config.get(TEXT), Mapping) else config
    _check_pad(
        text.get(PAD, config.get(PAD)), PAD in text or PAD in config, file, renumbering, learned_positions
    )
    followed = _follow_section(config, file, renumbering)
    if text is not config:  # its size may be left to transformers' default, which is the original's
        followed[TEXT][SIZE] = len(renumbering.kept_ids)
    return followed


def follow_generation_config(
    config: Mapping[str, Any], file: Path, renumbering: Renumbering
) -> dict[str, Any]:
    """The `generation_config.json` of the cut model; see `follow_config`."""
    return _follow_section(config, file, renumbering)


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


def _check_size(config: Mapping[str, Any], file: Path, rows: int) -> None:
    text = config.get(TEXT)
    if SIZE not in config and not isinstance(text, Mapping):
        raise SmallerLabseError(f"{file}: no {SIZE} in it, expected {rows:,}, the rows of the table")
    for section in (config, text):
        if isinstance(section, Mapping) and section.get(SIZE, rows) != rows:
            raise SmallerLabseError(
                f"{file}: {SIZE} is {section[SIZE]}, but the table of embeddings has {rows:,} rows; "
                "they do not belong together"
            )


def _check_pad(pad: Any, named: bool, file: Path, renumbering: Renumbering, learned_positions: bool) -> None:
    low = np.arange(min(LOW_IDS, renumbering.rows))
    if not named and not np.array_equal(renumbering.kept_ids[:LOW_IDS], low):
        raise SmallerLabseError(
            f"{file}: no {PAD} in it, and pieces before {LOW_IDS} are dropped or moved; add it, or null "
            "where the model has none"
        )
    if named and learned_positions and isinstance(pad, int) and renumbering.new_id(pad) != pad:
        raise SmallerLabseError(
            f"{file}: the {PAD} {pad} would become {renumbering.new_id(pad)}, and positions may be counted "
            "from it; select with the special pieces where the original has them"
        )


def _follow_section(section: Mapping[str, Any], file: Path, renumbering: Renumbering) -> dict[str, Any]:
    followed = dict(section)
    for key, value in section.items():
        if SIZE in key and value == renumbering.rows:
            followed[key] = len(renumbering.kept_ids)
        elif PIECE_ID.search(key):
            followed[key] = _follow_id(value, key, file, renumbering)
        elif key in OTHER_IDS and value:
            raise SmallerLabseError(
                f"{file}: {key} lists ids of pieces, which are not renumbered; set it to null"
            )
        elif key == ROUNDING:
            followed[key] = 1
        elif isinstance(value, Mapping) and (key == TEXT or value.get(SIZE) == renumbering.rows):
            followed[key] = _follow_section(value, file, renumbering)
    return followed


def _follow_id(value: Any, key: str, file: Path, renumbering: Renumbering) -> Any:
    if isinstance(value, list):
        return [_follow_id(each, key, file, renumbering) for each in value]
    if not isinstance(value, int):
        return value
    new_id = renumbering.new_id(value)
    if new_id is None:
        raise SmallerLabseError(
            f"{file}: {key} is {value}, a piece that the selection does not keep; keep it and select again"
        )
    return new_id
