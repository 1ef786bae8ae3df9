"""The original's model card: its public name, its licence, its id on the Hugging Face hub, its base model."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from smaller_labse.common.json_files import read_limited
from smaller_labse.originals.huggingface import HuggingFaceFolder, is_hub_id
from smaller_labse.originals.lineage import Lineage, read_lineage
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, MODEL_CARD
from smaller_labse.originals.tfhub import TFHubFolders, is_handle

OUR_TAG = "smaller-labse"  # of the cards that make-smaller writes
# https://huggingface.co/docs/hub/model-cards: what "other" is stands in the next two.
LARGEST_CARD = 1 << 24  # bytes
LICENSE_KEYS = ("license", "license_name", "license_link")
NO_LICENSE = (None, "", "unknown")
# Where huggingface_hub keeps what it fetched.
CACHED = re.compile(r"models--([^/]+?)--([^/]+)/snapshots/[^/]+$")


@dataclass(frozen=True)
class OriginalCard:
    """What a model that is trimmed from an original says of it.

    Attributes:
        name: its hub id or TF Hub handle, or its folder's own name; no path.
        license: its card's entries for the licence, e.g. {"license": "mit"}; empty where it states none.
        hub_id: its own id on the Hugging Face hub; None where nobody knows.
        base_model: the hub id of the one model that its card names as what it was made from, else None.
        lineage: what it was trimmed from itself, where it is a smaller model of ours.
    """

    name: str
    license: Mapping[str, Any] = field(default_factory=dict)
    hub_id: str | None = None
    base_model: str | None = None
    lineage: Lineage = field(default_factory=Lineage)


def read_original_card(place: HuggingFaceFolder | TFHubFolders) -> OriginalCard:
    """Read the card that lies with an original; one that is missing or not readable states nothing.

    Raises:
        SmallerLabseError: what should say its lineage is not readable.
    """
    folder = _folder_of_card(place)
    front_matter = _front_matter(folder / MODEL_CARD) if folder else {}
    own_id = _own_hub_id(place)
    return OriginalCard(
        name=own_id or _name(place.name),
        license=_license(front_matter),
        hub_id=own_id,
        base_model=_base_model(front_matter),
        lineage=read_lineage(place.folder if isinstance(place, HuggingFaceFolder) else place.encoder),
    )


def read_license(folder: Path) -> Mapping[str, Any]:
    """The entries for the licence of the card in a folder; empty where it states none, or there is none."""
    return _license(_front_matter(folder / MODEL_CARD))


def _license(front_matter: Mapping[str, Any]) -> Mapping[str, Any]:
    stated = {key: front_matter[key] for key in LICENSE_KEYS if _is_text(front_matter.get(key))}
    return {} if stated.get("license") in NO_LICENSE else stated


def _folder_of_card(place: HuggingFaceFolder | TFHubFolders) -> Path | None:
    if isinstance(place, HuggingFaceFolder):
        return place.folder
    # What a handle stands for lies in a cache, beside others.
    return place.encoder.parent if place.encoder.name == ENCODER else None


def _own_hub_id(place: HuggingFaceFolder | TFHubFolders) -> str | None:
    if isinstance(place, TFHubFolders):
        return None
    cached = CACHED.search(place.folder.absolute().as_posix())
    return place.hub_id or ("/".join(cached.groups()) if cached else None)


def _is_text(value: object) -> bool:
    """Whether it is a text, or several; YAML has much else, of which a few lines can stand for gigabytes."""
    texts = value if isinstance(value, list) else [value]
    return bool(texts) and all(isinstance(text, str) and text for text in texts)


def _base_model(front_matter: Mapping[str, Any]) -> str | None:
    """The entry as the hub reads it: a hub id or a list of such; a mixture of several models is none."""
    base = front_matter.get("base_model")
    base = base[0] if isinstance(base, list) and len(base) == 1 else base
    return base if isinstance(base, str) and is_hub_id(base) else None


def _name(model: str) -> str:
    if is_handle(model):
        return model
    path = Path(model)
    path = path if path.name not in ("", "..") else path.resolve()
    return path.absolute().parent.name if path.name in (ENCODER, HUGGINGFACE) else path.name


def _front_matter(file: Path) -> dict[str, Any]:
    from huggingface_hub import metadata_load

    try:
        read_limited(file, LARGEST_CARD, "a model card")
        return metadata_load(file) or {}
    except Exception:  # YAML's errors, ValueError, OSError
        return {}
