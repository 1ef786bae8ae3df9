"""A sentence encoder: strings to embeddings, with any loaded model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

import numpy as np

from smaller_labse.common.arguments import check, non_negative_integer, positive_integer
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import Advance, progress
from smaller_labse.encoders.networks.network import Network
from smaller_labse.originals.lineage import Lineage

TEXTS_AT_A_TIME = 8192  # tokenized at a time: enough to find texts of like length, few enough for memory
# A batch with its padding: what the layers make of more does not stay in a processor's caches, and
# multilingual-e5-small then takes a quarter longer in int8 (`scripts/benchmark.sh batch-sizes`).
TOKENS_AT_A_TIME = 1024


class SentenceEncoder:
    """A loaded model; get one from `smaller_labse.load`.

    Attributes:
        name: what the user called the model.
        pieces: its vocabulary: token id → token; one that has another token's embedding, as of lists that
            were stripped, by that other's name.
        embedding_size: of an embedding, in components.
        sequence_length: the length in tokens that texts are truncated at by default, special ones ([CLS] and
            [SEP]) included.
        positions: the greatest length that the encoder can take; None where there is no limit.
        special_tokens: how many tokens the model puts around every text.
        embedding_matrix_shape: vocabulary size and hidden size.
        parameters: of the encoder, all of them.
        prompt: what goes before every text, e.g. "query: ".
        computed_by: what computes it, where that is onnxruntime: "onnxruntime on 2 threads"; else "".
        rounded_to: what its numbers were rounded to, "float16", "int8" or "int4"; None where they were not.
    """

    def __init__(
        self,
        name: str,
        network: Network,
        prompt: str = "",
        lineage: Lineage = Lineage(),  # noqa: B008 - frozen
    ) -> None:
        """Wrap a network.

        Args:
            name: of the model, for messages.
            network: the loaded model.
            prompt: what goes before every text that is encoded.
            lineage: what it was trimmed from.
        """
        self.name, self.prompt, self._network = name, prompt, network
        self.pieces = lineage.original_pieces(network.pieces)
        self.embedding_size = network.embedding_size
        self.sequence_length, self.positions = network.sequence_length, network.positions
        self.special_tokens = network.special_tokens
        self.embedding_matrix_shape = network.embedding_matrix_shape
        self.parameters = network.parameters
        self.computed_by = network.computed_by
        self.rounded_to = lineage.rounded_to

    def encode(
        self,
        texts: Sequence[str],
        normalize: bool = False,
        max_length: int | None = None,
        advance: Advance | None = None,
        batch_size: int | None = None,
    ) -> np.ndarray:
        """Encode texts; equal texts get equal embeddings, to the bit.

        Args:
            texts: of any length; they are truncated at `max_length`, as the preprocessor does it.
            normalize: scale every embedding to length 1 (one of length 0 stays as it is).
            max_length: tokens per text, special ones included; the model's own by default.
            advance: is told how many texts are done, in place of a progress bar of our own.
            batch_size: how many texts are computed at a time; by default as many as have 1,024 tokens
                together, padding included. It changes speed and memory, and embeddings by float32 rounding.

        Returns:
            float32 [texts, embedding size], in the order of `texts`: of a SavedModel its `default` output.

        Raises:
            UsageError: `texts` are not strings, `max_length` does not hold one token or exceeds `positions`,
                or `batch_size` is no positive integer.
            SmallerLabseError: the model returned NaN or infinity.
        """
        texts = _require_texts(texts)
        length = self._choose_length(max_length)
        if batch_size is not None:
            batch_size = check("batch_size", positive_integer, batch_size)
        embeddings = np.empty((len(texts), self.embedding_size), np.float32)
        first = _first_occurrences(texts)
        repeats = first != np.arange(len(texts))
        with _watch(self.name, len(texts), advance) as advance:
            for indices in _chunks(np.flatnonzero(~repeats)):
                chunk = [texts[index] for index in indices]
                for batch, values in self._encode_chunk(chunk, length, batch_size):
                    self._require_finite(values, [chunk[index] for index in batch])
                    embeddings[indices[batch]] = _unit(values) if normalize else values
                    advance(len(batch))
            embeddings[repeats] = embeddings[first[repeats]]
            advance(int(repeats.sum()))
        return embeddings

    def encode_parts(
        self,
        texts: Iterable[str],
        normalize: bool = False,
        max_length: int | None = None,
        advance: Advance | None = None,
        batch_size: int | None = None,
    ) -> Iterator[np.ndarray]:
        """Encode any number of texts as they come, with no more than some thousand in memory.

        Args:
            texts: the texts; an iterator will do.
            normalize: see `encode`.
            max_length: see `encode`.
            advance: is told how many texts are done.
            batch_size: see `encode`.

        Yields:
            Embeddings, float32 [n, embedding size], in the order of `texts`; n is at most
            8192. Equal texts get equal embeddings, to the bit, within a part; in another part they may differ
            by float32 rounding.

        Raises:
            UsageError, SmallerLabseError: as `encode` does.
        """
        texts = iter(texts)
        while part := list(islice(texts, TEXTS_AT_A_TIME)):
            yield self.encode(part, normalize, max_length, advance or (lambda amount: None), batch_size)

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The token ids of texts, whole, without special ones: int32 [tokens] for each text.

        Raises:
            UsageError: `texts` are not strings.
        """
        texts = _require_texts(texts)
        ids: list[np.ndarray] = []
        for indices in _chunks(np.arange(len(texts))):
            ids += self._network.tokenize([texts[index] for index in indices])
        return ids

    def exact(self) -> AbstractContextManager[None]:
        """While it lasts, the same arithmetic on the same numbers gives the same embeddings to the bit."""
        return self._network.exact()

    def _encode_chunk(
        self, texts: list[str], length: int, batch_size: int | None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        prepared = self._network.prepare([self.prompt + text for text in texts], length)
        for batch in batches_by_length(
            prepared.lengths, TOKENS_AT_A_TIME, batch_size, alike=not self._network.pads
        ):
            yield batch, prepared.embed(batch)

    def _require_finite(self, values: np.ndarray, texts: list[str]) -> None:
        for number in np.flatnonzero(~np.isfinite(values).all(axis=1))[:1]:
            raise SmallerLabseError(
                f"{self.name}: the embedding of {texts[number][:60]!r} holds NaN or infinity; "
                "the model's weights are damaged"
            )

    def _choose_length(self, max_length: int | None) -> int:
        if max_length is None:
            return self.sequence_length
        max_length = check("max_length", non_negative_integer, max_length)
        shortest = self.special_tokens + 1
        if self.positions is None and max_length < shortest:
            raise UsageError(f"max_length {max_length} is below {shortest}, one token and the special ones")
        if self.positions is not None and not shortest <= max_length <= self.positions:
            raise UsageError(
                f"max_length {max_length} is not between {shortest} and {self.positions}, "
                f"the positions of {self.name}"
            )
        return max_length


def _require_texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str | bytes):
        raise UsageError("one text given, expected a list of texts; write [text]")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise UsageError(f"text {number} is of the type {type(text).__name__}, expected a string")
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise UsageError(
                f"text {number} holds {text[error.start]!r}, half of a surrogate pair; decode it as UTF-8"
            ) from None
    return texts


