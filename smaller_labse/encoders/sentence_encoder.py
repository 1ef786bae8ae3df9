"""A sentence encoder: strings to embeddings, with any model in LaBSE's TF Hub format."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import islice

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 - registers the operations of the preprocessor's graph

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.common.progress import Advance, progress

TEXTS_AT_A_TIME = 8192  # tokenized at a time: enough to find texts of like length, few enough for memory
TOKENS_AT_A_TIME = 4096  # a batch with its padding: 32 texts of LaBSE's 128 tokens
SPECIAL_TOKENS = 2  # [CLS] and [SEP] around every text
RAGGED = tf.RaggedTensorSpec([None, None], tf.int32, ragged_rank=1)  # texts, tokens


class SentenceEncoder:
    """A loaded preprocessor and encoder; get one from `smaller_labse.load`.

    Attributes:
        name: what the user called the model.
        pieces: its vocabulary: token id → token.
        embedding_size: of an embedding, in components.
        sequence_length: the length in tokens that texts are truncated at by default, [CLS] and [SEP]
            included.
        positions: the greatest length that the encoder can take.
        embedding_matrix_shape: vocabulary size and hidden size.
        parameters: of the encoder, all of them.
        prompt: what goes before every text, e.g. "query: ".
    """

    def __init__(
        self, name: str, preprocess: tf.Module, encoder: tf.Module, pieces: Sequence[str], prompt: str = ""
    ) -> None:
        """Check that the two fit together, by encoding one text.

        Args:
            name: of the model, for messages.
            preprocess: strings [batch] → the encoder's inputs; with `tokenize` and `bert_pack_inputs`.
            encoder: a dict of `input_word_ids`, `input_mask`, `input_type_ids` → a dict with `default`.
            pieces: the vocabulary.
            prompt: what goes before every text that is encoded.

        Raises:
            SmallerLabseError: they have another format, or do not fit together.
        """
        self.name, self.pieces, self.prompt = name, tuple(pieces), prompt
        self.positions = find_rows(name, encoder, "position_embedding")
        self.embedding_matrix_shape = find_shape(name, encoder, "word_embedding")
        self.parameters = sum(math.prod(variable.shape) for variable in encoder.trainable_variables)
        self._tokenize, self._embed = _compile(preprocess, encoder)
        try:
            self.sequence_length = int(preprocess(tf.constant([""]))["input_word_ids"].shape[1])
            self.embedding_size = int(self._embed(self._tokenize(tf.constant([""])), SPECIAL_TOKENS).shape[1])
        except (AttributeError, TypeError, ValueError, KeyError) as error:
            reason = " ".join(str(error).split())[:200]
            raise SmallerLabseError(
                f"{name}: not an encoder and a preprocessor in LaBSE's TF Hub format ({reason})"
            ) from error
        if self.sequence_length > self.positions:
            raise SmallerLabseError(
                f"{name}: the preprocessor packs {self.sequence_length} tokens, but the encoder has only "
                f"{self.positions} positions; give the preprocessor that belongs to it"
            )

    def encode(
        self,
        texts: Sequence[str],
        normalize: bool = False,
        max_length: int | None = None,
        advance: Advance | None = None,
    ) -> np.ndarray:
        """Encode texts; equal texts get equal embeddings, to the bit.

        Args:
            texts: of any length; they are truncated at `max_length`, as the preprocessor does it.
            normalize: scale every embedding to length 1 (one of length 0 stays as it is).
            max_length: tokens per text, [CLS] and [SEP] included; the preprocessor's own by default.
            advance: is told how many texts are done, in place of a progress bar of our own.

        Returns:
            The encoder's `default` output, float32 [texts, embedding size], in the order of `texts`.

        Raises:
            UsageError: `texts` are not strings, or `max_length` is not between 3 and `positions`.
            SmallerLabseError: the model returned NaN or infinity.
        """
        texts = _require_texts(texts)
        length = self._choose_length(max_length)
        embeddings = np.empty((len(texts), self.embedding_size), np.float32)
        first = _first_occurrences(texts)
        repeats = first != np.arange(len(texts))
        with _watch(self.name, len(texts), advance) as advance:
            for indices in _chunks(np.flatnonzero(~repeats)):
                chunk = [texts[index] for index in indices]
                for batch, values in self._encode_chunk(chunk, length):
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
    ) -> Iterator[np.ndarray]:
        """Encode any number of texts as they come, with no more than some thousand in memory.

        Args:
            texts: the texts; an iterator will do.
            normalize: see `encode`.
            max_length: see `encode`.
            advance: is told how many texts are done.

        Yields:
            Embeddings, float32 [n, embedding size], in the order of `texts`; n is at most
            8192. Equal texts get equal embeddings, to the bit, within a part; in another part they may differ
            by float32 rounding.

        Raises:
            UsageError, SmallerLabseError: as `encode` does.
        """
        texts = iter(texts)
        while part := list(islice(texts, TEXTS_AT_A_TIME)):
            yield self.encode(part, normalize, max_length, advance or (lambda amount: None))

    def tokenize(self, texts: Sequence[str]) -> list[np.ndarray]:
        """The token ids of texts, whole, without [CLS] and [SEP]: int32 [tokens] for each text.

        Raises:
            UsageError: `texts` are not strings.
        """
        texts = _require_texts(texts)
        ids: list[np.ndarray] = []
        for indices in _chunks(np.arange(len(texts))):
            tokens = self._tokenize(tf.constant([texts[index] for index in indices]))
            ids += np.split(tokens.values.numpy(), tokens.row_splits.numpy()[1:-1])
        return ids

    def _encode_chunk(self, texts: list[str], length: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        tokens = self._tokenize(tf.constant([self.prompt + text for text in texts]))
        lengths = tokens.row_lengths().numpy() + SPECIAL_TOKENS
        lengths = np.minimum(lengths, length)
        for batch in batches_by_length(lengths, TOKENS_AT_A_TIME):
            longest = tf.constant(lengths[batch].max(), tf.int32)
            yield batch, self._embed(tf.gather(tokens, batch), longest).numpy()

    def _require_finite(self, values: np.ndarray, texts: list[str]) -> None:
        for number in np.flatnonzero(~np.isfinite(values).all(axis=1))[:1]:
            raise SmallerLabseError(
                f"{self.name}: the embedding of {texts[number][:60]!r} holds NaN or infinity; "
                "the model's weights are damaged"
            )

    def _choose_length(self, max_length: int | None) -> int:
        if max_length is None:
            return self.sequence_length
        if not SPECIAL_TOKENS < max_length <= self.positions:
            raise UsageError(
                f"max_length {max_length} is not between {SPECIAL_TOKENS + 1} and {self.positions}, "
                f"the positions of {self.name}"
            )
        return max_length


def _compile(
    preprocess: tf.Module, encoder: tf.Module
) -> tuple[Callable[[tf.Tensor], tf.RaggedTensor], Callable[[tf.RaggedTensor, tf.Tensor], tf.Tensor]]:
    """Functions of one graph each: a loaded SavedModel would be traced anew for every shape of its inputs."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def tokenize(texts: tf.Tensor) -> tf.RaggedTensor:
        tokens = preprocess.tokenize(texts)  # WordPiece's has words between texts and pieces
        return tokens.merge_dims(1, -1) if tokens.ragged_rank > 1 else tokens

    @tf.function(input_signature=[RAGGED, tf.TensorSpec([], tf.int32)], autograph=False)
    def embed(tokens: tf.RaggedTensor, length: tf.Tensor) -> tf.Tensor:
        return encoder(preprocess.bert_pack_inputs([tokens], seq_length=length), training=False)["default"]

    return tokenize, embed


