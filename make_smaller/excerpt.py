"""The original itself, with only the rows of its table that some texts need.

To see what the original says of a few sentences one need not load 501,153 rows. Its SavedModel is copied
beside a checkpoint in which the table has only the needed rows, and the one place in the graph that states
the table's height is corrected. Everything that computes is the original's own graph.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from smaller_labse.select_vocab.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.original import SAVED_MODEL


def load_excerpt(checkpoint: Checkpoint, ids: np.ndarray, folder: Path) -> Callable[..., dict[str, Any]]:
    """Load the original with the rows `ids` only.

    Args:
        checkpoint: the original encoder's.
        ids: the needed rows, int [n].
        folder: where the copy is written; it may be deleted once this function has returned.

    Returns:
        The original as a function of its three inputs, in which the id i stands for the row `ids[i]`.
    """
    shutil.copytree(checkpoint.folder / "assets", folder / "assets")
    _write_graph(checkpoint, len(ids), folder)
    _write_checkpoint(checkpoint, ids, folder)
    return tf.saved_model.load(str(folder))


def read_graph(saved_model: Path) -> SavedModel:
    """The graph of a SavedModel folder.

    Raises:
        SmallerLabseError: its file is damaged.
    """
    file = saved_model / SAVED_MODEL
    try:
        graph = SavedModel.FromString(file.read_bytes())
    except DecodeError:
        graph = SavedModel()
    if not graph.meta_graphs:
        raise SmallerLabseError(f"{file}: no SavedModel in it; is it complete?")
    return graph


def _write_graph(checkpoint: Checkpoint, rows: int, folder: Path) -> None:
    saved_model = read_graph(checkpoint.folder)
    for node in saved_model.meta_graphs[0].object_graph_def.nodes:
        if node.HasField("variable") and node.variable.name == WORD_EMBEDDINGS:
            node.variable.shape.dim[0].size = rows
    (folder / SAVED_MODEL).write_bytes(saved_model.SerializeToString())


def _write_checkpoint(checkpoint: Checkpoint, ids: np.ndarray, folder: Path) -> None:
    table = checkpoint.key(WORD_EMBEDDINGS)
    keys = checkpoint.keys
    tensors = [
        tf.constant(checkpoint.read_rows(WORD_EMBEDDINGS, ids) if key == table else checkpoint.read_key(key))
        for key in keys
    ]
    (folder / "variables").mkdir()
    tf.raw_ops.SaveV2(
        prefix=os.fspath(folder / "variables" / "variables"),
        tensor_names=keys,
        shape_and_slices=[""] * len(keys),
        tensors=tensors,
    )
