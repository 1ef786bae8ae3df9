"""A selection: the kept pieces and how they were chosen, as a folder.

vocab.txt        the smaller vocabulary, one piece a line, each ended by a line feed, UTF-8; or
tokenizer.json   (with vocab.txt or a SentencePiece model) for originals from Hugging Face
kept_ids.npy     new id → original id, int32 [kept], NumPy's .npy format 1.0
selection.json   everything else, see `Selection`
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from smaller_labse.common.atomic_output import new_folder
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.result_table import Table
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import read_vocabulary
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

FORMAT = "smaller_labse.selection.1"
MARKER = "selection.json"
KEPT_IDS = "kept_ids.npy"


@dataclass(frozen=True)
class Coverage:
    """What a selection keeps of one language, measured on its counts.

    Attributes:
        name: the counts' name: a language's code, or a Wikipedia's.
        language: the language's code.
        corpus: what was counted.
        lines: how many lines were counted; None where nobody knows.
        seen: pieces that occurred.
        kept: those of them that are kept.
        coverage: share of the occurrences whose piece is kept.
        unchanged: share of the sampled lines whose pieces are all kept; None where no lines are known.
        unknown: share of the occurrences that were the unknown piece already in the original.
        new_unknown: share of the occurrences whose piece the kept ones cannot spell, so that its word is
            expected to turn into the unknown piece.
        unseen: share of new text's tokens that are expected never to have been counted, see `unseen.py`;
            None, as in the next two, where it cannot be estimated: word lists, published frequencies, and
            selections of versions before this.
        expected_coverage: `coverage` as it is expected of new text of the same kind.
        expected_unchanged: `unchanged` as it is expected of new text of the same kind.
    """

    name: str
    language: str
    corpus: str
    lines: int | None
    seen: int
    kept: int
    coverage: float
    unchanged: float | None
    unknown: float
    new_unknown: float
    unseen: float | None = None
    expected_coverage: float | None = None
    expected_unchanged: float | None = None


@dataclass(frozen=True)
class Selection:
    """The kept pieces and how they were chosen.

    Attributes:
        kind: the family of tokenizers: "wordpiece", "unigram" or "bpe".
        pieces: the kept pieces, by new id.
        kept_ids: new id → original id, int32 [kept].
        fingerprint: of the original's vocabulary.
        original_rows: how many rows the original's table has.
        hidden_size: width of the original's embeddings.
        languages: codes, ascending; empty where nobody said (lists of pieces).
        rule: the rule and its numbers, e.g. {"name": "top-k", "k": 30000}.
        keep_characters: whether promise 2 holds (see `needed_for_characters`).
        order: "original" or "alphabetical".
        coverage: one entry for each counts file.
        sentences: language → a few of its lines, to try the smaller model with.
    """

    kind: str
    pieces: list[str]
    kept_ids: np.ndarray
    fingerprint: str
    original_rows: int
    hidden_size: int
    languages: tuple[str, ...]
    rule: Mapping[str, Any]
    keep_characters: bool
    order: str
    coverage: tuple[Coverage, ...] = ()
    sentences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def subset(self) -> VocabularySubset:
        """The kept tokens among the original's."""
        return VocabularySubset(self.kept_ids, self.original_rows)


def write_selection(
    selection: Selection, tokenizer: Tokenizer, folder: Path, overwrite: bool = False
) -> None:
    """Write a selection's folder; it appears whole or not at all.

    Args:
        selection: the kept pieces.
        tokenizer: the original's, which writes itself with those pieces only.
        folder: where to.
        overwrite: replace an earlier selection.
    """
    described = {"format": FORMAT, "rows": len(selection.kept_ids)}
    described |= {
        name: value for name, value in vars(selection).items() if name not in ("pieces", "kept_ids")
    }
    described["coverage"] = [asdict(language) for language in selection.coverage]
    with new_folder(folder, overwrite, MARKER) as partial:
        tokenizer.write_subset(selection.subset, partial)
        with io.BytesIO() as array:  # np.save into a file hides that a disk is full
            np.save(array, selection.kept_ids.astype(np.int32))
            (partial / KEPT_IDS).write_bytes(array.getvalue())
        text = json.dumps(described, ensure_ascii=False, indent=2)
        (partial / MARKER).write_text(text + "\n", encoding="utf-8")