def find_rows(name: str, encoder: tf.Module, variable_name: str) -> int:
    """The rows of a matrix; see `find_shape`."""
    return find_shape(name, encoder, variable_name)[0]


def find_shape(name: str, encoder: tf.Module, variable_name: str) -> tuple[int, int]:
    """Rows and columns of the matrix among an encoder's variables whose name holds `variable_name`.

    Raises:
        SmallerLabseError: there is none; the message names the model.
    """
    for variable in getattr(encoder, "variables", ()):
        if variable_name in variable.name and len(variable.shape) == 2:
            return int(variable.shape[0]), int(variable.shape[1])
    raise SmallerLabseError(
        f"{name}: no {variable_name} among its variables, expected an encoder in LaBSE's TF Hub format"
    )


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


def batches_by_length(lengths: np.ndarray, budget: int) -> Iterator[np.ndarray]:
    """Sort texts by length and group neighbours.

    Args:
        lengths: tokens of each text, int [texts], all positive.
        budget: tokens that a batch may have, padding included; a text longer than that is a batch of its own.

    Yields:
        Indices into `lengths`, int [batch], the longest texts first, so that memory that does not suffice
        shows at once; every index comes once. Texts of one length keep their order.

    Example:
        >>> [batch.tolist() for batch in batches_by_length(np.array([3, 9, 4, 3]), budget=8)]
        [[1], [2, 0], [3]]
    """
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        longest = int(lengths[order[start]])
        end = start + max(1, budget // longest)
        yield order[start:end]
        start = end
