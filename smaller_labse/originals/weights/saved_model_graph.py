"""The graph of a SavedModel folder: read it, and state another size of the embedding matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tfhub import SAVED_MODEL
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.embedding_shard import EmbeddingShard, write_checkpoint_index
from smaller_labse.originals.weights.tensor_bundle import data_file

if TYPE_CHECKING:
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

FINGERPRINT = "fingerprint.pb"


def read_graph(saved_model: Path) -> SavedModel:
    """The graph of a SavedModel folder.

    Raises:
        SmallerLabseError: its file is damaged.
    """
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = saved_model / SAVED_MODEL
    try:
        graph = SavedModel.FromString(file.read_bytes())
    except DecodeError:
        graph = SavedModel()
    if not graph.meta_graphs:
        raise SmallerLabseError(f"{file}: no SavedModel in it; is it complete?")
    return graph


def replace_embedding_matrix(encoder: Path, matrix: EmbeddingShard, file: Path) -> None:
    """Give a SavedModel that was written with an embedding matrix of one row its real one.

    Args:
        encoder: the SavedModel's folder, as `save_encoder` wrote it.
        matrix: the embedding matrix.
        file: where it lies; the file is moved.
    """
    checkpoint = Checkpoint(encoder)
    bundle = checkpoint.bundle
    shards = bundle.shards + 1
    for shard in range(bundle.shards):
        data_file(bundle.prefix, shard, bundle.shards).rename(data_file(bundle.prefix, shard, shards))
    file.rename(data_file(bundle.prefix, bundle.shards, shards))
    write_checkpoint_index(bundle, checkpoint.key(WORD_EMBEDDINGS), matrix, bundle.prefix)
    graph = read_graph(encoder)
    for node in graph.meta_graphs[0].object_graph_def.nodes:
        if node.HasField("variable") and node.variable.name == WORD_EMBEDDINGS:
            node.variable.shape.dim[0].size = matrix.shape[0]
    (encoder / SAVED_MODEL).write_bytes(graph.SerializeToString())
    (encoder / FINGERPRINT).unlink(missing_ok=True)  # of the graph before
