"""The weights of a Hugging Face folder: one safetensors file, or shards that an index lists."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object, write_json
from smaller_labse.originals.weights.safetensors_file import SafetensorsFile, Tensor, read_safetensors
from smaller_labse.originals.weights.safetensors_writer import NewTensor

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLED = "pytorch_model*.bin"
LONGEST_NAME = 255  # bytes, of a file


@dataclass(frozen=True)
class SafetensorsFolder:
    """The weights of a folder, of which only the headers have been read.

    Attributes:
        folder: the folder.
        files: its safetensors files that hold the model, in the order of their names.
        tensors: name → tensor, of all files.
        sharded: whether an index lists the files.
    """

    folder: Path
    files: tuple[SafetensorsFile, ...]
    tensors: Mapping[str, Tensor]
    sharded: bool

    @property
    def parameters(self) -> int:
        """How many values all tensors hold."""
        return sum(math.prod(tensor.shape) for tensor in self.tensors.values())

    def find(self, name: str) -> Tensor:
        """A tensor by its name.

        Raises:
            SmallerLabseError: there is none of this name.
        """
        if name not in self.tensors:
            raise SmallerLabseError(f"{self.folder}: no tensor {name!r} in its weights")
        return self.tensors[name]

    def read(self, name: str, as_float32: bool = False) -> np.ndarray:
        """All values of a tensor; see `Tensor.read`."""
        return self.find(name).read(as_float32)

    def read_rows(self, name: str, rows: np.ndarray, as_float32: bool = False) -> np.ndarray:
        """Some rows of a tensor; see `Tensor.read_rows`."""
        return self.find(name).read_rows(rows, as_float32)


def open_safetensors(folder: Path) -> SafetensorsFolder:
    """Read the headers of a folder's weights: `model.safetensors`, or else the shards of its index.

    Raises:
        SmallerLabseError: there are no such weights, only pickled ones, a shard is missing or damaged, or
            index and shards contradict each other.

    Example:
        weights = open_safetensors(Path("multilingual-e5-small"))
        bias = weights.read("pooler.dense.bias", as_float32=True)  # float32 [384]
    """
    if (folder / WEIGHTS).is_file():  # transformers looks for it first, too
        file = read_safetensors(folder / WEIGHTS)
        return SafetensorsFolder(folder, (file,), file.tensors, sharded=False)
    if (folder / INDEX).is_file():
        return _open_shards(folder)
    if not folder.is_dir():
        raise SmallerLabseError(f"{folder}: no such folder; give a Hugging Face folder")
    pickled = sorted(file.name for file in folder.glob(PICKLED))
    if pickled:
        raise SmallerLabseError(
            f"{folder}: only pickled weights ({pickled[0]}), which can run anything when they are read; "
            'convert them with transformers: AutoModel.from_pretrained("FOLDER").save_pretrained('
            '"NEW FOLDER", safe_serialization=True), and copy the other files beside them'
        )
    raise SmallerLabseError(f"{folder}: neither {WEIGHTS} nor {INDEX} in it; is the folder complete?")


def write_index(original: SafetensorsFolder, tensors: Sequence[NewTensor], folder: Path) -> None:
    """Write the index of a trimmed model's shards, each tensor in the file in which the original has it.

    Args:
        original: the original's weights.
        tensors: all tensors of the new shards.
        folder: where the new shards are.
    """
    index = read_object(original.folder / INDEX)
    metadata = index.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    metadata["total_size"] = sum(tensor.size for tensor in tensors)
    if "total_parameters" in metadata:
        metadata["total_parameters"] = sum(math.prod(tensor.shape) for tensor in tensors)
    write_json(folder / INDEX, index | {"metadata": metadata})


def _open_shards(folder: Path) -> SafetensorsFolder:
    index = folder / INDEX
    weight_map = read_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise SmallerLabseError(f"{index}: no weight_map in it; get it again")
    for name, file in weight_map.items():
        if not _is_shard_name(file):
            raise SmallerLabseError(
                f"{index}: the tensor {name} is said to lie in {file!r}, expected the name of a "
                ".safetensors file in the same folder"
            )
    files = []
    for name in sorted(set(weight_map.values())):
        if not (folder / name).is_file():
            raise SmallerLabseError(f"{folder / name}: missing, though {INDEX} lists it; get it again")
        files.append(read_safetensors(folder / name))
    found = {name: file.file.name for file in files for name in file.tensors}
    for name, file in weight_map.items():
        if found.get(name) != file:
            raise SmallerLabseError(f"{index}: the tensor {name} is said to lie in {file}, which has none")
    for file in files:
        for name in file.tensors:
            if weight_map.get(name) != file.file.name:
                raise SmallerLabseError(
                    f"{file.file}: the tensor {name} is not where {INDEX} says; save the model again"
                )
    tensors = {name: tensor for file in files for name, tensor in file.tensors.items()}
    return SafetensorsFolder(folder, tuple(files), tensors, sharded=True)


def _is_shard_name(file: object) -> bool:
    """Whether it is a plain file name: no folder, no way up, nothing absolute."""
    return (
        isinstance(file, str)
        and file.endswith(".safetensors")
        and not set(file) & set("/\\\0")
        and len(file.encode()) <= LONGEST_NAME
    )
