"""Translation pairs to train on, together or one by one: which are held out, and what their targets are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.translation_pairs import TranslationPairs
from smaller_labse.distill.data.examples import Examples, number_texts, shares_of_languages, token_counts
from smaller_labse.distill.data.held_out import HeldOutPairs, choose_held_out
from smaller_labse.originals.tokenizers.base import Tokenizer

SHARED_SHARE = 0.25  # of what is drawn, at least: every translation is compared with the shared language


def split_pairs(
    pairs: Sequence[TranslationPairs],
    tokenizer: Tokenizer,
    targets: Callable[[list[str]], np.ndarray],
    exponent: float,
    prompt: str = "",
    of_each_side: bool = False,
    together: bool = True,
) -> tuple[Examples, HeldOutPairs]:
    """Hold pairs out, and give both sides of the others a teacher's embedding of their sentence, or of each.

    Where no objective compares a sentence with its translation, they need not be drawn `together`. Then each
    text is an example, and the different sentences are at least `SHARED_SHARE` of what is drawn.

    Args:
        pairs: of each language; their sentences are in the language that all share.
        tokenizer: the student's, for the lengths.
        targets: different texts, in the order in which they come first → the teacher's embeddings.
        exponent: see `shares_of_languages`.
        prompt: what the student puts before every text.
        of_each_side: a translation's target is the embedding of itself, and not of its sentence.
        together: whether an example is a pair, or one text.

    Raises:
        SmallerLabseError: there are too few different sentences, or a language has none to train on.
    """
    training, held_out = choose_held_out([each.sentences for each in pairs])
    for each, indices in zip(pairs, training, strict=True):
        if not len(indices):
            raise SmallerLabseError(
                f"{each.corpus}: all pairs of {each.languages[1]} are held out; give more"
            )
    kept_pairs = list(zip(pairs, training, strict=True))
    sentences = list(chain.from_iterable(_take(each.sentences, kept) for each, kept in kept_pairs))
    translations = list(chain.from_iterable(_take(each.translations, kept) for each, kept in kept_pairs))
    different, sentence_ids = number_texts(sentences)
    different_translations, translation_ids = number_texts(translations)
    sizes = [len(kept) for kept in training]
    with_targets, target_rows = different, np.stack([sentence_ids, sentence_ids])
    if of_each_side:
        with_targets, ids = number_texts([*sentences, *translations])
        target_rows = ids.reshape(2, -1)
    lengths = [
        token_counts(different, tokenizer, prompt)[sentence_ids],
        token_counts(different_translations, tokenizer, prompt)[translation_ids],
    ]
    examples = Examples(
        sides=(sentences, translations),
        ids=np.stack([sentence_ids, translation_ids]),
        target_rows=target_rows,
        targets=targets(with_targets),
        lengths=np.maximum(*lengths),
        sizes=sizes,
        shares=shares_of_languages(sizes, exponent),
        prompt=prompt,
    )
    if not together:
        examples = _one_by_one(examples, lengths, exponent)
    held: dict[str, tuple[list[str], list[str]]] = {}
    for each, kept in zip(pairs, held_out, strict=True):
        if len(kept):
            of_language = held.setdefault(each.languages[1].code, ([], []))
            of_language[0].extend(_take(each.sentences, kept))
            of_language[1].extend(_take(each.translations, kept))
    return examples, HeldOutPairs(held)


def some_texts(pairs: Sequence[TranslationPairs], count: int) -> list[str]:
    """Some texts, spread evenly over the pairs, as many of every language, shorter ones first.

    Args:
        pairs: of each language; their sentences are in the language that all share.
        count: about how many; one of each language at least.
    """
    each = max(1, count // (len(pairs) + 1))
    shared = list(chain.from_iterable(of_language.sentences for of_language in pairs))
    texts = []
    for of_language in (shared, *(of_language.translations for of_language in pairs)):
        places = np.unique(np.linspace(0, len(of_language) - 1, each).astype(np.int64))
        texts += _take(of_language, places)
    return sorted(texts, key=len)


def _one_by_one(pairs: Examples, lengths: Sequence[np.ndarray], exponent: float) -> Examples:
    """The texts of pairs as examples; the different sentences are a group before those of the translations.

    Args:
        pairs: examples of two sides.
        lengths: tokens of each text of each side, int [pairs].
        exponent: see `shares_of_languages`.
    """
    sentences, translations = pairs.sides
    first = np.unique(pairs.ids[0], return_index=True)[1]  # of each different sentence
    sizes = [len(first), *pairs.sizes]
    shares = shares_of_languages(sizes, exponent)
    shared = max(SHARED_SHARE, shares[0])
    others = shares[1:] * (1 - shared) / shares[1:].sum()
    return replace(
        pairs,
        sides=([*_take(sentences, first), *translations],),
        ids=np.concatenate([pairs.ids[0][first], len(first) + pairs.ids[1]])[np.newaxis],
        target_rows=np.concatenate([pairs.target_rows[0][first], pairs.target_rows[1]])[np.newaxis],
        lengths=np.concatenate([lengths[0][first], lengths[1]]),
        sizes=sizes,
        shares=np.array([shared, *others]),
    )


def _take(texts: Sequence[str], indices: np.ndarray) -> list[str]:
    return [texts[index] for index in indices.tolist()]
