"""The original's own function, called with only some of its rows, says what the original says."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.deterministic_tensorflow import deterministic_tensorflow
from smaller_labse.make_smaller.excerpt import load_excerpt
from smaller_labse.originals.weights.checkpoint import Checkpoint
from smaller_labse.originals.weights.saved_model_graph import read_graph

IDS = np.array([0, 5, 101, 102, 150, 400, 2000])


def inputs(ids: list[list[int]]) -> dict:
    import tensorflow as tf

    words = tf.constant(ids)
    mask = tf.cast(tf.range(words.shape[1]) < words.shape[1] - 1, tf.int32) * tf.ones_like(words)
    return {"input_word_ids": words, "input_mask": mask, "input_type_ids": tf.zeros_like(words)}


def test_the_excerpt_says_what_the_original_says(example):
    import tensorflow as tf

    places = [[2, 4, 5, 3, 0], [2, 6, 1, 3, 0]]
    with deterministic_tensorflow():
        found = load_excerpt(Checkpoint(example / "encoder"), IDS)(inputs(places))
        original = tf.saved_model.load(str(example / "encoder"))
        expected = original(inputs(IDS[np.array(places)].tolist()))["default"]
    np.testing.assert_array_equal(found, expected)


def test_two_excerpts_in_one_process_do_not_take_each_others_functions(example):
    """The names of functions are the whole process's."""
    checkpoint = Checkpoint(example / "encoder")
    first, second = load_excerpt(checkpoint, IDS), load_excerpt(checkpoint, IDS[::-1].copy())
    before = first(inputs([[2, 4, 3]])).numpy()
    np.testing.assert_allclose(second(inputs([[4, 2, 3]])), first(inputs([[2, 4, 3]])), atol=1e-6)
    del second
    np.testing.assert_array_equal(first(inputs([[2, 4, 3]])), before)


def test_an_original_without_the_function_is_one_clear_line(example, tmp_path):
    folder = tmp_path / "encoder"
    shutil.copytree(example / "encoder", folder)
    graph = read_graph(folder)
    objects = graph.meta_graphs[0].object_graph_def
    for child in objects.nodes[0].children:
        if child.local_name == "__call__":
            child.local_name = "encode"
    (folder / "saved_model.pb").write_bytes(graph.SerializeToString())
    with pytest.raises(SmallerLabseError, match="no function that takes input_word_ids"):
        load_excerpt(Checkpoint(folder), IDS)
