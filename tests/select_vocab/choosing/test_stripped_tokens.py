"""Stripped tokens: which of the original's tokens a listed one is, and what a model with another's row says."""

from __future__ import annotations

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.lineage import Lineage
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.select_vocab.choosing.stripped_tokens import StrippedToken, StrippedVocabulary
from tests.small_originals import WRITERS

VOCABULARY = ["[UNK]", "a", "b", "a\u00a0", "\u00a0a", "##\u2003", "##\u3000", "c\u00a0"]


@pytest.mark.parametrize(
    ("token", "exact", "last"),
    [("a", "a", "\u00a0a"), ("b", "b", "b"), ("##", "##\u3000", "##\u3000"), ("c", "c\u00a0", "c\u00a0")],
)
def test_a_listed_token_is_the_exact_one_or_the_last_that_strips_to_it(token, exact, last) -> None:
    vocabulary = StrippedVocabulary(VOCABULARY)
    assert VOCABULARY[vocabulary.find(token)] == exact
    assert VOCABULARY[vocabulary.find(token, last=True)] == last


def test_what_no_token_strips_to_is_not_found() -> None:
    assert StrippedVocabulary(VOCABULARY).find("d") is None
    assert StrippedVocabulary(VOCABULARY).find("d", last=True) is None


def test_those_that_are_spelled_otherwise_or_ambiguous_are_described_and_no_others() -> None:
    described = StrippedVocabulary(VOCABULARY).describe(["c", "b", "a", "##", "d"])
    assert described == (
        StrippedToken("##", 6, "##\u3000", ("##\u2003",)),
        StrippedToken("a", 1, "a", ("a\u00a0", "\u00a0a")),
        StrippedToken("c", 7, "c\u00a0"),
    )


def test_such_tokens_go_by_the_originals_names_where_models_are_compared() -> None:
    lineage = Lineage(renamed={"a": "\u00a0a"})
    assert lineage.original_pieces(["b", "a"]) == ("b", "\u00a0a")


@pytest.mark.parametrize("kind", ["xlm-roberta", "byte-pairs"])
def test_other_families_than_wordpiece_give_no_token_another_name(kind, tmp_path) -> None:
    tokenizer = open_original(str(WRITERS[kind](tmp_path / "original"))).tokenizer
    size = len(tokenizer.pieces)
    subset = VocabularySubset(np.arange(size), size, {size - 1: "x"})
    (tmp_path / "smaller").mkdir()
    with pytest.raises(
        SmallerLabseError, match=r"cannot get other names, such as 'x'.*select without --strip"
    ):
        tokenizer.write_subset(subset, tmp_path / "smaller")
