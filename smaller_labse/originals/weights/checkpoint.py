"""The tensors of a SavedModel, one at a time, by the names in its object graph; the graph is never loaded."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.protobuf_fields import fields_of, number_of, text_of
from smaller_labse.originals.weights.stored_tensor import StoredTensor
from smaller_labse.originals.weights.tensor_bundle import read_tensor_bundle

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
# Numbers of fields in TensorFlow's core/protobuf/trackable_object_graph.proto.
GRAPH_NODES, NODE_CHILDREN, NODE_ATTRIBUTES = 1, 1, 2
CHILD_NODE, CHILD_NAME = 1, 2
ATTRIBUTE_NAME, ATTRIBUTE_KEY = 2, 3
WORD_EMBEDDINGS = "word_embeddings/embeddings"  # the table's name in LaBSE on TF Hub


class Checkpoint:
    """Reads a SavedModel's variables.

    Attributes:
        folder: the SavedModel folder.
        bundle: its tensors, by the checkpoint's keys.
        shapes: every variable's name → its shape.
    """

    def __init__(self, folder: Path) -> None:
        """Read the names and shapes, but no values.

        Raises:
            SmallerLabseError: the folder holds no TensorFlow 2 checkpoint.
        """
        self.folder = folder
        prefix = folder / "variables" / "variables"
        try:
            self.bundle = read_tensor_bundle(prefix)
            nodes = fields_of(self.bundle.read_text(OBJECT_GRAPH), GRAPH_NODES)
            attributes = [fields_of(node, NODE_ATTRIBUTES) for node in nodes]
            self._keys = {
                text_of(attribute, ATTRIBUTE_NAME) or text_of(attribute, ATTRIBUTE_KEY): key
                for of_node in attributes
                for attribute in of_node
                if (key := text_of(attribute, ATTRIBUTE_KEY)) in self.bundle.entries
            }
            self.shapes = {name: self.bundle.shape(key) for name, key in self._keys.items()}
            children = fields_of(nodes[0], NODE_CHILDREN)
            self._root_keys = {
                text_of(child, CHILD_NAME): text_of(
                    attributes[number_of(child, CHILD_NODE)][0], ATTRIBUTE_KEY
                )
                for child in children
                if attributes[number_of(child, CHILD_NODE)]
            }
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise SmallerLabseError(
                f"{prefix.parent}: no readable TensorFlow 2 checkpoint ({_reason(error)}); "
                "is the SavedModel complete?"
            ) from error

    @property
    def embedding_matrix_shape(self) -> tuple[int, int]:
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
        return self.find(name).read()

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
        return self.bundle.find(self.key(name))

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
        return None if key is None else self.bundle.find(key).read()


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
