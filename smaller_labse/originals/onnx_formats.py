"""The formats of ONNX files: what they are called, and what is quantized in them.

The names of the files are those that transformers.js looks for (`src/utils/dtypes.js` there): nothing behind
"model" for its dtype "fp32", "_quantized" for "q8", "_q4" for "q4". Its other names for 4 bits say what ours
is not: "q4f16" computes in float16, "bnb4" is of the library bitsandbytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from smaller_labse.common.errors import UsageError

FOLDER = "onnx"  # in huggingface/
SUFFIX = ".onnx"
RUNTIMES = ("tensorflow", "onnx")  # what computes a model


@dataclass(frozen=True)
class OnnxFormat:
    """A format.

    Attributes:
        name: what users call it.
        file: the name of its file.
        layers: what the layers compute in, "float32" or "int8".
        matrix: what the embedding matrix is stored in, "float32", "int8" or "int4".
        what: the same, for documents.
    """

    name: str
    file: str
    layers: Literal["float32", "int8"]
    matrix: Literal["float32", "int8", "int4"]
    what: str

    @property
    def quantized(self) -> bool:
        """Whether its numbers are others than the model's."""
        return self.layers != "float32"


FORMATS = {
    each.name: each
    for each in (
        OnnxFormat("float32", "model.onnx", "float32", "float32", "the model's own numbers"),
        OnnxFormat(
            "int8",
            "model_quantized.onnx",
            "int8",
            "int8",
            "layers and embedding matrix in 8 bits: one scale for each token, output channel and row",
        ),
        OnnxFormat(
            "int4",
            "model_q4.onnx",
            "int8",
            "int4",
            "layers as in int8, the embedding matrix in 4 bits: one scale for 32 numbers",
        ),
    )
}


def parse_formats(names: str | Iterable[str]) -> tuple[OnnxFormat, ...]:
    """Read formats as a user writes them.

    Args:
        names: the formats' names; one string holds them separated by commas.

    Returns:
        The formats in the order of `FORMATS`, each once.

    Raises:
        UsageError: there is no format of a name, or there are no names.

    Example:
        >>> [each.file for each in parse_formats("int8,float32")]
        ['model.onnx', 'model_quantized.onnx']
    """
    given = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    for name in given:
        if name not in FORMATS:
            raise UsageError(f"--onnx: expected formats of {', '.join(FORMATS)}, got {name!r}")
    if not given:
        raise UsageError(f"--onnx: no formats, expected one or more of {', '.join(FORMATS)}")
    return tuple(each for name, each in FORMATS.items() if name in given)


def format_of(file_name: str) -> OnnxFormat | None:
    """The format of a file by its name; None where it is none of ours."""
    return next((each for each in FORMATS.values() if each.file == file_name), None)
