"""Which tensors of a model have one row a piece: its embeddings, output layers and their biases.

A small model may have another measure of the same number as the vocabulary's rows, so that a shape alone
decides only where that is ruled out. Names decide first; what stays open is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights.safetensors_file import Tensor
from smaller_labse.originals.weights.safetensors_folder import SafetensorsFolder

# The names are those in transformers' models. A table of embeddings has one row a piece, always; an output
# layer of such a name has unless its first dimension says otherwise; the other tables never have.
EMBEDDINGS = re.compile(
    r"(^|\.)(word_embeddings?|embed_tokens\w*|tok_embeddings|token_embeddings?|shared|wte|embed_in)\.weight$"
)
OUTPUTS = re.compile(
    r"(^|\.)(lm_head|decoder|predictions|vocab_projector|generator_lm_head|embed_out|output_projection"
    r"|proj_out|lm_loss)\.(weight|bias)$"
)
OTHER_TABLES = re.compile(r"position|token_type")
LAYER = re.compile(r"\.\d+\.")
POSITIONS = re.compile(r"position_embeddings?\.weight$")

# What in a config is no measure of the architecture.
NO_MEASURE = re.compile(r"vocab_size|token_(ids?|index)$")


@dataclass(frozen=True)
class VocabularyTensors:
    """The tensors with one row a piece.

    Attributes:
        rows: how many rows each of them has.
        width: of the embeddings that pieces go in by.
        names: their names, in the order of the weights.
        learned_positions: whether the model has a table of positions.
    """

    rows: int
    width: int
    names: tuple[str, ...]
    learned_positions: bool


def find_vocabulary_tensors(weights: SafetensorsFolder, config: Mapping[str, Any]) -> VocabularyTensors:
    """Decide for each tensor whether it has one row a piece.

    Args:
        weights: the model's.
        config: its `config.json`.

    Raises:
        SmallerLabseError: there is no table of embeddings, there are several of different sizes, or it is
            not certain of a tensor.
    """
    tables = [tensor for name, tensor in weights.tensors.items() if EMBEDDINGS.search(name)]
    if not tables:
        raise SmallerLabseError(
            f"{weights.folder}: no table of embeddings under a name known to be one (word_embeddings, "
            "embed_tokens, tok_embeddings, shared, wte, …), so this architecture cannot be cut"
        )
    first = tables[0]
    for table in tables:
        if len(table.shape) != 2 or table.shape[0] != first.shape[0]:
            raise SmallerLabseError(
                f"{table.file}: the table of embeddings {table.name} has the shape {list(table.shape)}, but "
                f"{first.name} has {list(first.shape)}; expected one row a piece in both"
            )
    rows, widths = first.shape[0], {table.shape[1] for table in tables}
    unmistakable = rows not in _measures(config)
    names = tuple(
        name for name, tensor in weights.tensors.items() if _has_rows(tensor, rows, widths, unmistakable)
    )
    learned_positions = any(POSITIONS.search(name) for name in weights.tensors)
    return VocabularyTensors(rows, first.shape[1], names, learned_positions)


def _has_rows(tensor: Tensor, rows: int, widths: set[int], unmistakable: bool) -> bool:
    """Whether a tensor has one row a piece."""
    if EMBEDDINGS.search(tensor.name) or (OUTPUTS.search(tensor.name) and tensor.shape[:1] == (rows,)):
        return True
    if rows not in tensor.shape or OTHER_TABLES.search(tensor.name):
        return False
    is_table = tensor.shape in {(rows, width) for width in widths}
    is_bias = tensor.shape == (rows,) and tensor.name.endswith("bias")
    # A layer's matrices have measures that no config names: heads x head size, 3 x width, …
    if unmistakable and (is_table or is_bias) and not LAYER.search(tensor.name):
        return True
    raise SmallerLabseError(
        f"{tensor.file}: the tensor {tensor.name} {list(tensor.shape)} has a dimension of {rows:,}, as many "
        "as the vocabulary has rows, and neither its name nor its shape tells for certain whether it has "
        "one row a piece, so this model cannot be cut"
    )


def _measures(config: Mapping[str, Any]) -> Iterator[int]:
    """Every whole number in a config but sizes of vocabularies and ids of pieces."""
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _measures(value)
        elif not NO_MEASURE.search(key):
            yield from (each for each in (value if isinstance(value, list) else [value]) if type(each) is int)
