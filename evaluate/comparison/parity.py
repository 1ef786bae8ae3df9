"""Parity: is a smaller model still the original? Token by token and embedding by embedding, on real text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from smaller_labse.common.arguments import check, non_negative_number
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import Advance, announce, progress
from smaller_labse.common.result_table import Table
from smaller_labse.corpora.languages import language_label
from smaller_labse.corpora.text_files import read_sentences
from smaller_labse.evaluate.comparison.lost_tokens import (
    NOT_IN_ORIGINAL,
    count_new_unknown,
    count_unknown,
    find_unchanged,
    original_ids,
    unknown_tokens,
)
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
from smaller_labse.evaluate.comparison.results import TokenizedTexts
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.lineage import read_lineage
from smaller_labse.originals.locate import Place, folders_of, in_runtime, locate_encoder
from smaller_labse.originals.onnx_formats import format_of
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.originals.tfhub import TFHubFolders
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

if TYPE_CHECKING:
    from smaller_labse.encoders.sentence_encoder import SentenceEncoder

TOLERANCE = 1e-5  # float32 rounding: the same sums in another order
TEXTS_AT_A_TIME = 8192  # whose embeddings, two each, are in memory

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
class Comparison:
    """How two models treat the same texts.

    Attributes:
        language: of the texts; "all" for the totals.
        texts: how many were compared.
        empty_lines: how many lines were skipped because they are empty.
        unchanged: texts that have the same tokens from both models.
        largest_difference: the largest absolute difference between the two embeddings of an unchanged
            text, in any dimension; None where there is no such text.
        mean_difference: the mean of those absolute differences.
        mean_cosine: the mean cosine of the two embeddings of a changed text; None where there is none.
        original_unknowns: unknown tokens that the original has in them.
        new_unknowns: those of the smaller model beyond the original's, summed over the texts that have
            more, so that a text with fewer cannot hide them.
    """

    language: str
    texts: int
    empty_lines: int
    unchanged: int
    largest_difference: float | None
    mean_difference: float | None
    mean_cosine: float | None
    original_unknowns: int
    new_unknowns: int


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
        _rounded_to(*places),
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
        check("tolerance", non_negative_number, tolerance)
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


def _rounded_to(original: Place, model: Place) -> str | None:
    """What its files say; None beside an original that was rounded already, which it is equal to."""
    written = format_of(model.onnx.name) if isinstance(model, HuggingFaceFolder) and model.onnx else None
    if written is not None and written.quantized:
        return written.name
    before, after = (read_lineage(folders_of(place)[0]).rounded_to for place in (original, model))
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


class ModelPair:
    """An original, a smaller model, and which of the original's tokens the smaller one has."""

    def __init__(
        self, original: SentenceEncoder, smaller: SentenceEncoder, batch_size: int | None = None
    ) -> None:
        """Match the vocabularies.

        Args:
            original: the original.
            smaller: the model that was trimmed from it.
            batch_size: how many texts are computed at a time; see `SentenceEncoder.encode`.

        Raises:
            SmallerLabseError: the smaller model has another hidden size, or lacks the original's unknown
                token, or has tokens that the original lacks.
        """
        if original.embedding_size != smaller.embedding_size:
            raise SmallerLabseError(
                f"{smaller.name}: its embedding size is {smaller.embedding_size}, but that of "
                f"{original.name} is {original.embedding_size}; expected a model trimmed from it"
            )
        for token in unknown_tokens():  # a vocabulary of bytes needs none
            if token in original.pieces and token not in smaller.pieces:
                raise SmallerLabseError(
                    f"{smaller.name}: no token {token}, which {original.name} has; expected a model trimmed "
                    "from it"
                )
        self.batch_size = batch_size
        self.original, self.smaller = original, smaller
        self.subset = match_vocabularies(original, smaller)
        self.length = min(original.sequence_length, smaller.sequence_length)
        self.at_length_1 = False

    def compare(self, language: str, lines: Sequence[str], advance: Advance) -> Comparison:
        """Compare the two models on the lines of one language; `advance` is told how many are done."""
        parts: list[Comparison] = []
        for start in range(0, len(lines), TEXTS_AT_A_TIME):
            chunk = lines[start : start + TEXTS_AT_A_TIME]
            parts.append(self._compare_chunk(language, chunk))
            advance(len(chunk))
        return combine(language, parts)

    def _compare_chunk(self, language: str, lines: Sequence[str]) -> Comparison:
        texts = [line for line in lines if line]
        unchanged, unknown, new_unknown = self._compare_tokens(texts)
        before, after = (
            encoder.encode(texts, False, self.length, lambda amount: None, self.batch_size)
            for encoder in (self.original, self.smaller)
        )
        if _has_length_1(before) != _has_length_1(after):
            self.at_length_1 = True
            before, after = (_at_length_1(embeddings) for embeddings in (before, after))
        differences = np.abs(before[unchanged] - after[unchanged])
        return Comparison(
            language=language,
            texts=len(texts),
            empty_lines=len(lines) - len(texts),
            unchanged=int(unchanged.sum()),
            largest_difference=float(differences.max()) if unchanged.any() else None,
            mean_difference=float(differences.mean(dtype=np.float64)) if unchanged.any() else None,
            mean_cosine=None if unchanged.all() else _mean_cosine(before[~unchanged], after[~unchanged]),
            original_unknowns=unknown,
            new_unknowns=new_unknown,
        )

    def _compare_tokens(self, texts: Sequence[str]) -> tuple[np.ndarray, int, int]:
        """Which texts are unchanged, bool [texts]; the original's unknown tokens; the new ones."""
        before, after = self.original.tokenize(texts), self.smaller.tokenize(texts)
        unknown_before = count_unknown(TokenizedTexts.of(before), self.original.pieces)
        unknown_after = count_unknown(TokenizedTexts.of(after), self.smaller.pieces)
        seen = self.length - self.original.special_tokens  # what the encoders do not see changes nothing
        unchanged = find_unchanged(
            TokenizedTexts.of(before, seen), TokenizedTexts.of(after, seen), self.subset.original_ids
        )
        return unchanged, int(unknown_before.sum()), count_new_unknown(unknown_before, unknown_after)


