"""See that a smaller model, as it was written, still is the original on the pieces it kept.

Three comparisons, all with the files that users will load:

- every kept row of the table, in the SavedModel and in the Hugging Face folder, equals the original's to
  the bit;
- texts go through both preprocessors: which of them still get the same pieces? All whose pieces were all
  kept must;
- some of those that do go through both encoders, the original's own graph and ours: promise 1 says that the
  embeddings agree to 1e-5.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders import from_huggingface as hf_encoder
from smaller_labse.encoders.bert import INPUTS
from smaller_labse.encoders.exact_arithmetic import exact_arithmetic
from smaller_labse.encoders.preprocessor import UNKNOWN_PIECE
from smaller_labse.make_smaller.excerpt import Embed, load_excerpt
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.safetensors_file import read_safetensors
from smaller_labse.select_vocab.selection import Selection

TOLERANCE = 1e-5  # promise 1: float32 rounding
BATCH_TEXTS = 8  # of like length
EMBEDDED_TEXTS = 16  # at most; what is wrong with an encoder shows in every text
DRAWN_TEXTS = 16
DRAWN_WORDS = 8
ROWS_AT_ONCE = 65_536

Inputs = Mapping[str, np.ndarray]
Preprocess = Callable[[tf.Tensor], Mapping[str, tf.Tensor]]


@dataclass(frozen=True)
class Proof:
    """What the comparison saw.

    Attributes:
        rows: rows of the table that were compared, all equal.
        texts: how many texts went through both preprocessors.
        unchanged: how many of them got the same pieces.
        embedded: how many of those went through both encoders.
        largest_difference: of their embeddings, absolute, over all numbers.
    """

    rows: int
    texts: int
    unchanged: int
    embedded: int
    largest_difference: float

    @property
    def about_texts(self) -> str:
        """What was seen of the texts, in words."""
        kept = f"{self.unchanged:,} of {self.texts:,} texts keep their pieces"
        if not self.embedded:
            return kept
        whose = (
            "their embeddings" if self.embedded == self.unchanged else f"the embeddings of {self.embedded}"
        )
        return f"{kept}, {whose} differ by {self.largest_difference:.1e} at most"


def prove(
    checkpoint: Checkpoint,
    original_preprocess: Preprocess,
    selection: Selection,
    model: Path,
    sentences: Mapping[str, Sequence[str]],
    background: Executor,
) -> Proof:
    """Compare a written model with its original.

    Args:
        checkpoint: the original encoder's.
        original_preprocess: the original's preprocessor: strings [n] → the encoder's inputs.
        selection: what the model was made from.
        model: the model's folder; `huggingface/` in it may still be written by an earlier task of
            `background`.
        sentences: language → texts; texts drawn from the kept pieces are added.
        background: compares the rows, one task at a time.

    Raises:
        SmallerLabseError: the smaller model is not what the original is.
    """
    rows = background.submit(_compare_rows, checkpoint, selection, model)
    texts = [text for language in sentences.values() for text in language] + _draw_texts(selection)
    preprocess = tf.saved_model.load(str(model / "preprocess"))
    before = as_arrays(original_preprocess(tf.constant(texts)))
    after = as_arrays(preprocess(tf.constant(texts)))
    same = _same_pieces(before, after, selection, texts)
    chosen = choose_texts(same)
    used = np.unique(before["input_word_ids"][chosen])
    before["input_word_ids"] = np.searchsorted(used, before["input_word_ids"]).astype(np.int32)

    def load_smaller() -> Embed:
        rows.result()  # before TensorFlow's own complaint about a checksum
        return load_embed(model / "encoder")

    largest = compare_embeddings(
        lambda: load_excerpt(checkpoint, used), load_smaller, before, after, chosen, texts
    )
    return Proof(len(selection.kept_ids), len(texts), len(same), len(chosen), largest)


def _same_pieces(before: Inputs, after: Inputs, selection: Selection, texts: Sequence[str]) -> np.ndarray:
    """The numbers of the texts that both preprocessors cut into the same pieces.

    Raises:
        SmallerLabseError: one is cut otherwise that need not be, or there is none.
    """
    mapped = selection.kept_ids[after["input_word_ids"]]
    is_same = (mapped == before["input_word_ids"]).all(axis=1)
    wrong = np.flatnonzero(_keeps_all_pieces(before, selection) & ~is_same)
    if len(wrong):
        raise SmallerLabseError(
            f"the smaller preprocessor is not the original's: all pieces of {texts[wrong[0]]!r} are kept, "
            "but it is cut into others"
        )
    if not is_same.any():
        raise SmallerLabseError(
            f"none of {len(texts)} texts, drawn from the kept pieces among them, gets the original's pieces; "
            "the selection is not one of this original's tokenizer"
        )
    return np.flatnonzero(is_same)


def choose_texts(same: np.ndarray) -> np.ndarray:
    """At most `EMBEDDED_TEXTS` of the texts numbered `same`, evenly drawn."""
    places = np.linspace(0, len(same) - 1, min(len(same), EMBEDDED_TEXTS))
    return same[places.astype(int)]


def compare_embeddings(
    load_original: Callable[[], Embed],
    load_smaller: Callable[[], Embed],
    before: Inputs,
    after: Inputs,
    chosen: np.ndarray,
    texts: Sequence[str],
) -> float:
    """The largest difference of two encoders' embeddings, absolute, over all numbers.

    Args:
        load_original: loads the one; the two are never in memory together.
        load_smaller: loads the other.
        before: the original's inputs for all texts, int32 [texts, length] each.
        after: the smaller one's.
        chosen: the numbers of the texts to compare.
        texts: for the message.

    Raises:
        SmallerLabseError: it is larger than float32 rounding allows.
    """
    by_length = chosen[np.argsort(before["input_mask"][chosen].sum(axis=1), kind="stable")]
    with exact_arithmetic():
        original = _embed_all(load_original, before, by_length)
        smaller = _embed_all(load_smaller, after, by_length)
    differences = np.abs(original - smaller).max(axis=1)
    worst = int(np.argmax(differences))
    if not differences[worst] <= TOLERANCE:
        raise SmallerLabseError(
            f"the smaller model is not the original: the pieces of {texts[by_length[worst]]!r} are the same, "
            f"the embeddings differ by {differences[worst]:.2g}, expected at most {TOLERANCE:.0e}"
        )
    return float(differences[worst])


def _keeps_all_pieces(before: Inputs, selection: Selection) -> np.ndarray:
    """Which texts promise 1 speaks of, bool [texts]: all pieces kept, none unknown, none cut off."""
    ids = before["input_word_ids"]
    unknown_id = selection.kept_ids[selection.pieces.index(UNKNOWN_PIECE)]
    cut_off = before["input_mask"][:, -1] == 1
    return np.isin(ids, selection.kept_ids).all(axis=1) & (ids != unknown_id).all(axis=1) & ~cut_off


def _compare_rows(checkpoint: Checkpoint, selection: Selection, model: Path) -> None:
    written = {"encoder": Checkpoint(model / "encoder").find(WORD_EMBEDDINGS)}
    if (model / "huggingface").is_dir():
        tensors = read_safetensors(model / "huggingface" / "model.safetensors").tensors
        written["huggingface"] = tensors[hf_encoder.WORD_EMBEDDINGS].stored
    original = checkpoint.find(WORD_EMBEDDINGS)
    # Ascending original ids: then no part of the original is read twice, whatever the order of the pieces.
    order = np.argsort(selection.kept_ids)
    for rows in np.split(order, range(ROWS_AT_ONCE, len(order), ROWS_AT_ONCE)):
        expected = _bits(original.read_rows(selection.kept_ids[rows]))
        for name, table in written.items():
            different = np.flatnonzero((_bits(table.read_rows(rows)) != expected).any(axis=1))
            if len(different):
                piece = selection.pieces[rows[different[0]]]
                raise SmallerLabseError(f"{model / name}: the row of {piece!r} is not the original's")


def _bits(rows: np.ndarray) -> np.ndarray:
    """float32 [n, width] as whole numbers: 0.0 is not -0.0, and what is no number equals itself."""
    return rows.view(np.uint32)


def _draw_texts(selection: Selection) -> list[str]:
    """Texts of kept pieces that are whole words; most of them are cut into those very pieces."""
    words = [piece for piece in selection.pieces if not piece.startswith(("##", "["))]
    if not words:
        return []
    drawn = np.random.default_rng(0).integers(len(words), size=(DRAWN_TEXTS, DRAWN_WORDS))
    return [" ".join(words[number] for number in row) for row in drawn]


def as_arrays(outputs: Mapping[str, tf.Tensor]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in outputs.items()}


def load_embed(encoder: Path) -> Embed:
    """A SavedModel's embeddings, as its users load it."""
    return traced_once(tf.saved_model.load(str(encoder)))


def traced_once(encoder: Callable[..., Mapping[str, tf.Tensor]]) -> Embed:
    """An encoder's embeddings as a graph for inputs of any shape; called as it is, it retraces for each."""
    inputs = {name: tf.TensorSpec([None, None], tf.int32, name=name) for name in INPUTS}
    return tf.function(lambda batch: encoder(batch)["default"], input_signature=[inputs], autograph=False)


def _embed_all(load: Callable[[], Embed], inputs: Inputs, order: np.ndarray) -> np.ndarray:
    """Embeddings of the texts numbered `order`, float32 [n, hidden size]; the encoder is gone afterwards."""
    embed = load()
    batches = np.split(order, range(BATCH_TEXTS, len(order), BATCH_TEXTS))
    embeddings = np.concatenate([_embed(embed, inputs, batch) for batch in batches])
    del embed
    gc.collect()  # loaded objects hold each other
    return embeddings


def _embed(embed: Embed, inputs: Inputs, batch: np.ndarray) -> np.ndarray:
    """Embeddings of some of the texts, float32 [batch, hidden size], padded no further than need be."""
    length = int(inputs["input_mask"][batch].sum(axis=1).max())
    return embed({name: tf.constant(values[batch, :length]) for name, values in inputs.items()}).numpy()
