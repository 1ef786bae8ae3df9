"""Our preprocessor emits what the original's does, and its SavedModel is used as the original's is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor
from smaller_labse.encoders.preprocessors.preprocessor import read_sequence_length, save_preprocessor

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"abcde", *(f"##{letter}" for letter in "abcde")]
SENTENCES = ["abc de", "", "a x edcba"]
LANGUAGES = ("tha", "fra", "jpn", "cmn", "ara", "eng")

# Every kind of character, and often those that are treated in a way of their own: controls, formats, spaces
# that are none, joined emoji, accents, ligatures, and words longer than 100 bytes.
PECULIAR = "\u00a0\u202f\u2028\u200b\u200d\ufeff\x00\x07\x7f\t\r\n\u00ad\u0301\u0e33👩🏽‍💻🇫🇷ﬁİß漢字。¿«[]#'-"
TEXTS = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.text(st.sampled_from(PECULIAR + "aéc "), max_size=12),
        st.sampled_from(
            ["ami\u00a0!", "สวัสดี" * 12, "x" * 101, "[CLS]", "[UNK]", "[unused1]", "Hello", "merci", "##s"]
        ),
    ),
    max_size=6,
).map(" ".join)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("vocabulary") / "some_vocab.txt"
    file.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def saved(vocabulary, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "preprocess"
    save_preprocessor(BertPreprocessor(vocabulary, sequence_length=10), folder)
    return folder


@pytest.fixture(scope="module")
def loaded(saved):
    return tf.saved_model.load(str(saved))


@pytest.fixture(scope="module")
def original(shared):
    return tf.saved_model.load(str(shared / "labse_format" / "preprocess"))


@pytest.fixture(scope="module")
def saved_copy(shared, tmp_path_factory) -> Path:
    vocabulary = shared / "labse_format" / "preprocess" / "assets" / "cased_vocab.txt"
    folder = tmp_path_factory.mktemp("saved") / "preprocess"
    save_preprocessor(BertPreprocessor(vocabulary), folder)
    return folder


@pytest.fixture(scope="module")
def copy_of_original(saved_copy):
    return tf.saved_model.load(str(saved_copy))


def assert_same(found: dict[str, tf.Tensor], expected: dict[str, tf.Tensor]) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        assert found[name].dtype == expected[name].dtype == tf.int32
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def assert_same_pieces(found: tf.RaggedTensor, expected: tf.RaggedTensor) -> None:
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found.flat_values, expected.flat_values)
    for ours, theirs in zip(found.nested_row_splits, expected.nested_row_splits, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# The original: a model in LaBSE's exact TF Hub format.


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_line_of_a_language_equals_the_originals(shared, original, copy_of_original, language):
    pair = "fra-eng" if language == "eng" else f"{language}-eng"
    file = shared / "tatoeba" / "v1" / f"tatoeba.{pair}.{language}"
    lines = tf.constant(file.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
    assert len(lines) > 500
    assert_same_pieces(copy_of_original.tokenize(lines), original.tokenize(lines))
    assert_same(copy_of_original(lines), original(lines))


def every_way_to_call(preprocess):
    """One function of two batches of texts and a length: TensorFlow compiles once, not for every text."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)] * 2 + [tf.TensorSpec([], tf.int32)])
    def call(first, second, length):
        words = [preprocess.tokenize(first), preprocess.tokenize(second)]
        pieces = [segment.merge_dims(1, -1) for segment in words]
        packed = [
            preprocess.bert_pack_inputs(segments, seq_length=length)
            for segments in (words, words[:1], pieces, pieces[:1])
        ]
        return words[0], [preprocess(first), *packed]

    return call


@pytest.fixture(scope="module")
def call_original(original):
    return every_way_to_call(original)


@pytest.fixture(scope="module")
def call_copy(copy_of_original):
    return every_way_to_call(copy_of_original)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=3), st.integers(0, 24))
