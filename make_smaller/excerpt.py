"""SavedModels with another number of rows in the table, and the original itself with only a few of them.

To see what the original says of a few sentences one need not load 501,153 rows. Its SavedModel is written
beside a checkpoint in which the table has only the needed rows, and the one place in the graph that states
the table's height is corrected. Everything that computes is the original's own graph.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from smaller_labse.make_smaller.table_shard import Table, link_data_files, write_index, write_table
from smaller_labse.select_vocab.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.original import SAVED_MODEL
from smaller_labse.select_vocab.tensor_bundle import data_file

FINGERPRINT = "fingerprint.pb"


def load_excerpt(checkpoint: Checkpoint, ids: np.ndarray, folder: Path) -> Callable[..., dict[str, Any]]:
    """Load the original with the rows `ids` only.

    Args:
        checkpoint: the original encoder's.
        ids: the needed rows, int [n].
        folder: where the excerpt is written; it may be deleted once this function has returned.

    Returns:
        The original as a function of its three inputs, in which the id i stands for the row `ids[i]`.
    """
    shutil.copytree(checkpoint.folder / "assets", folder / "assets")
    prefix = folder / "variables" / "variables"
    prefix.parent.mkdir()
    bundle = checkpoint.bundle
    shards = bundle.shards + 1
    link_data_files(bundle, prefix, shards)
    rows = checkpoint.read_rows(WORD_EMBEDDINGS, ids)
    table = write_table([rows], data_file(prefix, bundle.shards, shards))
    write_index(bundle, checkpoint.key(WORD_EMBEDDINGS), table, prefix)
    _write_graph(read_graph(checkpoint.folder), len(ids), folder)
    return tf.saved_model.load(str(folder))


def replace_table(encoder: Path, table: Table, file: Path) -> None:
    """Give a SavedModel that was written with a table of one row its real one.

    Args:
        encoder: the SavedModel's folder, as `save_encoder` wrote it.
        table: the table.
        file: where it lies; the file is moved.
    """
    checkpoint = Checkpoint(encoder)
    bundle = checkpoint.bundle
    shards = bundle.shards + 1
    for shard in range(bundle.shards):
        data_file(bundle.prefix, shard, bundle.shards).rename(data_file(bundle.prefix, shard, shards))
    file.rename(data_file(bundle.prefix, bundle.shards, shards))
    write_index(bundle, checkpoint.key(WORD_EMBEDDINGS), table, bundle.prefix)
    _write_graph(read_graph(encoder), table.shape[0], encoder)
    (encoder / FINGERPRINT).unlink(missing_ok=True)  # of the graph before


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


def _write_graph(graph: SavedModel, rows: int, folder: Path) -> None:
    for node in graph.meta_graphs[0].object_graph_def.nodes:
        if node.HasField("variable") and node.variable.name == WORD_EMBEDDINGS:
            node.variable.shape.dim[0].size = rows
    (folder / SAVED_MODEL).write_bytes(graph.SerializeToString())
