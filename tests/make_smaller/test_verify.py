"""The verification finds what is wrong with a model that was written, and then there is no model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.make_smaller.back_ends import tfhub_back_end
from smaller_labse.make_smaller.back_ends.tfhub_back_end import (
    kept_by_preprocessor,
    verify_tfhub,
    verify_written_rows,
)
from smaller_labse.make_smaller.make_smaller import make_smaller
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.verification_texts import VerificationTexts, choose_texts
from smaller_labse.make_smaller.verify import batches_by_length, choose_embedded
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.safetensors_file import read_safetensors
from smaller_labse.originals.weights.stored_tensor import StoredTensor
from smaller_labse.select_vocab.choosing.choose_tokens import choose_tokens
from smaller_labse.select_vocab.selection import Selection, read_selection, write_selection


class Trimmed(NamedTuple):
    """A selection of two languages' pieces, its folder, and the model that was made from it."""

    selection: Selection
    folder: Path
    model: Path


@pytest.fixture(scope="module")
def trimmed(example, tmp_path_factory) -> Trimmed:
    folder = tmp_path_factory.mktemp("verify")
    tokenizer = WordPiece(example / "encoder" / "assets" / "cased_vocab.txt")
    sentences = [text for code in ("en", "de") for text in builtin_sentences()[code]]
    ids = np.unique(tokenizer.tokenize(sentences)[0])
    write_selection(
        choose_tokens(tokenizer, len(tokenizer.pieces), 64, listed=[ids], languages=["de", "en"]),
        tokenizer,
        folder / "selection",
    )
    selection = read_selection(folder / "selection")
    make_smaller(example, folder / "selection", folder / "model")
    return Trimmed(selection, folder / "selection", folder / "model")


@pytest.fixture(scope="module")
def preprocess(example) -> Callable:
    """The original's."""
    import tensorflow as tf

    return tf.saved_model.load(str(example / "preprocess"))


@pytest.fixture
def verify_again(example, trimmed, preprocess) -> Callable[[Path], Verification]:
    """Verify a model's folder as `make_smaller` does, and on French sentences, too."""
    tokenizer = WordPiece(example / "encoder" / "assets" / "cased_vocab.txt")
    checkpoint = Checkpoint(example / "encoder")
    keeps = kept_by_preprocessor(preprocess, trimmed.selection, tokenizer.unknown_id)
    texts = choose_texts(trimmed.selection, tokenizer, keeps)
    texts = replace(texts, builtin=(*texts.builtin, *builtin_sentences()["fr"]))

    def verify(model: Path) -> Verification:
        selection = trimmed.selection
        rows = lambda: verify_written_rows(checkpoint, selection, model)  # noqa: E731
        return verify_tfhub(checkpoint, preprocess, selection, tokenizer.unknown_id, model, texts, rows)

    return verify


def test_a_model_as_it_was_written_is_verified(trimmed, verify_again):
    found = verify_again(trimmed.model)
    assert found.rows == len(trimmed.selection.subset)
    assert found.texts == 64 + 4 == sum(found.texts_from.values())
    assert found.texts_from["builtin"] == 8 + 4
    assert 32 <= found.unchanged < found.texts  # the French sentences are not
    assert found.embedded == 32
    assert found.largest_difference <= 1e-5


def flip_bit(stored: StoredTensor, row: int, column: int) -> None:
    """The lowest bit of one number."""
    with stored.file.open("r+b") as stream:
        stream.seek(stored.offset + (row * stored.shape[1] + column) * 4)
        byte = stream.read(1)[0]
        stream.seek(-1, 1)
        stream.write(bytes([byte ^ 1]))


def matrix_of_encoder(model: Path) -> StoredTensor:
    return Checkpoint(model / "encoder").find(WORD_EMBEDDINGS)


def matrix_of_huggingface(model: Path) -> StoredTensor:
    tensors = read_safetensors(model / "huggingface" / "model.safetensors").tensors
    return tensors["embeddings.word_embeddings.weight"].stored


@pytest.mark.parametrize("find", [matrix_of_encoder, matrix_of_huggingface])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (200, 33), (-1, -1)])
def test_one_bit_of_one_row_is_found(trimmed, verify_again, tmp_path, find, row, column):
    model = tmp_path / "model"
    shutil.copytree(trimmed.model, model)
    stored = find(model)
    row, column = row % stored.shape[0], column % stored.shape[1]
    flip_bit(stored, row, column)
    if find is matrix_of_encoder:  # which has a checksum
        with pytest.raises(SmallerLabseError, match=r"has the checksum .*, expected .*: the file is damaged"):
            verify_again(model)
        return
    with pytest.raises(SmallerLabseError, match="is not the original's") as raised:
        verify_again(model)
    assert f"the row of {trimmed.selection.pieces[row]!r}" in str(raised.value)


