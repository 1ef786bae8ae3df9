"""SavedModels of others: what could reach files, Python or the network is refused, and nothing of it is run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
import tensorflow_text  # noqa: F401 - its operations

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.allowed_operations import load_saved_model, require_harmless
from smaller_labse.originals.weights.saved_model_graph import read_graph


def read_file(text: tf.Tensor, folder: str) -> tf.Tensor:
    return text + tf.io.read_file(folder + "/secret")


def write_file(text: tf.Tensor, folder: str) -> tf.Tensor:
    with tf.control_dependencies([tf.io.write_file(folder + "/written", "x")]):
        return tf.identity(text)


def write_file_in_a_branch(text: tf.Tensor, folder: str) -> tf.Tensor:
    return tf.cond(tf.size(text) > 3, lambda: write_file(text, folder), lambda: text)


def list_files(text: tf.Tensor, folder: str) -> tf.Tensor:
    return text + tf.io.matching_files(folder + "/*")[0]


def print_to_a_file(text: tf.Tensor, folder: str) -> tf.Tensor:
    tf.print(text, output_stream=f"file://{folder}/written")
    return tf.identity(text)


def call_python(text: tf.Tensor, folder: str) -> tf.Tensor:
    return tf.numpy_function(lambda value: value, [text], tf.string)


def debug(text: tf.Tensor, folder: str) -> tf.Tensor:
    return tf.raw_ops.DebugIdentityV2(input=text, debug_urls=[f"file://{folder}"])


def save(text: tf.Tensor, folder: str) -> tf.Tensor:
    written = tf.raw_ops.SaveV2(
        prefix=folder + "/written", tensor_names=["x"], shape_and_slices=[""], tensors=[text]
    )
    with tf.control_dependencies([written]):
        return tf.identity(text)


def table_of_any_file(text: tf.Tensor, folder: str) -> tf.Tensor:
    table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
    tf.raw_ops.InitializeTableFromTextFileV2(
        table_handle=table, filename=folder + "/secret", key_index=-2, value_index=-1, vocab_size=-1
    )
    return text


def write_saved_model(folder: Path, does: Callable[[tf.Tensor, str], tf.Tensor], outside: Path) -> Path:
    class Preprocessor(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def tokenize(self, text: tf.Tensor) -> tf.Tensor:
            return does(text, str(outside))

    module = Preprocessor()
    module.version = tf.Variable(1)
    tf.saved_model.save(module, str(folder))
    return folder


@pytest.mark.parametrize(
    ("does", "operation"),
    [
        (read_file, "ReadFile"),
        (write_file, "WriteFile"),
        (write_file_in_a_branch, "WriteFile"),
        (list_files, "MatchingFiles"),
        (print_to_a_file, "PrintV2"),
        (call_python, "PyFunc"),
        (debug, "DebugIdentityV2"),
        (save, "can be called and reads or writes files"),
        (table_of_any_file, "reads a table from a file that is not among its assets"),
    ],
)
def test_a_graph_that_reaches_outside_is_refused_and_not_run(
    tmp_path: Path, does: Callable[[tf.Tensor, str], tf.Tensor], operation: str
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret\n")
    model = write_saved_model(tmp_path / "model", does, outside)
    shutil.rmtree(tmp_path / "outside")  # whatever saving it did
    outside.mkdir()
    with pytest.raises(SmallerLabseError, match=operation) as error:
        load_saved_model(model)
    assert str(error.value).startswith(f"{model / 'saved_model.pb'}: ") and "\n" not in str(error.value)
    assert not list(outside.iterdir())


@pytest.mark.parametrize("asset", ["../secret", "/etc/hostname", "a/../../secret"])
def test_an_asset_outside_the_folder_is_refused(example: Path, tmp_path: Path, asset: str) -> None:
    model = Path(shutil.copytree(example / "preprocess", tmp_path / "model"))
    graph = read_graph(model)
    graph.meta_graphs[0].asset_file_def[0].filename = asset
    (model / "saved_model.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(SmallerLabseError, match="is outside its folder"):
        load_saved_model(model)


def test_what_the_toolkit_writes_is_harmless(example: Path, trimmed, tmp_path: Path) -> None:
    for model in (example, trimmed.model):
        require_harmless(model / "encoder")
        require_harmless(model / "preprocess")


def test_a_module_that_only_computes_is_loaded(tmp_path: Path) -> None:
    model = write_saved_model(tmp_path / "model", lambda text, _: tf.strings.lower(text), tmp_path)
    assert load_saved_model(model).tokenize(["ABC"]).numpy().tolist() == [b"abc"]


@pytest.mark.parametrize("part", ["labse_format/encoder", "labse_format/preprocess", "lealla_format/encoder"])
def test_the_formats_on_tf_hub_are_harmless(shared: Path, part: str) -> None:
    require_harmless(shared / part)


@pytest.mark.parametrize("part", ["encoder", "preprocess"])
def test_make_smaller_runs_neither_encoder_nor_preprocessor_that_writes_files(
    example: Path, trimmed, tmp_path: Path, capsys: pytest.CaptureFixture[str], part: str
) -> None:
    from smaller_labse.make_smaller.__main__ import main

    original, outside = tmp_path / "original", tmp_path / "outside"
    outside.mkdir()
    shutil.copytree(example, original)
    bad = write_saved_model(tmp_path / "bad", write_file, outside)
    graph, wanted = read_graph(bad), read_graph(original / part)
    functions = graph.meta_graphs[0].graph_def.library.function
    wanted.meta_graphs[0].graph_def.library.function.extend(
        function for function in functions if any(node.op == "WriteFile" for node in function.node_def)
    )
    (original / part / "saved_model.pb").write_bytes(wanted.SerializeToString())
    arguments = ["--model", original, "--selection", trimmed.selection, "--license", "mit"]
    assert main([*map(str, arguments), "--out", str(tmp_path / "out")]) == 1
    assert "WriteFile" in capsys.readouterr().err
    assert not list(outside.iterdir()) and not (tmp_path / "out").exists()


def test_what_tensorflow_cannot_load_is_named_in_one_line(original, tmp_path):
    encoder = tmp_path / "encoder"
    shutil.copytree(original / "encoder", encoder)
    data = next((encoder / "variables").glob("*.data-*"))
    data.write_bytes(data.read_bytes()[:-9000])
    with pytest.raises(SmallerLabseError) as raised:
        load_saved_model(encoder)
    assert str(raised.value).startswith(f"{encoder}: cannot be loaded (")
    assert "\n" not in str(raised.value)


def tensorflow_1(folder: Path, harm: str) -> Path:
    """A SavedModel without objects, as TensorFlow 1 wrote them, whose own graph does harm."""
    from tensorflow.core.protobuf.meta_graph_pb2 import AssetFileDef

    v1 = tf.compat.v1
    with v1.Graph().as_default(), v1.Session() as session:
        texts = v1.placeholder(tf.string, [None])
        written = tf.raw_ops.SaveV2(
            prefix=f"{folder}/written", tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant(1.0)]
        )
        table = tf.raw_ops.HashTableV2(key_dtype=tf.string, value_dtype=tf.int64)
        file = tf.constant(f"{folder}/secret", name="vocabulary")
        filled = tf.raw_ops.InitializeTableFromTextFileV2(
            table_handle=table, filename=file, key_index=-2, value_index=-1, vocab_size=-1
        )
        nothing = v1.no_op()
        with tf.control_dependencies([written] if harm == "result" else []):
            result = tf.identity(texts)
        signature = v1.saved_model.build_signature_def(
            {"default": v1.saved_model.build_tensor_info(texts)},
            {"default": v1.saved_model.build_tensor_info(result)},
            "tensorflow/serving/predict",
        )
        builder = v1.saved_model.Builder(str(folder))
        main = {"start": written, "table": filled}.get(harm, nothing)
        builder.add_meta_graph_and_variables(session, [], {"default": signature}, main_op=main)
        builder.save()
    graph = read_graph(folder)
    meta_graph = graph.meta_graphs[0]
    if harm == "restore":
        meta_graph.saver_def.restore_op_name = written.name
    if harm in ("asset", "result", "start", "restore", "nothing"):
        asset = AssetFileDef(filename="../secret" if harm == "asset" else "secret")
        asset.tensor_info.name = file.name
        meta_graph.collection_def["saved_model_assets"].any_list.value.add().Pack(asset)
    (folder / "saved_model.pb").write_bytes(graph.SerializeToString())
    return folder


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        ("result", r"its graph can be called and reads or writes files \(SaveV2\)"),
        ("start", r"its graph can be called and reads or writes files \(SaveV2\)"),
        ("restore", r"its graph can be called and reads or writes files \(SaveV2\)"),
        ("table", "its graph reads a table from a file that is not among its assets"),
        ("asset", r"its asset '\.\./secret' is outside its folder"),
    ],
)
def test_a_graph_of_tensorflow_1_that_reaches_outside_is_refused(tmp_path, harm, expected):
    folder = tensorflow_1(tmp_path / "model", harm)
    with pytest.raises(SmallerLabseError, match=expected):
        load_saved_model(folder)
    assert not (tmp_path / "model" / "written.index").exists()


def test_a_graph_of_tensorflow_1_that_stays_inside_is_harmless(tmp_path):
    require_harmless(tensorflow_1(tmp_path / "model", "nothing"))
