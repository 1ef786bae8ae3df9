"""A Hugging Face `tokenizer.json`: read and checked, used to cut text, and written for fewer pieces.

Its model is cut by each family of tokenizers for itself; other ids in it are renumbered, see
`tokenizer_json_ids`. Everything else, the normalizer and the pre-tokenizer above all, stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import parse_object
from smaller_labse.originals.tokenizers.normalizer import flat_steps, read_charsmap
from smaller_labse.originals.tokenizers.tokenizer_json_ids import is_id, map_ids, named_ids
from smaller_labse.originals.tokenizers.vocabulary import (
    VocabularySubset,
    require_tokens,
    vocabulary_fingerprint,
)
from smaller_labse.originals.tokenizers.words.huggingface import word_kinds

NAME = "tokenizer.json"
PIECES_NAMED = 3  # in a message


@dataclass(frozen=True)
class TokenizerJson:
    """A `tokenizer.json` whose pieces have the ids 0 … n-1.

    Attributes:
        file: where it is from.
        content: the parsed JSON.
        backend: the tokenizer of the library `tokenizers`; it neither truncates nor pads.
        pieces: every piece, by id, added tokens included.
        named_ids: the ids of added tokens, and those that the post-processor and the padding name.
        without_embedding: added tokens whose ids lie beyond the table; they are left out.
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
        """Every piece's id."""
        return {piece: number for number, piece in enumerate(self.pieces)}

    @cached_property
    def fingerprint(self) -> str:
        """See `vocabulary_fingerprint`; pieces are hashed as JSON strings where one holds a line feed."""
        if any("\n" in piece for piece in self.pieces):
            return vocabulary_fingerprint(json.dumps(piece) for piece in self.pieces)
        return vocabulary_fingerprint(self.pieces)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Cut lines as the tokenizer does by itself, without special tokens before and after.

        Args:
            lines: n lines of text.

        Returns:
            The ids of all lines' pieces one after the other, int32 [total], and how many belong to each
            line, int64 [n].

        Raises:
            SmallerLabseError: the tokenizer fails on the text, as one without an unknown piece may.
        """
        with _errors_of_tokenizers(self.file, "cannot cut this text"):
            encodings = self.backend.encode_batch_fast(list(lines), add_special_tokens=False)
        lengths = np.fromiter(map(len, encodings), np.int64, len(encodings))
        ids = chain.from_iterable(encoding.ids for encoding in encodings)
        return np.fromiter(ids, np.int32, int(lengths.sum())), lengths

    @cached_property
    def word_kinds(self) -> np.ndarray | None:
        """See `hf_words.word_kinds`."""
        return word_kinds(self.content)

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cut words by themselves; otherwise as `tokenize`.

        Args:
            text: the words one after the other in UTF-8, uint8 [bytes].
            starts: word n is `text[starts[n] : starts[n + 1]]`, int64 [n + 1].
        """
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
        SmallerLabseError: it is no `tokenizer.json`, its ids are not 0 … n-1, or the table has too few rows.
    """
    content = parse_object(text, file)
    if not isinstance(content.get("model"), dict):
        raise SmallerLabseError(f"{file}: no model in it, so it is no {NAME}")
    for step in flat_steps(content.get("normalizer")):
        if step.get("type") == "Precompiled":
            read_charsmap(step, file)
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
    named = named_ids(content, file)
    beyond = [number for number in named if number >= len(vocabulary)]
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
    """Write a `tokenizer.json` for some of the pieces, and check that it numbers them as asked.

    Args:
        json_file: the original's.
        model: the trimmed model.
        subset: the kept tokens.
        file: where to write.

    Raises:
        SmallerLabseError: an id that the file names is not kept, or the pieces cannot stand in this order.
    """
    require_kept(subset, json_file)
    new_ids = subset.new_ids.tolist()
    content = map_ids(json_file.content, new_ids.__getitem__, json_file.file) | {"model": model}
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    written = _load(text, file).get_vocab(with_added_tokens=True)
    if written != {json_file.pieces[each]: new for new, each in enumerate(subset.original_ids.tolist())}:
        # tokenizers numbers added tokens that are no pieces of the model itself, behind all of the model's.
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


def _added_tokens(content: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    tokens = content.setdefault("added_tokens", [])
    if not isinstance(tokens, list) or not all(
        isinstance(token, dict) and isinstance(token.get("content"), str) and is_id(token.get("id"))
        for token in tokens
    ):
        raise SmallerLabseError(f"{file}: added_tokens, expected a list of objects with `content` and `id`")
    return tokens


def _check_ids(vocabulary: dict[str, int], tokens: list[dict[str, Any]], vocab_size: int, file: Path) -> None:
    for token in tokens:
        number = vocabulary.get(token["content"])
        if number != token["id"]:
            raise SmallerLabseError(
                f"{file}: the added token {token['content']!r} has the id {token['id']}, "
                f"but tokenizers gives it {number}; load and save it with transformers"
            )
    missing = sorted(set(range(len(vocabulary))) - set(vocabulary.values()))
    if missing:
        named = ", ".join(map(str, missing[:PIECES_NAMED]))
        raise SmallerLabseError(
            f"{file}: {len(vocabulary):,} different pieces, but none has the id {named}; expected every id "
            "from 0 on, each once"
        )
    if len(vocabulary) > vocab_size:
        raise SmallerLabseError(
            f"{file}: {len(vocabulary):,} pieces, but the embedding matrix has {vocab_size:,} rows; "
            "they cannot belong together"
        )


def _load(text: str, file: Path) -> Any:
    """Read the JSON with the library `tokenizers`."""
    from tokenizers import Tokenizer

    with _errors_of_tokenizers(file, f"no {NAME} that tokenizers can read"):
        return Tokenizer.from_str(text)


@contextmanager
def _errors_of_tokenizers(file: Path, problem: str) -> Iterator[None]:
    """tokenizers raises plain `Exception`, and where its own code panics something that is no Exception."""
    try:
        yield
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise SmallerLabseError(f"{file}: {problem} ({' '.join(str(error).split())})") from None
