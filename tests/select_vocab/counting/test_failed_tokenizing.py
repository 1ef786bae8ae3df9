"""Where a batch cannot be tokenized, the count ends with that error, and the next one counts exactly."""

from __future__ import annotations

from queue import SimpleQueue

import numpy as np
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.line_batches import LineBatch
from smaller_labse.corpora.shards.parted_text import Place
from smaller_labse.select_vocab.counting import count_sources
from smaller_labse.select_vocab.counting.word_counter import WordCounter

LINES = builtin_sentences()["en"]


def batch(lines: list[str]) -> LineBatch:
    return LineBatch(lines, np.ones(len(lines), np.int64), False, Place(0, 0), np.arange(len(lines)))


def test_a_batch_that_cannot_be_counted_keeps_no_other_from_its_counter(tokenizer, monkeypatch):
    class ImpatientQueue(SimpleQueue):
        """It gives up, so that the test ends where a counter does not come back."""

        def get(self):
            return super().get(timeout=2)

    class FailingOnce(WordCounter):
        added = 0

        def add_batch(self, batch: LineBatch) -> None:
            self.added += 1
            if self.added == 1:
                raise MemoryError
            super().add_batch(batch)

    monkeypatch.setattr(count_sources, "SimpleQueue", ImpatientQueue)
    counter, batches = FailingOnce(tokenizer), [batch([line]) for line in LINES[:3]]
    with pytest.raises(MemoryError):
        list(count_sources._counted(iter(batches), [counter]))
    assert counter.added == 3


def test_words_that_could_not_be_tokenized_are_not_taken_for_known(tokenizer, monkeypatch):
    expected, counter = WordCounter(tokenizer), WordCounter(tokenizer)
    for one in (expected, counter):
        one.add_batch(batch(LINES[:2]))
    with monkeypatch.context() as patch, pytest.raises(MemoryError):
        patch.setattr(tokenizer, "tokenize_words", lambda text, starts: (_ for _ in ()).throw(MemoryError))
        counter.add_batch(batch(LINES))
    for one in (expected, counter):
        one.reset()
        one.add_batch(batch(LINES))
    assert expected.occurrences.any()
    assert np.array_equal(counter.occurrences, expected.occurrences)
    assert np.array_equal(counter.lines, expected.lines)
