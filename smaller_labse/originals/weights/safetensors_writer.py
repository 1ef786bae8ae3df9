"""Writing a safetensors file, a chunk of a tensor at a time; for the format see `safetensors_file`.

By hand, because the `safetensors` package writes tensors from memory only, as a whole.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.safetensors_file import METADATA, item_bytes


@dataclass(frozen=True)
class NewTensor:
    """A tensor to be written.

    Attributes:
        name: its name.
        dtype: as the format calls it.
        shape: its shape.
        size: how many bytes it has.
        chunks: returns its bytes, a few at a time; called once, when their turn has come.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size: int
    chunks: Callable[[], Iterable[bytes | memoryview]]


def write_safetensors(file: Path, tensors: Sequence[NewTensor], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, a chunk of a tensor at a time.

    Args:
        file: where to write.
        tensors: what to write, in this order, but those of larger values first, so that each begins at a
            multiple of its values' size, which torch asks for.
        metadata: texts by name; none for a file without.

    Raises:
        SmallerLabseError: a tensor's chunks are not of its size.
    """
    tensors = _in_order(tensors)
    encoded = _header(tensors, metadata)
    with file.open("wb") as output:
        output.write(struct.pack("<Q", len(encoded)) + encoded)
        for tensor in tensors:
            written = sum(output.write(chunk) for chunk in tensor.chunks())
            if written != tensor.size:
                raise SmallerLabseError(
                    f"the tensor {tensor.name} gave {written:,} bytes, expected {tensor.size:,}; "
                    "did the original change while it was read?"
                )


def safetensors_bytes(tensors: Sequence[NewTensor], metadata: Mapping[str, str]) -> int:
    """How many bytes `write_safetensors` would write; no chunk is asked for."""
    header = _header(_in_order(tensors), metadata)
    return 8 + len(header) + sum(tensor.size for tensor in tensors)


def _in_order(tensors: Sequence[NewTensor]) -> list[NewTensor]:
    return sorted(tensors, key=lambda tensor: -item_bytes(tensor.dtype))


def _header(tensors: Sequence[NewTensor], metadata: Mapping[str, str]) -> bytes:
    header: dict[str, object] = {METADATA: dict(metadata)} if metadata else {}
    start = 0
    for tensor in tensors:
        end = start + tensor.size
        header[tensor.name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": [start, end]}
        start = end
    encoded = json.dumps(header, separators=(",", ":")).encode("utf-8")
    return encoded + b" " * (-len(encoded) % 8)
