"""An excerpt of the original: the encoder itself, with only a few rows of its embedding matrix.

To see what the original says of a few sentences one need not load 501,153 rows, nor all the functions of its
SavedModel. The one function that encodes, and those that it calls, are taken out of the graph as they stand,
and called with the original's own tensors; of the embedding matrix, with the needed rows. Everything that
computes is the original's own graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from uuid import uuid4

import numpy as np
import tensorflow as tf
from tensorflow.core.framework.attr_value_pb2 import NameAttrList
from tensorflow.core.framework.function_pb2 import FunctionDef
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef
from tensorflow.core.protobuf.saved_object_graph_pb2 import SavedConcreteFunction, SavedObjectGraph
from tensorflow.core.protobuf.struct_pb2 import StructuredValue

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.bert import INPUTS
from smaller_labse.make_smaller.verify import Embed
from smaller_labse.originals.weights.checkpoint import WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.saved_model_graph import read_graph

CALL = "__call__"  # how the encoder is called, in the graph of objects
NODE = "call"  # what calls it, in ours
EMBEDDING = "default"  # the embedding's name among the outputs


def load_excerpt(checkpoint: Checkpoint, ids: np.ndarray) -> Embed:
    """Load the original with the rows `ids` only.

    Args:
        checkpoint: the original encoder's.
        ids: the needed rows, int [n].

    Returns:
        The original as a function from its three inputs, int32 [batch, length] each, in which the id i stands
        for the row `ids[i]`, to embeddings, float32 [batch, hidden size].

    Raises:
        SmallerLabseError: the SavedModel has no function that encodes.
    """
    graph = read_graph(checkpoint.folder).meta_graphs[0]
    name = _find_function(graph.object_graph_def)
    if name is None:
        raise SmallerLabseError(
            f"{checkpoint.folder}: no function that takes {', '.join(INPUTS)} and returns {EMBEDDING!r}; "
            "expected an encoder in LaBSE's TF Hub format"
        )
    function = graph.object_graph_def.concrete_functions[name]
    names = [graph.object_graph_def.nodes[node].variable.name for node in function.bound_inputs]
    variables = [
        tf.Variable(checkpoint.read_rows(name, ids) if name == WORD_EMBEDDINGS else checkpoint.read(name))
        for name in names
    ]
    call = _graph_of_one_call(name, graph)
    placeholders = [f"{node.name}:0" for node in call.node if node.op == "Placeholder"]
    output = f"{NODE}:{_place_of_embedding(function)}"

    def encode(*arguments: tf.Tensor) -> tf.Tensor:
        given = dict(zip(placeholders, arguments, strict=True))
        return tf.graph_util.import_graph_def(call, given, [output])[0]

    # tf.function does not take over the functions of a graph that is imported; this does.
    inputs = [tf.TensorSpec([None, None], tf.int32)] * len(INPUTS)
    encode = tf.compat.v1.wrap_function(encode, inputs + [tf.TensorSpec([], tf.resource)] * len(variables))
    return lambda batch: encode(
        *(batch[name] for name in sorted(INPUTS)), *(variable.handle for variable in variables)
    )


def _find_function(objects: SavedObjectGraph) -> str | None:
    """The function that stands for the encoder called with a dict of the three inputs, not to train."""
    called = [child.node_id for child in objects.nodes[0].children if child.local_name == CALL]
    for name in objects.nodes[called[0]].function.concrete_functions if called else ():
        function = objects.concrete_functions[name]
        arguments = function.canonicalized_input_signature.tuple_value.values[0].tuple_value.values
        trains = any(argument.bool_value for argument in arguments)
        takes_inputs = bool(arguments) and set(arguments[0].dict_value.fields) == set(INPUTS)
        if takes_inputs and not trains and EMBEDDING in function.output_signature.dict_value.fields:
            return name
    return None


def _place_of_embedding(function: SavedConcreteFunction) -> int:
    """How many tensors come before the embedding: TensorFlow flattens dicts by ascending key."""
    fields = function.output_signature.dict_value.fields
    return sum(_count_tensors(fields[key]) for key in fields if key < EMBEDDING)


def _count_tensors(value: StructuredValue) -> int:
    kind = value.WhichOneof("kind")
    if kind == "dict_value":
        return sum(map(_count_tensors, value.dict_value.fields.values()))
    if kind in ("list_value", "tuple_value"):
        return sum(map(_count_tensors, getattr(value, kind).values))
    return int(kind in ("tensor_spec_value", "bounded_tensor_spec_value"))


def _graph_of_one_call(name: str, graph: MetaGraphDef) -> GraphDef:
    """A graph of placeholders for a function's arguments, in order, and one node that calls it."""
    library = {function.signature.name: function for function in graph.graph_def.library.function}
    functions = _with_new_names(_functions_called(name, library), f"_{uuid4().hex}")
    call = GraphDef(versions=graph.graph_def.versions)
    call.library.function.extend(functions)
    node = call.node.add(op="StatefulPartitionedCall", name=NODE)
    called = functions[0].signature
    node.attr["f"].func.name = called.name
    for number, argument in enumerate(called.input_arg):
        placeholder = call.node.add(op="Placeholder", name=f"argument_{number}")
        placeholder.attr["dtype"].type = argument.type
        node.input.append(placeholder.name)
        node.attr["Tin"].list.type.append(argument.type)
    node.attr["Tout"].list.type.extend(result.type for result in called.output_arg)
    return call


def _functions_called(name: str, library: Mapping[str, FunctionDef]) -> list[FunctionDef]:
    """A function and, after it, all that it calls, and what those call."""
    found: dict[str, FunctionDef] = {}
    waiting = [name]
    while waiting:
        name = waiting.pop()
        if name not in found and name in library:
            found[name] = library[name]
            waiting += [called.name for called in _references(library[name])]
            waiting += [node.op for node in library[name].node_def]
    return list(found.values())


def _with_new_names(functions: Sequence[FunctionDef], ending: str) -> list[FunctionDef]:
    """The functions with `ending` behind their names: names are the whole process's, and may be taken."""
    renamed = []
    names = {function.signature.name for function in functions}
    for function in functions:
        new = FunctionDef()
        new.CopyFrom(function)
        new.signature.name += ending
        for called in _references(new):
            called.name += ending if called.name in names else ""
        for node in new.node_def:
            node.op += ending if node.op in names else ""
        renamed.append(new)
    return renamed


def _references(function: FunctionDef) -> Iterator[NameAttrList]:
    """Where the nodes of a function name others, in attributes."""
    for node in function.node_def:
        for attribute in node.attr.values():
            if attribute.WhichOneof("value") == "func":
                yield attribute.func
            yield from attribute.list.func