def test_a_preprocessor_with_two_pieces_exchanged_is_found(trimmed, verify_again, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(trimmed.model, model)
    file = model / "preprocess" / "assets" / "vocab.txt"
    pieces = file.read_bytes().split(b"\n")
    the, a = pieces.index(b"the"), pieces.index(b"a")
    pieces[the], pieces[a] = pieces[a], pieces[the]
    file.write_bytes(b"\n".join(pieces))
    with pytest.raises(
        SmallerLabseError,
        match=r"/preprocess: tokenizes .* differently than the original, although all of its",
    ):
        verify_again(model)


def transpose(tensor: str) -> Callable[[str, np.ndarray], np.ndarray]:
    def spoil(name: str, values: np.ndarray) -> np.ndarray:
        if name != tensor:
            return values
        turned = values.reshape(len(values), -1).T if values.ndim < 3 else values.reshape(64, 64).T
        return np.ascontiguousarray(turned).reshape(values.shape)

    return spoil


@pytest.fixture
def preprocessor_at_once(trimmed, monkeypatch) -> None:
    """The preprocessor takes the longest to write, and is not what these tests are about."""
    monkeypatch.setattr(
        tfhub_back_end,
        "save_preprocessor",
        lambda preprocessor, folder: shutil.copytree(trimmed.model / "preprocess", folder),
    )


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (transpose("pooler_transform/kernel"), "the smaller model is not the original: the tokens of"),
        (
            transpose("transformer/layer_1/self_attention/value/kernel"),
            "the smaller model is not the original",
        ),
    ],
    ids=["pooler transposed", "attention transposed"],
)
def test_a_wrong_tensor_ends_without_a_model(
    example, trimmed, preprocessor_at_once, tmp_path, monkeypatch, spoil, reason
):
    sliced = tfhub_back_end.read_with_one_row

    def spoiled(checkpoint: Checkpoint) -> Callable[[str], np.ndarray]:
        read_tensor = sliced(checkpoint)
        return lambda name: spoil(name, read_tensor(name).copy())

    monkeypatch.setattr(tfhub_back_end, "read_with_one_row", spoiled)
    with pytest.raises(SmallerLabseError, match=reason):
        make_smaller(example, trimmed.selection, tmp_path / "model", huggingface=False)
    assert list(tmp_path.iterdir()) == []


def test_exchanged_rows_end_without_a_model(example, trimmed, preprocessor_at_once, tmp_path, monkeypatch):
    write_embedding_shard = tfhub_back_end.write_embedding_shard

    def exchanged(chunks: Iterable[np.ndarray], file: Path) -> object:
        first, *others = chunks
        first[[150, 151]] = first[[151, 150]]
        return write_embedding_shard([first, *others], file)

    monkeypatch.setattr(tfhub_back_end, "write_embedding_shard", exchanged)
    with pytest.raises(SmallerLabseError, match="is not the original's"):
        make_smaller(example, trimmed.selection, tmp_path / "model", huggingface=False)
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_model_does_not_replace_an_earlier_one(
    example, trimmed, preprocessor_at_once, tmp_path, monkeypatch
):
    def refuse(*arguments: object) -> Verification:
        raise SmallerLabseError("no")

    earlier = tmp_path / "model"
    shutil.copytree(trimmed.model, earlier)
    before = {file: file.stat().st_mtime_ns for file in earlier.rglob("*")}
    monkeypatch.setattr(tfhub_back_end, "verify_tfhub", refuse)
    with pytest.raises(SmallerLabseError, match="no"):
        make_smaller(example, trimmed.selection, earlier, huggingface=False, overwrite=True)
    assert {file: file.stat().st_mtime_ns for file in earlier.rglob("*")} == before
    assert list(tmp_path.iterdir()) == [earlier]


def test_where_no_text_keeps_its_pieces_there_is_no_verification(example, trimmed, preprocess):
    """As with an original whose preprocessor puts something before every text."""
    import tensorflow as tf

    with pytest.raises(SmallerLabseError, match="none of 4 texts, some of them drawn from the kept tokens"):
        verify_tfhub(
            Checkpoint(example / "encoder"),
            lambda texts: preprocess(tf.strings.join(["☃ ", texts])),
            trimmed.selection,
            WordPiece(example / "encoder" / "assets" / "cased_vocab.txt").unknown_id,
            trimmed.model,
            VerificationTexts((), builtin_sentences()["en"], (), ()),
            lambda: None,
        )


def test_short_texts_of_every_kind_and_the_longest_are_embedded():
    lengths = np.array([3, 100, 12, 13, 128, 5] * 20)
    unchanged = np.arange(1, 120)
    chosen = choose_embedded(unchanged, lengths)
    assert len(set(chosen.tolist())) == 32 and np.all(np.diff(chosen) > 0)
    assert (lengths[chosen] > 12).sum() == 1 and lengths[chosen].max() == 128
    assert chosen.min() < 6 and chosen.max() > 113


@pytest.mark.parametrize("number", [1, 2, 31, 32, 33, 60])
def test_where_few_texts_are_short_the_shortest_are_embedded(number):
    lengths = np.arange(100, 0, -1) + 12
    unchanged = np.arange(0, number)
    chosen = choose_embedded(unchanged, lengths)
    assert len(chosen) == min(number, 32) and 0 in chosen
    assert set(chosen.tolist()) <= {0, *range(max(0, number - 31), number)}


def test_a_batch_holds_short_texts_or_none_more_than_twice_as_long_as_another():
    lengths = np.array([2, 3, 12, 13, 20, *[26] * 33, 27, 128])
    batches = batches_by_length(np.arange(len(lengths)), lengths)
    assert [lengths[batch].tolist() for batch in batches] == [
        [2, 3, 12],
        [13, 20, *[26] * 30],
        [26] * 3 + [27],
        [128],
    ]
