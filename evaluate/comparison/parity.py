"""Parity: is a smaller model still the original? Token by token and embedding by embedding, on real text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.arguments import check, non_negative_number
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import announce, progress
from smaller_labse.common.result_table import Table
from smaller_labse.corpora.languages import language_label
from smaller_labse.corpora.text_files import read_sentences
from smaller_labse.evaluate.comparison.model_pair import Comparison, ModelPair, combine
from smaller_labse.evaluate.comparison.models import NamedModel
from smaller_labse.evaluate.comparison.prompt import common_prompt
from smaller_labse.evaluate.comparison.provenance import (
    NOT_KNOWN,
    Provenance,
    TestData,
    describe_provenance,
    report_date,
    used_versions,
)
from smaller_labse.originals.lineage import read_lineage
from smaller_labse.originals.locate import Place, folders_of, in_runtime, locate_encoder
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.originals.tfhub import TFHubFolders

TOLERANCE = 1e-5  # float32 rounding: the same sums in another order

PARITY_NOTE = (
    "*Unchanged*: the share of texts that both models split into the same tokens; their embeddings differ by "
    "so much in any number. *Cosine of changed*: of the two embeddings of the other texts. *Unknown*: tokens "
    "that the original cannot read. *New unknown*: those that the original can read and the smaller model "
    "cannot."
)
PREPROCESSORS_NOTE = (
    "The original's text is read by its {0} preprocessor, the model's by the {1} one: a text that the two "
    "read otherwise is not unchanged."
)
LENGTH_1_NOTE = (
    "One of the two models scales its embeddings to length 1, the other does not: both are compared at "
    "length 1."
)


@dataclass(frozen=True)
class Parity:
    """The comparison of a smaller model with its original.

    Attributes:
        original: folder or handle.
        model: folder or handle of the smaller one.
        languages: one comparison per language.
        total: of all texts.
        rounded_to: what the smaller model's numbers were rounded to, e.g. "float16"; None for a model that
            should be unchanged.
        prompt: what was put before every text.
        provenance: on which texts, with which versions, when.
        at_length_1: whether the embeddings of both were compared at length 1, as only one of the two models
            scales its own to it: `huggingface/` does, LaBSE's SavedModel does not.
        preprocessors: what reads the original's text and the model's, "faithful" or "mended".
    """

    original: str
    model: str
    languages: tuple[Comparison, ...]
    total: Comparison
    rounded_to: str | None = None
    prompt: str = ""
    provenance: Provenance = NOT_KNOWN
    at_length_1: bool = False
    preprocessors: tuple[str, str] = (FAITHFUL, FAITHFUL)


def parity(
    original: str,
    model: str,
    texts: Mapping[str, Path],
    original_preprocessor: str | None = None,
    prompt: str | None = None,
    device: str | None = None,
    batch_size: int | None = None,
    runtime: str | None = None,
) -> Parity:
    """Compare a smaller model with its original.

    Args:
        original: folder or TF Hub handle of the original.
        model: folder or handle of the smaller model.
        texts: language → file with one text per line.
        original_preprocessor: see `smaller_labse.load`.
        prompt: what goes before every text; None for what the two folders name, see `common_prompt`.
        device: where both are computed, "cpu", "gpu" or "gpu:1"; None for a GPU where there is one.
        batch_size: how many texts are computed at a time; see `SentenceEncoder.encode`.
        runtime: what loads the smaller model, see `smaller_labse.load`.

    Raises:
        UsageError: the two have different prompts.
        SmallerLabseError: a file cannot be read or holds no text, a model cannot be loaded, or the model
            was not trimmed from this original.
    """
    sentences = {language: read_sentences(file) for language, file in texts.items()}
    for language, lines in sentences.items():
        if not any(lines):
            raise SmallerLabseError(f"{texts[language]}: only empty lines, expected one text per line")
    model = in_runtime(model, runtime)
    places = locate_encoder(original, original_preprocessor), locate_encoder(model)
    _require_not_distilled(*places, model)
    prompt = common_prompt([NamedModel("original", original), NamedModel("model", model)], prompt)
    announce(f"loading {original} and {model}")
    from smaller_labse.encoders.load import load

    smaller = load(model, prompt=prompt, device=device)
    pair = ModelPair(load(original, original_preprocessor, prompt, device), smaller, batch_size)
    with (
        pair.original.exact(),
        pair.smaller.exact(),
        progress("comparing", sum(map(len, sentences.values())), "texts") as advance,
    ):
        languages = []
        for number, (language, lines) in enumerate(sentences.items(), start=1):
            named = language_label(language)
            advance.describe(f"comparing {named}, language {number} of {len(sentences)}")
            languages.append(pair.compare(language, lines, advance))
    data = [TestData("text", part.language, part.texts, str(texts[part.language])) for part in languages]
    provenance = Provenance(tuple(data), used_versions(), report_date())
    total = combine("all", languages)
    return Parity(
        original,
        model,
        tuple(languages),
        total,
        _rounded_to(pair),
        smaller.prompt,
        provenance,
        pair.at_length_1,
        (preprocessor_of(places[0]), preprocessor_of(places[1])),
    )


def require_parity(result: Parity, tolerance: float | None = None) -> None:
    """Refuse a model that gives unchanged texts other embeddings than its original.

    A model that was rounded is never called unchanged; it passes only within a tolerance that the user gives.

    Args:
        result: the comparison.
        tolerance: the largest difference allowed; None for float32 rounding, which a rounded model does not
            pass whatever was found.

    Raises:
        UsageError: `tolerance` is no number from 0 on.
        SmallerLabseError: the largest difference exceeds `tolerance`, or no text is unchanged, so that
            nothing was compared.
    """
    if tolerance is not None:
        tolerance = check("tolerance", non_negative_number, tolerance)
    compared = [
        (part.largest_difference, part.language)
        for part in result.languages
        if part.largest_difference is not None
    ]
    if not compared:
        raise SmallerLabseError(
            f"{result.model}: none of {result.total.texts:,} texts kept its tokens, so no embedding could be "
            "compared; give texts of the languages that the model was made for"
        )
    largest, language = max(compared, key=lambda pair: pair[0])
    if result.rounded_to and (tolerance is None or largest > tolerance):
        raise SmallerLabseError(
            f"{result.model}: {verdict(result)}; add --tolerance N to allow a difference"
            + ("" if tolerance is None else f" of more than {tolerance:g}")
        )
    tolerance = TOLERANCE if tolerance is None else tolerance
    if largest > tolerance:
        raise SmallerLabseError(
            f"{result.model}: embeddings of unchanged texts differ from the original's by up to "
            f"{largest:.2e} ({language}), more than the tolerance of {tolerance:g}; "
            "this is not the original trimmed"
        )


def verdict(result: Parity) -> str | None:
    """What is to be said of a model that was rounded; None of any other.

    Example:
        >>> part = Comparison("en", 9, 0, 9, 3e-4, 1e-5, None, 0, 0)
        >>> verdict(Parity("original", "smaller", (part,), part, rounded_to="float16"))
        'rounded to float16: not unchanged; embeddings of unchanged texts differ by up to 3.0e-04'
    """
    if result.rounded_to is None:
        return None
    text = f"rounded to {result.rounded_to}: not unchanged"
    largest = result.total.largest_difference
    if largest is None:
        return text
    return f"{text}; embeddings of unchanged texts differ by up to {largest:.1e}"


def _require_not_distilled(original: Place, model: Place, name: str) -> None:
    """Refuse a model that was distilled from, or since, this original: its vectors are others by intent."""
    before, after = (read_lineage(folders_of(place)[0]).distilled_from for place in (original, model))
    if after is not None and after != before:
        raise SmallerLabseError(
            f"{name}: distilled from {after}, so its embeddings are not those of {original.name}; "
            "measure what it costs with `evaluate-encoder compare`"
        )


def _rounded_to(pair: ModelPair) -> str | None:
    """What its files say; None beside an original that was rounded already, which it is equal to."""
    before, after = pair.original.rounded_to, pair.smaller.rounded_to
    return None if before == after else after


def preprocessor_of(place: Place) -> str:
    """What reads a model's text: as was chosen, or as its files say."""
    chosen = place.chosen if isinstance(place, TFHubFolders) else None
    return chosen or read_lineage(folders_of(place)[0]).preprocessor


def parity_table(result: Parity) -> Table:
    """One row per language, the totals last."""
    columns = ["language", "texts", "unchanged", "differ at most", "differ on average"]
    columns += ["cosine of changed", "unknown", "new unknown"]
    said = describe_provenance(result.provenance, {"both": result.prompt}, unit="text")
    rows = [_row(language_label(part.language), part) for part in result.languages]
    rows.append(_row("all", result.total))
    notes = [PARITY_NOTE, LENGTH_1_NOTE] if result.at_length_1 else [PARITY_NOTE]
    if len(set(result.preprocessors)) > 1:
        notes.append(PREPROCESSORS_NOTE.format(*result.preprocessors))
    return Table(columns, rows, (*notes, " ".join(said)))


def _row(name: str, part: Comparison) -> list[str]:
    return [
        name,
        f"{part.texts:,}",
        f"{part.unchanged / part.texts:.2%}",
        _number(part.largest_difference, ".1e"),
        _number(part.mean_difference, ".1e"),
        _number(part.mean_cosine, ".4f"),
        f"{part.original_unknowns:,}",
        f"{part.new_unknowns:,}",
    ]


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
