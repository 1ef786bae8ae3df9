"""An ONNX file: a graph, its constants, and notes for those who load it; a large one has a file of data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.encoders.onnx.graph import Graph

if TYPE_CHECKING:
    from onnx import TensorProto, ValueInfoProto

OPSET, IR_VERSION = 17, 8
LARGEST_FILE = 2**31 - 2**24  # Protocol Buffers' limit is 2 GiB; this leaves 16 MiB for the graph
SMALLEST_OUTSIDE = 1024  # bytes, of a constant that goes into the file of data
DATA_SUFFIX = "_data"  # "model.onnx_data" is where transformers.js looks


def write_model(
    file: Path,
    graph: Graph,
    inputs: Iterable[ValueInfoProto],
    outputs: Iterable[ValueInfoProto],
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
    from onnx import helper

    outside = sum(values.nbytes for values in graph.constants.values()) > LARGEST_FILE
    constants = (
        _write_data(file.with_name(file.name + DATA_SUFFIX), graph.constants)
        if outside
        else [_tensor(name, values) for name, values in graph.constants.items()]
    )
    model = helper.make_model(
        helper.make_graph(graph.nodes, "encoder", list(inputs), list(outputs), constants),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="smaller-labse",
    )
    helper.set_model_props(model, dict(properties))
    file.write_bytes(model.SerializeToString(deterministic=True))


def _write_data(file: Path, constants: Mapping[str, np.ndarray]) -> list[TensorProto]:
    tensors = []
    with file.open("wb") as out:
        for name, values in constants.items():
            if values.nbytes < SMALLEST_OUTSIDE:
                tensors.append(_tensor(name, values))
                continue
            tensor = _empty_tensor(name, values)
            place = {"location": file.name, "offset": out.tell(), "length": values.nbytes}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            tensor.data_location = tensor.EXTERNAL
            out.write(np.ascontiguousarray(values).data)
            tensors.append(tensor)
    return tensors


def _tensor(name: str, values: np.ndarray) -> TensorProto:
    tensor = _empty_tensor(name, values)
    tensor.raw_data = values.tobytes()
    return tensor


def _empty_tensor(name: str, values: np.ndarray) -> TensorProto:
    from onnx import TensorProto, helper

    kind = helper.np_dtype_to_tensor_dtype(values.dtype)
    return TensorProto(name=name, data_type=kind, dims=values.shape)
