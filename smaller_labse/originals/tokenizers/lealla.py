"""LEALLA's tokenizer: LaBSE's vocabulary, and words that end where the Unicode script changes.

Of the text control and format characters are deleted, line feeds and tabs too, so that words run together.
Spaces, digits, punctuation and emoji are all of the script Common, so that they separate letters, but not
each other; then spaces are left out: `2 3` is the one word `23`. Words that begin with a Han character, hold
an emoji, or are punctuation and symbols only, become their characters; then WordPiece tokenizes each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from smaller_labse.originals.tokenizers.base import LEALLASetup
from smaller_labse.originals.tokenizers.compiled.bert_words import tokenize_by_words
from smaller_labse.originals.tokenizers.compiled.script_patterns import (
    UNREADABLE,
    are_script_patterns,
    script_patterns,
)
from smaller_labse.originals.tokenizers.compiled.script_words import script_words
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import LONGEST_WORD, Pieces, new_pieces
from smaller_labse.originals.tokenizers.normalizer import flat_steps
from smaller_labse.originals.tokenizers.tokenizer_files import VOCABULARY
from smaller_labse.originals.tokenizers.vocabulary import write_pieces
from smaller_labse.originals.tokenizers.wordpiece import CONTINUATION, UNKNOWN, WordPiece

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend


KIND = "lealla"


class LEALLATokenizer(WordPiece):
    """A WordPiece vocabulary, tokenized as LEALLA does; a `Tokenizer`.

    The fingerprint is not that of the vocabulary alone: LaBSE has the same, and tokenizes otherwise.
    """

    kind = KIND

    def __init__(self, file: Path) -> None:
        """Read a vocabulary file, one piece per line.

        Raises:
            SmallerLabseError: see `WordPiece`.
        """
        super().__init__(file)
        self.fingerprint = lealla_fingerprint(self.fingerprint)

    def tokenize(self, lines: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """See `Tokenizer`; a line feed in a line is deleted."""
        if not lines:
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)
        return tokenize_by_words(lines, self.word_kinds, self.tokenize_words)

    @property
    def word_kinds(self) -> np.ndarray:
        """See `script_words`."""
        return script_words().kinds

    def tokenize_words(self, text: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """See `Tokenizer`."""
        parts, part_starts, ends = script_words().separate(text, starts)
        ids, lengths = super().tokenize_words(parts, part_starts)
        pieces = np.concatenate([[0], np.cumsum(lengths)])[ends]
        return ids, np.diff(pieces, prepend=0)

    @cached_property
    def _matched(self) -> tuple[Pieces, Pieces]:
        """The pieces that begin words, and those that go on in them.

        A word such as `##1` is looked for as it stands, so pieces that go on in words begin them, too.
        """
        pieces = "\n".join(self.pieces).encode().split(b"\n")
        mark = CONTINUATION.encode()
        places = [number for number, piece in enumerate(pieces) if piece.startswith(mark) and piece != mark]
        return (
            new_pieces([piece for piece in pieces if piece], np.flatnonzero(list(map(len, pieces)))),
            new_pieces([pieces[number][len(mark) :] for number in places], np.array(places, np.int64)),
        )

    def write_for_tensorflow(self, folder: Path) -> LEALLASetup:
        """Write `vocab.txt`; see `Tokenizer`."""
        write_pieces(self.pieces, folder / VOCABULARY)
        return LEALLASetup(folder / VOCABULARY)


def lealla_fingerprint(of_vocabulary: str) -> str:
    """The fingerprint of a vocabulary by which text is tokenized as LEALLA does."""
    return hashlib.sha256(f"{KIND} {of_vocabulary}".encode()).hexdigest()


def lealla_backend(ids: Mapping[str, int]) -> Backend:
    """LEALLA's tokenizer as one of the library tokenizers; see `script_patterns` for where they part.

    Args:
        ids: every token's id.
    """
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    patterns = script_patterns()
    model = models.WordPiece(dict(ids), unk_token=UNKNOWN, max_input_chars_per_word=LONGEST_WORD)
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(patterns.deleted), ""),
            normalizers.Replace(Regex(patterns.inner_spaces), ""),
            normalizers.Replace(Regex(patterns.too_long), UNREADABLE),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
            for pattern in (patterns.words, patterns.whole_or_characters)
        ]
    )
    return tokenizer


def is_lealla_json(content: Mapping[str, Any]) -> bool:
    """Whether a `tokenizer.json` is `lealla_backend`'s, of whatever version of Unicode."""
    steps = list(flat_steps(content.get("pre_tokenizer")))
    patterns = [pattern.get("Regex") for step in steps if isinstance(pattern := step.get("pattern"), dict)]
    expressions = [pattern for pattern in patterns if isinstance(pattern, str)]
    return len(steps) == len(expressions) == 2 and are_script_patterns(*expressions)
