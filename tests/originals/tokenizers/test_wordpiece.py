"""Promises 1 and 2 with tf-text's own tokenizer: same pieces, and no new unknowns."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.tokenizers.wordpiece import WordPiece

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
TEXTS = st.lists(
    st.sampled_from(SENTENCES)
    | st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=8).map(" ".join)
    | st.lists(st.sampled_from(WORDS), max_size=4).map("".join),
    min_size=1,
    max_size=8,
)
HERE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def write(tmp_path) -> Callable[[Iterable[str]], WordPiece]:
    """A tokenizer of these pieces."""

    def write_vocabulary(pieces: Iterable[str]) -> WordPiece:
        file = tmp_path / "vocab.txt"
        file.write_bytes("".join(f"{piece}\n" for piece in pieces).encode())
        return WordPiece(file)

    return write_vocabulary


def pieces_of(tokenizer: WordPiece, texts: list[str]) -> list[list[str]]:
    ids, lengths = tokenizer.tokenize(texts)
    pieces = [tokenizer.pieces[token_id] for token_id in ids]
    ends = np.cumsum(lengths)
    return [pieces[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def smaller(write, tokenizer: WordPiece, kept: Iterable[int]) -> WordPiece:
    kept_ids = sorted({*kept, *tokenizer.special_ids.tolist()})
    return write(tokenizer.pieces[token_id] for token_id in kept_ids)


@given(TEXTS, st.data())
@HERE
def test_a_text_whose_pieces_are_all_kept_is_tokenized_the_same(tokenizer, write, texts, data):
    before = pieces_of(tokenizer, texts)
    used = sorted({tokenizer.ids[piece] for text in before for piece in text})
    dropped = data.draw(st.sets(st.sampled_from(used), max_size=5)) if used else set()
    others = data.draw(st.sets(st.integers(0, len(tokenizer.pieces) - 1), max_size=50))
    kept = (set(used) | others) - dropped
    after = pieces_of(smaller(write, tokenizer, kept), texts)
    lost = {tokenizer.pieces[token_id] for token_id in dropped} | {"[UNK]"}
    for text, old, new in zip(texts, before, after, strict=True):
        if lost.isdisjoint(old):
            assert old == new, text


@given(TEXTS, TEXTS, st.data())
@HERE
def test_text_of_seen_characters_stays_readable_even_where_it_was_not_seen(
    tokenizer, write, seen, others, data
):
    """The example's vocabulary has every character's own piece for both places, as a learned one does."""
    ids = np.unique(tokenizer.tokenize(seen)[0])
    chosen = data.draw(st.sets(st.sampled_from(ids.tolist()), max_size=30)) if len(ids) else set()
    needed = tokenizer.needed_for_characters(ids).tolist()
    after = smaller(write, tokenizer, {*chosen, *needed})
    readable = {
        character for token_id in needed for character in tokenizer.pieces[token_id].removeprefix("##")
    }
    texts = seen + ["".join(c for c in text if c in readable or c.isspace()) for text in others]
    for text, old, new in zip(texts, pieces_of(tokenizer, texts), pieces_of(after, texts), strict=True):
        assert old.count("[UNK]") == new.count("[UNK]"), text


VOCABULARY = [
    "[UNK]",
    "a",
    "##a",
    "b",
    "##b",
    "c",
    "##d",
    "ab",
    "##cd",
    "cd",
    "##ad",
    "aca",
    "##",
    "###",
    "#",
]


@pytest.mark.parametrize(
    ("seen", "needed"),
    [
        (["ab"], ["a", "##a", "b", "##b"]),
        (["##b"], ["b", "##b"]),
        (["c"], ["c"]),  # there is no ##c
        (["cd"], ["c", "##d"]),
        (["##cd"], ["c", "##d", "##cd"]),  # nothing else continues a word with c
        (["aca"], ["a", "##a", "c", "aca"]),
        (["##ad"], ["a", "##a", "##d"]),
        (["##"], ["#", "###"]),  # two number signs, of which ### is the second
        (["[UNK]"], []),
        ([], []),
    ],
)
def test_needed_are_the_characters_own_pieces_or_else_the_piece_itself(write, seen, needed):
    tokenizer = write(VOCABULARY)
    found = tokenizer.needed_for_characters(np.array([tokenizer.ids[piece] for piece in seen], np.int64))
    assert sorted(tokenizer.pieces[token_id] for token_id in found) == sorted(needed)
    assert found.dtype == np.int32
    assert found.tolist() == sorted(found.tolist())


@given(st.sets(st.text("abc", min_size=1, max_size=4), min_size=1), st.data())
@HERE
def test_every_seen_piece_stays_readable_in_its_place(write, words, data):
    """Also where characters have no piece of their own, at the start of a word or inside it."""
    inside = {f"##{word}" for word in data.draw(st.sets(st.sampled_from(sorted(words))))}
    tokenizer = write(["[UNK]", "x", *sorted(words | inside)])
    pieces = np.arange(2, len(tokenizer.pieces))
    seen = np.array(data.draw(st.lists(st.sampled_from(pieces.tolist()), unique=True)), np.int64)
    chosen = data.draw(st.lists(st.sampled_from(pieces.tolist())))
    needed = tokenizer.needed_for_characters(seen).tolist()
    kept = np.isin(np.arange(len(tokenizer.pieces)), [0, 1, *needed, *chosen])
    after = write(np.array(tokenizer.pieces, dtype=object)[kept])
    seen_pieces = [tokenizer.pieces[token_id] for token_id in seen]
    texts = ["x" + piece[2:] if piece.startswith("##") else piece for piece in seen_pieces]
    assert not any("[UNK]" in pieces for pieces in pieces_of(after, texts)) if texts else True
    assert tokenizer.unreadable(seen.tolist(), kept) == []


@given(st.sets(st.text("ab", min_size=1, max_size=3), min_size=1), st.data())
@HERE
def test_unreadable_is_what_the_kept_pieces_cannot_spell(write, words, data):
    tokenizer = write(["[UNK]", "x", *sorted(words | {f"##{word}" for word in words})])
    kept = np.array([True, True, *(data.draw(st.booleans()) for _ in tokenizer.pieces[2:])])
    after = write(np.array(tokenizer.pieces, dtype=object)[kept])
    pieces = tokenizer.pieces[2:]
    texts = ["x" + piece[2:] if piece.startswith("##") else piece for piece in pieces]
    expected = [
        tokenizer.ids[piece]
        for piece, found in zip(pieces, pieces_of(after, texts), strict=True)
        if "[UNK]" in found and not kept[tokenizer.ids[piece]]
    ]
    assert tokenizer.unreadable(range(2, len(tokenizer.pieces)), kept) == expected


def test_a_vocabulary_that_was_replaced_is_read_anew(tmp_path):
    """TensorFlow keeps tables under the names of the files that they were read from."""
    (tmp_path / "vocab.txt").write_text("[UNK]\na\nb\n")
    first = WordPiece(tmp_path / "vocab.txt")
    assert pieces_of(first, ["a b"]) == [["a", "b"]]
    (tmp_path / "vocab.txt").write_text("b\na\n[UNK]\n")
    assert pieces_of(WordPiece(tmp_path / "vocab.txt"), ["a b c"]) == [["a", "b", "[UNK]"]]
    assert pieces_of(first, ["a b c"]) == [["a", "b", "[UNK]"]]


def test_words_beyond_100_bytes_are_unknown_and_lower_case_folds(tmp_path):
    (tmp_path / "vocab.txt").write_text("[UNK]\na\n##a\ne\nя\n##я\n", encoding="utf-8")
    tokenizer = WordPiece(tmp_path / "vocab.txt")
    assert pieces_of(tokenizer, ["a" * 101, "я" * 51, "É", ""]) == [["[UNK]"]] * 3 + [[]]
    assert pieces_of(tokenizer, ["a" * 100]) == [["a"] + ["##a"] * 99]
    assert pieces_of(WordPiece(tmp_path / "vocab.txt", lower_case=True), ["É A"]) == [["e", "a"]]
    assert [values.tolist() for values in tokenizer.tokenize([])] == [[], []]
