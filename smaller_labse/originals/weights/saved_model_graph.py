"""The graph of a SavedModel folder: read it, make it repeatable, state another size of the embedding matrix.

TensorFlow numbers the functions that it traces through a whole process, saves maps in no order, notes how the
process was configured, and writes a fingerprint with a random number in it: two SavedModels of one model are
never equal. A repeatable one's functions are numbered in the order in which they were traced, from 0, and
what belongs to the process is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError, Message

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_limited
from smaller_labse.originals.tfhub import SAVED_MODEL
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.embedding_shard import EmbeddingShard, write_checkpoint_index
from smaller_labse.originals.weights.tensor_bundle import data_file

if TYPE_CHECKING:
    from tensorflow.core.framework.graph_pb2 import GraphDef
    from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

FINGERPRINT = "fingerprint.pb"
LARGEST_GRAPH = 1 << 28  # bytes; LaBSE's has 5 MB
NUMBERED = re.compile(r"(.*_)(\d+)")  # how TensorFlow names a function that it traced
USER_NAME = "_user_specified_name"


def read_graph(saved_model: Path) -> SavedModel:
    """The graph of a SavedModel folder.

    Raises:
        SmallerLabseError: its file is damaged.
    """
    from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

    file = saved_model / SAVED_MODEL
    try:
        graph = SavedModel.FromString(read_limited(file, LARGEST_GRAPH, "a SavedModel's graph"))
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
    _write_graph(graph, encoder)


def make_repeatable(saved_model: Path) -> None:
    """Write the graph of a SavedModel that TensorFlow just saved as it would be in any other process.

    Args:
        saved_model: the SavedModel's folder.
    """
    graph = read_graph(saved_model)
    for meta_graph in graph.meta_graphs:
        _drop_configuration(meta_graph.graph_def)
        _number_functions(meta_graph)
    _write_graph(graph, saved_model)


def _write_graph(graph: SavedModel, saved_model: Path) -> None:
    (saved_model / SAVED_MODEL).write_bytes(graph.SerializeToString(deterministic=True))
    (saved_model / FINGERPRINT).unlink(missing_ok=True)  # of the graph before, and not the same twice


def _drop_configuration(graph: GraphDef) -> None:
    """Drop how the process was configured, and the numbers that name tensors of variables in it."""
    for node in chain(graph.node, *(function.node_def for function in graph.library.function)):
        if "config_proto" in node.attr:
            node.attr["config_proto"].s = b""  # a function runs as configured where it is loaded
    for function in graph.library.function:
        for argument in function.arg_attr.values():
            if argument.attr[USER_NAME].s.isdigit():
                del argument.attr[USER_NAME]


def _number_functions(meta_graph: MetaGraphDef) -> None:
    """Number functions from 0 in the order of the numbers that they have, and sort them by name."""
    functions = meta_graph.graph_def.library.function
    numbered = [match for match in (NUMBERED.fullmatch(f.signature.name) for f in functions) if match]
    numbers = {number: str(new) for new, number in enumerate(sorted({int(match[2]) for match in numbered}))}
    names = {match[0]: match[1] + numbers[int(match[2])] for match in numbered}
    _rename(meta_graph, names)
    in_order = sorted(functions, key=lambda function: function.signature.name)
    del functions[:]
    functions.extend(in_order)


def _rename(message: Message, names: Mapping[str, str]) -> None:
    """Put new names in the place of old ones, wherever a text in a message is one of these."""
    for field, value in message.ListFields():
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            for key in [key for key in value if key in names]:
                value[names[key]].CopyFrom(value[key])
                del value[key]
            if field.message_type.fields_by_name["value"].message_type is not None:
                for item in value.values():
                    _rename(item, names)
        elif field.message_type is not None:
            for item in [value] if isinstance(value, Message) else value:
                _rename(item, names)
        elif field.type == field.TYPE_STRING:
            if isinstance(value, str):
                setattr(message, field.name, names.get(value, value))
            else:
                value[:] = [names.get(item, item) for item in value]
