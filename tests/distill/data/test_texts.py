"""Texts are held out, grouped by language and by whether they lost tokens, and drawn by their groups' shares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.sources import text_sources
from smaller_labse.distill.data.lost_tokens import LostTokens
from smaller_labse.distill.data.texts import MOST_HELD_OUT, Draw, Texts, read_texts, split_texts
from smaller_labse.originals.tokenizers.vocabulary import write_pieces
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from tests.conftest import PIECES

LOST = {"house", "xy", "##a"}
LANGUAGES = [
    Texts("fr", [f"lost {n}" if n % 4 == 0 else f"kept {n}" for n in range(800)] * 2, "fr.txt"),
    Texts("ja", [f"kept ja {n}" for n in range(100)], "ja.txt"),
]


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> tuple[WordPiece, WordPiece]:
    """One with all pieces, and one that lost some, in another order."""
    folder = tmp_path_factory.mktemp("vocabularies")
    write_pieces(PIECES, folder / "all.txt")
    kept = [piece for piece in PIECES if piece not in LOST]
    write_pieces([*kept[:5], *reversed(kept[5:])], folder / "some.txt")
    return WordPiece(folder / "all.txt"), WordPiece(folder / "some.txt")


def lost(texts: Sequence[str]) -> np.ndarray:
    return np.array([text.startswith("lost") for text in texts])


def targets(texts: list[str]) -> np.ndarray:
    """An embedding that names its text, not at length 1."""
    return np.array([[2.0, len(text), hash(text) % 1000] for text in texts])


def split(tokenizer: WordPiece, draw: Draw, languages: Sequence[Texts] = LANGUAGES):
    return split_texts(languages, tokenizer, lost, targets, draw, "query: ")


def test_groups_are_drawn_by_languages_and_by_what_was_lost(tokenizers: tuple[WordPiece, WordPiece]) -> None:
    examples, held_out = split(tokenizers[1], Draw(0.0, 0.75, None))
    (texts,) = examples.sides
    assert len(set(texts)) == len(texts) == sum(examples.sizes)
    first, second, third = np.split(np.array(texts), np.cumsum(examples.sizes)[:-1])
    assert lost(first).all() and not lost(second).any() and all("ja" in text for text in third)
    assert examples.shares.tolist() == [0.375, 0.125, 0.5]
    np.testing.assert_array_equal(examples.targets[examples.target_rows[0]], targets(list(texts)))
    assert examples.batch(np.array([0])).texts == ["query: " + texts[0]]
    for code, (of_language, vectors) in held_out.languages.items():
        assert 0 < len(of_language) <= MOST_HELD_OUT and not set(of_language) & set(texts), code
        expected = targets(of_language)
        np.testing.assert_allclose(
            vectors, expected / np.linalg.norm(expected, axis=1, keepdims=True), rtol=1e-6
        )
    values = held_out.values(lambda some: np.stack([np.eye(3)[0]] * len(some)))
    assert values["ja"].shape == (len(held_out.languages["ja"][0]),) and (values["ja"] < 1).all()


def test_at_most_so_many_of_a_language_in_the_shares_in_which_they_are_drawn(
    tokenizers: tuple[WordPiece, WordPiece],
) -> None:
    examples, _ = split(tokenizers[1], Draw(1.0, 0.75, 40))
    assert list(examples.sizes) == [30, 10, 10]
    assert examples.shares.sum() == pytest.approx(1)
    examples, _ = split(tokenizers[1], Draw(1.0, 1.0, 40))
    assert list(examples.sizes) == [40, 1]  # Japanese has no other, and still is a language


def test_texts_that_keep_all_their_tokens_have_nothing_to_teach(
    tokenizers: tuple[WordPiece, WordPiece],
) -> None:
    with pytest.raises(SmallerLabseError, match="no text lost a token, so the model gives its original's"):
        split(tokenizers[1], Draw(1.0, 0.75, None), LANGUAGES[1:])


def test_lost_tokens_are_those_of_a_plain_loop(tokenizers: tuple[WordPiece, WordPiece]) -> None:
    original, trimmed = tokenizers
    texts = ["good morning", "the house", "xy", "", "morning 猫", "gaa", "red", "?", "night house xy"]

    def pieces(tokenizer: WordPiece, text: str) -> list[str]:
        return [tokenizer.pieces[token_id] for token_id in tokenizer.tokenize([text])[0]]

    expected = [pieces(original, text) != pieces(trimmed, text) for text in texts]
    have_lost_tokens = LostTokens(trimmed, trimmed.pieces, original, original.pieces)
    assert have_lost_tokens(texts).tolist() == expected and 2 < sum(expected) < len(texts) - 2
    assert have_lost_tokens([]).tolist() == []
    with pytest.raises(SmallerLabseError, match="does not have 3 of the model's tokens, such as 'house'"):
        LostTokens(original, original.pieces, trimmed, trimmed.pieces)


def test_lines_are_read_as_for_counting(tmp_path: Path) -> None:
    (tmp_path / "fr.txt").write_text("bonjour\noui\nbonjour\nbonsoir\n", encoding="utf-8")
    (tmp_path / "de.tsv").write_text("Haus\t3\n", encoding="utf-8")
    (read,) = read_texts(text_sources([], [f"fr={tmp_path}/fr.txt"]), LineFilter(5, 2))
    assert read == Texts("fr", ["bonjour", "bonjour"], "fr.txt")
    with pytest.raises(UsageError, match=r"de.tsv: a word list, expected text"):
        read_texts(text_sources([], [f"de={tmp_path}/de.tsv"]), LineFilter())
    with pytest.raises(SmallerLabseError, match=r"fr.txt: no line of more than 9 characters in it"):
        read_texts(text_sources([], [f"fr={tmp_path}/fr.txt"]), LineFilter(9))
