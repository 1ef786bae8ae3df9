"""Write the ONNX files of a Hugging Face folder, from its weights: no PyTorch, no tracing."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.encoders.onnx.encoder_graph import (
    ReadTensor,
    encoder_graph,
    graph_inputs,
    graph_outputs,
)
from smaller_labse.encoders.onnx.model_file import write_model
from smaller_labse.encoders.onnx.quantize import BLOCK, fits_blocks
from smaller_labse.encoders.onnx.smoothing import smoothing_factors
from smaller_labse.originals.onnx_formats import OnnxFormat

INSTALL = "pip install 'smaller-labse[onnx]'"
LIBRARIES = ("onnx", "onnxruntime")


def require_onnx(option: str = "--onnx") -> None:
    """See that what writes and checks ONNX files is installed.

    Args:
        option: that asks for it, for the message.

    Raises:
        UsageError: it is not.
    """
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise UsageError(f"{option} needs {' and '.join(missing)}: {INSTALL}")


def write_onnx(
    folder: Path, config: EncoderConfig, read: ReadTensor, formats: Sequence[OnnxFormat]
) -> list[Path]:
    """Write an encoder as ONNX files.

    Args:
        folder: where to; it is made if need be. For files in int8 the layers lie there in float32, meanwhile.
        config: the encoder's, its pooling included.
        read: the float32 tensor of a name in `config.tensor_shapes()`.
        formats: which.

    Returns:
        The files, one for each format.

    Raises:
        SmallerLabseError: a format cannot hold the encoder.
    """
    require_formats(config.hidden_size, formats)
    folder.mkdir(parents=True, exist_ok=True)
    in_int8 = any(each.layers == "int8" for each in formats)
    factors = smoothing_factors(config, read, folder) if in_int8 else {}
    ends = graph_inputs(), graph_outputs(config)
    files = []
    for each in formats:
        file = folder / each.file
        graph = encoder_graph(config, read, each, factors if each.layers == "int8" else {})
        write_model(file, graph, *ends, properties(config, each))
        files.append(file)
    return files


def properties(config: EncoderConfig, written: OnnxFormat) -> dict[str, str]:
    """What is noted in an encoder's file."""
    return {
        "format": written.name,
        "vocab_size": str(config.vocab_size),
        "hidden_size": str(config.hidden_size),
        "positions": str(config.max_length),
        "parameters": str(config.parameters),
    }


def require_formats(hidden_size: int, formats: Sequence[OnnxFormat], option: str = "--onnx") -> None:
    """See that formats can hold an encoder of a hidden size.

    Args:
        hidden_size: the encoder's.
        formats: which.
        option: that asks for them, for the message.

    Raises:
        SmallerLabseError: one cannot.
    """
    for each in formats:
        if each.matrix == "int4" and not fits_blocks(hidden_size):
            raise SmallerLabseError(
                f"{option} {each.name}: the hidden size is {hidden_size}, expected a multiple of "
                f"{BLOCK}; choose int8"
            )