@example([("", ""), ("ami\u00a0!", "x" * 300)], 9)
@example([("a b c d e f g h i j", "a b c"), ("a b c", "a b c d e f g h i j")], 12)
def test_every_text_equals_the_originals(call_original, call_copy, pairs, length):
    first, second = (tf.constant([pair[side] for pair in pairs], tf.string) for side in (0, 1))
    pieces, packed = call_copy(first, second, length)
    expected_pieces, expected = call_original(first, second, length)
    assert_same_pieces(pieces, expected_pieces)
    for found, wanted in zip(packed, expected, strict=True):
        assert_same(found, wanted)


def test_bytes_that_are_no_utf_8_equal_the_originals(original, copy_of_original):
    text = tf.constant([b"a\xff\xfeb", b"\xe4\xb8", b"\xc3\x28 ok"])
    assert_same(copy_of_original(text), original(text))


def test_its_special_pieces_are_the_originals(original, copy_of_original):
    assert_same(
        copy_of_original.tokenize.get_special_tokens_dict(), original.tokenize.get_special_tokens_dict()
    )


def test_the_default_length_is_the_originals(shared, original, copy_of_original, saved_copy):
    assert read_sequence_length(shared / "labse_format" / "preprocess") == 128
    assert read_sequence_length(saved_copy) == 128
    pieces = original.tokenize(tf.constant(["bonjour"]))
    assert_same(copy_of_original.bert_pack_inputs([pieces]), original.bert_pack_inputs([pieces]))


def test_an_encoder_has_no_default_length(shared):
    with pytest.raises(SmallerLabseError, match=r"encoder.*fixed length.*expected a preprocessor"):
        read_sequence_length(shared / "labse_format" / "encoder")


# What can be seen without an original.


def test_packs_by_the_ids_of_the_vocabulary_file(vocabulary):
    packed = BertPreprocessor(vocabulary, sequence_length=8)(SENTENCES)
    expected = [
        ["[CLS]", "a", "##b", "##c", "d", "##e", "[SEP]", "[PAD]"],
        ["[CLS]", "[SEP]", *["[PAD]"] * 6],
        ["[CLS]", "a", "[UNK]", "e", "##d", "##c", "##b", "[SEP]"],
    ]
    assert [[PIECES[number] for number in row] for row in packed["input_word_ids"].numpy()] == expected
    np.testing.assert_array_equal(
        packed["input_mask"], [[piece != "[PAD]" for piece in row] for row in expected]
    )
    assert not packed["input_type_ids"].numpy().any()


def test_two_segments_are_cut_in_turn(vocabulary):
    preprocessor = BertPreprocessor(vocabulary)
    packed = preprocessor.bert_pack_inputs(
        [preprocessor.tokenize(["a a a a a"]), preprocessor.tokenize(["b b"])], seq_length=8
    )
    found = [PIECES[number] for number in packed["input_word_ids"].numpy()[0]]
    assert found == ["[CLS]", "a", "a", "a", "[SEP]", "b", "b", "[SEP]"]
    np.testing.assert_array_equal(packed["input_type_ids"], [[0, 0, 0, 0, 0, 1, 1, 1]])


@pytest.mark.parametrize("lower_case", [False, True])
def test_lower_cases_when_asked_to(vocabulary, lower_case):
    ids = BertPreprocessor(vocabulary, lower_case=lower_case)(["ABC", "abc"])["input_word_ids"].numpy()
    assert (ids[0] == ids[1]).all() == lower_case


