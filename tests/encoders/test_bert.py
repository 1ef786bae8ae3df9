"""Our encoder computes what the original does, and its SavedModel is used as the original's is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_hub as hub
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

from smaller_labse.encoders.bert import INPUTS, Encoder, save_encoder
from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig, infer_config
from smaller_labse.encoders.deterministic_tensorflow import deterministic_tensorflow
from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor
from smaller_labse.encoders.preprocessors.preprocessor import save_preprocessor

PIECES = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    *"abcdefghij",
    *(f"##{letter}" for letter in "abcdefghij"),
]
CONFIG = EncoderConfig(
    vocab_size=len(PIECES),
    hidden_size=12,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=20,
    max_position_embeddings=40,
    type_vocab_size=2,
)
TOLERANCE = 1e-5  # the promise "Same pieces, same vector"


def random_tensors(config: EncoderConfig) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        name: random.standard_normal(size).astype(np.float32) for name, size in config.tensor_shapes().items()
    }


def object_graph(saved_model: Path) -> dict[str, tuple[str, np.ndarray]]:
    """Name → checkpoint key and tensor, of everything in a SavedModel's checkpoint that has a name."""
    checkpoint = tf.train.load_checkpoint(str(saved_model / "variables" / "variables"))
    graph = TrackableObjectGraph.FromString(checkpoint.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    return {
        attribute.full_name: (attribute.checkpoint_key, checkpoint.get_tensor(attribute.checkpoint_key))
        for node in graph.nodes
        for attribute in node.attributes
        if attribute.full_name
    }


def assert_same_outputs(found: dict, expected: dict, tolerance: float = TOLERANCE) -> None:
    assert found.keys() == expected.keys()
    for name in expected:
        assert isinstance(found[name], list | tuple) == isinstance(expected[name], list | tuple), name
        for ours, theirs in zip(tf.nest.flatten(found[name]), tf.nest.flatten(expected[name]), strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance, err_msg=name)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("vocabulary") / "some_vocab.txt"
    file.write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def encoder(vocabulary) -> Encoder:
    return Encoder(CONFIG, random_tensors(CONFIG).__getitem__, vocabulary)


@pytest.fixture(scope="module")
def saved(encoder, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "encoder"
    save_encoder(encoder, folder)
    return folder


@pytest.fixture(scope="module")
def preprocess(vocabulary, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "preprocess"
    save_preprocessor(BertPreprocessor(vocabulary, sequence_length=10), folder)
    return folder


@pytest.fixture(scope="module")
def inputs(vocabulary) -> dict[str, tf.Tensor]:
    """Sentences of unlike lengths, so that there is padding, with a second segment."""
    preprocessor = BertPreprocessor(vocabulary)
    first, second = ["abc de", "a", "jihg fedc ba abcd"], ["b", "cde fgh", ""]
    segments = [preprocessor.tokenize(first), preprocessor.tokenize(second)]
    return preprocessor.bert_pack_inputs(segments, seq_length=20)


# The original: a model in LaBSE's exact TF Hub format.


@pytest.fixture(scope="module")
def original(shared) -> Path:
    return shared / "labse_format" / "encoder"


@pytest.fixture(scope="module")
def copy_of_original(original) -> Encoder:
    tensors = {name: tensor for name, (_, tensor) in object_graph(original).items()}
    config = infer_config({name: tensor.shape for name, tensor in tensors.items()}, str(original))
    return Encoder(config, tensors.__getitem__, original / "assets" / "cased_vocab.txt")


@pytest.fixture(scope="module")
def saved_copy(copy_of_original, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "encoder"
    save_encoder(copy_of_original, folder)
    return folder


@pytest.fixture(scope="module")
def real_inputs(shared) -> dict[str, tf.Tensor]:
    preprocessor = BertPreprocessor(shared / "labse_format" / "preprocess" / "assets" / "cased_vocab.txt")
    lines = []
    for language in ("fra", "tha", "jpn", "ara"):
        file = shared / "tatoeba" / "v1" / f"tatoeba.{language}-eng.{language}"
        lines += file.read_text(encoding="utf-8").split("\n")[:40]
    packed = preprocessor.bert_pack_inputs([preprocessor.tokenize(lines)], seq_length=64)
    assert 0 < tf.reduce_mean(tf.cast(packed["input_mask"], tf.float32)) < 0.9, "no padding in the test"
    return packed


def test_every_output_equals_the_originals(original, copy_of_original, saved_copy, real_inputs):
    expected = tf.saved_model.load(str(original))(real_inputs)
    saved_outputs = tf.saved_model.load(str(saved_copy))(real_inputs)
    assert_same_outputs(saved_outputs, expected)
    assert_same_outputs(copy_of_original(real_inputs), expected)
    assert np.std(expected["pooled_output"], axis=0).mean() > 0.1, "all sentences look alike"


def test_the_graphs_agree_to_the_bit_where_the_optimizer_leaves_them_alone(original, saved_copy, real_inputs):
    with deterministic_tensorflow():
        expected = tf.saved_model.load(str(original))(real_inputs)
        assert_same_outputs(tf.saved_model.load(str(saved_copy))(real_inputs), expected, tolerance=0.0)


def test_two_segments_equal_the_originals(shared, original, saved_copy):
    preprocessor = BertPreprocessor(shared / "labse_format" / "preprocess" / "assets" / "cased_vocab.txt")
    segments = [
        preprocessor.tokenize(["Guten Tag, mein Freund!"]),
        preprocessor.tokenize(["Wie geht es dir?"]),
    ]
    packed = preprocessor.bert_pack_inputs(segments, seq_length=32)
    assert tf.reduce_max(packed["input_type_ids"]) == 1
    assert_same_outputs(
        tf.saved_model.load(str(saved_copy))(packed), tf.saved_model.load(str(original))(packed)
    )


def test_drops_out_where_the_original_does(original, saved_copy, real_inputs):
    def dropouts(folder: Path) -> int:
        loaded = tf.saved_model.load(str(folder))
        encode = tf.function(loaded.__call__, autograph=False)
        graph = encode.get_concrete_function(real_inputs, training=True).graph.as_graph_def()
        functions = {function.signature.name: function.node_def for function in graph.library.function}

        def count(nodes: Iterable) -> int:
            called = (functions[node.attr["f"].func.name] for node in nodes if "f" in node.attr)
            return sum(node.op == "RandomUniform" for node in nodes) + sum(map(count, called))

        return count(graph.node)

    assert dropouts(saved_copy) == dropouts(original) == 10


def test_its_object_graph_has_the_originals_names_keys_and_tensors(original, saved_copy):
    ours, theirs = object_graph(saved_copy), object_graph(original)
    ours.pop("do_lower_case")
    theirs.pop("Variable")  # what the Garden calls its do_lower_case
    assert ours.keys() == theirs.keys()
    for name, (key, tensor) in theirs.items():
        assert ours[name][0] == key
        np.testing.assert_array_equal(ours[name][1], tensor)


# What can be seen without an original.


def test_padding_does_not_change_the_pooled_output(encoder, inputs):
    one = {name: tensor[1:2, :9] for name, tensor in inputs.items()}
    longest = int(tf.reduce_sum(one["input_mask"]))
    expected = encoder({name: tensor[:, :longest] for name, tensor in one.items()})["pooled_output"]

    @settings(max_examples=20, deadline=None)
    @given(st.integers(0, CONFIG.max_position_embeddings - longest), st.integers(0, CONFIG.vocab_size - 1))
    def check(padding: int, piece: int) -> None:
        padded = {name: tf.pad(tensor[:, :longest], [[0, 0], [0, padding]]) for name, tensor in one.items()}
        ids = padded["input_word_ids"]
        padded["input_word_ids"] = tf.where(padded["input_mask"] == 1, ids, piece)
        np.testing.assert_allclose(encoder(padded)["pooled_output"], expected, rtol=0, atol=TOLERANCE)

    check()


def test_every_piece_position_and_segment_matters(encoder, inputs):
    before = encoder(inputs)["pooled_output"]
    for name in INPUTS:
        changed = inputs[name].numpy()
        changed[0, 2] = 1 - changed[0, 2] if name != "input_word_ids" else 6
        after = encoder({**inputs, name: tf.constant(changed)})["pooled_output"]
        assert not np.allclose(after[0], before[0], atol=1e-3), name
        np.testing.assert_allclose(after[1:], before[1:], atol=TOLERANCE)


def test_drops_out_only_while_training(saved, inputs):
    encode = tf.saved_model.load(str(saved))
    assert_same_outputs(encode(inputs), encode(inputs, training=False), tolerance=0)
    first, second = (encode(inputs, training=True)["pooled_output"] for _ in range(2))
    assert not np.allclose(first, second, atol=1e-3)


def test_a_tensor_of_another_shape_is_refused(vocabulary):
    tensors = random_tensors(CONFIG)
    tensors[WORD_EMBEDDINGS] = tensors[WORD_EMBEDDINGS][:-1]
    with pytest.raises(ValueError, match="shape"):
        Encoder(CONFIG, tensors.__getitem__, vocabulary)


# Its SavedModel.


def test_saved_and_loaded_it_is_the_same(encoder, saved, inputs, vocabulary):
    loaded = tf.saved_model.load(str(saved))
    assert_same_outputs(loaded(inputs), encoder(inputs))
    assert Path(loaded.vocab_file.asset_path.numpy().decode()).name == vocabulary.name
    assert (saved / "assets" / vocabulary.name).read_bytes() == vocabulary.read_bytes()
    assert not loaded.do_lower_case.numpy()
    assert not loaded.regularization_losses
    assert len(encoder.trainable_variables) == len(encoder.weights) == len(encoder.variables) - 1
    names = [variable.name.removesuffix(":0") for variable in loaded.trainable_variables]
    assert names == list(CONFIG.tensor_shapes())
    assert len(loaded.variables) == len(names) + 1  # do_lower_case is a variable, but is not trained


def test_its_tensors_have_the_names_of_labse_on_tf_hub(encoder, saved):
    stored = object_graph(saved)
    assert stored.keys() == {*CONFIG.tensor_shapes(), "do_lower_case"}
    for name, size in CONFIG.tensor_shapes().items():
        assert stored[name][1].shape == size
        np.testing.assert_array_equal(stored[name][1], encoder.weights[name])


def test_lower_casing_is_recorded(vocabulary, tmp_path):
    save_encoder(Encoder(CONFIG, random_tensors(CONFIG).__getitem__, vocabulary, lower_case=True), tmp_path)
    assert tf.saved_model.load(str(tmp_path)).do_lower_case.numpy()


def test_the_signature_takes_and_returns_names(saved, encoder, inputs):
    serve = tf.saved_model.load(str(saved)).signatures["serving_default"]
    expected = encoder(inputs)
    found = serve(**inputs)
    assert found.keys() == {"default", "pooled_output", "sequence_output"}
    for name, output in found.items():
        np.testing.assert_allclose(output, expected[name], rtol=0, atol=TOLERANCE)


def test_hub_load(saved, encoder, inputs):
    assert_same_outputs(hub.load(str(saved))(inputs), encoder(inputs))


def test_keras_3_model(saved, encoder, inputs):
    layer = keras.layers.TFSMLayer(str(saved), call_endpoint="serving_default")
    symbolic = {name: keras.Input((None,), dtype="int32", name=name) for name in INPUTS}
    model = keras.Model(symbolic, layer(symbolic)["default"])
    expected = encoder(inputs)["default"]
    np.testing.assert_allclose(layer(inputs)["default"], expected, rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(model(inputs), expected, rtol=0, atol=TOLERANCE)


def legacy_keras_model(preprocess: Path, saved: Path, trainable: bool) -> tf_keras.Model:
    sentences = tf_keras.layers.Input(shape=(), dtype=tf.string)
    encoder_inputs = hub.KerasLayer(str(preprocess))(sentences)
    outputs = hub.KerasLayer(str(saved), trainable=trainable)(encoder_inputs)
    return tf_keras.Model(sentences, tf_keras.layers.Dense(1)(outputs["default"]))


@pytest.mark.parametrize("trainable", [True, False])
def test_fine_tuning_in_legacy_keras_changes_the_table_if_asked_to(preprocess, saved, trainable):
    model = legacy_keras_model(preprocess, saved, trainable)
    table = next(variable for variable in model.variables if variable.name.startswith(WORD_EMBEDDINGS))
    before = table.numpy()
    model.compile(tf_keras.optimizers.SGD(0.1), "mse")
    model.fit(tf.constant(["abc", "jih gf"]), tf.constant([[1.0], [-1.0]]), epochs=1, verbose=0)
    changed = {PIECES[row] for row in np.flatnonzero((table.numpy() != before).any(axis=1))}
    seen = {"[CLS]", "[SEP]", "a", "##b", "##c", "j", "##i", "##h", "g", "##f"}
    assert changed == (seen if trainable else set())


def test_a_legacy_keras_model_around_it_can_be_saved_and_moved(preprocess, saved, tmp_path):
    model = legacy_keras_model(preprocess, saved, trainable=True)
    sentences = tf.constant(["abc", "jih gf"])
    expected = model(sentences)
    model.save(tmp_path / "here", save_format="tf")
    (tmp_path / "here").rename(tmp_path / "there")
    loaded = tf.saved_model.load(str(tmp_path / "there"))
    np.testing.assert_allclose(loaded(sentences, training=False), expected, rtol=0, atol=TOLERANCE)


def test_only_the_rows_of_a_batch_have_gradients(saved, inputs):
    loaded = tf.saved_model.load(str(saved))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(loaded(inputs, training=True)["default"])
    gradients = tape.gradient(loss, loaded.trainable_variables)
    assert isinstance(gradients[0], tf.IndexedSlices)
    assert all(gradient is not None for gradient in gradients)
