"""Byte-pair encoding: cutting text, and which pieces need which others.

BPE (Sennrich et al. 2016, arXiv 1508.07909) cuts a word into bytes or characters and merges neighbours, in
the order in which it learned to. Two kinds are in use. Byte-level BPE (GPT-2; ModernBERT, Qwen3) works on
bytes and reads everything. SentencePiece's (Gemma) works on characters, and writes a character that it does
not know as the pieces of its bytes, or as the unknown piece.

A subset keeps those merges whose three pieces are kept. So with a piece, the pieces that merges pass through
on the way to it are kept, too (`with_dependencies`). Then a text whose pieces are all kept is tokenized the
same: every merge that the original does is still there, still the first that applies, and no other was added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import write_json
from smaller_labse.originals.tokenizers.base import TensorFlowSetup
from smaller_labse.originals.tokenizers.byte_alphabet import (
    BYTE_PIECE,
    is_byte_character,
    to_byte_characters,
    whole_characters,
)
from smaller_labse.originals.tokenizers.merges import Merges, parse_merges
from smaller_labse.originals.tokenizers.normalizer import flat_steps
from smaller_labse.originals.tokenizers.tokenizer_files import write_files_beside
from smaller_labse.originals.tokenizers.tokenizer_json import (
    NAME,
    TokenizerJson,
    require_kept,
    write_trimmed_json,
)
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

SPACE = "▁"
BYTES = 256
VOCABULARY, MERGES = "vocab.json", "merges.txt"  # the form that older tokenizers read, beside the other


class BytePairEncoding:
    """A BPE vocabulary and tokenizer.

    Attributes:
        kind: "bpe".
        json_file: the tokenizer.
        file, pieces, ids, fingerprint: as in the Protocol `Tokenizer`.
        byte_level: whether its pieces are made of bytes, written as characters.
        unknown_id: the id of the unknown piece, None where there is none.
        special_ids: added tokens, those that the folder's files name, the unknown piece, all single bytes,
            and ▁ by itself, without which spaces would become bytes; int32, ascending.
    """

    kind = "bpe"

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
                raise SmallerLabseError(f"{self.file}: {mark} is {model[mark]!r}, which cannot be cut")
        steps = (json_file.content.get("normalizer"), json_file.content.get("pre_tokenizer"))
        kinds = {step.get("type") for both in steps for step in flat_steps(both)}
        self.byte_level = "ByteLevel" in kinds
        self._byte_fallback = bool(model.get("byte_fallback"))
        self.unknown_id: int | None = self.ids.get(model.get("unk_token"))
        self._bytes = [number for number, piece in enumerate(self.pieces) if self._is_byte(piece)]
        special = {*json_file.named_ids, *special_ids, *self._bytes}
        space = None if self.byte_level else self.ids.get(SPACE)
        special |= {number for number in (self.unknown_id, space) if number is not None}
        self.special_ids = np.array(sorted(special), dtype=np.int32)

    @cached_property
    def merges(self) -> Merges:
        """Its merges."""
        table = parse_merges(self.json_file.model, self.ids, self.file)
        if self._byte_fallback and np.isin(table, self._bytes).any():
            raise SmallerLabseError(f"{self.file}: it merges the pieces of bytes, which cannot be cut")
        return Merges(table, self.pieces, self.ids)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize`."""
        return self.json_file.tokenize(lines)

    @property
    def word_kinds(self) -> np.ndarray | None:
        """See `hf_words.word_kinds`."""
        return self.json_file.word_kinds

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize_words`."""
        return self.json_file.tokenize_words(text, starts)

    def with_dependencies(self, ids: np.ndarray) -> np.ndarray:
        """The ids, and those of all pieces that merges pass through on the way to them; int32, ascending."""
        passed = (self.merges.passed_through(number) for number in np.unique(ids).tolist())
        return np.array(sorted(set().union(*passed)), dtype=np.int32)

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """The piece of every character of the seen pieces, with and without a space before it.

        Whichever the vocabulary has. Without them a character would fall apart into bytes, or become the
        unknown piece where the tokenizer knows no bytes.

        Args:
            seen: ids of the pieces that occurred, int [n].

        Returns:
            Ids, int32, ascending; special pieces are not among them. They are not `with_dependencies`.
        """
        special = set(self.special_ids.tolist())
        characters = {
            character
            for number in seen.tolist()
            if number not in special
            for character in self._characters(self.pieces[number])
        }
        needed = {self.ids[form] for one in characters for form in self._forms(one) if form in self.ids}
        return np.array(sorted(needed - special), dtype=np.int32)

    def unreadable(self, pieces: Iterable[int], kept: np.ndarray) -> list[int]:
        """Those of `pieces` that the kept pieces cannot spell; none where the tokenizer knows all bytes.

        Args:
            pieces: ids.
            kept: bool [number of pieces]; whether a piece is kept.
        """
        if len(self._bytes) == BYTES:
            return []
        vocabulary = {piece for piece, is_kept in zip(self.pieces, kept.tolist(), strict=True) if is_kept}
        return [
            number
            for number in pieces
            if not kept[number] and not all(character in vocabulary for character in self.pieces[number])
        ]

    def write_subset(self, subset: VocabularySubset, folder: Path) -> None:
        """Write `tokenizer.json` and the files beside; see `Tokenizer`.

        Where the original has `vocab.json` and `merges.txt`, they are written, too.
        """
        require_kept(subset, self.json_file)
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
        write_trimmed_json(self.json_file, model, subset, folder / NAME)
        write_files_beside(self.file.parent, subset, len(self.pieces), folder)
        beside = self.file.parent
        if (beside / VOCABULARY).exists() and (beside / MERGES).exists():
            write_json(folder / VOCABULARY, vocabulary)
            lines = (merge if isinstance(merge, str) else " ".join(merge) for merge in merges)
            text = "#version: 0.2\n" + "".join(f"{line}\n" for line in lines)
            (folder / MERGES).write_text(text, encoding="utf-8", newline="\n")

    def write_for_tensorflow(self, folder: Path) -> TensorFlowSetup:
        """Refuse it: tf-text has no BPE; see `Tokenizer`."""
        raise SmallerLabseError(
            f"{self.file}: tf-text has no tokenizer for {self.kind}; add --no-savedmodel to trim the "
            "Hugging Face folder only"
        )

    def _is_byte(self, piece: str) -> bool:
        if self.byte_level:
            return is_byte_character(piece)
        return self._byte_fallback and BYTE_PIECE.fullmatch(piece) is not None

    def _characters(self, piece: str) -> set[str]:
        return whole_characters(piece) if self.byte_level else set(piece)

    def _forms(self, character: str) -> tuple[str, str]:
        if self.byte_level:
            return to_byte_characters(character), to_byte_characters(" " + character)
        return character, SPACE + character
