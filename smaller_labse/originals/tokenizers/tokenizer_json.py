"""A Hugging Face `tokenizer.json`: read and checked, used to tokenize text, and written for fewer pieces.

Its model is trimmed by each family of tokenizers for itself; the ids that added tokens, post-processor and
padding name are mapped here. Everything else, the normalizer and the pre-tokenizer above all, stays as it is.
By hand, because the library tokenizers cannot remove tokens from a tokenizer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import parse_object
from smaller_labse.originals.tokenizers.compiled.huggingface_words import word_kinds
from smaller_labse.originals.tokenizers.normalizer import require_bounded_growth
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON
from smaller_labse.originals.tokenizers.vocabulary import (
    VocabularySubset,
    require_tokens,
    vocabulary_fingerprint,
)

IDS_NAMED = 3  # in a message


@dataclass(frozen=True)
class TokenizerJson:
    """A `tokenizer.json` whose pieces have the ids 0 … n-1.

    Attributes:
        file: where it is from.
        content: the parsed JSON.
        backend: the tokenizer of the library tokenizers; it neither truncates nor pads.
        pieces: every piece, by token id, added tokens included.
        named_ids: the ids of added tokens, and those that the post-processor and the padding name.
        without_embedding: added tokens whose ids lie beyond the embedding matrix; they are left out.
    """

    file: Path
    content: dict[str, Any]
    backend: Any
    pieces: list[str]
    named_ids: frozenset[int]
    without_embedding: tuple[str, ...]

    @property
    def model(self) -> dict[str, Any]:
        """The JSON's model: pieces, scores or merges."""
        return self.content["model"]

    @cached_property
    def ids(self) -> dict[str, int]:
        """Every piece's token id."""
        return {piece: token_id for token_id, piece in enumerate(self.pieces)}

    @cached_property
    def fingerprint(self) -> str:
        """See `vocabulary_fingerprint`; pieces are hashed as JSON strings where one holds a line feed."""
        if any("\n" in piece for piece in self.pieces):
            return vocabulary_fingerprint(json.dumps(piece) for piece in self.pieces)
        return vocabulary_fingerprint(self.pieces)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize n lines, without special tokens before and behind; see `Tokenizer`.

        Raises:
            SmallerLabseError: the tokenizer fails on the text, as one without an unknown piece may.
        """
        with errors_of_tokenizers(self.file, "cannot tokenize this text"):
            encodings = self.backend.encode_batch_fast(list(lines), add_special_tokens=False)
        lengths = np.fromiter(map(len, encodings), np.int64, len(encodings))
        ids = chain.from_iterable(encoding.ids for encoding in encodings)
        return np.fromiter(ids, np.int32, int(lengths.sum())), lengths

    @cached_property
    def word_kinds(self) -> np.ndarray | None:
        """See `compiled.huggingface_words.word_kinds`."""
        return word_kinds(self.content)

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize each word by itself; see `Tokenizer`."""
        content, places = text.tobytes(), starts.tolist()
        return self.tokenize([content[start:stop].decode() for start, stop in pairwise(places)])


def parse_tokenizer_json(text: str, file: Path, vocab_size: int) -> TokenizerJson:
    """Check a `tokenizer.json`.

    Args:
        text: its content.
        file: where it is from, for messages.
        vocab_size: how many rows the embedding matrix has. It may have more than the tokenizer has pieces,
            which are padding. Added tokens beyond it cannot be used with the model (Gemma's
            `<image_soft_token>` has the id 262,144 in a matrix of as many rows) and are left out.

    Raises:
        SmallerLabseError: it is no `tokenizer.json`, its ids are not 0 … n-1, or the embedding matrix has
            too few rows.
    """
    content = parse_object(text, file)
    if not isinstance(content.get("model"), dict):
        raise SmallerLabseError(f"{file}: no model in it, so it is no {TOKENIZER_JSON}")
    require_bounded_growth(content, file)
    tokens = _added_tokens(content, file)
    without_embedding = [token for token in tokens if token["id"] >= vocab_size]
    if without_embedding:
        content["added_tokens"] = [token for token in tokens if token["id"] < vocab_size]
        text = json.dumps(content, ensure_ascii=False)
    backend = _load(text, file)
    backend.no_truncation()
    backend.no_padding()
    vocabulary = backend.get_vocab(with_added_tokens=True)
    _check_ids(vocabulary, content["added_tokens"], vocab_size, file)
    named = _named_ids(content, file)
    beyond = [token_id for token_id in named if token_id >= len(vocabulary)]
    if beyond:
        raise SmallerLabseError(f"{file}: names the id {beyond[0]}, which no piece has")
    return TokenizerJson(
        file=file,
        content=content,
        backend=backend,
        pieces=sorted(vocabulary, key=vocabulary.__getitem__),
        named_ids=named,
        without_embedding=tuple(token["content"] for token in without_embedding),
    )


def write_trimmed_json(
    json_file: TokenizerJson, model: dict[str, Any], subset: VocabularySubset, file: Path
) -> None:
    """Write the `tokenizer.json` of a subset, and check that its tokens get their new ids.

    Args:
        json_file: the original's.
        model: what stands in the place of the original's, trimmed by its family.
        subset: the kept tokens.
        file: where to write.

    Raises:
        SmallerLabseError: an id that the file names is not kept, or the pieces cannot stand in this order.
    """
    require_kept(subset, json_file)
    new_ids = subset.new_ids.tolist()
    content = _map_ids(json_file.content, new_ids.__getitem__, json_file.file) | {"model": model}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    written = _load(text, file).get_vocab(with_added_tokens=True)
    if written != {piece: new_id for new_id, piece in enumerate(subset.pieces_of(json_file.pieces))}:
        # tokenizers gives added tokens that are no pieces of the model ids of its own, behind all of those.
        raise SmallerLabseError(
            f"{file}: the kept pieces cannot stand in this order, which moves added tokens before others; "
            "keep the original's order"
        )
    file.write_text(text, encoding="utf-8", newline="\n")


