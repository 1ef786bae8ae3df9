"""The model cards of a smaller model: what it is, what it keeps, and how to use it.

`README.md` speaks of the whole folder, `huggingface/README.md` of that part alone, which people publish.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from huggingface_hub import ModelCard, ModelCardData

from smaller_labse.common.result_table import WIDTH
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.corpora.languages import name_language
from smaller_labse.make_smaller.card_texts import (
    DIFFERENCES_OF_BOTH,
    DIFFERENCES_OF_HUGGINGFACE,
    MENDED_TEXT,
    MORE_WITH_TRANSFORMERS,
    WITH_SENTENCE_TRANSFORMERS,
    WITH_SENTENCES,
    WITH_TENSORFLOW,
    WITH_TRANSFORMERS,
)
from smaller_labse.make_smaller.manifest import ModelDescription
from smaller_labse.make_smaller.onnx.card import onnx_section
from smaller_labse.make_smaller.rounding import change_table
from smaller_labse.originals.model_folder import ENCODER, HUGGINGFACE, SENTENCES
from smaller_labse.originals.original_card import OriginalCard
from smaller_labse.originals.preprocessors import MENDED
from smaller_labse.select_vocab.selection import Selection
from smaller_labse.select_vocab.selection_tables import (
    NO_ESTIMATE,
    coverage_table,
    estimate_table,
    has_estimate,
    size_table,
)

TASK = "sentence-similarity"  # https://huggingface.co/docs/hub/models-tasks
TAGS = (TASK, "feature-extraction", "smaller-labse")


def model_card(description: ModelDescription) -> ModelCard:
    """The whole folder's card: Markdown, with the front matter that the Hugging Face hub reads.

    The same description gives the same bytes.
    """
    return _card(description, f"{description.name}/{HUGGINGFACE}")


def huggingface_card(description: ModelDescription) -> ModelCard:
    """The card of `huggingface/`, whose `README.md` the hub shows when that folder is published.

    In the place of the original's card: its scores and languages are another model's.
    """
    library = "sentence-transformers" if description.sentence_transformers else "transformers"
    alone = replace(description, formats=(HUGGINGFACE,))
    return _card(alone, "path/to/this/folder", library_name=library)


def _card(description: ModelDescription, huggingface: str, **front_matter: Any) -> ModelCard:
    """A card; `huggingface` is what its examples call the Hugging Face folder."""
    data = ModelCardData(
        **_language_tags(description.selection.languages),
        **description.license,
        base_model=_base_model(description.original),
        pipeline_tag=TASK,
        tags=list(TAGS),
        **front_matter,
    )
    parts = [
        _summary(description),
        _size(description),
        _languages(description.selection),
        _usage(description, huggingface),
        _onnx(description, huggingface),
        _verification(description),
    ]
    parts += _differences(description)
    parts.append(_license(description))
    text = "\n".join(part for part in parts if part)
    return ModelCard(f"---\n{data.to_yaml()}\n---\n\n{text}")


def _language_tags(codes: tuple[str, ...]) -> dict[str, Any]:
    """The languages as the hub reads them; what a user calls a text of another kind is no language."""
    known = [code for code in codes if name_language(code).name != code]
    tags = {
        "language": list(dict.fromkeys(code.partition("-")[0] for code in known)),
        "language_bcp47": [code for code in known if "-" in code],
    }
    return {key: values for key, values in tags.items() if values}


def _summary(description: ModelDescription) -> str:
    left = f"{description.parameters / description.original_parameters:.1%} of its parameters"
    ancestors = description.original.lineage.trimmed_from
    if ancestors:
        first = ancestors[-1]
        left += f", {description.parameters / first.parameters:.1%} of {markdown_text(first.name)}'s"
    return (
        f"# {description.name}\n\n"
        f"{_introduced(description.original)}, trimmed to {_named(description.selection.languages)}: "
        f"{left}. {_what_is_the_same(description)}\n"
    )


def _base_model(original: OriginalCard) -> str | None:
    """The hub id of the nearest model that is on the hub."""
    return original.hub_id or original.base_model or original.lineage.hub_id


def _introduced(original: OriginalCard) -> str:
    """The original's name, which says little where it is only a folder's, and what that was made from."""
    if original.lineage.trimmed_from:
        names = [markdown_text(ancestor.name) for ancestor in original.lineage.trimmed_from]
        return f"{original.name}, itself trimmed from {', and that from '.join(names)}"
    if original.hub_id or not original.base_model:
        return original.name
    return f"{original.name}, made from {original.base_model} as its card says"


def _size(description: ModelDescription) -> str:
    """The size beside the original's, and beside that of what the original was trimmed from."""
    text = "## Size\n\n" + size_table(description.selection, description.original_parameters).markdown(WIDTH)
    vocab_size = len(description.selection.subset)
    for ancestor in description.original.lineage.trimmed_from:
        text += (
            f"\nOf {markdown_text(ancestor.name)}, with {ancestor.vocab_size:,} tokens and "
            f"{ancestor.parameters / 1e6:,.1f}M parameters, {vocab_size / ancestor.vocab_size:.1%} and "
            f"{description.parameters / ancestor.parameters:.1%} are left.\n"
        )
    return text


