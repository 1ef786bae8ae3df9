"""What is the same for every family: a vocabulary that is filled up keeps its text's tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.languages import find_language
from smaller_labse.corpora.sources import Source
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.choosing.choose_tokens import choose_tokens
from smaller_labse.select_vocab.choosing.count_rules import Rule
from smaller_labse.select_vocab.counting.count_sources import count_source
from smaller_labse.select_vocab.selection import Selection

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]


class FilledUp(NamedTuple):
    """Ids that were added to fill a vocabulary up, and those that were left out, int32 each."""

    added: np.ndarray
    left_out: np.ndarray


Trim = Callable[[Tokenizer, np.ndarray], Tokenizer]


@pytest.fixture(scope="session")
def fill_up() -> Callable[[Tokenizer, Trim, int], FilledUp]:
    return _fill_up


def _fill_up(original: Tokenizer, trim: Trim, size: int) -> FilledUp:
    """Choose more tokens than the text holds, and see that text is tokenized the same from what is kept."""
    source = Source("en", find_language("en"), "text", lambda: iter(SENTENCES[:8]))
    counts = [count_source(source, original)]

    def choose(fill_up: bool) -> Selection:
        rule = Rule("vocab-size", size)
        return choose_tokens(original, len(original.pieces), 8, counts, rule, fill_up=fill_up)

    alone, filled = choose(fill_up=False), choose(fill_up=True)
    assert alone.rule["found"] == len(alone.subset) < size == len(filled.subset)
    assert filled.rule["filled_up"] == size - len(alone.subset)
    kept = filled.subset.original_ids
    assert original.with_dependencies(kept).tolist() == kept.tolist()
    before, after = _per_line(original), _per_line(trim(original, kept))
    same = [set(line) <= set(kept.tolist()) for line in before]
    assert 8 <= sum(same) < len(same)
    assert [kept[line].tolist() for line, one in zip(after, same, strict=True) if one] == [
        line for line, one in zip(before, same, strict=True) if one
    ]
    return FilledUp(
        np.setdiff1d(kept, alone.subset.original_ids), np.setdiff1d(np.arange(len(original.pieces)), kept)
    )


def _per_line(tokenizer: Tokenizer) -> list[list[int]]:
    ids, lengths = tokenizer.tokenize(SENTENCES)
    return [line.tolist() for line in np.split(ids, np.cumsum(lengths)[:-1])]