def require_kept(subset: VocabularySubset, json_file: TokenizerJson) -> None:
    """Check that a subset is one of this tokenizer's, and keeps all tokens that its files name.

    Raises:
        SmallerLabseError: it is not, or does not.
    """
    require_tokens(subset, len(json_file.pieces), json_file.file)
    named = np.array(sorted(json_file.named_ids), dtype=np.int64)
    dropped = named[~subset.contains(named)]
    if len(dropped):
        raise SmallerLabseError(
            f"{json_file.file}: the special piece {json_file.pieces[dropped[0]]!r} is not kept; "
            "select again, with special_ids"
        )


def _is_id(value: object) -> TypeGuard[int]:
    """Whether a JSON value can be an id."""
    return type(value) is int and value >= 0  # bool is an int, too


def _named_ids(content: dict[str, Any], file: Path) -> frozenset[int]:
    """The ids that the file names outside of its model; for the arguments and errors see `_map_ids`."""
    named: set[int] = set()

    def note(token_id: int) -> int:
        named.add(token_id)
        return token_id

    _map_ids(content, note, file)
    return frozenset(named)


def _map_ids(content: dict[str, Any], new_id: Callable[[int], int], file: Path) -> dict[str, Any]:
    """The content of a `tokenizer.json` with other ids in added tokens, post-processor and padding.

    Args:
        content: the parsed JSON; it is not changed.
        new_id: what becomes of an id.
        file: where it is from, for messages.

    Raises:
        SmallerLabseError: something that should be an id is none.
    """

    def mapped(value: object) -> int:
        if not _is_id(value):
            raise SmallerLabseError(f"{file}: found {value!r} as an id, expected a non-negative integer")
        return new_id(value)

    try:
        tokens = [token | {"id": mapped(token["id"])} for token in content.get("added_tokens") or []]
        padding = content.get("padding")
        if padding is not None:
            padding = padding | {"pad_id": mapped(padding["pad_id"])}
        processor = _map_post_processor(content.get("post_processor"), mapped)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SmallerLabseError(
            f"{file}: added_tokens, padding or post_processor are not as expected ({error!r}); get it again"
        ) from None
    tokens.sort(key=lambda token: token["id"])
    return content | {"added_tokens": tokens, "padding": padding, "post_processor": processor}


def _map_post_processor(processor: dict[str, Any] | None, mapped: Callable[[object], int]) -> Any:
    """The kinds are those of the library tokenizers; its ByteLevel has no ids."""
    if processor is None:
        return None
    kind = processor.get("type")
    if kind == "Sequence":
        return processor | {
            "processors": [_map_post_processor(each, mapped) for each in processor["processors"]]
        }
    if kind == "TemplateProcessing":
        tokens = processor["special_tokens"].items()
        tokens = {name: token | {"ids": [mapped(each) for each in token["ids"]]} for name, token in tokens}
        return processor | {"special_tokens": tokens}
    if kind in ("BertProcessing", "RobertaProcessing"):
        pairs = {name: processor[name] for name in ("sep", "cls")}
        return processor | {name: [piece, mapped(token_id)] for name, (piece, token_id) in pairs.items()}
    return processor


def _added_tokens(content: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    tokens = content.setdefault("added_tokens", [])
    if not isinstance(tokens, list) or not all(
        isinstance(token, dict) and isinstance(token.get("content"), str) and _is_id(token.get("id"))
        for token in tokens
    ):
        raise SmallerLabseError(f"{file}: added_tokens, expected a list of objects with `content` and `id`")
    return tokens


def _check_ids(vocabulary: dict[str, int], tokens: list[dict[str, Any]], vocab_size: int, file: Path) -> None:
    for token in tokens:
        token_id = vocabulary.get(token["content"])
        if token_id != token["id"]:
            raise SmallerLabseError(
                f"{file}: the added token {token['content']!r} has the id {token['id']}, "
                f"but tokenizers gives it {token_id}; load and save it with transformers"
            )
    missing = sorted(set(range(len(vocabulary))) - set(vocabulary.values()))
    if missing:
        named = ", ".join(map(str, missing[:IDS_NAMED]))
        raise SmallerLabseError(
            f"{file}: {len(vocabulary):,} different pieces, but none has the id {named}; expected the "
            f"ids 0 to {len(vocabulary) - 1:,}, each once"
        )
    if len(vocabulary) > vocab_size:
        raise SmallerLabseError(
            f"{file}: {len(vocabulary):,} pieces, but the embedding matrix has {vocab_size:,} rows; "
            "they cannot belong together"
        )


def _load(text: str, file: Path) -> Any:
    """Read the JSON with the library tokenizers."""
    from tokenizers import Tokenizer

    with errors_of_tokenizers(file, f"no {TOKENIZER_JSON} that tokenizers can read"):
        return Tokenizer.from_str(text)


@contextmanager
def errors_of_tokenizers(file: Path, problem: str) -> Iterator[None]:
    """tokenizers raises plain `Exception`, and where its own code panics something that is no Exception."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise SmallerLabseError(f"{file}: {problem} ({' '.join(str(error).split())})") from None
