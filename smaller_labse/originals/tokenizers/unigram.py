"""SentencePiece Unigram vocabularies: tokenizing text, and what their pieces are made of.

Unigram (Kudo 2018, arXiv 1804.10959) gives every piece a score and splits a text into the pieces whose scores
have the largest sum. A path that is the best of all is the best of fewer, so a text whose pieces are all kept
is tokenized the same from a subset, with one condition. A character without a piece of its own is unknown,
for the lowest score of the vocabulary minus 10 (`kUnkPenalty` in sentencepiece's unigram_model.cc,
`K_UNK_PENALTY` in tokenizers' models/unigram/model.rs). Were the lowest score to rise, unknown pieces would
become cheaper and win where they lost before. So a piece with the lowest score is always kept: of the normal
pieces, which sentencepiece looks at, and of all, which tokenizers looks at.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.originals.tokenizers.base import SentencePieceSetup
from smaller_labse.originals.tokenizers.compiled.unigram_words import PlainWords, find_plain_words
from smaller_labse.originals.tokenizers.kept_characters import unigram_characters, unigram_unreadable
from smaller_labse.originals.tokenizers.normalizer import META_SPACE
from smaller_labse.originals.tokenizers.sentencepiece_conversion import build_form
from smaller_labse.originals.tokenizers.sentencepiece_model import (
    BEGIN,
    BYTE_PIECE,
    END,
    PAD,
    SentencePieceForm,
    match_form,
    trim_form,
    write_sentencepiece,
)
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON, VOCABULARY, write_files_beside
from smaller_labse.originals.tokenizers.tokenizer_json import (
    TokenizerJson,
    errors_of_tokenizers,
    require_kept,
    write_trimmed_json,
)
from smaller_labse.originals.tokenizers.vocabulary import (
    VocabularySubset,
    distinct_ids,
    require_own_names,
    write_pieces,
)


class Unigram:
    """A Unigram vocabulary and tokenizer; a `Tokenizer`.

    Attributes:
        json_file: the `tokenizer.json`.
        scores: of the pieces, float64 [pieces]; NaN for added tokens that the model does not have.
        special_ids: added tokens, those that the folder's files name, unknown, control, user-defined and byte
            pieces, ▁ by itself, and one piece with the lowest and one with the highest score; int32,
            ascending. Without ▁ a space could be unknown, and the two libraries count unknown pieces in a row
            differently: sentencepiece as one, tokenizers as one per word.
    """

    kind = "unigram"
    preprocessor = FAITHFUL

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
            SmallerLabseError: its scores are not finite, or the SentencePiece model is another tokenizer.
        """
        self.json_file = json_file
        self.file, self.pieces, self.ids = json_file.file, json_file.pieces, json_file.ids
        self.fingerprint, self.without_embedding = json_file.fingerprint, json_file.without_embedding
        self.scores = _scores(json_file)
        self.unknown_id: int | None = json_file.model.get("unk_id")
        self._byte_fallback = bool(json_file.model.get("byte_fallback"))
        self._form: SentencePieceForm | None = None
        self._no_form = ""
        if sentencepiece is not None:
            self._form = match_form(*sentencepiece, json_file, self.scores)
        else:
            try:
                self._form = build_form(json_file, self.scores)
            except SmallerLabseError as error:
                self._no_form = str(error)  # only a problem for who asks for it
        self.special_ids = self._find_special(special_ids)

    @property
    def sentencepiece(self) -> SentencePieceForm:
        """The SentencePiece model that tokenizes as this tokenizer does: the original's, or one built for it.

        Raises:
            SmallerLabseError: there is none beside the `tokenizer.json`, and none can be built from it.
        """
        if self._form is None:
            raise SmallerLabseError(self._no_form)
        return self._form

    @property
    def ranked_ids(self) -> np.ndarray:
        """See `Tokenizer`; by score, added tokens without one last."""
        return np.argsort(-self.scores, kind="stable").astype(np.int32)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize`."""
        return self.json_file.tokenize(lines)

    @property
    def word_kinds(self) -> np.ndarray | None:
        """See `compiled.huggingface_words.word_kinds`."""
        return self.json_file.word_kinds

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `TokenizerJson.tokenize_words`; plain words are tokenized here, the same and faster."""
        if self._plain_words is None:
            return self.json_file.tokenize_words(text, starts)
        ids, lengths, is_plain = self._plain_words.tokenize(text, starts)
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
        with errors_of_tokenizers(self.file, "its normalizer fails"):
            return find_plain_words(self.json_file.content)

    def with_dependencies(self, ids: np.ndarray) -> np.ndarray:
        """The ids themselves, ascending: the best path needs no pieces besides its own."""
        return distinct_ids(ids).astype(np.int32)

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """See `kept_characters.unigram_characters`."""
        return unigram_characters(seen, self.pieces, self.ids, self.special_ids)

    def unreadable(self, ids: Iterable[int], kept: np.ndarray) -> list[int]:
        """See `kept_characters.unigram_unreadable`; none where unknown characters become bytes."""
        return [] if self._byte_fallback else unigram_unreadable(ids, self.pieces, kept)

    def text_of(self, token_id: int) -> str:
        """See `Tokenizer`; a byte's piece is a part of a character."""
        piece = self.pieces[token_id]
        special = token_id in self.json_file.named_ids or token_id == self.unknown_id
        return "" if special or BYTE_PIECE.fullmatch(piece) else piece.replace(META_SPACE, " ")

    def write_subset(self, subset: VocabularySubset, folder: Path) -> None:
        """Write `tokenizer.json`, the files beside and, unless `sentencepiece` fails, that model.

        See `Tokenizer`.
        """
        require_kept(subset, self.json_file)
        require_own_names(subset, self.file)
        vocabulary = self.json_file.model["vocab"]
        kept_ids = subset.original_ids.tolist()
        kept = [vocabulary[token_id] for token_id in kept_ids if token_id < len(vocabulary)]
        unknown = self.unknown_id if self.unknown_id is None else int(subset.new_ids[self.unknown_id])
        model = self.json_file.model | {"vocab": kept, "unk_id": unknown}
        write_trimmed_json(self.json_file, model, subset, folder / TOKENIZER_JSON)
        if self._form is not None:
            write_sentencepiece(trim_form(self._form, subset), folder / self._form.name)
        write_files_beside(self.file.parent, subset, len(self.pieces), folder)

    def write_for_tensorflow(self, folder: Path) -> SentencePieceSetup:
        """Write the SentencePiece model and the pieces; see `Tokenizer`."""
        form = self.sentencepiece
        write_pieces(self.pieces, folder / VOCABULARY)
        write_sentencepiece(form.model, folder / form.name)
        unknown = self.unknown_id or 0
        return SentencePieceSetup(
            file=folder / form.name,
            vocabulary=folder / VOCABULARY,
            token_ids=np.where(form.token_ids < 0, unknown, form.token_ids).astype(np.int32),
            start_id=self._special_id(BEGIN),
            end_id=self._special_id(END),
            padding_id=self._special_id(PAD),
        )

    def _special_id(self, piece: str) -> int:
        if piece not in self.ids:
            raise SmallerLabseError(f"{self.file}: no piece {piece}, which XLM-R's tokenizers have")
        return self.ids[piece]

    def _find_special(self, others: Iterable[int]) -> np.ndarray:
        special = {*self.json_file.named_ids, *others, int(np.nanargmin(self.scores))}
        special |= {each for each in (self.unknown_id, self.ids.get(META_SPACE)) if each is not None}
        if self._byte_fallback:
            special.update(self.ids[piece] for piece in self.pieces if BYTE_PIECE.fullmatch(piece))
        if self._form is not None:
            special.update(self._form.always_kept)
        return np.array(sorted(special), dtype=np.int32)


def _scores(json_file: TokenizerJson) -> np.ndarray:
    """The scores of the pieces; tokenizers itself made sure that they are pairs of a text and a float."""
    scores = np.full(len(json_file.pieces), np.nan)
    vocabulary = json_file.model["vocab"]
    scores[: len(vocabulary)] = [score for _, score in vocabulary]
    if not np.isfinite(scores[: len(vocabulary)]).all():
        raise SmallerLabseError(f"{json_file.file}: a piece has a score that is not finite; get it again")
    return scores
