"""An ONNX file: a graph, its constants, and notes for those who load it; a large one has a file of data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.encoders.onnx.graph import Graph

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto, ValueInfoProto

OPSET, IR_VERSION = 17, 8
LARGEST_FILE = 2**31 - 2**24  # Protocol Buffers' limit is 2 GiB; this leaves 16 MiB for the graph
SMALLEST_OUTSIDE = 1024  # bytes, of a constant that goes into the file of data
DATA_SUFFIX = "_data"  # "model.onnx_data" is where transformers.js looks


def write_model(
    file: Path,
    graph: Graph,
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    properties: Mapping[str, str],
) -> None:
    """Write an ONNX file; the same graph gives the same bytes.

    The constants of one that would have more than `LARGEST_FILE` bytes go into a file beside it.

    Args:
        file: where to.
        graph: the operations and constants.
        inputs: what it takes.
        outputs: what it returns.
        properties: what is noted in it, for those who load it.
    """
    outside = _are_outside(graph)
    constants = []
    for values, tensor in zip(
        graph.constants.values(), _without_values(graph, file.name, outside), strict=True
    ):
        if not tensor.external_data:
            tensor.raw_data = values.tobytes()
        constants.append(tensor)
    model = _model(graph, constants, inputs, outputs, properties)
    file.write_bytes(model.SerializeToString(deterministic=True))
    if outside:
        with file.with_name(file.name + DATA_SUFFIX).open("wb") as out:
            for values in graph.constants.values():
                if values.nbytes >= SMALLEST_OUTSIDE:
                    out.write(np.ascontiguousarray(values).data)


def model_bytes(
    file_name: str,
    graph: Graph,
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    properties: Mapping[str, str],
) -> int:
    """How many bytes `write_model` would write, the file of data included; no value is looked at.

    A message within another has its tag, one byte here, and its length before it (Protocol Buffers'
    documents, "Encoding", "Length-Delimited Records").
    """
    model = _model(graph, [], inputs, outputs, properties)
    graph_bytes, data_bytes = model.graph.ByteSize(), 0
    rest = model.ByteSize() - _as_field(graph_bytes)
    tensors = _without_values(graph, file_name, _are_outside(graph))
    for values, tensor in zip(graph.constants.values(), tensors, strict=True):
        inside = 0 if tensor.external_data else _as_field(values.nbytes)
        data_bytes += values.nbytes if tensor.external_data else 0
        graph_bytes += _as_field(tensor.ByteSize() + inside)
    return rest + _as_field(graph_bytes) + data_bytes


def _model(
    graph: Graph,
    constants: Sequence[TensorProto],
    inputs: Sequence[ValueInfoProto],
    outputs: Sequence[ValueInfoProto],
    properties: Mapping[str, str],
) -> ModelProto:
    from onnx import helper

    model = helper.make_model(
        helper.make_graph(graph.nodes, "encoder", inputs, outputs, constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="smaller-labse",
    )
    helper.set_model_props(model, dict(properties))
    return model


def _are_outside(graph: Graph) -> bool:
    return sum(values.nbytes for values in graph.constants.values()) > LARGEST_FILE


def _without_values(graph: Graph, file_name: str, outside: bool) -> Iterator[TensorProto]:
    """The constants; of those in the file of data, where they lie in it."""
    from onnx import TensorProto, helper

    offset = 0
    for name, values in graph.constants.items():
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        tensor = TensorProto(name=name, data_type=kind, dims=values.shape)
        if outside and values.nbytes >= SMALLEST_OUTSIDE:
            place = {"location": file_name + DATA_SUFFIX, "offset": offset, "length": values.nbytes}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            tensor.data_location = tensor.EXTERNAL
            offset += values.nbytes
        yield tensor


def _as_field(size: int) -> int:
    """Bytes of a message or of bytes in another message: a tag, the length in units of 7 bits, and itself."""
    return 1 + max(1, -(-size.bit_length() // 7)) + size
