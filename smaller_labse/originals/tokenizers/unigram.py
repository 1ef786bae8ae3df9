"""SentencePiece Unigram vocabularies: cutting text, and what its pieces are made of.

Unigram (Kudo 2018, arXiv 1804.10959) gives every piece a score and cuts a text into the pieces whose scores
have the largest sum. A path that is the best of all is the best of fewer, so a text whose pieces are all kept
is cut the same from a subset, with one condition. A character without a piece of its own is unknown, for the
lowest score of the vocabulary minus 10 (`kUnkPenalty` in sentencepiece's unigram_model.cc, `K_UNK_PENALTY` in
tokenizers' models/unigram/model.rs). Were the lowest score to rise, unknown pieces would become cheaper and
win where they lost before. So a piece with the lowest score is always kept: of the normal pieces, which
sentencepiece looks at, and of all, which tokenizers looks at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.byte_alphabet import BYTE_PIECE
from smaller_labse.originals.tokenizers.json_to_sentencepiece import build_form
from smaller_labse.originals.tokenizers.sentencepiece_conversion import SPACE
from smaller_labse.originals.tokenizers.sentencepiece_model import (
    SentencePieceForm,
    cut_form,
    match_form,
    write_sentencepiece,
)
from smaller_labse.originals.tokenizers.tokenizer_json import NAME, TokenizerJson, number_kept, write_cut_json
from smaller_labse.originals.tokenizers.words.unigram import PlainWords, find_plain_words


class Unigram:
    """A Unigram vocabulary and tokenizer.

    Attributes:
        kind: "unigram".
        json_file: the tokenizer.
        file, pieces, ids, fingerprint: as in the Protocol `Tokenizer`.
        scores: of the pieces, float64 [pieces]; NaN for added tokens that the model does not have.
        unknown_id: the id of the unknown piece, None where there is none.
        special_ids: added tokens, those that the folder's files name, unknown, control, user-defined and byte
            pieces, ▁ by itself, and one piece with the lowest and one with the highest score; int32,
            ascending. Without ▁ a space could be unknown, and the two libraries count unknown pieces in a row
            differently: sentencepiece as one, tokenizers as one a word.
    """

    kind = "unigram"

    def __init__(
        self,
        json_file: TokenizerJson,
        sentencepiece: tuple[Path, Any] | None = None,
        special_ids: Iterable[int] = (),
    ) -> None:
        """Take a tokenizer whose model is Unigram.

        Args:
            json_file: the tokenizer.
            sentencepiece: the SentencePiece model beside it and its file; None to build it where needed.
            special_ids: ids that other files of its folder name.

        Raises:
            SmallerLabseError: its scores are no numbers, or the SentencePiece model is another tokenizer.
        """
        self.json_file = json_file
        self.file, self.pieces, self.ids = json_file.file, json_file.pieces, json_file.ids
        self.fingerprint = json_file.fingerprint
        self.scores = _scores(json_file)
        self.unknown_id: int | None = json_file.model.get("unk_id")
        self._byte_fallback = bool(json_file.model.get("byte_fallback"))
        self._form: SentencePieceForm | None = None
        self._no_form: SmallerLabseError | None = None
        try:
            if sentencepiece is None:
                self._form = build_form(json_file, self.scores)
        except SmallerLabseError as error:
            self._no_form = error  # raised by who asks for it
        if sentencepiece is not None:
            self._form = match_form(*sentencepiece, json_file, self.scores)
        self.special_ids = self._find_special(special_ids)

    @property
    def sentencepiece(self) -> SentencePieceForm:
        """The SentencePiece model that cuts text as this tokenizer does: the original's, or one built for it.

        Raises:
            SmallerLabseError: there is none beside the `tokenizer.json`, and none can be built from it.
        """
        if self._form is None:
            raise self._no_form
        return self._form

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize`."""
        return self.json_file.tokenize(lines)

    @property
    def word_kinds(self) -> np.ndarray | None:
        """See `hf_words.word_kinds`."""
        return self.json_file.word_kinds

    def cut_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.cut_words`; plain words are cut here, the same and faster."""
        if self._plain_words is None:
            return self.json_file.cut_words(text, starts)
        ids, lengths, is_plain = self._plain_words.cut(text, starts)
        if is_plain.all():
            return ids, lengths
        others = [text[starts[n] : starts[n + 1]].tobytes().decode() for n in np.flatnonzero(~is_plain)]
        ids_of_others, lengths[~is_plain] = self.json_file.tokenize(others)
        of_plain = np.repeat(is_plain, lengths)
        merged = np.empty(len(of_plain), np.int32)
        merged[of_plain], merged[~of_plain] = ids, ids_of_others
        return merged, lengths

    @cached_property
    def _plain_words(self) -> PlainWords | None:
        return find_plain_words(self.json_file.content)

    def closed(self, ids: np.ndarray) -> np.ndarray:
        """The ids themselves, ascending: the best path needs no pieces besides its own."""
        return np.unique(ids).astype(np.int32)

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """The pieces without which text that was readable would turn into the unknown piece.

        That is, for every character of the seen pieces, the piece that is this character alone, with and
        without a space (▁) before it, whichever the vocabulary has. Where all its characters have such a
        piece, a seen piece can be spelled, and a character that has one is never unknown to either library.
        Where one has none, which no trainer leaves behind, the seen piece itself is needed; another cut of
        the same text, with the unknown piece in it, may still win over it.

        Args:
            seen: ids of the pieces that occurred, int [n].

        Returns:
            Ids, int32, ascending; special pieces are not among them.
        """
        special = set(self.special_ids.tolist())
        needed: set[int] = set()
        for number in seen.tolist():
            if number in special:
                continue
            piece = self.pieces[number]
            needed.update(self.ids[form] for form in _forms(piece) if form in self.ids)
            if not _spelled_by_characters(piece, self.ids):
                needed.add(number)
        return np.array(sorted(needed - special), dtype=np.int32)

    def unreadable(self, pieces: Iterable[int], kept: np.ndarray) -> list[int]:
        """Those of `pieces` that the kept pieces cannot spell; none where unknown characters become bytes.

        Args:
            pieces: ids.
            kept: bool [number of pieces]; whether a piece is kept.
        """
        if self._byte_fallback:
            return []
        vocabulary = {piece for piece, is_kept in zip(self.pieces, kept.tolist(), strict=True) if is_kept}
        return [
            number
            for number in pieces
            if not kept[number] and not _spelled_by_pieces(self.pieces[number], vocabulary)
        ]

    def write_subset(self, kept_ids: np.ndarray, folder: Path) -> None:
        """Write `tokenizer.json` and, unless `sentencepiece` fails, that model, with some of the pieces.

        Args:
            kept_ids: new id → original id, int [kept]; all of `special_ids` are among them.
            folder: where to write; it exists.

        Raises:
            SmallerLabseError: a special piece is missing, or the pieces cannot stand in this order.
        """
        new_ids = number_kept(self.json_file, kept_ids)
        vocabulary = self.json_file.model["vocab"]
        kept = [vocabulary[number] for number in kept_ids.tolist() if number < len(vocabulary)]
        unknown = self.unknown_id if self.unknown_id is None else int(new_ids[self.unknown_id])
        model = self.json_file.model | {"vocab": kept, "unk_id": unknown}
        write_cut_json(self.json_file, model, kept_ids, folder / NAME)
        if self._form is not None:
            write_sentencepiece(cut_form(self._form, new_ids), folder / self._form.name)

    def _find_special(self, others: Iterable[int]) -> np.ndarray:
        special = {*self.json_file.named_ids, *others, int(np.nanargmin(self.scores))}
        special |= {number for number in (self.unknown_id, self.ids.get(SPACE)) if number is not None}
        if self._byte_fallback:
            special.update(number for number, piece in enumerate(self.pieces) if BYTE_PIECE.fullmatch(piece))
        if self._form is not None:
            special.update(self._form.always_kept)
        return np.array(sorted(special), dtype=np.int32)


def _scores(json_file: TokenizerJson) -> np.ndarray:
    """The scores of the pieces; tokenizers itself made sure that they are pairs of text and number."""
    scores = np.full(len(json_file.pieces), np.nan)
    vocabulary = json_file.model["vocab"]
    scores[: len(vocabulary)] = [score for _, score in vocabulary]
    if not np.isfinite(scores[: len(vocabulary)]).all():
        raise SmallerLabseError(f"{json_file.file}: the score of a piece is no finite number; get it again")
    return scores


def _forms(piece: str) -> Iterable[str]:
    """Every character of a piece, each with and without a space before it."""
    for character in set(piece):
        yield character
        yield SPACE + character


def _spelled_by_characters(piece: str, vocabulary: dict[str, int]) -> bool:
    """Whether pieces of one character, the first with or without the space before it, spell this."""
    if piece.startswith(SPACE) and piece[:2] in vocabulary and all(c in vocabulary for c in piece[2:]):
        return True
    return all(character in vocabulary for character in piece)


def _spelled_by_pieces(piece: str, vocabulary: set[str]) -> bool:
    """Whether pieces of any length spell this."""
    reached = [True] + [False] * len(piece)
    for end in range(1, len(piece) + 1):
        reached[end] = any(reached[start] and piece[start:end] in vocabulary for start in range(end))
    return reached[-1]
