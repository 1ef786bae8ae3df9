"""LEALLA's conversions on the Hugging Face hub, which are only near it: recognised by their config."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.json_files import read_object_if_there
from smaller_labse.originals.huggingface import CONFIG

LABSE_TOKENS = 501_153
LAYERS = 24
WIDTHS = (128, 192, 256)  # small, base, large
LEALLA_NAMES = dict(zip(("lealla-small", "lealla-base", "lealla-large"), WIDTHS, strict=True))  # and widths


@dataclass(frozen=True)
class _Sizes:
    model_type: str | None = None
    vocab_size: int | None = None
    hidden_size: int | None = None
    intermediate_size: int | None = None
    num_hidden_layers: int | None = None
    hidden_act: str | None = None


def is_lealla_conversion(folder: Path) -> bool:
    """Whether a Hugging Face folder has the shape of `setu4993/LEALLA-small`, `-base` or `-large`.

    No other BERT is so deep, so narrow, and has LaBSE's vocabulary. With the exact GELU, that is: ours has
    GELU by tanh, as LEALLA.
    """
    file = folder / CONFIG
    sizes = read_checked(_Sizes, read_object_if_there(file), file, more=True)
    return sizes.hidden_size in WIDTHS and sizes == _Sizes(
        model_type="bert",
        vocab_size=LABSE_TOKENS,
        hidden_size=sizes.hidden_size,
        intermediate_size=4 * sizes.hidden_size,
        num_hidden_layers=LAYERS,
        hidden_act="gelu",
    )


def conversion_warning(name: str) -> str:
    """What such a model is, in a line.

    Args:
        name: what the user called it.
    """
    return (
        f"{name} is a conversion of LEALLA that is only near it: its pooler is tanh, its GELU the exact one, "
        "its tokenizer BERT's, and its token_type_embeddings are rows that LEALLA does not use; it is "
        "trimmed as it stands. LEALLA itself is google/LEALLA/LEALLA-small/1, LEALLA-base/1 or LEALLA-large/1"
    )
