"""The small files beside a tokenizer in a Hugging Face folder, and the ids that they name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object, read_object_if_there, write_json
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS = "special_tokens_map.json"  # names pieces, but no ids
ADDED_TOKENS = "added_tokens.json"  # piece → id
CONFIGS = ("config.json", "generation_config.json")  # of the model
PIECE_ID = re.compile(r"_token_(ids?|index)$")  # pad_token_id and the like
DECODER = "added_tokens_decoder"  # of a tokenizer_config.json: id, as text → piece


def write_files_beside(original: Path, subset: VocabularySubset, pieces: int, folder: Path) -> None:
    """Write those small files of a tokenizer that a folder has, with the new ids of the kept tokens.

    That is `tokenizer_config.json`, `special_tokens_map.json` and `added_tokens.json`. Added tokens beyond
    the embedding matrix (see `parse_tokenizer_json`) are left out of them.

    Args:
        original: the original's folder.
        subset: the kept tokens.
        pieces: how many pieces the tokenizer has; ids from there on are none of its.
        folder: where to write; it exists.

    Raises:
        SmallerLabseError: a file cannot be read, or names a token that is not kept.
    """
    new_ids = subset.new_ids[:pieces]
    followed: dict[str, Callable[[dict[str, Any], np.ndarray, Path], dict[str, Any]]] = {
        TOKENIZER_CONFIG: _follow_tokenizer_config,
        SPECIAL_TOKENS: lambda content, new_ids, file: content,
        ADDED_TOKENS: _follow_added_tokens,
    }
    for name, follow in followed.items():
        if (original / name).exists():
            file = original / name
            write_json(folder / name, follow(read_object(file), new_ids, file))


def ids_named_beside(folder: Path, pieces: int) -> set[int]:
    """Ids of pieces that a folder's small files and model configs name; they are to be kept.

    Args:
        folder: the Hugging Face folder.
        pieces: how many pieces the tokenizer has; ids from there on are none of its.

    Raises:
        SmallerLabseError: a file cannot be read.
    """
    decoder = read_object_if_there(folder / TOKENIZER_CONFIG).get(DECODER)
    added = read_object_if_there(folder / ADDED_TOKENS)
    found = {int(key) for key in decoder or () if key.isdecimal()} if isinstance(decoder, dict) else set()
    found |= {number for number in added.values() if type(number) is int}
    for name in CONFIGS:
        found |= set(_piece_ids(read_object_if_there(folder / name)))
    return {number for number in found if 0 <= number < pieces}


def _piece_ids(config: Mapping[str, Any]) -> list[int]:
    """The ids that a model's config names, those of its sections too."""
    ids: list[int] = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            ids += _piece_ids(value)
        elif PIECE_ID.search(key):
            ids += [each for each in (value if isinstance(value, list) else [value]) if type(each) is int]
    return ids


def _follow_tokenizer_config(content: dict[str, Any], new_ids: np.ndarray, file: Path) -> dict[str, Any]:
    decoder = content.get(DECODER)
    if decoder is None:
        return content
    if not isinstance(decoder, dict) or not all(key.isdecimal() for key in decoder):
        raise SmallerLabseError(f"{file}: {DECODER}, expected an object with an id for each key")
    followed = {_follow(int(key), new_ids, file): token for key, token in decoder.items()}
    followed.pop(None, None)
    return content | {DECODER: {str(number): followed[number] for number in sorted(followed)}}


def _follow_added_tokens(content: dict[str, Any], new_ids: np.ndarray, file: Path) -> dict[str, Any]:
    for piece, number in content.items():
        if type(number) is not int:
            raise SmallerLabseError(f"{file}: the id of {piece!r} is {number!r}, expected a whole number")
    followed = {piece: _follow(number, new_ids, file) for piece, number in content.items()}
    return {piece: number for piece, number in followed.items() if number is not None}


def _follow(number: int, new_ids: np.ndarray, file: Path) -> int | None:
    """The new id, None for what lies beyond the tokenizer's pieces."""
    if not 0 <= number < len(new_ids):
        return None
    if new_ids[number] < 0:
        raise SmallerLabseError(f"{file}: names the id {number}, whose piece is not kept; select again")
    return int(new_ids[number])
