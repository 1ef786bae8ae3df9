"""See that a cut Hugging Face folder, as it was written, still is the original on the pieces it kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.make_smaller.trim_huggingface import CutFolder
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.weights.safetensors_file import Tensor
from smaller_labse.originals.weights.safetensors_folder import open_safetensors
from smaller_labse.select_vocab.selection import Selection

ROWS_AT_ONCE = 65_536


def prove_rows(original: Path, cut: CutFolder, selection: Selection, dtype: str | None) -> None:
    """Compare every kept row of every tensor that was cut with the original's, to the bit.

    Args:
        original: the original's folder.
        cut: the cut one.
        selection: what it was made from.
        dtype: "float16" where that was asked for: then the original's rows are rounded first.

    Raises:
        SmallerLabseError: a row is another one.
    """
    before, after = open_safetensors(original), open_safetensors(cut.folder)
    for name in cut.tensors:
        _compare_tensor(before.find(name), after.find(name), selection, dtype)


def _compare_tensor(before: Tensor, after: Tensor, selection: Selection, dtype: str | None) -> None:
    order = np.argsort(selection.kept_ids)
    for rows in np.split(order, range(ROWS_AT_ONCE, len(order), ROWS_AT_ONCE)):
        expected, found = before.read_rows(selection.kept_ids[rows]), after.read_rows(rows)
        if dtype is not None and found.dtype != expected.dtype:
            expected = expected.astype(dtype)
        same = (expected == found) | ((expected != expected) & (found != found))
        different = np.flatnonzero(~same.reshape(len(rows), -1).all(axis=1))
        if len(different):
            piece = selection.pieces[rows[different[0]]]
            raise SmallerLabseError(f"{after.file}: {after.name}: the row of {piece!r} is not the original's")


def prove_pieces(
    original: Tokenizer, smaller: Tokenizer, selection: Selection, texts: Sequence[str]
) -> np.ndarray:
    """Which texts get the same pieces from both tokenizers; all whose pieces were all kept must.

    Args:
        original: the original's.
        smaller: the one that was written.
        selection: what it was made from.
        texts: n texts.

    Returns:
        bool [n].

    Raises:
        SmallerLabseError: a text whose pieces were all kept is cut into others.
    """
    same = np.zeros(len(texts), dtype=bool)
    for number, (before, after) in enumerate(zip(_cut(original, texts), _cut(smaller, texts), strict=True)):
        same[number] = np.array_equal(before, selection.kept_ids[after])
        readable = original.unknown_id is None or original.unknown_id not in before
        if not same[number] and readable and np.isin(before, selection.kept_ids).all():
            raise SmallerLabseError(
                f"{smaller.file}: cuts {texts[number]!r} otherwise than the original, although all of its "
                "pieces are kept"
            )
    return same


def _cut(tokenizer: Tokenizer, texts: Sequence[str]) -> list[np.ndarray]:
    ids, lengths = tokenizer.tokenize(texts)
    return np.split(ids, np.cumsum(lengths)[:-1])
