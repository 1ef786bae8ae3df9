"""Verify that a smaller model, as it was written, still is the original on the tokens that it kept.

Three comparisons, for originals of either kind, all with the files that users will load:

- `verify_rows`: every kept row of every trimmed tensor equals the original's to the bit;
- `verify_tokens`: texts go through both tokenizers. Which of them still get the same tokens? All whose tokens
  were all kept must;
- `verify_embeddings`: some of those that do go through both encoders: promise 1 says that the embeddings
  agree to 1e-5.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.bert import INPUTS
from smaller_labse.encoders.deterministic_tensorflow import deterministic_tensorflow
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.select_vocab.selection import Selection

TOLERANCE = 1e-5  # promise 1: float32 rounding
EMBEDDED_TEXTS = 32  # at most; what is wrong with an encoder shows in every text
SHORT_TEXT = 12  # tokens, special ones included
BATCH_TEXTS = 32
ROWS_AT_ONCE = 65_536

WORD_IDS, MASK = "input_word_ids", "input_mask"

Inputs = Mapping[str, np.ndarray]
Embed = Callable[[Mapping[str, tf.Tensor]], tf.Tensor]


class Rows(Protocol):
    """A tensor in a file whose rows can be read without holding the others."""

    def read_rows(self, rows: np.ndarray) -> np.ndarray: ...


def verify_rows(
    original: Rows, written: Mapping[str, Rows], selection: Selection, dtype: str | None = None
) -> tuple[int, float]:
    """Compare every kept row of a tensor with the original's, to the bit: 0.0 is not -0.0, NaN is itself.

    Args:
        original: the original's tensor, one row per token.
        written: the smaller model's, one row per kept token; by the names that messages call them.
        selection: the kept tokens.
        dtype: "float16" where that was asked for: then the original's floats are rounded first.

    Returns:
        How many rows rounding changed, and by how much at most, absolute; 0 and 0.0 without `dtype`.

    Raises:
        SmallerLabseError: a row differs.
    """
    changed, largest = 0, 0.0
    ids = selection.subset.original_ids
    # Ascending original ids: then no part of the original is read twice, whatever the order of the tokens.
    order = np.argsort(ids)
    for rows in np.split(order, range(ROWS_AT_ONCE, len(order), ROWS_AT_ONCE)):
        expected = exact = original.read_rows(ids[rows])
        if dtype is not None and exact.dtype.kind == "f":
            expected = exact.astype(dtype)
            finite = np.where(np.isfinite(exact), exact, 0)
            differences = np.abs(finite - finite.astype(dtype)).reshape(len(rows), -1).max(axis=1)
            changed += int(np.count_nonzero(differences))
            largest = max(largest, float(differences.max(initial=0.0)))
        for name, tensor in written.items():
            found = tensor.read_rows(rows)
            different = np.flatnonzero((_bits(found) != _bits(expected)).any(axis=1))
            if len(different):
                piece = selection.pieces[rows[different[0]]]
                raise SmallerLabseError(f"{name}: the row of {piece!r} is not the original's")
    return changed, largest


def _bits(rows: np.ndarray) -> np.ndarray:
    """Numbers [n, ...] as unsigned integers [n, numbers per row] of the same bits."""
    return np.ascontiguousarray(rows).reshape(len(rows), -1).view(f"u{rows.dtype.itemsize}")


def verify_tokens(
    original: Iterable[np.ndarray],
    smaller: Iterable[np.ndarray],
    subset: VocabularySubset,
    texts: Sequence[str],
    tokenizer: str,
    unknown_id: int | None,
    truncated: np.ndarray | None = None,
) -> np.ndarray:
    """Find the texts that get the same tokens from both tokenizers; all whose tokens were all kept must.

    Args:
        original: the original's token ids of each text, int [tokens] each; equally padded where at all.
        smaller: the smaller tokenizer's.
        subset: the kept tokens.
        texts: n texts.
        tokenizer: the smaller tokenizer's file or folder, for the message.
        unknown_id: the original's id of the unknown token; None where it has none.
        truncated: which texts did not fit, bool [n]; None for none.

    Returns:
        The indices of the texts with the same tokens, int [same], ascending.

    Raises:
        SmallerLabseError: a text is tokenized differently although all of its tokens are kept.
    """
    unchanged = []
    for number, (before, after) in enumerate(zip(original, smaller, strict=True)):
        if before.shape == after.shape and subset.same_tokens(before, after):
            unchanged.append(number)
            continue
        readable = unknown_id is None or unknown_id not in before
        fits = truncated is None or not truncated[number]
        if readable and fits and subset.contains(before).all():
            raise SmallerLabseError(
                f"{tokenizer}: tokenizes {texts[number]!r} differently than the original, although all "
                "of its tokens are kept"
            )
    return np.array(unchanged, dtype=np.int64)


def verify_embeddings(
    load_original: Callable[[np.ndarray], Embed],
    load_smaller: Callable[[], Embed],
    before: Inputs,
    after: Inputs,
    unchanged: np.ndarray,
    texts: Sequence[str],
) -> tuple[int, float]:
    """Compare the embeddings of some texts with the same tokens.

    Args:
        load_original: loads the original, of its embedding matrix the rows of these ids only, int [used]; the
            id i of its inputs then stands for the i-th of them.
        load_smaller: loads the smaller encoder; the two are never in memory together.
        before: the original's inputs for all texts, int32 [texts, length] each.
        after: the smaller one's.
        unchanged: the indices of the texts with the same tokens, at least one.
        texts: for the message.

    Returns:
        How many texts were compared, and the largest difference, absolute, over all components.

    Raises:
        SmallerLabseError: it is larger than float32 rounding allows.
    """
    chosen = choose_embedded(unchanged, before[MASK].sum(axis=1))
    original, smaller = embed_both(load_original, load_smaller, before, after, chosen)
    return len(chosen), require_same_embeddings(original, smaller, [texts[number] for number in chosen])


def require_same_embeddings(original: np.ndarray, smaller: np.ndarray, texts: Sequence[str]) -> float:
    """Compare embeddings of texts with the same tokens, two arrays float32 [texts, hidden size].

    Returns:
        The largest difference, absolute, over all components.

    Raises:
        SmallerLabseError: it is larger than float32 rounding allows.
    """
    differences = np.abs(original - smaller).max(axis=1)
    worst = int(np.argmax(differences))
    if not differences[worst] <= TOLERANCE:
        raise SmallerLabseError(
            f"the smaller model is not the original: the tokens of {texts[worst]!r} are the same, "
            f"the embeddings differ by {differences[worst]:.2g}, expected at most {TOLERANCE:.0e}"
        )
    return float(differences[worst])


def choose_embedded(unchanged: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Choose the texts that go through the encoders, which takes the longer the more tokens they have.

    Args:
        unchanged: the indices of the texts with the same tokens, int [n], at least one, ascending.
        lengths: how many tokens each text has, int [texts].

    Returns:
        At most `EMBEDDED_TEXTS` of these indices, ascending: short texts of every kind, and the longest,
        which has the most positions. Where there are too few short ones, the shortest.
    """
    by_length = unchanged[np.argsort(lengths[unchanged], kind="stable")]
    others, longest = np.sort(by_length[:-1]), by_length[-1:]
    wanted = min(len(others), EMBEDDED_TEXTS - 1)
    short = others[lengths[others] <= SHORT_TEXT]
    if len(short) < wanted:
        return np.sort(np.concatenate([by_length[:wanted], longest]))
    evenly = np.linspace(0, len(short) - 1, wanted).astype(int) if wanted else np.zeros(0, int)
    return np.sort(np.concatenate([short[evenly], longest]))


