"""Held-out pairs or texts: a part of what is given that the student never sees, to choose its best state by.

They are chosen by a hash of the sentence, so that a sentence with translations in several languages is held
out in all of them, and the choice does not depend on the order of files. Test sets are never used.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any, Protocol

import numpy as np

from smaller_labse.common.errors import SmallerLabseError

LARGEST_SHARE, USUAL_SHARE, ENOUGH = 0.1, 0.02, 500  # of the different sentences
MOST_OF_A_LANGUAGE = 200


Encode = Callable[[Sequence[str]], np.ndarray]  # texts → embeddings at length 1, float [texts, size]


class HeldOut(Protocol):
    """What a student's best state is chosen by, and what a training cost or brought each language.

    Attributes:
        measure: what the values are, as a reader says it; their mean is a share of 1.
    """

    @property
    def measure(self) -> str: ...

    def as_json(self) -> dict[str, Any]:
        """The texts of each language, by its code."""
        ...

    def values(self, encode: Encode) -> dict[str, np.ndarray]:
        """How good a student is on each held-out example, the higher the better.

        Args:
            encode: the student: texts → embeddings at length 1, float [texts, size].

        Returns:
            Of each language, by its code, a value for each of its examples, float [examples]; the same
            examples in the same order for every student, so that two can be compared example by example.
        """
        ...


def score_of(values: Mapping[str, np.ndarray]) -> float:
    """The mean over the languages of the mean over their examples: all languages weigh alike.

    >>> score_of({"fr": np.array([1.0, 0.0]), "ja": np.array([1.0])})
    0.75
    """
    return float(np.mean([of_language.mean() for of_language in values.values()]))


def is_as_good(values: Mapping[str, np.ndarray], highest: Mapping[str, np.ndarray]) -> bool:
    """Whether a state's score is no further below the highest than the standard error of their difference.

    That is much smaller than a score's own, because both are compared example by example.

    >>> is_as_good({"fr": np.array([1.0, 0.0])}, {"fr": np.array([0.0, 1.0])})
    True
    """
    changes = [values[code] - of_language for code, of_language in highest.items()]
    variance = sum(change.var() / max(1, len(change) - 1) for change in changes)
    return bool(np.mean([change.mean() for change in changes]) >= -np.sqrt(variance) / len(changes))


@dataclass(frozen=True)
class HeldOutPairs:
    """Held-out pairs, of which a good student finds the translations.

    A translation's sentence is looked for among those of all languages, as among few a good student finds all
    of them; a sentence's translation among those of its language.

    Attributes:
        languages: sentences and translations of each, by its code.
        measure: see `HeldOut`.
    """

    languages: Mapping[str, tuple[list[str], list[str]]]
    measure: str = "precision at 1"

    def as_json(self) -> dict[str, Any]:
        return {code: list(both) for code, both in self.languages.items()}

    def texts(self) -> list[str]:
        """The different texts, in the order in which they come first."""
        sides = (side for both in self.languages.values() for side in both)
        return list(dict.fromkeys(chain.from_iterable(sides)))

    def values(self, encode: Encode) -> dict[str, np.ndarray]:
        """Of each pair 0, ½ or 1: in how many of both directions it is found; see `HeldOut`."""
        sentences = list(dict.fromkeys(chain.from_iterable(left for left, _ in self.languages.values())))
        rows = {text: row for row, text in enumerate(sentences)}
        embeddings = encode(sentences)
        return {
            code: found_both_ways(embeddings, encode(right), np.array([rows[text] for text in left]), right)
            for code, (left, right) in self.languages.items()
        }


@dataclass(frozen=True)
class HeldOutTexts:
    """Held-out texts, to which a good student gives the teacher's embeddings.

    Attributes:
        languages: texts of each and the teacher's embeddings at length 1, float32 [texts, size], by its code.
        measure: see `HeldOut`.
    """

    languages: Mapping[str, tuple[list[str], np.ndarray]]
    measure: str = "the mean cosine to the teacher"

    def as_json(self) -> dict[str, Any]:
        return {code: texts for code, (texts, _) in self.languages.items()}

    def values(self, encode: Encode) -> dict[str, np.ndarray]:
        """The cosine of each text's embedding to the teacher's; see `HeldOut`."""
        return {
            code: np.sum(encode(texts) * targets, axis=1) for code, (texts, targets) in self.languages.items()
        }


def choose_held_out(sentences: Sequence[Sequence[str]]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Choose the held-out pairs, or texts, of each language.

    Of the different sentences 2% are held out, or 500 where that is more, but at most 10%.

    Args:
        sentences: of each language's pairs, the side that the languages share; or its texts.

    Returns:
        Indices into each language's pairs, int [n]: of those to train on, and of those held out, at most 200.

    Raises:
        SmallerLabseError: there are too few different sentences.
    """
    keys = {text: blake2b(text.encode(), digest_size=8).digest() for texts in sentences for text in texts}
    count = min(int(LARGEST_SHARE * len(keys)), max(int(USUAL_SHARE * len(keys)), ENOUGH))
    if count < 2:
        raise SmallerLabseError(f"only {len(keys)} different sentences, expected 20 or more to train on")
    held = set(sorted(keys, key=lambda text: (keys[text], text))[:count])
    training, held_out = [], []
    for texts in sentences:
        is_held = np.fromiter((text in held for text in texts), bool, len(texts))
        training.append(np.flatnonzero(~is_held))
        chosen = sorted(np.flatnonzero(is_held).tolist(), key=lambda index: (keys[texts[index]], index))
        held_out.append(np.array(chosen[:MOST_OF_A_LANGUAGE], np.int64))
    return training, held_out


def found_both_ways(
    sentences: np.ndarray, translations: np.ndarray, rows: np.ndarray, texts: Sequence[str]
) -> np.ndarray:
    """Which sentences find their translation, or an equal text, and which translations their sentence.

    Args:
        sentences: embeddings of different sentences, also of those that have no translation here, float
            [sentences, size].
        translations: embeddings of the translations, float [n, size].
        rows: of each translation, which of the sentences it translates, int [n].
        texts: the translations.

    Returns:
        Of each pair the share of both directions in which it is found, 0, ½ or 1, float [n]; the mean is
        the mean of both directions' precision at 1.
    """
    similarities = sentences @ translations.T
    places = similarities.argmax(axis=1)[rows].tolist()
    found = [texts[place] == text for place, text in zip(places, texts, strict=True)]
    found_back = similarities.argmax(axis=0) == rows
    return np.mean([found, found_back], axis=0)
