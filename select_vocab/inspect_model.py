"""The verb `inspect`: what a model is, how much of it is its embedding matrix, and what can be made of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.json_files import read_object
from smaller_labse.common.result_table import Table
from smaller_labse.encoders.config import is_rebuilt
from smaller_labse.encoders.onnx.quantize import fits_blocks
from smaller_labse.originals.huggingface import CONFIG, HuggingFaceFolder
from smaller_labse.originals.lineage import read_lineage
from smaller_labse.originals.locate import Place, folders_of
from smaller_labse.originals.onnx_formats import FORMATS
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.select_vocab.choosing.keep_rules import script_of_letters

NO_SCRIPT = "no letter of these scripts"
NO_TEXT = "no text (special tokens, parts of characters)"


@dataclass(frozen=True)
class InspectedModel:
    """What a model is, by its files; its tensors are not loaded.

    Attributes:
        name: what the user called it.
        format: the kind of its files, "Hugging Face" or "TF Hub".
        tokenizer: the family, "wordpiece", "lealla", "unigram" or "bpe".
        vocab_size: rows of its embedding matrix.
        hidden_size: the width of the embedding matrix.
        parameters: of all its tensors.
        matrix_share: of the embedding matrix in the parameters, 0 to 1.
        scripts: how many tokens have letters of a script, by Unicode's name, the most first; a token with
            letters of two counts for the first one's.
        prompts: texts that it wants before sentences.
        trimmed_from: what it was trimmed from, and that from, and so on.
        distilled_from: its teacher, or an ancestor's; None where there was none.
        formats: what `make-smaller` writes of it.
    """

    name: str
    format: str
    tokenizer: str
    vocab_size: int
    hidden_size: int
    parameters: int
    matrix_share: float
    scripts: Mapping[str, int]
    prompts: tuple[str, ...]
    trimmed_from: tuple[str, ...]
    distilled_from: str | None
    formats: tuple[str, ...]


def inspect(model: StrPath) -> InspectedModel:
    """See what a model is, and that it can be trimmed.

    Args:
        model: the original, as in `smaller_labse.count`.

    Raises:
        SmallerLabseError: there is no such model, or it cannot be trimmed; the message says why.

    Example:
        >>> import smaller_labse
        >>> smaller_labse.inspect("sentence-transformers/LaBSE").matrix_share  # doctest: +SKIP
        0.8171
    """
    original = open_original(os.fspath(model))
    lineage = read_lineage(folders_of(original.place)[0])
    return InspectedModel(
        name=original.place.name,
        format="Hugging Face" if isinstance(original.place, HuggingFaceFolder) else "TF Hub",
        tokenizer=original.tokenizer.kind,
        vocab_size=original.vocab_size,
        hidden_size=original.hidden_size,
        parameters=original.parameters,
        matrix_share=original.vocab_size * original.hidden_size / original.parameters,
        scripts=_scripts(original.tokenizer),
        prompts=original.prompts,
        trimmed_from=tuple(ancestor.name for ancestor in lineage.trimmed_from),
        distilled_from=lineage.distilled_from,
        formats=_formats(original.place, original.hidden_size),
    )


def facts_table(model: InspectedModel) -> Table:
    """Everything but the scripts."""
    facts = {
        "format": model.format,
        "tokenizer": model.tokenizer,
        "vocabulary size": f"{model.vocab_size:,}",
        "hidden size": f"{model.hidden_size:,}",
        "parameters": f"{model.parameters:,}",
        "of these in the embedding matrix": f"{model.matrix_share:.1%}",
        "prompts": ", ".join(map(repr, model.prompts)) or "-",
        "trimmed from": ", ".join(model.trimmed_from) or "-",
        "distilled from": model.distilled_from or "-",
        "can become": ", ".join(model.formats),
    }
    return Table((model.name, ""), list(facts.items()))


def scripts_table(model: InspectedModel) -> Table:
    """How many tokens each script has."""
    whole = sum(model.scripts.values())
    rows = [(script, f"{tokens:,}", f"{tokens / whole:.1%}") for script, tokens in model.scripts.items()]
    return Table(("letters", "tokens", "share"), rows)


def _scripts(tokenizer: Tokenizer) -> dict[str, int]:
    texts = [tokenizer.text_of(token_id).strip() for token_id in range(len(tokenizer.pieces))]
    script_of = script_of_letters({letter for text in texts for letter in text})
    found: Counter[str] = Counter()
    for text in texts:
        letters = (script_of[letter] for letter in text if letter in script_of)
        found[next(letters, NO_SCRIPT) if text else NO_TEXT] += 1
    return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def _formats(place: Place, hidden_size: int) -> tuple[str, ...]:
    if isinstance(place, HuggingFaceFolder) and not is_rebuilt(read_object(place.folder / CONFIG)):
        return ("a Hugging Face folder",)
    onnx = (name for name, each in FORMATS.items() if each.matrix != "int4" or fits_blocks(hidden_size))
    return ("SavedModels", "a Hugging Face folder", *(f"ONNX {name}" for name in onnx))
