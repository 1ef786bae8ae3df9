"""Rows of the embedding matrix in a graph: as they are, in int8, or in 4 bits.

Rows are gathered first and become float32 afterwards, so that the matrix is never in memory in float32. In 4
bits two integers a and b lie in a byte, a + 16 b; numbers that small are exact in float32, in which every
runtime can take them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from smaller_labse.encoders.config import WORD_EMBEDDINGS
from smaller_labse.encoders.onnx.graph import Graph
from smaller_labse.encoders.onnx.quantize import BLOCK, quantize_blocks, quantize_rows

SCALES = f"{WORD_EMBEDDINGS}/scales"

Lookup = Callable[[Graph, np.ndarray, str], str]


def float_rows(graph: Graph, matrix: np.ndarray, ids: str) -> str:
    """Add the rows of these ids (int64 [batch, length]) of a matrix: float32 [batch, length, columns]."""
    return graph.add("Gather", graph.tensor(WORD_EMBEDDINGS, matrix), ids)


def int8_rows(graph: Graph, matrix: np.ndarray, ids: str) -> str:
    """As `float_rows`, from int8 with one scale for each row."""
    rows = quantize_rows(matrix)
    values = _gather(graph, WORD_EMBEDDINGS, rows.values, ids)
    return graph.add("Mul", values, _gather(graph, SCALES, rows.scales, ids))


def int4_rows(graph: Graph, matrix: np.ndarray, ids: str) -> str:
    """As `float_rows`, from 4 bits with one scale for each block."""
    columns = matrix.shape[1]
    blocks = quantize_blocks(matrix)
    both = _gather(graph, WORD_EMBEDDINGS, blocks.values, ids)
    high = graph.add("Floor", graph.add("Mul", both, graph.number(1 / 16)))
    low = graph.add("Sub", both, graph.add("Mul", high, graph.number(16)))
    integers = graph.add("Sub", graph.add("Concat", low, high, axis=-1), graph.number(8))
    in_blocks = graph.add("Reshape", integers, graph.integers(0, 0, columns // BLOCK, BLOCK))
    scaled = graph.add("Mul", in_blocks, _gather(graph, SCALES, blocks.scales, ids))
    return graph.add("Reshape", scaled, graph.integers(0, 0, columns))


LOOKUPS: Mapping[str, Lookup] = {"float32": float_rows, "int8": int8_rows, "int4": int4_rows}


def _gather(graph: Graph, name: str, values: np.ndarray, ids: str) -> str:
    """Add rows of a tensor, as float32."""
    from onnx import TensorProto

    rows = graph.add("Gather", graph.tensor(name, values), ids)
    return rows if values.dtype == np.float32 else graph.add("Cast", rows, to=TensorProto.FLOAT)
