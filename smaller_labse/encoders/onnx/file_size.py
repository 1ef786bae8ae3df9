"""The size of an encoder's ONNX file, for any vocabulary size, before there are weights to write."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from smaller_labse.encoders.config import WORD_EMBEDDINGS, EncoderConfig
from smaller_labse.encoders.onnx.embedding_matrix import SCALES
from smaller_labse.encoders.onnx.encoder_graph import encoder_graph, graph_inputs, graph_outputs
from smaller_labse.encoders.onnx.model_file import model_bytes
from smaller_labse.encoders.onnx.smoothing import smoothed_layers
from smaller_labse.encoders.onnx.write_onnx import properties, require_formats
from smaller_labse.originals.onnx_formats import OnnxFormat

BY_TOKEN = (WORD_EMBEDDINGS, SCALES)  # the constants with a row for each token


class OnnxFileSize:
    """The size of an encoder's ONNX file, to the byte: it depends on shapes only.

    Example:
        >>> config = EncoderConfig(1, 384, 12, 12, 1536, 512, 1)
        >>> size = OnnxFileSize(config, FORMATS["int8"])  # doctest: +SKIP
        >>> size.of_matrix(100_000)  # doctest: +SKIP
        38800000
    """

    def __init__(self, config: EncoderConfig, written: OnnxFormat) -> None:
        """Put a graph together of zeros, with a vocabulary of one token.

        Args:
            config: the encoder's, of any vocabulary size.
            written: the format.

        Raises:
            SmallerLabseError: the format cannot hold the encoder.
        """
        require_formats(config.hidden_size, [written], "--format")
        self._config, self._written = replace(config, vocab_size=1), written
        shapes = self._config.tensor_shapes()
        layers = smoothed_layers(config) if written.layers == "int8" else ()
        factors = {name: np.ones(config.hidden_size, np.float32) for name in layers}
        zeros = partial(np.zeros, dtype=np.float32)
        self._graph = encoder_graph(self._config, lambda name: zeros(shapes[name]), written, factors)
        # Zeros that take no memory.
        self._graph.constants = {
            name: _repeated(values, len(values) if values.ndim else 1)
            for name, values in self._graph.constants.items()
        }

    def in_all(self, vocab_size: int) -> int:
        """Bytes of the file, and of its file of data, where it has one."""
        config = replace(self._config, vocab_size=vocab_size)
        constants = self._graph.constants
        by_token = {name: _repeated(constants[name], vocab_size) for name in BY_TOKEN if name in constants}
        self._graph.constants = constants | by_token
        ends = graph_inputs(), graph_outputs(config)
        size = model_bytes(self._written.file, self._graph, *ends, properties(config, self._written))
        self._graph.constants = constants
        return size

    def of_matrix(self, vocab_size: int) -> int:
        """Bytes of the embedding matrix in it."""
        constants = self._graph.constants
        return vocab_size * sum(constants[name].nbytes for name in BY_TOKEN if name in constants)


def _repeated(values: np.ndarray, rows: int) -> np.ndarray:
    """An array of so many rows that takes no more memory than one of them."""
    if not values.ndim:
        return values
    return np.broadcast_to(np.zeros((), values.dtype), (rows, *values.shape[1:]))
