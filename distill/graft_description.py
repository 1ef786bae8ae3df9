"""What a grafted model says of itself: its manifest and its model cards.

The manifest is that of a model folder (`make_smaller/manifest.py`) with what still holds of the original, and
beside it

    "distilled_from": the tuned model's name,
    "distillation": {"method": "graft", "tuned": the same, "tokens": how many it has, "rows_changed": how many
                     of their rows are not the original's, "tuned_by": the "distillation" of its manifest}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from smaller_labse.common.visible_text import markdown_text
from smaller_labse.distill.description import TASK, fields_of, write_manifest
from smaller_labse.distill.students.student import Student
from smaller_labse.distill.write_distilled import original_of
from smaller_labse.originals.lineage import Ancestor, Lineage, write_lineage
from smaller_labse.originals.locate import Place
from smaller_labse.originals.model_folder import HUGGINGFACE, MODEL_CARD, manifest_around
from smaller_labse.originals.open import open_place
from smaller_labse.originals.original_card import OriginalCard, read_original_card


@dataclass(frozen=True)
class Graft:
    """What was done.

    Attributes:
        name: the new model's, that is its folder's.
        tuned: the tuned model's name; no path.
        tokens: how many tokens that has.
        rows_changed: how many of their rows are not the original's.
        prompt: what goes before every text.
        tuned_manifest: the tuned model's; empty where it has none.
    """

    name: str
    tuned: str
    tokens: int
    rows_changed: int
    prompt: str
    tuned_manifest: Mapping[str, Any]


def describe_graft(done: Graft, place: Place, original: Student, folder: Path) -> int:
    """Write lineage, cards and manifest into a folder in which all else is there already.

    Args:
        done: what was done.
        place: the original's files.
        original: the original.
        folder: the new model's.

    Returns:
        Its parameters, as many as the original's.
    """
    card, opened = read_original_card(place), open_place(place)
    itself = Ancestor(card.name, card.hub_id, opened.vocab_size, opened.parameters)
    lineage = Lineage(
        (itself, *card.lineage.trimmed_from),
        card.lineage.rounded_to,
        card.lineage.renamed,
        distilled_from=done.tuned,
        preprocessor=original.tokenizer.preprocessor,
    )
    write_lineage(lineage, folder / HUGGINGFACE)
    written = _card(done, card, opened.vocab_size)
    written.save(folder / MODEL_CARD)
    written.save(folder / HUGGINGFACE / MODEL_CARD)
    distillation = {
        "method": "graft",
        "tuned": done.tuned,
        "tokens": done.tokens,
        "rows_changed": done.rows_changed,
        "tuned_by": done.tuned_manifest.get("distillation"),
    }
    write_manifest(
        {
            "original": original_of(place, original, opened.parameters),
            **manifest_around(original.folder),
            **fields_of(original, original.config),
            "trimmed_from": [asdict(ancestor) for ancestor in lineage.trimmed_from],
            "parameters": opened.parameters,
            "prompt": done.prompt,
            "distilled_from": done.tuned,
            "distillation": distillation,
        },
        folder,
    )
    return opened.parameters


def _card(done: Graft, original: OriginalCard, vocab_size: int) -> ModelCard:
    tuned_by = done.tuned_manifest.get("distillation") or {}
    languages = [str(code) for code in tuned_by.get("languages", ())]
    data = ModelCardData(
        language=list(dict.fromkeys(code.partition("-")[0] for code in languages)) or None,
        **original.license,
        base_model=original.hub_id or original.base_model or original.lineage.hub_id,
        pipeline_tag=TASK,
        tags=[TASK, "feature-extraction", "smaller-labse"],
    )
    name, tuned = markdown_text(original.name), markdown_text(done.tuned)
    of_languages = f" ({', '.join(map(markdown_text, languages))})" if languages else ""
    rows = "none of them" if not done.rows_changed else f"{done.rows_changed:,} of them"
    text = f"""# {done.name}

{name} with what was tuned of {tuned}{of_languages},
a model with {done.tokens:,} of its {vocab_size:,} tokens. The layers, the positions and what pools are the
tuned model's, as are the rows of its tokens in the embedding matrix, of which {rows} changed.
All other rows and the tokenizer are the original's.

## What no longer holds

A text that has only the tuned model's tokens gets that model's embedding. No text has the original's: store
embeddings anew, do not mix the two. The layers were not tuned for other languages; measure what that costs:

    evaluate-encoder compare --original ORIGINAL --model {done.name} --tatoeba FOLDER --out REPORT
"""
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")
