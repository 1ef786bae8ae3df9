"""A verification is of enough texts, enough of which keep their tokens, whatever the family of tokenizers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.verification_texts import HOSTILE, choose_texts, draw_texts, kept_by_tokenizer
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.select_vocab.choosing.choose_tokens import choose_tokens
from smaller_labse.select_vocab.selection import Selection
from tests.small_originals import write_byte_pairs, write_mean_bert, write_xlm_roberta

LINES = ("I have a dog.", "It is raining.")


class Trimmed(NamedTuple):
    """A tokenizer and what is kept of it."""

    tokenizer: Tokenizer
    selection: Selection


def write_pieces(folder: Path) -> Path:
    folder.mkdir()
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "dog", "##s", "a", "cat", "##ü"]
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
    return folder


def keep(tokenizer: Tokenizer, texts: list[str], lines: tuple[str, ...] = ()) -> Trimmed:
    ids = np.unique(tokenizer.tokenize(texts)[0]) if texts else np.zeros(0, np.int32)
    selection = choose_tokens(
        tokenizer, len(tokenizer.pieces), 4, listed=[ids], languages=["en"], keep_characters=False
    )
    return Trimmed(tokenizer, Selection(**(vars(selection) | {"sentences": {"en": lines}})))


@pytest.fixture(
    scope="module",
    params=[write_xlm_roberta, write_mean_bert, write_byte_pairs],
    ids=["unigram", "wordpiece", "bpe"],
)
def english(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trimmed:
    """A small original of each family from Hugging Face, of which the tokens of some sentences are kept."""
    write: Callable[[Path], Path] = request.param
    tokenizer = open_original(str(write(tmp_path_factory.mktemp("original") / "original"))).tokenizer
    return keep(tokenizer, list(builtin_sentences()["en"]), LINES)


def test_there_are_64_texts_and_32_of_them_keep_their_tokens(english: Trimmed) -> None:
    tokenizer, selection = english
    texts = choose_texts(selection, tokenizer, kept_by_tokenizer(selection, tokenizer))
    assert len(set(texts.all)) == len(texts.all) >= 64
    assert texts.counted == LINES and len(texts.builtin) == 4 and set(HOSTILE) <= set(texts.all)
    assert len(texts.drawn) >= 16
    kept = set(selection.subset.original_ids.tolist()) - {tokenizer.unknown_id}
    tokens = [set(tokenizer.tokenize([text])[0].tolist()) for text in texts.all]
    assert sum(bool(ids) and ids <= kept for ids in tokens) >= 32
    assert all(ids and ids <= kept for ids in tokens[-len(texts.drawn) :])
    assert choose_texts(selection, tokenizer, kept_by_tokenizer(selection, tokenizer)) == texts


@pytest.mark.parametrize(("others", "keeping", "drawn"), [(100, 0, 32), (100, 40, 16), (20, 20, 44)])
def test_so_many_are_drawn_as_are_wanting(english: Trimmed, others: int, keeping: int, drawn: int) -> None:
    tokenizer, selection = english
    taken, keeps = [f"☃{number}" for number in range(others)], kept_by_tokenizer(selection, tokenizer)
    assert len(draw_texts(selection, tokenizer, keeps, keeping, taken)) == drawn


def test_a_text_keeps_its_tokens_if_it_has_some_and_all_are_kept_and_readable(tmp_path: Path) -> None:
    tokenizer, selection = keep(WordPiece(write_pieces(tmp_path / "o") / "vocab.txt"), ["dog", "dogs a"])
    keeps = kept_by_tokenizer(selection, tokenizer)
    assert keeps(["dogs", "", "a cat", "dog ☃", "dog a", "\x00"]).tolist() == [
        True, False, False, False, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize("words", [["dog"], ["dog", "a"]])
def test_of_one_or_two_words_there_are_enough_texts(tmp_path: Path, words: list[str]) -> None:
    tokenizer, selection = keep(WordPiece(write_pieces(tmp_path / "o") / "vocab.txt"), words)
    texts = choose_texts(selection, tokenizer, kept_by_tokenizer(selection, tokenizer))
    assert int(kept_by_tokenizer(selection, tokenizer)(texts.all).sum()) >= 32


def test_of_no_word_there_are_none_and_the_verification_says_so(tmp_path: Path) -> None:
    tokenizer, selection = keep(WordPiece(write_pieces(tmp_path / "o") / "vocab.txt"), [])
    assert choose_texts(selection, tokenizer, kept_by_tokenizer(selection, tokenizer)).drawn == ()
    assert Verification(5, 28, 3, 0, 0.0).summary == (
        "5 rows equal to the bit; 3 of 28 texts keep their tokens (fewer than 32, as no more such texts can be "
        "made of the kept tokens)"
    )


def test_the_tokens_of_a_text_stand_for_its_parts(english: Trimmed) -> None:
    tokenizer, _ = english
    parts = [tokenizer.text_of(token_id) for token_id in tokenizer.tokenize(["I have a dog."])[0].tolist()]
    assert "".join(parts).replace(" ", "") == "Ihaveadog."
    start = "[CLS]" if tokenizer.kind == "wordpiece" else "<s>"
    assert tokenizer.text_of(tokenizer.ids[start]) == ""