@pytest.mark.parametrize("missing", ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
def test_a_vocabulary_without_a_special_piece_is_refused(tmp_path, missing):
    file = tmp_path / "vocab.txt"
    file.write_text("".join(f"{piece}\n" for piece in PIECES if piece != missing), encoding="utf-8")
    with pytest.raises(SmallerLabseError) as caught:
        BertPreprocessor(file)
    assert str(file) in str(caught.value) and missing in str(caught.value)


def test_another_vocabulary_at_the_same_path_is_another_one(tmp_path):
    """TensorFlow takes lookup tables of one name for the same; by default the file's path is the name."""
    file = tmp_path / "vocab.txt"
    found = []
    for pieces in (PIECES, PIECES[::-1]):
        file.write_text("".join(f"{piece}\n" for piece in pieces), encoding="utf-8")
        found.append((pieces, BertPreprocessor(file).tokenize(["a b"]).flat_values.numpy()))
    for pieces, ids in found:
        assert [pieces[number] for number in ids] == ["a", "b"]


# Its SavedModel.


def test_the_saved_model_does_not_say_where_the_vocabulary_lay(vocabulary, saved):
    assert str(vocabulary.parent).encode() not in (saved / "saved_model.pb").read_bytes()


def test_saved_and_loaded_it_is_the_same(vocabulary, saved, loaded):
    preprocessor = BertPreprocessor(vocabulary, sequence_length=10)
    sentences = tf.constant(SENTENCES)
    assert_same(loaded(sentences), preprocessor(sentences))
    assert_same_pieces(loaded.tokenize(sentences), preprocessor.tokenize(sentences))
    assert (saved / "assets" / vocabulary.name).read_bytes() == vocabulary.read_bytes()
    assert read_sequence_length(saved) == 10


def test_the_signature_takes_and_returns_names(loaded):
    sentences = tf.constant(SENTENCES)
    assert_same(loaded.signatures["serving_default"](sentences=sentences), loaded(sentences))


def test_hub_load(saved, loaded):
    sentences = tf.constant(SENTENCES)
    assert_same(hub.load(str(saved))(sentences), loaded(sentences))


def test_keras_3_model(saved, loaded):
    sentences = tf.constant(SENTENCES)
    layer = keras.layers.TFSMLayer(str(saved), call_endpoint="serving_default")
    symbolic = keras.Input((), dtype="string")
    assert_same(layer(sentences), loaded(sentences))
    assert_same(keras.Model(symbolic, layer(symbolic))(sentences), loaded(sentences))


def test_legacy_keras_model_of_its_parts(saved, loaded):
    preprocess = hub.load(str(saved))
    sides = [tf_keras.layers.Input(shape=(), dtype=tf.string) for _ in range(2)]
    tokenize = hub.KerasLayer(preprocess.tokenize)
    pack = hub.KerasLayer(preprocess.bert_pack_inputs, arguments={"seq_length": 7})
    model = tf_keras.Model(sides, pack([tokenize(side) for side in sides]))
    sentences = tf.constant(SENTENCES)
    pieces = loaded.tokenize(sentences)
    assert_same(model([sentences, sentences]), loaded.bert_pack_inputs([pieces, pieces], seq_length=7))


def test_a_legacy_keras_model_around_it_can_be_saved_without_it(saved, loaded, tmp_path):
    shutil.copytree(saved, tmp_path / "preprocess")
    preprocess = hub.load(str(tmp_path / "preprocess"))
    symbolic = tf_keras.layers.Input(shape=(), dtype=tf.string)
    pack = hub.KerasLayer(preprocess.bert_pack_inputs, arguments={"seq_length": 7})
    model = tf_keras.Model(symbolic, pack([hub.KerasLayer(preprocess.tokenize)(symbolic)]))
    model.save(tmp_path / "model", save_format="tf")
    shutil.rmtree(tmp_path / "preprocess")
    found = tf.saved_model.load(str(tmp_path / "model"))(tf.constant(SENTENCES))
    assert_same(found, loaded.bert_pack_inputs([loaded.tokenize(tf.constant(SENTENCES))], seq_length=7))


def test_maps_over_a_data_set(saved):
    preprocess = tf.saved_model.load(str(saved))
    batches = tf.data.Dataset.from_tensor_slices(SENTENCES).batch(2).map(preprocess)
    assert [len(batch["input_word_ids"]) for batch in batches] == [2, 1]


def test_a_length_that_is_not_to_be_found_is_said(tmp_path):
    with pytest.raises(SmallerLabseError, match="no such file"):
        read_sequence_length(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\xff not a protocol buffer")
    with pytest.raises(SmallerLabseError, match="no SavedModel in it"):
        read_sequence_length(tmp_path)
    tf.saved_model.save(tf.Module(), str(tmp_path / "other"))
    with pytest.raises(SmallerLabseError, match="no signature serving_default"):
        read_sequence_length(tmp_path / "other")
