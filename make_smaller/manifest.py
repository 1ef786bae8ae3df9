"""What is the same for every smaller model, whatever original it is cut from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.make_smaller.model_card import ModelDescription, model_card
from smaller_labse.make_smaller.verify import Proof
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.selection import Selection

MARKER = "manifest.json"
FORMAT = "smaller_labse.model.1"
PROOF_LINES = 1  # of the counted ones, and as many of our own, a language

Say = Callable[[str], None]


@dataclass(frozen=True)
class Made:
    """A smaller model that was written and proved.

    Attributes:
        folder: where it is.
        original_parameters: of the original, all of them.
        proof: what the comparison with the original saw.
    """

    folder: Path
    original_parameters: int
    proof: Proof


def require_same_vocabulary(selection: Selection, tokenizer: Tokenizer, folder: Path) -> None:
    """Check that a selection was made from this tokenizer's vocabulary.

    Args:
        selection: the selection.
        tokenizer: the original's.
        folder: the selection's, for messages.

    Raises:
        SmallerLabseError: it was made from another one.
    """
    if selection.fingerprint != tokenizer.fingerprint:
        raise SmallerLabseError(
            f"{folder}: a selection of another vocabulary (fingerprint {selection.fingerprint[:12]}…, the "
            f"original's is {tokenizer.fingerprint[:12]}…); select with this original"
        )
    for piece, original_id in zip(selection.pieces, selection.kept_ids.tolist(), strict=True):
        if tokenizer.ids.get(piece) != original_id:
            raise SmallerLabseError(
                f"{folder}: {piece!r} is not the original's piece {original_id}; select again"
            )


def proof_sentences(selection: Selection) -> dict[str, tuple[str, ...]]:
    """Some of the counted lines in each language, and of our own sentences in it."""
    builtin = builtin_sentences()
    if not selection.languages:  # lists of pieces say no language: one sentence in each
        return {code: sentences[:1] for code, sentences in builtin.items()}
    return {
        code: (*selection.sentences.get(code, ())[:PROOF_LINES], *builtin.get(code, ()))[: 2 * PROOF_LINES]
        for code in selection.languages
    }


def describe(folder: Path, description: ModelDescription) -> None:
    """Write the model card and the manifest into a model's folder, in which all else is there already."""
    (folder / "README.md").write_text(model_card(description), encoding="utf-8")
    selection = description.selection
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "made_with": f"smaller-labse {version('smaller-labse')}",
        "original": {
            "name": description.original_name,
            "fingerprint": selection.fingerprint,
            "rows": selection.original_rows,
            "parameters": description.original_parameters,
        },
        "rows": len(selection.kept_ids),
        "hidden_size": selection.hidden_size,
        "parameters": description.parameters,
        "tokenizer": selection.kind,
        "sequence_length": description.sequence_length,
        "prompt": description.prompt,
        "languages": list(selection.languages),
        "rule": dict(selection.rule),
        "keep_characters": selection.keep_characters,
        "order": selection.order,
        "coverage": [asdict(language) for language in selection.coverage],
        "proof": asdict(description.proof),
        "files": {file.relative_to(folder).as_posix(): file.stat().st_size for file in files},
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=2)
    (folder / MARKER).write_text(text + "\n", encoding="utf-8")
