"""A model's lineage: what it was trimmed from, and what its numbers were rounded to.

A smaller model says it in its manifest, and again in `huggingface/config.json` under a key of ours, so that
it is still known where that folder is published alone. transformers keeps keys that it does not know, also
when a model is saved anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object, read_object_if_there, write_json
from smaller_labse.common.visible_text import visible
from smaller_labse.originals.huggingface import CONFIG, HUB_ID
from smaller_labse.originals.model_folder import HUGGINGFACE, MANIFEST, manifest_around
from smaller_labse.originals.preprocessors import FAITHFUL, PREPROCESSORS

KEY = "smaller_labse"  # in config.json
LONGEST_NAME = 300


@dataclass(frozen=True)
class Ancestor:
    """A model that another was trimmed from.

    Attributes:
        name: its hub id or TF Hub handle, or its folder's own name; no path.
        hub_id: its id on the Hugging Face hub; None where nobody knows.
        vocab_size: rows of its embedding matrix, one per token.
        parameters: of all its tensors.
    """

    name: str
    hub_id: str | None
    vocab_size: int
    parameters: int


@dataclass(frozen=True)
class Lineage:
    """Where a model comes from; all is empty for one that is no smaller model of ours.

    Attributes:
        trimmed_from: its original, then what that was trimmed from itself, and so on.
        rounded_to: what its numbers were rounded to, "float16", by it or an ancestor; else None.
        renamed: token → the original's token whose embedding it has, where that is another, as of lists that
            were stripped (`select-vocab --strip`).
        distilled_from: the teacher's name, where it or an ancestor was distilled, so that its vectors are no
            longer those of what it was trimmed from; else None.
        preprocessor: what reads its text, see `PREPROCESSORS`.
    """

    trimmed_from: tuple[Ancestor, ...] = ()
    rounded_to: str | None = None
    renamed: Mapping[str, str] = field(default_factory=dict)
    distilled_from: str | None = None
    preprocessor: str = FAITHFUL

    def original_pieces(self, pieces: Sequence[str]) -> tuple[str, ...]:
        """What the original calls the tokens whose embeddings this model's tokens have."""
        return tuple(self.renamed.get(piece, piece) for piece in pieces)

    @property
    def hub_id(self) -> str | None:
        """The nearest ancestor's that has one."""
        return next((one.hub_id for one in self.trimmed_from if one.hub_id), None)


def read_lineage(folder: str | os.PathLike[str]) -> Lineage:
    """Read it from a model folder of ours, or from its `encoder/` or `huggingface/` wherever that lies.

    Raises:
        SmallerLabseError: what should say it is not readable.
    """
    path = Path(folder)
    for file in (path / CONFIG, path / HUGGINGFACE / CONFIG):
        record = read_object_if_there(file).get(KEY)
        if record is not None:
            return _checked({KEY: record}, file)
    manifest = manifest_around(path)
    origins = manifest.get("trimmed_from")
    if origins is None and (original := manifest.get("original")):  # made before manifests had that field
        origins = [
            {
                "name": original.get("name"),
                "hub_id": original.get("hub_id"),
                "vocab_size": original.get("rows"),
                "parameters": original.get("parameters"),
            }
        ]
    record = {
        "trimmed_from": origins or [],
        "rounded_to": manifest.get("dtype"),
        "renamed": manifest.get("renamed") or {},
        "distilled_from": manifest.get("distilled_from"),
        "preprocessor": manifest.get("preprocessor", FAITHFUL),
    }
    return _checked({KEY: record}, path / MANIFEST if (path / MANIFEST).exists() else path.parent / MANIFEST)


def write_lineage(lineage: Lineage, folder: Path) -> None:
    """Write it into the `config.json` of a Hugging Face folder, in the place of the original's."""
    file = folder / CONFIG
    record = asdict(lineage)
    if lineage.distilled_from is None:
        del record["distilled_from"]
    if lineage.preprocessor == FAITHFUL:  # as earlier versions read it
        del record["preprocessor"]
    write_json(file, {**read_object(file), KEY: record})


@dataclass(frozen=True)
class _Record:
    smaller_labse: Lineage


def _checked(content: object, file: Path) -> Lineage:
    lineage = read_checked(_Record, content, file, "get the model again").smaller_labse
    for name in (*(ancestor.name for ancestor in lineage.trimmed_from), lineage.distilled_from):
        if name is not None and (not 0 < len(name) <= LONGEST_NAME or name != visible(name)):
            raise SmallerLabseError(f"{file}: {name[:60]!r} is no model's name; get the model again")
    for ancestor in lineage.trimmed_from:  # goes into cards and messages
        if ancestor.hub_id is not None and not HUB_ID.fullmatch(ancestor.hub_id):
            raise SmallerLabseError(f"{file}: {ancestor.hub_id[:60]!r} is no hub id; get the model again")
        if ancestor.vocab_size < 1 or ancestor.parameters < 1:
            raise SmallerLabseError(
                f"{file}: {ancestor.name} has {ancestor.vocab_size:,} tokens and {ancestor.parameters:,} "
                "parameters, expected more; get the model again"
            )
    if lineage.preprocessor not in PREPROCESSORS:
        raise SmallerLabseError(
            f"{file}: preprocessor is {lineage.preprocessor!r}, expected {' or '.join(PREPROCESSORS)}; get "
            "the model again"
        )
    if lineage.rounded_to not in (None, "float16"):
        raise SmallerLabseError(
            f"{file}: rounded_to is {lineage.rounded_to!r}, expected float16 or null; get the model again"
        )
    return lineage
