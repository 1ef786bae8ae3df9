"""The protocol `Tokenizer`: tokenize, find the tokens that characters need, write a subset."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset


@dataclass(frozen=True)
class BertTokenizerSetup:
    """How tf-text's `BertTokenizer` is to be set up.

    Attributes:
        file: the WordPiece vocabulary, one piece per line.
        lower_case: whether text is lower-cased and its accents are stripped first.
    """

    file: Path
    lower_case: bool


@dataclass(frozen=True)
class MendedSetup:
    """How the mended preprocessor's tokenizer is to be set up.

    Attributes:
        file: the WordPiece vocabulary, one piece per line.
    """

    file: Path


@dataclass(frozen=True)
class LEALLASetup:
    """How LEALLA's tokenizer is to be set up.

    Attributes:
        file: the WordPiece vocabulary, one piece per line.
    """

    file: Path


@dataclass(frozen=True, eq=False)
class SentencePieceSetup:
    """How tf-text's `SentencepieceTokenizer` is to be set up, and which token ids its pieces have.

    Attributes:
        file: the SentencePiece model.
        vocabulary: the pieces by token id, one per line; they travel with the SavedModel for its readers.
        token_ids: SentencePiece's id → token id, int32 [pieces of the SentencePiece model].
        start_id: the token id of `<s>`, which stands before a text.
        end_id: of `</s>`, which stands behind it.
        padding_id: of `<pad>`.
    """

    file: Path
    vocabulary: Path
    token_ids: np.ndarray
    start_id: int
    end_id: int
    padding_id: int


TensorFlowSetup = BertTokenizerSetup | MendedSetup | LEALLASetup | SentencePieceSetup


class Tokenizer(Protocol):
    """An original's vocabulary and its way of tokenizing text.

    Example:
        >>> from smaller_labse.originals.open import open_original
        >>> tokenizer = open_original("intfloat/multilingual-e5-small").tokenizer  # doctest: +SKIP
        >>> ids, lengths = tokenizer.tokenize(["Hello, world.", "Ciao!"])  # doctest: +SKIP
        >>> [tokenizer.pieces[token_id] for token_id in ids[: lengths[0]]]  # doctest: +SKIP
        ['▁Hello', ',', '▁world', '.']
    """

    @property
    def kind(self) -> str:
        """The family's name in `selection.json`: "wordpiece", "lealla", "unigram" or "bpe"."""
        ...

    @property
    def preprocessor(self) -> str:
        """How it reads text: `FAITHFUL`, as the original's own preprocessor does, or `MENDED`."""
        ...

    @property
    def file(self) -> Path:
        """The file that the vocabulary was read from."""
        ...

    @property
    def pieces(self) -> list[str]:
        """Every piece, by token id."""
        ...

    @property
    def ids(self) -> dict[str, int]:
        """Every piece's token id."""
        ...

    @property
    def fingerprint(self) -> str:
        """See `vocabulary_fingerprint`."""
        ...

    @property
    def unknown_id(self) -> int | None:
        """The id of the token that stands for what cannot be read; None where there is none."""
        ...

    @property
    def special_ids(self) -> np.ndarray:
        """The tokens that are always kept, int32, ascending."""
        ...

    @property
    def ranked_ids(self) -> np.ndarray:
        """Every token id in the order in which the trainer ranked them, int32 [number of pieces].

        WordPiece in the vocabulary's order, Unigram by score, BPE by merge; of equals the lower id first.
        """
        ...

    @property
    def without_embedding(self) -> tuple[str, ...]:
        """Added tokens whose ids lie beyond the embedding matrix; they are not among `pieces`."""
        ...

    @property
    def word_kinds(self) -> np.ndarray | None:
        """How each code point separates words whose pieces do not depend on each other, uint8 [KINDS].

        See `compiled/wordpiece_and_unigram.py`; None where only whole lines can be tokenized.
        """
        ...

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize n lines, without the special tokens before and behind a text.

        Returns:
            The token ids of all lines, one line after the other, int32 [total], and how many belong to each
            line, int64 [n].
        """
        ...

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tokenize n words; only where `word_kinds` is not None.

        Args:
            text: the words one after the other in UTF-8, uint8 [bytes].
            starts: word i is `text[starts[i] : starts[i + 1]]`, int64 [n + 1].

        Returns:
            As `tokenize`.
        """
        ...

    def with_dependencies(self, ids: np.ndarray) -> np.ndarray:
        """These token ids and those without which text would not be tokenized into them, int32, ascending."""
        ...

    def needed_for_characters(self, seen: np.ndarray) -> np.ndarray:
        """The tokens without which text made of the seen ones could become unreadable.

        Args:
            seen: ids of the tokens that occurred, int [n].

        Returns:
            Token ids, int32, ascending, without `special_ids` and without dependencies.
        """
        ...

    def unreadable(self, ids: Iterable[int], kept: np.ndarray) -> list[int]:
        """Those tokens that the kept ones cannot spell, so that text with them becomes unreadable.

        Args:
            ids: the token ids in question.
            kept: whether a token is kept, bool [number of pieces].
        """
        ...

    def text_of(self, token_id: int) -> str:
        """The text that a token stands for, with the space before it where it has one.

        Empty where it stands for none: special tokens, and parts of a character. Tokenized by itself, the
        text may become other tokens.
        """
        ...

    def write_subset(self, subset: VocabularySubset, folder: Path) -> None:
        """Write every file that the trimmed tokenizer needs, in the original's own form.

        Args:
            subset: the kept tokens; all of `special_ids`, and `with_dependencies`, are among them.
            folder: where to write; it exists.

        Raises:
            SmallerLabseError: a token is missing that others or the tokenizer itself cannot do without, or
                the tokens cannot stand in this order.
        """
        ...

    def write_for_tensorflow(self, folder: Path) -> TensorFlowSetup:
        """Write the vocabulary in the form that tf-text reads, and say how tf-text is to be set up with it.

        Args:
            folder: where to write; it exists.

        Raises:
            SmallerLabseError: tf-text has no tokenizer for this family, or a special token is missing.
        """
        ...
