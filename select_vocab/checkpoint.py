"""The tensors of a SavedModel, one at a time, by the names in its object graph; the graph is never loaded."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np

from smaller_labse.select_vocab.errors import SmallerLabseError
from smaller_labse.select_vocab.tensor_bundle import StoredTensor, find_tensor

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
WORD_EMBEDDINGS = "word_embeddings/embeddings"  # the table's name in LaBSE on TF Hub


class Checkpoint:
    """Reads a SavedModel's variables.

    Attributes:
        folder: the SavedModel folder.
        shapes: every variable's name → its shape.
    """

    def __init__(self, folder: Path) -> None:
        """Read the names and shapes, but no values.

        Raises:
            SmallerLabseError: the folder holds no TensorFlow 2 checkpoint.
        """
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        import tensorflow as tf
        from google.protobuf.message import DecodeError
        from tensorflow.core.protobuf import trackable_object_graph_pb2

        self.folder = folder
        self._prefix = folder / "variables" / "variables"
        try:
            self._reader = tf.train.load_checkpoint(str(self._prefix))
            keys = self._reader.get_variable_to_shape_map()
            graph = trackable_object_graph_pb2.TrackableObjectGraph()
            graph.ParseFromString(self._reader.get_tensor(OBJECT_GRAPH))
        except (ValueError, RuntimeError, IndexError, DecodeError, tf.errors.OpError) as error:
            raise SmallerLabseError(
                f"{self._prefix.parent}: no readable TensorFlow 2 checkpoint ({_first_line(error)}); "
                "is the SavedModel complete?"
            ) from error
        attributes = (attribute for node in graph.nodes for attribute in node.attributes)
        self._keys = {
            attribute.full_name or attribute.checkpoint_key: attribute.checkpoint_key
            for attribute in attributes
            if attribute.checkpoint_key in keys
        }
        self.shapes = {name: tuple(keys[key]) for name, key in self._keys.items()}
        self._root_keys = {
            child.local_name: graph.nodes[child.node_id].attributes[0].checkpoint_key
            for child in graph.nodes[0].children
            if graph.nodes[child.node_id].attributes
        }

    @property
    def table_shape(self) -> tuple[int, int]:
        """Rows and width of the table of word embeddings.

        Raises:
            SmallerLabseError: there is no such table.
        """
        shape = self.shapes.get(WORD_EMBEDDINGS, ())
        if len(shape) != 2:
            raise SmallerLabseError(
                f"{self.folder}: no table {WORD_EMBEDDINGS!r} in the checkpoint; "
                "expected an encoder in LaBSE's TF Hub format"
            )
        return shape

    @property
    def parameters(self) -> int:
        """Parameters of all variables; single numbers, which are settings and counters, left out."""
        return sum(math.prod(shape) for shape in self.shapes.values() if shape)

    def read(self, name: str) -> np.ndarray:
        """One variable's values.

        Raises:
            SmallerLabseError: there is no such variable, or its values cannot be read.
        """
        return self.read_key(self.key(name))

    def read_rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Some rows of a variable, without holding the others.

        Args:
            name: the variable's name.
            rows: their numbers, int [n].

        Returns:
            An array [n, …].
        """
        return self.find(name).read_rows(rows)

    def find(self, name: str) -> StoredTensor:
        """Where a variable lies."""
        return find_tensor(self._prefix, self.key(name))

    def key(self, name: str) -> str:
        """The key under which the checkpoint holds a variable.

        Raises:
            SmallerLabseError: there is no such variable.
        """
        if name not in self._keys:
            raise SmallerLabseError(f"{self.folder}: no variable {name!r} in the checkpoint")
        return self._keys[name]

    def read_attribute(self, name: str) -> np.ndarray | None:
        """The value of a variable that hangs on the model itself under `name`; None where there is none."""
        key = self._root_keys.get(name)
        return None if key is None else self.read_key(key)

    @property
    def keys(self) -> list[str]:
        """All of the checkpoint's keys, those of its own bookkeeping too."""
        return sorted(self._reader.get_variable_to_shape_map())

    def read_key(self, key: str) -> np.ndarray:
        """The values under a key of the checkpoint."""
        import tensorflow as tf

        try:
            return self._reader.get_tensor(key)
        except (ValueError, RuntimeError, IndexError, tf.errors.OpError) as error:
            raise SmallerLabseError(
                f"{self.folder}: the tensor {key} cannot be read ({_first_line(error)}); "
                "is the checkpoint complete?"
            ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
