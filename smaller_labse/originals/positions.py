"""The positions of a model: how long a text, in tokens, its weights allow, known before they are loaded."""

from __future__ import annotations

from smaller_labse.common.errors import UsageError
from smaller_labse.originals.huggingface import HuggingFaceFolder, read_config
from smaller_labse.originals.locate import Place


def require_positions(place: Place, length: int | None, option: str) -> None:
    """Refuse a length of texts that a model has no positions for.

    Some models, XLM-R's, use their first positions otherwise and have two fewer than is found here; what is
    too long by so little is refused when they are loaded.

    Args:
        place: the model.
        length: in tokens; None where the user gave none.
        option: what the user gave it by, e.g. "--max-length".

    Raises:
        UsageError: it has fewer positions. Of a model that does not say how many it has, nothing is refused.
    """
    positions = None if length is None else _find_positions(place)
    if length is not None and positions is not None and length > positions:
        raise UsageError(f"{option} {length}: {place.name} has {positions} positions")


def _find_positions(place: Place) -> int | None:
    if isinstance(place, HuggingFaceFolder):
        positions = read_config(place.folder).max_position_embeddings
        return positions if positions is not None and positions > 0 else None
    return place.open_checkpoint().positions
