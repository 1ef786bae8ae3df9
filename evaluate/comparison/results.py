"""What was measured of one model: its size, its scores, and how it tokenizes the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.metrics.scores import Score


@dataclass(frozen=True)
class ModelSize:
    """What a model needs.

    Attributes:
        vocabulary_size: rows of its embedding matrix.
        hidden_size: width of that matrix.
        parameters: all of them.
        bytes_on_disk: of its files.
        resident_bytes: of the process that has loaded it and encoded one text.
        peak_bytes: the most that the process had, loading and encoding all texts; None where every task's
            result was kept from before.
        load_seconds: wall time, until it has encoded one text; importing libraries is not in it.
        texts_per_second: of wall time, the median of the tasks that were measured; None where none was.
        least_per_second: of the slowest of them.
        most_per_second: of the fastest.
        tokenizer_bytes: see `TokenizerCost`; None where it has no `tokenizer.json`.
        tokenizer_seconds: likewise.
    """

    vocabulary_size: int
    hidden_size: int
    parameters: int
    bytes_on_disk: int
    resident_bytes: int
    peak_bytes: int | None
    load_seconds: float
    texts_per_second: float | None
    least_per_second: float | None
    most_per_second: float | None
    tokenizer_bytes: int | None
    tokenizer_seconds: float | None

    @property
    def embedding_parameters(self) -> int:
        """Those of the embedding matrix."""
        return self.vocabulary_size * self.hidden_size


@dataclass(frozen=True, eq=False)
class TokenizedTexts:
    """The tokens of some texts, one text after the other.

    Attributes:
        ids: token ids of all texts, int32 [tokens].
        lengths: tokens of each text, int64 [texts].

    Example:
        >>> texts = TokenizedTexts.of([np.array([7, 8, 9]), np.array([7])], longest=2)
        >>> texts.ids.tolist(), texts.lengths.tolist(), texts.text_of_token.tolist()
        ([7, 8, 7], [2, 1], [0, 0, 1])
        >>> texts.text(1).tolist()
        [7]
    """

    ids: np.ndarray
    lengths: np.ndarray

    @classmethod
    def of(cls, texts: Sequence[np.ndarray], longest: int | None = None) -> TokenizedTexts:
        """Join texts.

        Args:
            texts: token ids of each, int [tokens of the text].
            longest: where texts are truncated, in tokens; None for nowhere.
        """
        texts = [ids[:longest] for ids in texts]
        lengths = np.array([len(ids) for ids in texts], np.int64)
        return cls(np.concatenate([np.zeros(0, np.int32), *texts]), lengths)

    @cached_property
    def text_of_token(self) -> np.ndarray:
        """In which text each token is, int64 [tokens]."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def text(self, index: int) -> np.ndarray:
        """The token ids of one text, int32 [tokens of the text]."""
        end = int(self.lengths[: index + 1].sum())
        return self.ids[end - int(self.lengths[index]) : end]


@dataclass(frozen=True)
class Measured:
    """What was measured of one model.

    Attributes:
        model: its name and place.
        size: what it needs.
        vocabulary: its tokens, by id.
        scores: of all tasks, in the order of the tasks.
        tokenized: language → how it tokenizes that language's texts (`texts_of` the tasks).
        prompt: what was put before every text.
    """

    model: NamedModel
    size: ModelSize
    vocabulary: tuple[str, ...]
    scores: tuple[Score, ...]
    tokenized: dict[str, TokenizedTexts]
    prompt: str = ""

    def tokens(self, language: str, text: int) -> tuple[str, ...]:
        """The tokens of one of a language's texts."""
        return tuple(self.vocabulary[token_id] for token_id in self.tokenized[language].text(text).tolist())
