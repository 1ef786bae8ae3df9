"""The files of a tokenizer: what they are called, and the ids in the small ones beside it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object, read_object_if_there, write_json
from smaller_labse.originals.huggingface import CONFIG
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

VOCABULARY = "vocab.txt"  # one piece per line; WordPiece has no other file
TOKENIZER_JSON = "tokenizer.json"
TOKENIZER_CONFIG = "tokenizer_config.json"
SPECIAL_TOKENS_MAP = "special_tokens_map.json"  # names pieces, but no ids
ADDED_TOKENS = "added_tokens.json"  # piece → token id
MODEL_CONFIGS = (CONFIG, "generation_config.json")
A_TOKEN_ID = re.compile(r"[0-9]{1,10}")
TOKEN_ID = re.compile(r"_token_(ids?|index)$")  # pad_token_id and the like
# Of a tokenizer_config.json: where files lay when it was saved, perhaps on somebody's machine.
PLACES = ("name_or_path", "tokenizer_file", "special_tokens_map_file")
DECODER = "added_tokens_decoder"  # of a tokenizer_config.json: token id, as text → piece


@dataclass(frozen=True)
class SpecialToken:
    """A token as an object of a `tokenizer_config.json`."""

    content: str


@dataclass(frozen=True)
class TokenizerSettings:
    """What a `tokenizer_config.json` says, as far as it is asked for here; None for what it does not say."""

    tokenizer_class: str | None = None
    model_max_length: float | None = None
    do_lower_case: bool | None = None
    tokenize_chinese_chars: bool | None = None
    strip_accents: bool | None = None
    extra_ids: int | None = None
    bos_token: str | SpecialToken | None = None
    eos_token: str | SpecialToken | None = None
    unk_token: str | SpecialToken | None = None
    sep_token: str | SpecialToken | None = None
    pad_token: str | SpecialToken | None = None
    cls_token: str | SpecialToken | None = None
    mask_token: str | SpecialToken | None = None

    def token(self, name: str, default: str) -> str:
        """A special token, e.g. "mask_token"; `default` where it says none.

        Example:
            >>> TokenizerSettings(mask_token=SpecialToken("<mask>")).token("mask_token", "[MASK]")
            '<mask>'
        """
        said = getattr(self, name)
        if said is None:
            return default
        return said.content if isinstance(said, SpecialToken) else said


def read_tokenizer_settings(folder: Path) -> TokenizerSettings:
    """What a folder's `tokenizer_config.json` says; all of it unsaid where there is none.

    Raises:
        SmallerLabseError: it is not readable, or says something of another kind.
    """
    file = folder / TOKENIZER_CONFIG
    return read_checked(TokenizerSettings, read_object_if_there(file), file, more=True)


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
        SPECIAL_TOKENS_MAP: lambda content, new_ids, file: content,
        ADDED_TOKENS: _follow_added_tokens,
    }
    for name, follow in followed.items():
        file = original / name
        if file.exists():
            write_json(folder / name, follow(read_object(file), new_ids, file))


def ids_named_beside(folder: Path, pieces: int) -> set[int]:
    """Token ids that a folder's small files and model configs name; they are to be kept.

    Args:
        folder: the Hugging Face folder.
        pieces: how many pieces the tokenizer has; ids from there on are none of its.

    Raises:
        SmallerLabseError: a file cannot be read.
    """
    decoder = read_object_if_there(folder / TOKENIZER_CONFIG).get(DECODER)
    added = read_object_if_there(folder / ADDED_TOKENS)
    keys = decoder if isinstance(decoder, dict) else {}
    found = {int(key) for key in keys if A_TOKEN_ID.fullmatch(key)}
    found |= {token_id for token_id in added.values() if type(token_id) is int}
    for name in MODEL_CONFIGS:
        found |= set(_token_ids(read_object_if_there(folder / name)))
    return {token_id for token_id in found if 0 <= token_id < pieces}


def _token_ids(config: Mapping[str, Any]) -> list[int]:
    """The token ids that a model's config names, those of its sections too."""
    ids: list[int] = []
    for key, value in config.items():
        if isinstance(value, Mapping):
            ids += _token_ids(value)
        elif TOKEN_ID.search(key):
            ids += [each for each in (value if isinstance(value, list) else [value]) if type(each) is int]
    return ids


def _follow_tokenizer_config(content: dict[str, Any], new_ids: np.ndarray, file: Path) -> dict[str, Any]:
    content = {key: value for key, value in content.items() if key not in PLACES}
    decoder = content.get(DECODER)
    if decoder is None:
        return content
    if not isinstance(decoder, dict) or not all(map(A_TOKEN_ID.fullmatch, decoder)):
        raise SmallerLabseError(f"{file}: {DECODER}, expected an object with a token id for each key")
    followed: dict[int, Any] = {}
    for key, token in decoder.items():
        new_id = _follow(int(key), new_ids, file)
        if new_id is not None:
            followed[new_id] = token
    return content | {DECODER: {str(new_id): followed[new_id] for new_id in sorted(followed)}}


def _follow_added_tokens(content: dict[str, Any], new_ids: np.ndarray, file: Path) -> dict[str, Any]:
    for piece, token_id in content.items():
        if type(token_id) is not int:
            raise SmallerLabseError(f"{file}: the id of {piece!r} is {token_id!r}, expected an integer")
    followed = {piece: _follow(token_id, new_ids, file) for piece, token_id in content.items()}
    return {piece: new_id for piece, new_id in followed.items() if new_id is not None}


def _follow(token_id: int, new_ids: np.ndarray, file: Path) -> int | None:
    """The new id, None for what lies beyond the tokenizer's pieces."""
    if not 0 <= token_id < len(new_ids):
        return None
    if new_ids[token_id] < 0:
        raise SmallerLabseError(f"{file}: names the id {token_id}, whose piece is not kept; select again")
    return int(new_ids[token_id])