def read_selection(folder: Path) -> Selection:
    """Read a selection's folder and check that its files belong together.

    Raises:
        SmallerLabseError: it is no selection, or its files contradict each other.
    """
    try:
        described = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        kept_ids = np.load(folder / KEPT_IDS, allow_pickle=False)
    except FileNotFoundError as error:
        raise SmallerLabseError(
            f"{folder}: no {Path(error.filename).name} in it, so it is no selection; "
            "write one with `select-vocab select`"
        ) from None
    except (ValueError, EOFError, RecursionError, NotADirectoryError) as error:
        raise SmallerLabseError(f"{folder}: not a readable selection ({error}); select again") from None
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise SmallerLabseError(f"{folder / MARKER}: not of the format {FORMAT}; select again")
    pieces = read_vocabulary(folder)
    _check_kept_ids(kept_ids, len(pieces), described, folder / KEPT_IDS)
    names = set(Selection.__dataclass_fields__) - {"pieces", "kept_ids", "coverage"}
    try:
        return Selection(
            pieces=pieces,
            kept_ids=kept_ids,
            coverage=tuple(Coverage(**language) for language in described["coverage"]),
            **{name: described[name] for name in names},
        )
    except (KeyError, TypeError) as error:
        raise SmallerLabseError(f"{folder / MARKER}: incomplete ({error}); select again") from None


def coverage_table(selection: Selection) -> Table:
    """What the selection keeps of each language; shares in percent."""
    columns = ("language", "pieces seen", "kept", "coverage", "lines unchanged", "unknown", "new unknown")
    rows = [
        (
            language.name,
            f"{language.seen:,}",
            f"{language.kept:,}",
            _percent(language.coverage),
            _percent(language.unchanged, 1),
            _percent(language.unknown),
            _percent(language.new_unknown),
        )
        for language in selection.coverage
    ]
    return Table(columns, rows)


def estimate_table(selection: Selection) -> Table:
    """What the selection is expected to keep of new text, that is text that was not counted; in percent."""
    rows = [
        (
            language.name,
            "-" if language.lines is None else f"{language.lines:,}",
            _percent(language.unseen),
            _percent(language.expected_coverage),
            _percent(language.expected_unchanged, 1),
        )
        for language in selection.coverage
    ]
    return Table(("on new text", "lines counted", "never counted", "coverage", "lines unchanged"), rows)


def size_table(selection: Selection, parameters: int) -> Table:
    """Rows and parameters before and after.

    Args:
        selection: the selection.
        parameters: of the original, all of them.
    """
    rows_before, rows_after = selection.original_rows, len(selection.kept_ids)
    rest = parameters - rows_before * selection.hidden_size

    def row(name: str, before: int, after: int, text: str) -> tuple[str, ...]:
        return name, text.format(before), text.format(after), f"{after / before:.1%}"

    millions = "{:,.1f}M"
    table_before, table_after = (rows * selection.hidden_size / 1e6 for rows in (rows_before, rows_after))
    return Table(
        ("", "original", "smaller", "left"),
        [
            row("rows", rows_before, rows_after, "{:,}"),
            row("parameters in the table", table_before, table_after, millions),
            row("parameters in all", rest / 1e6 + table_before, rest / 1e6 + table_after, millions),
        ],
    )


def _check_kept_ids(kept_ids: np.ndarray, pieces: int, described: dict[str, Any], file: Path) -> None:
    rows = described.get("original_rows")
    if not isinstance(kept_ids, np.ndarray):  # np.load opens archives, too
        raise SmallerLabseError(f"{file}: not an array in NumPy's format; select again")
    if kept_ids.dtype != np.int32 or kept_ids.shape != (pieces,):
        raise SmallerLabseError(
            f"{file}: {kept_ids.dtype} {list(kept_ids.shape)}, expected int32 [{pieces}], one id a piece"
        )
    if not isinstance(rows, int) or not (kept_ids.min() >= 0 and kept_ids.max() < rows):
        raise SmallerLabseError(
            f"{file}: ids from {kept_ids.min()} to {kept_ids.max()}, the original has {rows}"
        )
    if len(np.unique(kept_ids)) != pieces:
        raise SmallerLabseError(f"{file}: an original id is kept twice; select again")


def _percent(share: float | None, digits: int = 2) -> str:
    return "-" if share is None else f"{share:.{digits}%}"