def embed_both(
    load_original: Callable[[np.ndarray], Embed],
    load_smaller: Callable[[], Embed],
    before: Inputs,
    after: Inputs,
    chosen: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """The embeddings of some texts by the original and by the smaller model; see `verify_embeddings`.

    Returns:
        Two arrays float32 [chosen, hidden size].
    """
    used = np.unique(before[WORD_IDS][chosen])
    before = {**before, WORD_IDS: np.searchsorted(used, before[WORD_IDS]).astype(np.int32)}
    order = np.argsort(before[MASK][chosen].sum(axis=1), kind="stable")  # by length
    back = np.argsort(order)
    with deterministic_tensorflow():
        original = _embed_all(lambda: load_original(used), before, chosen[order])[back]
        smaller = _embed_all(load_smaller, after, chosen[order])[back]
    return original, smaller


def as_arrays(outputs: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    """What a preprocessor returns, as NumPy's arrays."""
    return {name: np.asarray(values) for name, values in outputs.items()}


def load_embed(encoder: Path) -> Embed:
    """A SavedModel's embeddings, as its users load it."""
    return traced_once(tf.saved_model.load(str(encoder)))


def traced_once(encoder: Callable[..., Mapping[str, tf.Tensor]]) -> Embed:
    """An encoder's embeddings as a graph for inputs of any shape; called as it is, it retraces for each."""
    inputs = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUTS}
    return tf.function(lambda batch: encoder(batch)["default"], input_signature=[inputs], autograph=False)


def embed_inputs(load: Callable[[], Embed], inputs: Inputs) -> np.ndarray:
    """The embeddings of all of these inputs, float32 [n, hidden size]; the encoder is gone afterwards."""
    order = np.argsort(inputs[MASK].sum(axis=1), kind="stable")  # by length
    return _embed_all(load, inputs, order)[np.argsort(order)]


def _embed_all(load: Callable[[], Embed], inputs: Inputs, order: np.ndarray) -> np.ndarray:
    """Embeddings of the texts of these indices, float32 [n, hidden size]; the encoder is gone afterwards."""
    embed = load()
    batches = batches_by_length(order, inputs[MASK].sum(axis=1))
    embeddings = np.concatenate([_embed(embed, inputs, batch) for batch in batches])
    del embed
    gc.collect()  # loaded objects hold each other
    return embeddings


def batches_by_length(order: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Texts by ascending length, in batches: short ones, or those up to twice as long as the first."""
    batches: list[list[int]] = []
    for text in order.tolist():
        longest = max(SHORT_TEXT, 2 * lengths[batches[-1][0]]) if batches else 0
        if lengths[text] > longest or len(batches[-1]) == BATCH_TEXTS:
            batches.append([])
        batches[-1].append(text)
    return [np.array(batch) for batch in batches]


def _embed(embed: Embed, inputs: Inputs, batch: np.ndarray) -> np.ndarray:
    """Embeddings of some of the texts, float32 [batch, hidden size], padded no further than need be."""
    length = int(inputs[MASK][batch].sum(axis=1).max())
    return embed({name: tf.constant(values[batch, :length]) for name, values in inputs.items()}).numpy()
