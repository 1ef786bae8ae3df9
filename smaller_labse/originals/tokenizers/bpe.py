"""Byte-pair encoding: tokenizing text, its merges, and which pieces need which others.

BPE (Sennrich et al. 2016, arXiv 1508.07909) splits a word into bytes or characters and merges neighbours, in
the order in which it learned to. Two kinds are in use. Byte-level BPE (GPT-2; ModernBERT, Qwen3) works on
bytes and reads everything. SentencePiece's (Gemma) works on characters, and writes a character that it does
not know as the pieces of its bytes, or as the unknown piece.

A subset keeps those merges whose three pieces are kept. So with a piece, the pieces that merges pass through
on the way to it are kept, too (`with_dependencies`). Then a text whose pieces are all kept is tokenized the
same: every merge that the original does is still there, still the first that applies, and no other was added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import write_json
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.originals.tokenizers.base import TensorFlowSetup
from smaller_labse.originals.tokenizers.kept_characters import bpe_characters, bpe_unreadable
from smaller_labse.originals.tokenizers.normalizer import META_SPACE, flat_steps
from smaller_labse.originals.tokenizers.sentencepiece_model import BYTE_PIECE
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON, write_files_beside
from smaller_labse.originals.tokenizers.tokenizer_json import TokenizerJson, require_kept, write_trimmed_json
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset, require_own_names

BYTES = 256
VOCABULARY_JSON, MERGES = "vocab.json", "merges.txt"  # the form that older tokenizers read, beside the other


class BytePairEncoding:
    """A BPE vocabulary and tokenizer; a `Tokenizer`.

    Attributes:
        json_file: the `tokenizer.json`.
        byte_level: whether its pieces are made of bytes, written as characters.
        special_ids: added tokens, those that the folder's files name, the unknown piece, all single bytes,
            and ▁ by itself, without which spaces would become bytes; int32, ascending.
    """

    kind = "bpe"
    preprocessor = FAITHFUL

    def __init__(self, json_file: TokenizerJson, special_ids: Iterable[int] = ()) -> None:
        """Take a tokenizer whose model is BPE.

        Args:
            json_file: the tokenizer.
            special_ids: ids that other files of its folder name.

        Raises:
            SmallerLabseError: it marks the beginnings or ends of words in its pieces, which Hugging Face's
                multilingual encoders do not, or its merges are no merges of its pieces.
        """
        self.json_file = json_file
        self.file, self.pieces, self.ids = json_file.file, json_file.pieces, json_file.ids
        self.fingerprint, self.without_embedding = json_file.fingerprint, json_file.without_embedding
        model = json_file.model
        for mark in ("continuing_subword_prefix", "end_of_word_suffix"):
            if model.get(mark):
                raise SmallerLabseError(f"{self.file}: {mark} is {model[mark]!r}, which cannot be trimmed")
        steps = (json_file.content.get("normalizer"), json_file.content.get("pre_tokenizer"))
        kinds = {step.get("type") for both in steps for step in flat_steps(both)}
        self.byte_level = "ByteLevel" in kinds
        self._byte_fallback = bool(model.get("byte_fallback"))
        unknown = model.get("unk_token")
        self.unknown_id: int | None = self.ids.get(unknown) if isinstance(unknown, str) else None
        self._bytes = [token_id for token_id, piece in enumerate(self.pieces) if self._is_byte(piece)]
        special = {*json_file.named_ids, *special_ids, *self._bytes}
        space = None if self.byte_level else self.ids.get(META_SPACE)
        special |= {token_id for token_id in (self.unknown_id, space) if token_id is not None}
        self.special_ids = np.array(sorted(special), dtype=np.int32)

    @cached_property
    def merges(self) -> Merges:
        """Its merges."""
        table = parse_merges(self.json_file.model, self.ids, self.file)
        if self._byte_fallback and np.isin(table, self._bytes).any():
            raise SmallerLabseError(f"{self.file}: it merges the pieces of bytes, which cannot be trimmed")
        return Merges(table, self.pieces, self.ids)

    @property
    def ranked_ids(self) -> np.ndarray:
        """See `Tokenizer`; pieces that no merge makes first, the others by the first merge that does."""
        made, first_merges = np.unique(self.merges.table[:, 2], return_index=True)
        ranks = np.full(len(self.pieces), -1)
        ranks[made] = first_merges
        return np.argsort(ranks, kind="stable").astype(np.int32)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize`."""
        return self.json_file.tokenize(lines)

    @property
    def word_kinds(self) -> np.ndarray | None:
        """See `compiled.huggingface_words.word_kinds`."""
        return self.json_file.word_kinds

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize_words`."""
        return self.json_file.tokenize_words(text, starts)

    def with_dependencies(self, ids: np.ndarray) -> np.ndarray:
        """The ids, and those of all pieces that merges pass through on the way to them; int32, ascending."""
        passed = (self.merges.passed_through(token_id) for token_id in np.unique(ids).tolist())
        return np.array(sorted(set().union(*passed)), dtype=np.int32)

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """See `kept_characters.bpe_characters`."""
        return bpe_characters(seen, self.pieces, self.ids, self.special_ids, self._characters, self._forms)

    def unreadable(self, ids: Iterable[int], kept: np.ndarray) -> list[int]:
        """See `kept_characters.bpe_unreadable`; none where the tokenizer knows all bytes."""
        return [] if len(self._bytes) == BYTES else bpe_unreadable(ids, self.pieces, kept)

    def text_of(self, token_id: int) -> str:
        """See `Tokenizer`; a piece of bytes that are no whole characters is a part of one."""
        piece = self.pieces[token_id]
        if token_id in self.json_file.named_ids or token_id == self.unknown_id:
            return ""
        if self.byte_level:
            return text_of_byte_characters(piece)
        return "" if BYTE_PIECE.fullmatch(piece) else piece.replace(META_SPACE, " ")

    def write_subset(self, subset: VocabularySubset, folder: Path) -> None:
        """Write `tokenizer.json` and the files beside; see `Tokenizer`.

        Where the original has `vocab.json` and `merges.txt`, they are written, too.
        """
        require_kept(subset, self.json_file)
        require_own_names(subset, self.file)
        kept_ids = subset.original_ids
        lacking = np.setdiff1d(self.with_dependencies(kept_ids), kept_ids)
        if len(lacking):
            raise SmallerLabseError(
                f"{self.file}: merges pass through the piece {self.pieces[lacking[0]]!r}, which is not kept; "
                "select again, with what `with_dependencies` returns"
            )
        of_model = self.json_file.model["vocab"]
        kept = ((self.pieces[token_id], new_id) for new_id, token_id in enumerate(kept_ids.tolist()))
        vocabulary = {piece: new_id for piece, new_id in kept if piece in of_model}
        originals = self.json_file.model["merges"]
        merges = [originals[rank] for rank in self.merges.left_by(subset).tolist()]
        model = self.json_file.model | {"vocab": vocabulary, "merges": merges}
        write_trimmed_json(self.json_file, model, subset, folder / TOKENIZER_JSON)
        beside = self.file.parent
        write_files_beside(beside, subset, len(self.pieces), folder)
        if (beside / VOCABULARY_JSON).exists() and (beside / MERGES).exists():
            write_json(folder / VOCABULARY_JSON, vocabulary)
            lines = (merge if isinstance(merge, str) else " ".join(merge) for merge in merges)
            text = "#version: 0.2\n" + "".join(f"{line}\n" for line in lines)
            (folder / MERGES).write_text(text, encoding="utf-8", newline="\n")

    def write_for_tensorflow(self, folder: Path) -> TensorFlowSetup:
        """Refuse it: tf-text has no BPE."""
        raise SmallerLabseError(
            f"{self.file}: tf-text has no tokenizer for {self.kind}; add --no-savedmodel to trim the "
            "Hugging Face folder only"
        )

    def _is_byte(self, piece: str) -> bool:
        if self.byte_level:
            return piece in _bytes_of_characters()
        return self._byte_fallback and BYTE_PIECE.fullmatch(piece) is not None

    def _characters(self, piece: str) -> set[str]:
        return whole_characters(piece) if self.byte_level else set(piece)

    def _forms(self, character: str) -> tuple[str, str]:
        if self.byte_level:
            return to_byte_characters(character), to_byte_characters(" " + character)
        return character, META_SPACE + character


class Merges:
    """Merges by token id, in their order: the first that applies anywhere in a word is done first.

    Attributes:
        table: left, right and resulting piece of each merge, int32 [merges, 3].
    """

    def __init__(self, table: np.ndarray, pieces: Sequence[str], ids: dict[str, int]) -> None:
        """Take parsed merges (see `parse_merges`), every piece by token id, and every piece's token id."""
        self.table = table
        self._pieces, self._ids = pieces, ids
        # The last of two equal merges counts, as in tokenizers.
        self._ranks = {
            (left, right): (rank, result) for rank, (left, right, result) in enumerate(table.tolist())
        }

    def passed_through(self, token_id: int) -> set[int]:
        """The pieces that merges pass through to a piece, its first characters and itself included.

        Whatever stands around it in a word, a piece that BPE ends with was built by those merges that build
        it when it stands alone: none of them reached over its edges, and the first that applies in the word
        is, among those within it, the first that applies to it.

        Args:
            token_id: the piece's.

        Returns:
            Token ids; only the piece itself where merges do not build it, as added tokens, and words that
            are pieces as a whole (`ignore_merges`).

        Example:
            >>> pieces = ["a", "b", "c", "ab", "abc"]
            >>> ids = {piece: token_id for token_id, piece in enumerate(pieces)}
            >>> table = parse_merges({"merges": ["a b", "ab c"]}, ids, Path("tokenizer.json"))
            >>> sorted(pieces[token_id] for token_id in Merges(table, pieces, ids).passed_through(4))
            ['a', 'ab', 'abc', 'b', 'c']
        """
        piece = self._pieces[token_id]
        if not all(character in self._ids for character in piece):
            return {token_id}
        symbols = [self._ids[character] for character in piece]
        passed = set(symbols)
        while len(symbols) > 1:
            applicable = [
                (*self._ranks[pair], place)
                for place, pair in enumerate(pairwise(symbols))
                if pair in self._ranks
            ]
            if not applicable:
                return {token_id}
            _, result, place = min(applicable, key=lambda merge: (merge[0], merge[2]))
            symbols[place : place + 2] = [result]
            passed.add(result)
        return passed | {token_id}

    def left_by(self, subset: VocabularySubset) -> np.ndarray:
        """The ranks of those merges whose three pieces are all kept, int64, ascending."""
        return np.flatnonzero(subset.contains(self.table).all(axis=1))


def parse_merges(model: dict[str, Any], ids: dict[str, int], file: Path) -> np.ndarray:
    """The merges of a BPE model as token ids.

    Args:
        model: the model in a `tokenizer.json`; its merges are pairs of pieces, or in files of older
            tokenizers texts of two pieces with a space between them.
        ids: every piece's token id.
        file: where it is from, for messages.

    Returns:
        Left, right and resulting piece of each merge, int32 [merges, 3].

    Raises:
        SmallerLabseError: a merge is none, or one of its pieces is not in the vocabulary.
    """
    merges = model.get("merges")
    if not isinstance(merges, list):
        raise SmallerLabseError(f"{file}: a BPE model without a list of merges; get it again")
    table = np.empty((len(merges), 3), np.int32)
    for rank, merge in enumerate(merges):
        pair = merge.split(" ") if isinstance(merge, str) else merge
        try:
            left, right = pair
            table[rank] = ids[left], ids[right], ids[left + right]
        except (KeyError, TypeError, ValueError):
            raise SmallerLabseError(
                f"{file}: merge {rank + 1:,} is {merge!r}, expected two pieces whose join is a piece, too"
            ) from None
    return table


@cache
def byte_characters() -> tuple[str, ...]:
    """Byte → the character by which byte-level BPE writes it, so that every piece is text.

    Itself where Latin-1 prints it, else one from U+0100 on, in ascending order. As in GPT-2 (Radford et al.
    2019), `bytes_to_unicode` in its encoder.py: a space becomes Ġ.
    """
    printed = {*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)}
    others = [byte for byte in range(BYTES) if byte not in printed]
    return tuple(chr(byte if byte in printed else 256 + others.index(byte)) for byte in range(BYTES))


@cache
def _bytes_of_characters() -> dict[str, int]:
    return {character: byte for byte, character in enumerate(byte_characters())}


def to_byte_characters(text: str) -> str:
    """Text as byte-level BPE's pieces write it.

    Example:
        >>> to_byte_characters(" é")
        'ĠÃ©'
    """
    characters = byte_characters()
    return "".join(characters[byte] for byte in text.encode("utf-8"))


def text_of_byte_characters(piece: str) -> str:
    """The text that a byte-level piece writes; empty where it is not whole characters.

    Example:
        >>> text_of_byte_characters("ĠÃ©"), text_of_byte_characters("ĠÃ")
        (' é', '')
    """
    values = _bytes_of_characters()
    if not all(character in values for character in piece):
        return ""
    try:
        return bytes(values[character] for character in piece).decode("utf-8")
    except UnicodeDecodeError:
        return ""


def whole_characters(piece: str) -> set[str]:
    """The characters of text that lie whole in a byte-level piece; parts of others are passed over.

    Example:
        >>> sorted(whole_characters("ĠÃ©Ã"))  # the last byte begins another character
        [' ', 'é']
    """
    values = _bytes_of_characters()
    if not all(character in values for character in piece):
        return set()
    return set(bytes(values[character] for character in piece).decode("utf-8", errors="ignore"))
