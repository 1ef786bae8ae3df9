"""Translation pairs to train on: which are held out, and which targets the others have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.translation_pairs import TranslationPairs
from smaller_labse.distill.data.examples import Examples, number_texts, shares_of_languages, token_counts
from smaller_labse.distill.data.held_out import HeldOutPairs, choose_held_out
from smaller_labse.originals.tokenizers.base import Tokenizer


def split_pairs(
    pairs: Sequence[TranslationPairs],
    tokenizer: Tokenizer,
    targets: Callable[[list[str]], np.ndarray],
    exponent: float,
    prompt: str = "",
    of_each_side: bool = False,
) -> tuple[Examples, HeldOutPairs]:
    """Hold pairs out, and give both sides of the others a teacher's embedding of their sentence, or of each.

    Args:
        pairs: of each language; their sentences are in the language that all share.
        tokenizer: the student's, for the lengths.
        targets: different texts, in the order in which they come first → the teacher's embeddings.
        exponent: see `shares_of_languages`.
        prompt: what the student puts before every text.
        of_each_side: a translation's target is the embedding of itself, and not of its sentence.

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
    examples = Examples(
        sides=(sentences, translations),
        ids=np.stack([sentence_ids, translation_ids]),
        target_rows=target_rows,
        targets=targets(with_targets),
        lengths=np.maximum(
            token_counts(different, tokenizer)[sentence_ids],
            token_counts(different_translations, tokenizer)[translation_ids],
        ),
        sizes=sizes,
        shares=shares_of_languages(sizes, exponent),
        prompt=prompt,
    )
    held: dict[str, tuple[list[str], list[str]]] = {}
    for each, kept in zip(pairs, held_out, strict=True):
        if len(kept):
            of_language = held.setdefault(each.languages[1].code, ([], []))
            of_language[0].extend(_take(each.sentences, kept))
            of_language[1].extend(_take(each.translations, kept))
    return examples, HeldOutPairs(held)


def _take(texts: Sequence[str], indices: np.ndarray) -> list[str]:
    return [texts[index] for index in indices.tolist()]