def _first_occurrences(texts: list[str]) -> np.ndarray:
    first: dict[str, int] = {}
    indices = (first.setdefault(text, index) for index, text in enumerate(texts))
    return np.fromiter(indices, np.int64, len(texts))


def _chunks(indices: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(indices), TEXTS_AT_A_TIME):
        yield indices[start : start + TEXTS_AT_A_TIME]


def _unit(values: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return values / np.where(lengths > 0, lengths, 1)


def _watch(name: str, total: int, advance: Advance | None) -> AbstractContextManager[Advance]:
    return progress(f"encoding with {name}", total, "texts") if advance is None else nullcontext(advance)


def batches_by_length(
    lengths: np.ndarray, tokens: int, texts: int | None = None, alike: bool = False
) -> Iterator[np.ndarray]:
    """Sort texts by length and group neighbours.

    Args:
        lengths: tokens of each text, int [texts].
        tokens: how many a batch may have, padding included; a text longer than that is a batch of its own.
        texts: how many a batch may have, however long they are, in place of `tokens`.
        alike: whether the texts of a batch must be of one length.

    Yields:
        Indices into `lengths`, int [batch], the longest texts first, so that memory that does not suffice
        shows at once; every index comes once. Texts of one length keep their order.

    Example:
        >>> [batch.tolist() for batch in batches_by_length(np.array([3, 9, 4, 3]), tokens=8)]
        [[1], [2, 0], [3]]
    """
    order = np.argsort(-lengths, kind="stable")
    descending = lengths[order]
    start = 0
    while start < len(order):
        longest = int(descending[start])
        end = start + (texts or max(1, tokens // max(1, longest)))
        if alike:
            end = min(end, int(np.searchsorted(-descending, -longest, side="right")))
        yield order[start:end]
        start = end
