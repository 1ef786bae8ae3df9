"""A graph of ONNX operators, put together one operation at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import NodeProto


class Graph:
    """Operations and the constants that they take; what flows between them is known by its name.

    Attributes:
        nodes: the operations, in order.
        constants: name → values.

    Example:
        >>> graph = Graph()
        >>> graph.add("Add", "input", graph.constant(np.float32(1)))
        'Add_0'
    """

    def __init__(self) -> None:
        """Begin an empty graph."""
        self.nodes: list[NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}
        self._names: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Add an operation with one output.

        Args:
            operator: its name in ONNX.
            inputs: the names of what it takes.
            output: what its output is called; None for a name made up.
            attributes: the operator's.

        Returns:
            The output's name.
        """
        return self._add(operator, inputs, [output or f"{operator}_{len(self.nodes)}"], attributes)[0]

    def split(self, inputs: str, parts: int, axis: int) -> list[str]:
        """Split along an axis into equal parts; their names."""
        names = [f"Split_{len(self.nodes)}_{part}" for part in range(parts)]
        return self._add("Split", (inputs,), names, {"axis": axis})

    def constant(self, values: np.ndarray | np.generic) -> str:
        """The name of a small constant; equal ones are the same."""
        array = np.ascontiguousarray(values).reshape(np.shape(values))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._names:
            self._names[key] = self.tensor(f"constant_{len(self._names)}", array)
        return self._names[key]

    def integers(self, *values: int) -> str:
        """A constant of int64 [values], as operators take axes and shapes."""
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        """A constant of float32, a scalar."""
        return self.constant(np.float32(value))

    def tensor(self, name: str, values: np.ndarray) -> str:
        """Add a constant under a name of its own, and return that."""
        self.constants[name] = values
        return name

    def _add(
        self, operator: str, inputs: tuple[str, ...], outputs: list[str], attributes: dict[str, Any]
    ) -> list[str]:
        from onnx import helper

        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), outputs, name=name, **attributes))
        return outputs
