"""Is a smaller model still the original? Piece by piece and number by number, on real text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.progress import progress
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.result_table import Table
from smaller_labse.corpora.text_files import read_sentences
from smaller_labse.evaluate.comparison.differences import Comparison, ModelPair, combine

TOLERANCE = 1e-5  # float32 rounding: the same sums in another order


@dataclass(frozen=True)
class Parity:
    """The comparison of a smaller model with its original.

    Attributes:
        original: folder or handle.
        model: folder or handle of the smaller one.
        languages: a comparison each.
        total: of all texts.
    """

    original: str
    model: str
    languages: tuple[Comparison, ...]
    total: Comparison


def parity(
    original: str,
    model: str,
    texts: Mapping[str, Path],
    original_preprocessor: str | None = None,
    prompt: str | None = None,
) -> Parity:
    """Compare a smaller model with its original.

    Args:
        original: folder or TF Hub handle of the original.
        model: folder or handle of the smaller model.
        texts: language → file with one text a line.
        original_preprocessor: see `smaller_labse.evaluate.load`.
        prompt: what goes before every text; None for the smaller model's own.

    Raises:
        SmallerLabseError: a file cannot be read or holds no text, a model cannot be loaded, or the model
            was not cut from this original.
    """
    sentences = {language: read_sentences(file) for language, file in texts.items()}
    for language, lines in sentences.items():
        if not any(lines):
            raise SmallerLabseError(f"{texts[language]}: only empty lines, expected one text a line")
    import_tensorflow_quietly()
    from smaller_labse.encoders.exact_arithmetic import exact_arithmetic
    from smaller_labse.encoders.load import load

    smaller = load(model, prompt=prompt)
    # The smaller model's manifest may name a prompt that its original's folder does not.
    pair = ModelPair(load(original, original_preprocessor, smaller.prompt), smaller)
    with exact_arithmetic(), progress("comparing", sum(map(len, sentences.values())), "texts") as advance:
        languages = tuple(pair.compare(language, lines, advance) for language, lines in sentences.items())
    return Parity(original, model, languages, combine("all", languages))


def require_parity(result: Parity, tolerance: float = TOLERANCE) -> None:
    """Refuse a model that gives unchanged texts other embeddings than its original.

    Raises:
        SmallerLabseError: the largest difference exceeds `tolerance`, or no text is unchanged, so that
            nothing was compared.
    """
    compared = [part for part in result.languages if part.largest_difference is not None]
    if not compared:
        raise SmallerLabseError(
            f"{result.model}: none of {result.total.texts:,} texts kept its pieces, so no embedding could be "
            "compared; give texts of the languages that the model was made for"
        )
    worst = max(compared, key=lambda part: part.largest_difference)
    if worst.largest_difference > tolerance:
        raise SmallerLabseError(
            f"{result.model}: embeddings of unchanged texts differ from the original's by up to "
            f"{worst.largest_difference:.2e} ({worst.language}), more than the tolerance of {tolerance:g}; "
            "this is not the original cut down"
        )


def parity_table(result: Parity) -> Table:
    """A row a language, the totals last."""
    columns = ["language", "texts", "unchanged %", "largest difference", "mean difference"]
    columns += ["cosine of changed", "unknowns", "new unknowns"]
    return Table(columns, [_row(part) for part in (*result.languages, result.total)])


def _row(part: Comparison) -> list[str]:
    return [
        part.language,
        f"{part.texts:,}",
        f"{100 * part.unchanged / part.texts:.2f}",
        _number(part.largest_difference, ".1e"),
        _number(part.mean_difference, ".1e"),
        _number(part.mean_cosine, ".4f"),
        f"{part.original_unknowns:,}",
        f"{part.new_unknowns:,}",
    ]


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
