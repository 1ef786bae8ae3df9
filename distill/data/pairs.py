"""The pairs of a training run: which are trained on, which are held out, and which targets they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.translation_pairs import TranslationPairs
from smaller_labse.distill.data.held_out import choose_held_out, precision_both_ways
from smaller_labse.distill.training.train import TrainingPairs
from smaller_labse.originals.tokenizers.base import Tokenizer

TOKENIZED_AT_A_TIME = 8192


@dataclass(frozen=True)
class HeldOut:
    """The held-out pairs of each language.

    Attributes:
        languages: sentences and translations of each.
    """

    languages: tuple[tuple[list[str], list[str]], ...]

    def precision(self, encode: Callable[[Sequence[str]], np.ndarray]) -> float:
        """The mean over the languages of precision at 1, both ways.

        Args:
            encode: texts → embeddings at length 1, float [texts, size].
        """
        found = [
            precision_both_ways(encode(left), encode(right), left, right) for left, right in self.languages
        ]
        return float(np.mean(found))


def split_pairs(
    pairs: Sequence[TranslationPairs],
    tokenizer: Tokenizer,
    targets: Callable[[list[str]], np.ndarray],
) -> tuple[TrainingPairs, HeldOut]:
    """Hold pairs out, and give the others numbers, lengths and targets.

    Args:
        pairs: of each language; their sentences are in the language that all share.
        tokenizer: the student's, for the lengths.
        targets: different sentences, in the order in which they come first → the teacher's embeddings.

    Raises:
        SmallerLabseError: there are too few different sentences, or a language has none to train on.
    """
    training, held_out = choose_held_out([each.sentences for each in pairs])
    for each, indices in zip(pairs, training, strict=True):
        if not len(indices):
            raise SmallerLabseError(
                f"{each.corpus}: all pairs of {each.languages[1]} are held out; give more"
            )
    sentences = [each.sentences[i] for each, kept in zip(pairs, training, strict=True) for i in kept]
    translations = [each.translations[i] for each, kept in zip(pairs, training, strict=True) for i in kept]
    sentence_numbers: dict[str, int] = {}
    ids = np.array([sentence_numbers.setdefault(text, len(sentence_numbers)) for text in sentences])
    numbers: dict[str, int] = {}
    translation_ids = np.array([numbers.setdefault(text, len(numbers)) for text in translations])
    lengths = np.maximum(
        _lengths(list(sentence_numbers), tokenizer)[ids], _lengths(list(numbers), tokenizer)[translation_ids]
    )
    trained_on = TrainingPairs(
        sentences,
        translations,
        ids,
        translation_ids,
        lengths,
        [len(kept) for kept in training],
        targets(list(sentence_numbers)),
    )
    held = tuple(
        ([each.sentences[i] for i in kept], [each.translations[i] for i in kept])
        for each, kept in zip(pairs, held_out, strict=True)
        if len(kept)
    )
    return trained_on, HeldOut(held)


def _lengths(texts: Sequence[str], tokenizer: Tokenizer) -> np.ndarray:
    """Tokens of each text, int [texts]."""
    found = [
        tokenizer.tokenize(texts[start : start + TOKENIZED_AT_A_TIME])[1]
        for start in range(0, len(texts), TOKENIZED_AT_A_TIME)
    ]
    return np.concatenate(found)
