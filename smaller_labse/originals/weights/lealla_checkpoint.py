"""The variables of LEALLA on TF Hub by their names, read one at a time; the graph is never loaded.

It is a TensorFlow 1 SavedModel, without a graph of objects: the checkpoint's keys are the variables' names.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.checkpoint import UNREADABLE, unreadable
from smaller_labse.originals.weights.stored_tensor import StoredTensor
from smaller_labse.originals.weights.tensor_bundle import read_tensor_bundle

PREFIX = "student_bert/"
WORD_EMBEDDINGS = PREFIX + "embeddings/word_embeddings"
POSITION_EMBEDDINGS = PREFIX + "embeddings/position_embeddings"
UNUSED = PREFIX + "embeddings/token_type_embeddings_real"  # in the checkpoint, and not in the graph


class LEALLACheckpoint:
    """Reads LEALLA's variables.

    Attributes:
        folder: the SavedModel folder.
        shapes: the name of every variable that the graph uses → its shape.
        splits_by_script: as `Checkpoint.splits_by_script`.
        lower_case: as `Checkpoint.lower_case`.
        mended: as `Checkpoint.mended`.
    """

    splits_by_script = True
    lower_case = False
    mended = False

    def __init__(self, folder: Path) -> None:
        """Read the names and shapes, but no values.

        Raises:
            SmallerLabseError: the folder holds no readable checkpoint, or that of another model.
        """
        self.folder = folder
        prefix = folder / "variables" / "variables"
        try:
            self._bundle = read_tensor_bundle(prefix)
            self.shapes = {
                key: self._bundle.shape(key)
                for key in self._bundle.entries
                if key.startswith(PREFIX) and key != UNUSED
            }
        except UNREADABLE as error:
            raise unreadable(prefix.parent, 1, error) from error
        if len(self.shapes.get(WORD_EMBEDDINGS, ())) != 2:
            raise SmallerLabseError(
                f"{folder}: a TensorFlow 1 model without LEALLA's embedding matrix {WORD_EMBEDDINGS!r}; of "
                "such models, only LEALLA is read"
            )

    @property
    def embedding_matrix_shape(self) -> tuple[int, int]:
        """The vocabulary size and the width of the embeddings."""
        rows, width = self.shapes[WORD_EMBEDDINGS]
        return rows, width

    @property
    def positions(self) -> int | None:
        """Rows of the position embeddings; None where there are none."""
        shape = self.shapes.get(POSITION_EMBEDDINGS)
        return shape[0] if shape else None

    @property
    def parameters(self) -> int:
        """Parameters of all variables that the graph uses."""
        return sum(math.prod(shape) for shape in self.shapes.values())

    def read(self, name: str) -> np.ndarray:
        """One variable's values.

        Raises:
            SmallerLabseError: there is no such variable, or its values cannot be read.
        """
        return self.find(name).read()

    def find(self, name: str) -> StoredTensor:
        """Where a variable lies.

        Raises:
            SmallerLabseError: there is no such variable.
        """
        if name not in self.shapes:
            raise SmallerLabseError(f"{self.folder}: no variable {name!r} in the checkpoint")
        return self._bundle.find(name)
