"""The teacher's vectors are computed once, go on where they were interrupted, and anybody's are checked."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.distill import teacher_vectors as module
from smaller_labse.distill.teacher_vectors import digests_of_model, read_vectors, teacher_vectors
from smaller_labse.encoders import load as loading
from smaller_labse.encoders.sentence_encoder import SentenceEncoder
from smaller_labse.originals.locate import locate_encoder

TEXTS = [f"good morning {word} house" for word in ("red", "the", "night", "xy", "a", "b", "c\nd")]


@pytest.fixture(scope="module")
def teacher(original: Path) -> SentenceEncoder:
    return smaller_labse.load(original)


@pytest.fixture
def loaded(teacher: SentenceEncoder, monkeypatch: pytest.MonkeyPatch) -> SentenceEncoder:
    """Parts are short, and the teacher is loaded once for all tests."""
    monkeypatch.setattr(module, "PART_TEXTS", 3)
    monkeypatch.setattr(loading, "load", lambda *model, **options: teacher)
    return teacher


def test_vectors_are_the_teachers_own_and_kept(
    original: Path, loaded: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = teacher_vectors(original, TEXTS, tmp_path / "kept", "")
    expected = loaded.encode(TEXTS, normalize=True)
    assert vectors.dtype == np.float16 and vectors.shape == expected.shape
    np.testing.assert_allclose(vectors, expected, atol=1e-3)
    (file,) = (tmp_path / "kept").iterdir()
    monkeypatch.setattr(loading, "load", None)  # it is not loaded again
    np.testing.assert_array_equal(teacher_vectors(original, TEXTS, tmp_path / "kept", ""), vectors)
    with pytest.raises(TypeError):
        teacher_vectors(original, [*TEXTS[:-1], "c", "d"], tmp_path / "kept", "")
    assert file.exists()


def test_texts_are_truncated_as_they_are_in_training(
    original: Path, loaded: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_LENGTH", 4)  # [CLS] good morning [SEP]
    long, short = teacher_vectors(original, ["good morning red house", "good morning"], tmp_path, "")
    np.testing.assert_array_equal(long, short)


def test_they_depend_on_what_the_teacher_is_loaded_by_and_on_nothing_else(
    original: Path, tmp_path: Path
) -> None:
    model = shutil.copytree(original, tmp_path / "model")
    before = digests_of_model(locate_encoder(str(model)))
    (model / "encoder" / "README.md").write_text("a card", encoding="utf-8")
    (model / "encoder" / ".hidden").write_text("of an editor", encoding="utf-8")
    (model / "encoder" / "onnx").mkdir()
    (model / "encoder" / "onnx" / "model.onnx").write_bytes(b"onnx")
    assert digests_of_model(locate_encoder(str(model))) == before
    (model / "encoder" / "assets" / "more").write_text("more", encoding="utf-8")
    assert digests_of_model(locate_encoder(str(model))) != before


def test_parts_that_a_kill_left_beside_the_whole_file_are_removed(
    original: Path, loaded: SentenceEncoder, tmp_path: Path
) -> None:
    teacher_vectors(original, TEXTS, tmp_path, "")
    (file,) = tmp_path.iterdir()
    file.with_suffix(".parts").mkdir()
    (file.with_suffix(".parts") / "000000.npy").write_bytes(b"a part")
    teacher_vectors(original, TEXTS, tmp_path, "")
    assert list(tmp_path.iterdir()) == [file]


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    original: Path, loaded: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    teacher_vectors(original, TEXTS, tmp_path / "whole", "")
    encode, encoded = SentenceEncoder.encode, []

    def interrupted(self: SentenceEncoder, texts: list[str], *rest: object, **options: object) -> np.ndarray:
        encoded.append(len(texts))
        if len(encoded) == 2:
            raise KeyboardInterrupt
        return encode(self, texts, *rest, **options)

    monkeypatch.setattr(SentenceEncoder, "encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        teacher_vectors(original, TEXTS, tmp_path / "resumed", "")
    teacher_vectors(original, TEXTS, tmp_path / "resumed", "")
    assert encoded == [3, 3, 3, 1], "the first part is not computed again"
    (whole,), (resumed,) = ((tmp_path / name).iterdir() for name in ("whole", "resumed"))
    assert whole.name == resumed.name and whole.read_bytes() == resumed.read_bytes()


def test_a_teacher_with_nan_is_named_and_nothing_is_kept(
    original: Path, loaded: SentenceEncoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SentenceEncoder, "encode", lambda *given, **options: np.full((3, 4), np.nan))
    with pytest.raises(
        SmallerLabseError, match=r"original: the teacher's embedding of 'good morning red house'"
    ):
        teacher_vectors(original, TEXTS, tmp_path, "")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            np.ones((2, 4)),
            r"an array of the shape \[2, 4\], expected floats of the shape \[3, embedding size\]",
        ),
        (np.ones(3), "no matrix of floats"),
        (np.ones((3, 4), int), "no matrix of floats"),
        (np.array([[1.0], [np.nan], [1.0]]), "row 1 holds NaN or infinity"),
        (np.array([[1.0], [1.0], [0.0]]), "row 2 holds NaN or infinity, or zeros only"),
        (np.array([["a"], ["b"], [None]], object), "no readable .npy file"),
    ],
)
def test_anybodys_vectors_are_checked(values: np.ndarray, message: str, tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", values)
    with pytest.raises(SmallerLabseError, match=message):
        read_vectors(tmp_path / "v.npy", 3)


def test_anybodys_vectors_are_taken_as_they_are(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.arange(1.0, 7.0).reshape(3, 2))
    assert read_vectors(tmp_path / "v.npy", 3).tolist() == [[1, 2], [3, 4], [5, 6]]
    (tmp_path / "v.npy").write_bytes((tmp_path / "v.npy").read_bytes()[:-1])
    for file in ("v.npy", "none.npy"):
        with pytest.raises(SmallerLabseError, match=file):
            read_vectors(tmp_path / file, 3)
