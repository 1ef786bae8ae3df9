"""The variables of a SavedModel by their names, read one at a time; the graph is never loaded."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.checkpoint_messages import TrackableObjectGraph, parse
from smaller_labse.originals.weights.stored_tensor import StoredTensor
from smaller_labse.originals.weights.tensor_bundle import read_tensor_bundle

OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
WORD_EMBEDDINGS = "word_embeddings/embeddings"  # the embedding matrix in LaBSE on TF Hub
POSITION_EMBEDDINGS = "position_embedding/embeddings"
UNREADABLE = (OSError, ValueError, LookupError, TypeError)  # what reading a damaged checkpoint raises


class Checkpoint:
    """Reads a SavedModel's variables.

    Attributes:
        folder: the SavedModel folder.
        bundle: its tensors, by the checkpoint's keys.
        shapes: every variable's name → its shape.

    Example:
        checkpoint = Checkpoint(Path("labse/encoder"))
        vocab_size, width = checkpoint.embedding_matrix_shape
        bias = checkpoint.read("pooler_transform/bias")  # float32 [768]
        rows = checkpoint.read_rows("word_embeddings/embeddings", np.array([101, 102]))  # float32 [2, 768]
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
            nodes = parse(TrackableObjectGraph, self.bundle.read_text(OBJECT_GRAPH)).nodes
            self._keys = {
                attribute.full_name or attribute.checkpoint_key: attribute.checkpoint_key
                for node in nodes
                for attribute in node.attributes
                if attribute.checkpoint_key in self.bundle.entries
            }
            self.shapes = {name: self.bundle.shape(key) for name, key in self._keys.items()}
            self._root_keys = {
                child.local_name: _node(nodes, child.node_id).attributes[0].checkpoint_key
                for child in nodes[0].children
                if _node(nodes, child.node_id).attributes
            }
        except UNREADABLE as error:
            raise unreadable(prefix.parent, 2, error) from error

    @property
    def embedding_matrix_shape(self) -> tuple[int, int]:
        """The vocabulary size and the width of the embeddings.

        Raises:
            SmallerLabseError: there is no embedding matrix.
        """
        shape = self.shapes.get(WORD_EMBEDDINGS, ())
        if len(shape) != 2:
            raise SmallerLabseError(
                f"{self.folder}: no embedding matrix {WORD_EMBEDDINGS!r} in the checkpoint; "
                "expected an encoder in LaBSE's TF Hub format"
            )
        return shape

    @property
    def positions(self) -> int | None:
        """Rows of the position embeddings; None where there are none."""
        shape = self.shapes.get(POSITION_EMBEDDINGS)
        return shape[0] if shape else None

    @property
    def lower_case(self) -> bool:
        """Whether text is lower-cased before it is tokenized."""
        return bool(self.read_attribute("do_lower_case"))

    @property
    def splits_by_script(self) -> bool:
        """Whether text is tokenized as LEALLA's, and not as LaBSE's."""
        return bool(self.read_attribute("splits_by_script"))

    @property
    def mended(self) -> bool:
        """Whether text is read by the mended preprocessor, and not by LaBSE's."""
        return bool(self.read_attribute("mended"))

    @property
    def parameters(self) -> int:
        """Parameters of all variables; scalars, which are settings and counters, left out."""
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
            rows: their indices, int [n].

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


def _node(nodes: Sequence[Any], node_id: int) -> Any:
    if not 0 <= node_id < len(nodes):
        raise IndexError(f"there is no node {node_id} in the object graph")
    return nodes[node_id]


def unreadable(folder: Path, version: int, error: Exception) -> SmallerLabseError:
    """What is said of a checkpoint of this version of TensorFlow that cannot be read."""
    reason = getattr(error, "strerror", None) or str(error)
    return SmallerLabseError(
        f"{folder}: no readable TensorFlow {version} checkpoint ({reason}); is the SavedModel complete?"
    )
