"""The counter of a line's tokens, which tokenizes every word once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from smaller_labse.corpora.line_batches import LineBatch
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    as_bytes,
    most_words,
    new_word_table,
    number_words,
    tally,
)

KNOWN_WORDS = 1 << 19  # with their tokens and all, about 50 MB
WORD_BYTES = 16  # on average; a table whose text is full is emptied, too
NO_ROW = -1  # of a token that did not come yet


class WordCounter:
    """Counts of the lines that were added, and the words that they had in common.

    The words known are forgotten when there is no room for more, so memory does not grow with the text.

    Attributes:
        occurrences: how often each token occurred, int64 [vocabulary size].
        lines: in how many lines, int64 [vocabulary size].
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        # A token has a row of counts, in the order in which tokens come: those of frequent ones lie together.
        self._rows = np.full(len(tokenizer.pieces), NO_ROW, np.int32)
        self._row_ids = np.zeros(len(tokenizer.pieces), np.int32)
        self._rows_taken = 0
        # Occurrences, lines, number of the last line. Side by side they share a cache line.
        self._counts = np.zeros((len(tokenizer.pieces), 3), np.int64)
        self._next_line = 1
        words = KNOWN_WORDS if tokenizer.word_kinds is not None else 0
        self._allocate(words, words * WORD_BYTES)

    @property
    def occurrences(self) -> np.ndarray:
        return self._of_ids(0)

    @property
    def lines(self) -> np.ndarray:
        return self._of_ids(1)

    def reset(self) -> None:
        """Count from 0 again; the words stay known."""
        self._counts[:] = 0
        self._next_line = 1

    def add(self, lines: Sequence[str], times: np.ndarray, encoded: bytes | None = None) -> None:
        """Count lines.

        Args:
            lines: n lines of text.
            times: how often each of them counts, int64 [n].
            encoded: the lines in UTF-8 with a line feed after each, where they are at hand.
        """
        kinds = self._tokenizer.word_kinds
        if kinds is None:
            self._add_whole(list(lines), times)
            return
        self._add_words(as_bytes(lines, kinds, encoded), kinds, times)

    def add_batch(self, batch: LineBatch) -> None:
        """Count the lines of a batch."""
        self.add(batch.lines, batch.times, batch.encoded)

    def _add_words(self, text: np.ndarray, kinds: np.ndarray, times: np.ndarray) -> None:
        self._make_room(len(text))
        known = int(self._words.size[0])
        numbers, ends = np.empty(len(text), np.int32), np.empty(len(times), np.int64)
        total = number_words(text, kinds, self._words, numbers, ends)
        try:
            self._tokenize_words_from(known)
        except BaseException:
            self._forget(0, 0)  # a word in the table is taken for tokenized
            raise
        self._tally(numbers[:total], ends, times, self._word_rows, self._row_starts)

    def _add_whole(self, lines: Sequence[str], times: np.ndarray) -> None:
        """Each line is the only word in it."""
        ids, lengths = self._tokenizer.tokenize(lines)
        numbers = np.arange(len(lines), dtype=np.int32)
        ends = np.arange(1, len(lines) + 1)
        self._tally(numbers, ends, times, self._rows_of(ids), np.concatenate([[0], np.cumsum(lengths)]))

    def _tally(
        self, numbers: np.ndarray, ends: np.ndarray, times: np.ndarray, rows: np.ndarray, starts: np.ndarray
    ) -> None:
        tally(numbers, ends, times, rows, starts, self._next_line, self._counts)
        self._next_line += len(ends)

    def _of_ids(self, column: int) -> np.ndarray:
        """A column of the counts, int64 [vocabulary size]."""
        counts = np.zeros(len(self._counts), np.int64)
        counts[self._row_ids[: self._rows_taken]] = self._counts[: self._rows_taken, column]
        return counts

    def _rows_of(self, ids: np.ndarray) -> np.ndarray:
        """The tokens' rows, int32 [n]; new tokens get the next ones, in the order in which they come."""
        new, first = np.unique(ids[self._rows[ids] == NO_ROW], return_index=True)
        taken = slice(self._rows_taken, self._rows_taken + len(new))
        self._row_ids[taken] = new[np.argsort(first)]
        self._rows[self._row_ids[taken]] = np.arange(taken.start, taken.stop)
        self._rows_taken = taken.stop
        return self._rows[ids]

    def _make_room(self, size: int) -> None:
        """See that all words of a text of so many bytes can be added."""
        new_words = most_words(size)
        known = int(self._words.size[0])
        words_fit = known + new_words < len(self._words.starts)
        if not words_fit or int(self._words.starts[known]) + size > len(self._words.text):
            self._forget(max(new_words, KNOWN_WORDS), max(size, KNOWN_WORDS * WORD_BYTES))

    def _forget(self, words: int, size: int) -> None:
        """Forget all words; have room for so many, of so many bytes together."""
        if words < len(self._words.starts) and size <= len(self._words.text):
            # The same memory again: to ask the system for fresh memory costs more than to clear this.
            for array in (self._words.slots, self._words.size):
                array.fill(0)
        else:
            self._allocate(words, size)

    def _allocate(self, words: int, size: int) -> None:
        """Fresh memory for so many words, of so many bytes together."""
        self._words = new_word_table(words, size)
        self._word_rows = np.full(size, 0, np.int32)
        self._row_starts = np.full(words + 1, 0, np.int64)

    def _tokenize_words_from(self, known: int) -> None:
        """Tokenize the words that are new."""
        size = int(self._words.size[0])
        if size == known:
            return
        ids, lengths = self._tokenizer.tokenize_words(self._words.text, self._words.starts[known : size + 1])
        start = int(self._row_starts[known])
        self._row_starts[known + 1 : size + 1] = start + np.cumsum(lengths)
        if start + len(ids) > len(self._word_rows):
            self._word_rows = np.concatenate(
                [self._word_rows, np.zeros(len(self._word_rows) + len(ids), np.int32)]
            )
        self._word_rows[start : start + len(ids)] = self._rows_of(ids)