def match_vocabularies(original: SentenceEncoder, smaller: SentenceEncoder) -> VocabularySubset:
    """Which of the original's tokens the smaller model has; a token's text says which one it is.

    Raises:
        SmallerLabseError: the original lacks a token.
    """
    ids = original_ids(original.pieces, smaller.pieces)
    for missing in np.flatnonzero(ids == NOT_IN_ORIGINAL)[:1]:
        raise SmallerLabseError(
            f"{smaller.name}: {original.name} has no token {smaller.pieces[missing]!r}; "
            "expected a model trimmed from it"
        )
    return VocabularySubset(ids, len(original.pieces))


def combine(language: str, parts: Sequence[Comparison]) -> Comparison:
    """Add comparisons up; means are weighted by the texts that they are means of."""
    largest = [part.largest_difference for part in parts if part.largest_difference is not None]
    return Comparison(
        language=language,
        texts=sum(part.texts for part in parts),
        empty_lines=sum(part.empty_lines for part in parts),
        unchanged=sum(part.unchanged for part in parts),
        largest_difference=max(largest, default=None),
        mean_difference=_weighted_mean([(part.mean_difference, part.unchanged) for part in parts]),
        mean_cosine=_weighted_mean([(part.mean_cosine, part.texts - part.unchanged) for part in parts]),
        original_unknowns=sum(part.original_unknowns for part in parts),
        new_unknowns=sum(part.new_unknowns for part in parts),
    )


def _has_length_1(embeddings: np.ndarray) -> bool:
    return bool(np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5))


def _at_length_1(embeddings: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(embeddings, axis=1, keepdims=True)
    return embeddings / np.maximum(lengths, np.finfo(np.float32).tiny)


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


def _weighted_mean(values: Sequence[tuple[float | None, int]]) -> float | None:
    known = [(value, weight) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total else None


def _mean_cosine(first: np.ndarray, second: np.ndarray) -> float:
    products = np.einsum("ij,ij->i", first, second, dtype=np.float64)
    lengths = np.linalg.norm(first, axis=1).astype(np.float64) * np.linalg.norm(second, axis=1)
    return float(np.mean(products / np.maximum(lengths, np.finfo(np.float64).tiny)))