def _what_is_the_same(description: ModelDescription) -> str:
    original, rounding = description.original, description.verification.rounding
    if rounding:
        return (
            f"Rows of the embedding matrix were taken away, and all numbers rounded to {rounding.dtype}; a "
            "text whose tokens were all kept gets the same tokens as from the original, and not quite the "
            "same embedding."
        )
    if original.lineage.rounded_to:
        return (
            f"{original.name} was rounded to {original.lineage.rounded_to} already when it was trimmed "
            "itself; now only rows of the embedding matrix were taken away. A text whose tokens were all "
            f"kept gets the same tokens and the same embedding as from {original.name}, and not quite the "
            "embedding that it got before rounding."
        )
    same = (
        "Only rows of the embedding matrix were taken away; a text whose tokens were all kept gets the "
        "same tokens and the same embedding as from the original"
    )
    if description.selection.preprocessor == MENDED:
        return f"{same}, if the original's own preprocessor reads it as this model's does, which is mended."
    return f"{same}."


def _named(codes: tuple[str, ...]) -> str:
    if not codes:
        return "a list of tokens"
    names = [name_language(code).name for code in codes]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _languages(selection: Selection) -> str:
    rule = selection.rule["name"] + (f" {selection.rule['value']}" if "value" in selection.rule else "")
    characters = (
        "every character kept" if selection.keep_characters else "characters not kept for their own sake"
    )
    text = f"## Languages\n\nTokens chosen by the rule {rule}, {characters}.\n"
    if selection.rule.get("filled_up"):
        text += (
            f"{selection.rule['filled_up']:,} tokens that were not chosen so fill the vocabulary up to its "
            "size: those that the original ranks first.\n"
        )
    renamed = [one for one in selection.stripped if one.original != one.token]
    if renamed:
        named = ", ".join(f"`{one.token!r}` that of `{one.original!r}`" for one in renamed)
        text += (
            "White space at the ends of listed tokens was taken off, and so these have the embedding of "
            f"another of the original's tokens: {named}. A text with one of them gets another embedding "
            "than from the original.\n"
        )
    if selection.coverage:
        text += "\n"
        text += coverage_table(selection).markdown(WIDTH)
        text += "\n"
        text += estimate_table(selection).markdown(WIDTH) if has_estimate(selection) else f"{NO_ESTIMATE}\n"
    return text


def _usage(description: ModelDescription, huggingface: str) -> str:
    parts = ["## Use\n"]
    if description.sequence_length:
        parts.append(f"Inputs are truncated at {description.sequence_length} tokens.")
    if description.prompt:
        parts.append(
            f"The prompt {description.prompt!r} goes before every text: the preprocessor and "
            "sentence-transformers put it there by themselves."
        )
    if ENCODER in description.formats:
        parts.append(WITH_TENSORFLOW.format(model=description.name))
    if SENTENCES in description.formats:
        parts.append(WITH_SENTENCES.format(model=description.name))
    if HUGGINGFACE in description.formats:
        example = WITH_SENTENCE_TRANSFORMERS if description.sentence_transformers else WITH_TRANSFORMERS
        parts.append(example.format(folder=huggingface))
        if more := MORE_WITH_TRANSFORMERS.get(description.selection.kind):
            parts.append(more.format(folder=huggingface))
    return "\n".join(parts) + "\n"


def _onnx(description: ModelDescription, huggingface: str) -> str:
    mended = description.selection.preprocessor == MENDED
    return onnx_section(description.onnx, huggingface, description.prompt, mended)


def _verification(description: ModelDescription) -> str:
    original = description.original
    compared = f"{original.name}, rounded before," if original.lineage.rounded_to else "the original"
    text = (
        "## Verification\n\n"
        f"Compared with {compared} when this model was written: {description.verification.summary}.\n"
    )
    rounding = description.verification.rounding
    if rounding and rounding.embeddings:
        text += (
            f"\nWhat rounding to {rounding.dtype} changed: the embeddings of texts with the same tokens, the "
            "original's beside this model's.\n\n"
        )
        text += change_table(rounding.embeddings).markdown(WIDTH)
    if rounding:
        text += (
            "\nWhat that costs in a task is measured by `evaluate-encoder compare --cards`, per language, "
            "with intervals.\n"
        )
    return text


def _differences(description: ModelDescription) -> list[str]:
    """What the forms that were written do otherwise, a section or none."""
    kind, formats = description.selection.kind, set(description.formats)
    if description.selection.preprocessor == MENDED:
        return [MENDED_TEXT]
    if HUGGINGFACE not in formats:
        return []
    texts = DIFFERENCES_OF_BOTH if ENCODER in formats else DIFFERENCES_OF_HUGGINGFACE
    return [texts[kind]] if kind in texts else []


def _license(description: ModelDescription) -> str:
    stated = description.license.get("license")
    if stated is None:
        return (
            "## Licence\n\nNot known: the original's folder states none. The original's licence holds for "
            "this model, too; look it up before you pass the model on.\n"
        )
    name = description.license.get("license_name") or stated
    return f"## Licence\n\n{name}. The original's licence holds for what is made from it.\n"
