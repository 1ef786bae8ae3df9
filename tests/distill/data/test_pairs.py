"""Pairs become examples: of both sides together, or each text alone; held-out sentences are in none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smaller_labse.corpora.languages import parse_languages
from smaller_labse.corpora.translation_pairs import TranslationPairs
from smaller_labse.distill.data.examples import Examples
from smaller_labse.distill.data.held_out import HeldOutPairs
from smaller_labse.distill.data.pairs import some_texts, split_pairs
from smaller_labse.originals.tokenizers.wordpiece import WordPiece, write_pieces
from tests.conftest import PIECES

EN, IT, JA = parse_languages("en,it,ja")
SENTENCES = [
    f"{a} {b}"
    for a in ("good", "the", "red")
    for b in ("morning", "house", "night", "red", "xy", "good", "the")
] * 3
PAIRS = [
    TranslationPairs(
        (EN, IT), tuple(SENTENCES), tuple(f"{number} it" for number in range(len(SENTENCES))), "it.tsv"
    ),
    TranslationPairs(
        (EN, JA), tuple(SENTENCES[:20]), tuple(f"{number} ja ja" for number in range(20)), "ja.tsv"
    ),
]


def vectors(texts: list[str]) -> np.ndarray:
    """A text's length and what it is, so that the test sees whose target a text has."""
    return np.array([[len(text), sum(map(ord, text))] for text in texts], np.float32)


def split(
    tmp_path: Path, pairs: list[TranslationPairs] = PAIRS, **options: bool
) -> tuple[Examples, HeldOutPairs]:
    vocabulary = tmp_path / "vocab.txt"
    write_pieces(PIECES, vocabulary)
    return split_pairs(pairs, WordPiece(vocabulary), vectors, 0.5, "say: ", **options)


@pytest.mark.parametrize("together", [True, False])
def test_a_text_has_the_target_of_its_sentence_and_held_out_ones_are_not_trained_on(
    tmp_path: Path, together: bool
) -> None:
    examples, held_out = split(tmp_path, together=together)
    sentence_of = {b: a for pairs in PAIRS for a, b in zip(pairs.sentences, pairs.translations, strict=True)}
    batch = examples.batch(np.arange(len(examples)))
    texts = [text.removeprefix("say: ") for text in batch.texts]
    assert set(texts).isdisjoint(held_out.texts()) and held_out.texts()
    expected = vectors([sentence_of.get(text, text) for text in texts])
    np.testing.assert_array_equal(batch.targets, expected)
    assert sum(examples.sizes) == len(examples)


def test_one_by_one_each_different_sentence_comes_once_as_a_language_of_its_own(tmp_path: Path) -> None:
    pairs, _ = split(tmp_path)
    alone, _ = split(tmp_path, together=False)
    (texts,) = alone.sides
    sentences = list(dict.fromkeys(pairs.sides[0]))
    assert texts == [*sentences, *pairs.sides[1]]
    assert alone.sizes == [len(sentences), *pairs.sizes]
    np.testing.assert_allclose(alone.shares, np.sqrt(alone.sizes) / np.sqrt(alone.sizes).sum())
    assert alone.ids.shape == (1, len(texts)) and len(np.unique(alone.ids)) == len(set(texts))
    assert alone.lengths[: len(sentences)].max() < pairs.lengths.max(), "each text's own length"


def test_of_many_languages_the_shared_one_is_still_a_quarter_of_what_is_drawn(tmp_path: Path) -> None:
    codes = "ar,de,es,fr,it,ja,ko"
    pairs = [
        TranslationPairs(
            (EN, language), PAIRS[0].sentences, [f"{number} {language.code}" for number in range(63)], "tsv"
        )
        for language in parse_languages(codes)
    ]
    shares = split(tmp_path, pairs, together=False)[0].shares
    np.testing.assert_allclose(shares, [0.25, *[0.75 / 7] * 7])


def test_some_texts_are_as_many_of_every_language_that_of_the_sentences_too() -> None:
    texts = some_texts(PAIRS, 12)
    ends = [text.split(maxsplit=1)[1] for text in texts]
    assert (ends.count("it"), ends.count("ja ja"), len(texts)) == (4, 4, 12)
    assert {"0 it", "62 it", "0 ja ja", "19 ja ja"} <= set(texts), "from the first pair to the last"
    assert [len(text) for text in texts] == sorted(map(len, texts))
