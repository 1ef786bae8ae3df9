"""Originals that are none, or not whole, end in one line that names the folder, and nothing is written."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tfhub import locate_tfhub
from smaller_labse.originals.weights.checkpoint import Checkpoint

DATA = "encoder/variables/variables.data-00000-of-00001"
INDEX = "encoder/variables/variables.index"
VOCABULARIES = [f"{part}/assets/cased_vocab.txt" for part in ("encoder", "preprocess")]


def truncate(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])


def edit_vocabulary(edit: Callable[[list[bytes]], list[bytes]]) -> Callable[[Path], None]:
    def change(model: Path) -> None:
        for file in VOCABULARIES:
            pieces = edit((model / file).read_bytes().removesuffix(b"\n").split(b"\n"))
            (model / file).write_bytes(b"".join(piece + b"\n" for piece in pieces))

    return change


CHECKPOINT = "no readable TensorFlow 2 checkpoint"
DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no model": (
        shutil.rmtree,
        "no such folder; expected a Hugging Face folder or hub id (owner/name), or a SavedModel folder or TF Hub",
    ),
    "no graph": (
        lambda model: (model / "encoder/saved_model.pb").unlink(),
        "/encoder: no saved_model.pb in it",
    ),
    "no variables": (lambda model: shutil.rmtree(model / "encoder/variables"), CHECKPOINT),
    "no index": (lambda model: (model / INDEX).unlink(), CHECKPOINT),
    "no data": (lambda model: (model / DATA).unlink(), "data file is missing"),
    "empty data": (lambda model: truncate(model / DATA, 0), "the file is truncated, get it again"),
    "half the data": (lambda model: truncate(model / DATA, 10**6), "the file is truncated, get it again"),
    "most of the data": (lambda model: truncate(model / DATA, -1000), "the file is truncated, get it again"),
    "empty index": (lambda model: truncate(model / INDEX, 0), CHECKPOINT),
    "half the index": (lambda model: truncate(model / INDEX, 900), CHECKPOINT),
    "no index at all": (lambda model: (model / INDEX).write_bytes(b"not an index" * 99), CHECKPOINT),
    "no assets": (
        lambda model: shutil.rmtree(model / "encoder/assets"),
        "no .txt file, expected one vocabulary",
    ),
    "two vocabularies": (
        lambda model: (model / "encoder/assets/other.txt").write_text("a\n"),
        "2 .txt files, expected one vocabulary file",
    ),
    "a piece too many": (edit_vocabulary(lambda pieces: [*pieces, b"zzzzz"]), "they do not belong together"),
    "a piece too few": (edit_vocabulary(lambda pieces: pieces[:-1]), "they do not belong together"),
    "a piece twice": (
        edit_vocabulary(lambda pieces: [*pieces[:-1], pieces[300]]),
        "the piece {piece!r} stands in lines 301 and",
    ),
    "no [UNK]": (
        edit_vocabulary(lambda pieces: [p.replace(b"[UNK]", b"unk") for p in pieces]),
        "no piece [UNK]",
    ),
    "a vocabulary in Latin-1": (
        edit_vocabulary(lambda pieces: [*pieces[:-1], b"caf\xe9"]),
        "not UTF-8 (byte ",
    ),
    "no piece": (edit_vocabulary(lambda pieces: []), "no piece in it, expected one per line"),
    "another preprocessor": (
        lambda model: (model / VOCABULARIES[1]).write_text("[UNK]\na\n"),
        "preprocessor and encoder do not belong together",
    ),
    "no preprocessor graph": (
        lambda model: (model / "preprocess/saved_model.pb").unlink(),
        "/preprocess: no saved_model.pb in it",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_original_is_named_in_one_line(
    example, tokenizer, counted, text_files, run, tmp_path, nothing_left, damage
):
    model = tmp_path / "model"
    shutil.copytree(example, model)
    change, reason = DAMAGES[damage]
    change(model)
    for command in (["count", "--text", f"en={text_files / 'en.txt'}"], ["select", "--counts", counted]):
        ended = run(*command, "--model", model, "--out", tmp_path / "out")
        assert ended.code == 1
        assert ended.error.count("\n") == 1
        assert ended.error.startswith(f"select-vocab {command[0]}: {model}")
        assert reason.format(piece=tokenizer.pieces[300]) in ended.error
        nothing_left(*["model"] if damage != "no model" else [])


@pytest.fixture(scope="module")
def another_saved_model(tmp_path_factory) -> Path:
    """A SavedModel that is no encoder."""
    import tensorflow as tf

    class Doubles(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = tf.Variable(2.0)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
        def __call__(self, numbers: tf.Tensor) -> tf.Tensor:
            return self.factor * numbers

    folder = tmp_path_factory.mktemp("other") / "doubles"
    tf.saved_model.save(Doubles(), str(folder))
    return folder


def test_what_is_no_encoder_of_labses_format_is_refused(example, another_saved_model, counted, run, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("text")
    for model, reason in (
        (tmp_path / "empty", "neither config.json, as Hugging Face has, nor saved_model.pb"),
        (tmp_path / "file", "a file; expected a Hugging Face folder or hub id"),
        (counted, "neither config.json, as Hugging Face has, nor saved_model.pb or encoder/"),
        (another_saved_model, "is this an encoder in LaBSE's or LEALLA's TF Hub format, and complete?"),
        (example / "preprocess", "no embedding matrix 'word_embeddings/embeddings' in the checkpoint"),
    ):
        ended = run("select", "--model", model, "--counts", counted, "--out", tmp_path / "selection")
        assert ended.code == 1
        assert ended.error.count("\n") == 1
        assert reason in ended.error
        assert str(model) in ended.error
    assert not (tmp_path / "selection").exists()


def test_a_handle_that_cannot_be_fetched_is_named(counted, run, tmp_path, monkeypatch, nothing_left):
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    handle = "https://127.0.0.1:9/google/LaBSE/2"  # nobody listens on the discard port
    ended = run("select", "--model", handle, "--counts", counted, "--out", tmp_path / "selection")
    assert ended.code == 1
    announced, said = ended.error.splitlines()
    assert announced.startswith(f"fetching {handle} from TF Hub")
    assert said.startswith(f"select-vocab select: {handle}: could not be fetched (")
    assert "check the handle and the network" in said
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)
    nothing_left()


def test_an_original_is_found_with_and_without_its_preprocessor(example):
    both = locate_tfhub(str(example))
    assert (both.encoder, both.preprocess) == (example / "encoder", example / "preprocess")
    alone = locate_tfhub(str(example / "encoder"))
    assert (alone.encoder, alone.preprocess) == (example / "encoder", None)
    named = locate_tfhub(str(example / "encoder"), str(example / "preprocess"))
    assert named.preprocess == example / "preprocess"
    with pytest.raises(SmallerLabseError, match="no such folder"):
        locate_tfhub(str(example), str(example / "nowhere"))


def test_tensors_are_read_by_their_names_and_rows_in_any_order(example):
    import numpy as np
    import tensorflow as tf

    checkpoint = Checkpoint(example / "encoder")
    loaded = tf.saved_model.load(str(example / "encoder"))
    values = {variable.name.split(":")[0]: variable.numpy() for variable in loaded.variables}
    assert len(values) > 40
    for name, expected in values.items():
        assert np.array_equal(checkpoint.read(name), expected), name
    table = values["word_embeddings/embeddings"]
    assert checkpoint.embedding_matrix_shape == table.shape
    for rows in ([], [0], [len(table) - 1, 0, 0, 5], np.random.default_rng(0).permutation(len(table))):
        rows = np.array(rows, np.int32)
        assert np.array_equal(checkpoint.read_rows("word_embeddings/embeddings", rows), table[rows])
    assert checkpoint.parameters == sum(v.size for v in values.values() if v.ndim)
    with pytest.raises(SmallerLabseError, match="no variable 'nothing' in the checkpoint"):
        checkpoint.read("nothing")
