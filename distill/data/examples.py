"""Examples: what a student is trained on, single texts or pairs of a text and its translation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smaller_labse.encoders.networks.tensorflow_network import SPECIAL_TOKENS
from smaller_labse.originals.tokenizers.base import Tokenizer

TOKENIZED_AT_A_TIME = 8192


@dataclass(frozen=True)
class Batch:
    """Some examples, as a training step takes them.

    Attributes:
        texts: the first side of every example, then the second one's, where there are two.
        targets: the teacher's embedding of each text, float32 [texts, size].
        ids: a number for each text of each side, the same for equal ones, int32 [sides, examples].
        references: the teacher's embeddings of texts that they are told from, float32 [references, size].
    """

    texts: list[str]
    targets: np.ndarray
    ids: np.ndarray
    references: np.ndarray


@dataclass(frozen=True)
class Examples:
    """What a student is trained on; the examples of each group, such as a language, are next to each other.

    Attributes:
        sides: the texts; one side of single texts, two of pairs, each as long as the other.
        ids: a number for each text of each side, the same for equal ones, int [sides, examples].
        target_rows: which of the targets each text has, int [sides, examples].
        targets: the teacher's embeddings, float [rows, size].
        lengths: tokens of each example's longest text, the prompt's and special ones too, int [examples].
        sizes: examples in each group.
        shares: how often each group is drawn, as shares of 1, float [groups].
        prompt: what goes before every text.
    """

    sides: tuple[Sequence[str], ...]
    ids: np.ndarray
    target_rows: np.ndarray
    targets: np.ndarray
    lengths: np.ndarray
    sizes: Sequence[int]
    shares: np.ndarray
    prompt: str = ""

    def __len__(self) -> int:
        return len(self.lengths)

    def batch(self, indices: np.ndarray, references: np.ndarray | None = None) -> Batch:
        """The examples at some indices.

        Args:
            indices: int [n].
            references: which of the targets they are told from, int [m]; None for none.
        """
        texts = [self.prompt + side[index] for side in self.sides for index in indices.tolist()]
        rows = self.target_rows[:, indices].reshape(-1)
        targets, told_from = (
            np.asarray(self.targets[chosen], np.float32)
            for chosen in (rows, np.zeros(0, np.int64) if references is None else references)
        )
        return Batch(texts, targets, self.ids[:, indices].astype(np.int32), told_from)


def shares_of_languages(sizes: Sequence[int], exponent: float) -> np.ndarray:
    """How often each language is drawn: in proportion to its size^exponent (arXiv 1901.07291).

    Args:
        sizes: examples of each language.
        exponent: 1 draws languages by their sizes, 0 all alike.

    Returns:
        float [languages], of sum 1.

    >>> shares_of_languages([900, 100], 0.5).tolist()
    [0.75, 0.25]
    """
    weighted = np.asarray(sizes, np.float64) ** exponent
    return weighted / weighted.sum()


def number_texts(texts: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """The different texts, in the order in which they come first, and the number of each text among them.

    >>> number_texts(["a", "b", "a"])
    (['a', 'b'], array([0, 1, 0]))
    """
    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(text, len(numbers)) for text in texts], np.int64)
    return list(numbers), ids


def token_counts(texts: Sequence[str], tokenizer: Tokenizer, prompt: str = "") -> np.ndarray:
    """Tokens of each text as a student gets it: with a prompt before it and special tokens around it.

    Args:
        texts: without the prompt.
        tokenizer: the student's.
        prompt: its tokens are counted by themselves.

    Returns:
        int [texts], 2 or more.
    """
    around = SPECIAL_TOKENS + int(tokenizer.tokenize([prompt])[1][0])
    found = [
        tokenizer.tokenize(texts[start : start + TOKENIZED_AT_A_TIME])[1]
        for start in range(0, len(texts), TOKENIZED_AT_A_TIME)
    ]
    return around + np.concatenate(found) if found else np.zeros(0, np.int64)
