"""The selection's format: the kept tokens and how they were chosen, as a folder.

vocab.txt        the smaller vocabulary, one token per line, each ended by a line feed, UTF-8; or
tokenizer.json   (with vocab.txt or a SentencePiece model) for originals from Hugging Face
kept_ids.npy     new id → original id, int32 [kept], NumPy's .npy format 1.0
selection.json   everything else, see `Selection`; in it `rows` is the vocabulary size, `files` the SHA-256 of
                 each other file, `why` a letter for each kept token that says why it is kept, as `reasons`
                 spells out, and `digest` that of all that it says itself (see `originals/digests.py`).
                 Selections of version 0.1.0 have none of these three, so damage to them may pass.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from smaller_labse.common.arguments import StrPath
from smaller_labse.common.atomic_output import new_folder
from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_object
from smaller_labse.corpora.languages import language_label
from smaller_labse.originals.digests import DIGEST, digest_of_file, digest_of_json
from smaller_labse.originals.preprocessors import FAITHFUL, PREPROCESSORS
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import read_vocabulary
from smaller_labse.originals.tokenizers.tokenizer_files import TOKENIZER_JSON, VOCABULARY
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from smaller_labse.select_vocab.choosing.finished_file import FinishedFile
from smaller_labse.select_vocab.choosing.stripped_tokens import StrippedToken
from smaller_labse.select_vocab.choosing.why_kept import REASONS

FORMAT = "smaller_labse.selection.1"
MARKER = "selection.json"
KEPT_IDS = "kept_ids.npy"
LONGEST_HEADER = 4096  # bytes; NumPy writes 128


@dataclass(frozen=True)
class Coverage:
    """What a selection keeps of one language, measured on its counts.

    Attributes:
        name: the counts' name: a language's code, or a Wikipedia's.
        language: the language's code.
        corpus: what was counted.
        lines: how many lines were counted; None where nobody knows.
        seen: distinct tokens that occurred.
        kept: those of them that are kept.
        coverage: share of the occurrences whose token is kept.
        unchanged: share of the sampled lines whose tokens are all kept; None where no lines are known, as
            of word lists.
        unknown: share of the occurrences that were the unknown token already in the original.
        new_unknown: share of the occurrences whose token the kept ones cannot spell, so that its word is
            expected to turn into the unknown token.
        unseen: share of new text's tokens that are expected never to have been counted, see `unseen.py`;
            None, as in the next two, where it cannot be estimated: word lists, published frequencies, and
            selections of earlier versions.
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

    @property
    def label(self) -> str:
        """E.g. "Italian (it)", or "Chinese (zh_classical)" for one of a language's Wikipedias."""
        return language_label(self.language, self.name)


@dataclass(frozen=True)
class Selection:
    """The kept tokens and how they were chosen.

    Attributes:
        kind: the family of tokenizers: "wordpiece", "lealla", "unigram" or "bpe".
        pieces: the kept tokens, by new id.
        subset: their ids in the original's vocabulary, whose size is the embedding matrix's.
        fingerprint: of the original's vocabulary.
        hidden_size: of the original.
        languages: codes, ascending; empty where nobody said (lists of tokens).
        rule: the rule and its value, e.g. {"name": "top-k", "value": 30000}; for "vocab-size" also `found`,
            how many tokens the counts and what is always kept give, where that is less than the value, and
            `filled_up`, how many of the original's own fill it up, where this was asked for.
        keep_characters: whether no text of the languages becomes unreadable (`needed_for_characters`).
        order: "original" or "alphabetical".
        coverage: one entry for each counts file.
        sentences: language → a few of its lines, to try the smaller model with.
        stripped: listed tokens that are spelled otherwise in the original, or are ambiguous there; see
            `choosing/stripped_tokens.py`.
        preprocessor: that read the counted text and will read the smaller model's, see `PREPROCESSORS`.
        why: a letter for each kept token, see `choosing/why_kept.py`; "" in selections of version 0.1.0.
        finished_file: the file whose size decided how many tokens are kept; None where none did.
    """

    kind: str
    pieces: list[str]
    subset: VocabularySubset
    fingerprint: str
    hidden_size: int
    languages: tuple[str, ...]
    rule: Mapping[str, Any]
    keep_characters: bool
    order: str
    coverage: tuple[Coverage, ...] = ()
    sentences: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stripped: tuple[StrippedToken, ...] = ()
    preprocessor: str = FAITHFUL
    why: str = ""
    finished_file: FinishedFile | None = None


@dataclass(frozen=True)
class _Described:
    """What `selection.json` holds."""

    format: str
    rows: int
    kind: str
    fingerprint: str
    original_rows: int
    hidden_size: int
    languages: tuple[str, ...]
    rule: _DescribedRule
    keep_characters: bool
    order: str
    coverage: tuple[Coverage, ...]
    sentences: Mapping[str, tuple[str, ...]]
    stripped: tuple[StrippedToken, ...] = ()
    preprocessor: str = FAITHFUL
    why: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    finished_file: FinishedFile | None = None
    files: Mapping[str, str] | None = None
    digest: str | None = None


@dataclass(frozen=True)
class _DescribedRule:
    name: str
    value: str | int | float | None = None
    found: int | None = None
    filled_up: int | None = None
    round_to: int | None = None


def write_selection(
    selection: Selection, tokenizer: Tokenizer, folder: Path, overwrite: bool = False
) -> None:
    """Write a selection's folder; it appears whole or not at all.

    Args:
        selection: the kept tokens.
        tokenizer: the original's, which writes itself with those tokens only.
        folder: where to.
        overwrite: replace an earlier selection.

    Raises:
        SmallerLabseError: the folder exists and may not be replaced, or the disk is full.
    """
    described = {
        "format": FORMAT,
        "rows": len(selection.subset),
        "kind": selection.kind,
        "fingerprint": selection.fingerprint,
        "original_rows": selection.subset.original_size,
        "hidden_size": selection.hidden_size,
        "languages": selection.languages,
        "rule": selection.rule,
        "keep_characters": selection.keep_characters,
        "order": selection.order,
        "coverage": [asdict(language) for language in selection.coverage],
        "sentences": selection.sentences,
    }
    if selection.stripped:
        described["stripped"] = [asdict(token) for token in selection.stripped]
    if selection.preprocessor != FAITHFUL:
        described["preprocessor"] = selection.preprocessor
    if selection.why:
        described |= {"why": selection.why, "reasons": dict(REASONS)}
    if selection.finished_file is not None:
        described["finished_file"] = asdict(selection.finished_file)
    with new_folder(folder, overwrite, MARKER) as partial:
        tokenizer.write_subset(selection.subset, partial)
        with io.BytesIO() as array:  # np.save into a file hides that a disk is full
            np.save(array, selection.subset.original_ids)
            (partial / KEPT_IDS).write_bytes(array.getvalue())
        described["files"] = {file.name: digest_of_file(file) for file in sorted(partial.iterdir())}
        # As JSON, in which tuples are lists.
        described[DIGEST] = digest_of_json(json.loads(json.dumps(described)))
        text = json.dumps(described, ensure_ascii=False, indent=2)
        (partial / MARKER).write_text(text + "\n", encoding="utf-8")


def read_selection(folder: StrPath) -> Selection:
    """Read a selection's folder and check that its files belong together.

    Raises:
        SmallerLabseError: it is no selection, or its files contradict each other.

    Example::

        selection = read_selection("work/selection")
        original_ids = selection.subset.to_original_ids(new_ids)
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise SmallerLabseError(f"{folder}: no such folder; write a selection with `select-vocab select`")
    for name in (MARKER, KEPT_IDS):
        if not (folder / name).is_file():
            raise SmallerLabseError(
                f"{folder}: no {name} in it, so it is no selection; write one with `select-vocab select`"
            )
    content = read_object(folder / MARKER)
    if content.get("format") != FORMAT:
        raise SmallerLabseError(f"{folder / MARKER}: not of the format {FORMAT}; select again")
    described = read_checked(_Described, content, folder / MARKER, advice="select again")
    _require_undamaged(folder, content, described)
    if described.preprocessor not in PREPROCESSORS:
        raise SmallerLabseError(
            f"{folder / MARKER}: its preprocessor is {described.preprocessor!r}, expected "
            f"{' or '.join(PREPROCESSORS)}; select again"
        )
    if "found" in content["rule"] and type(described.rule.value) is not int:
        raise SmallerLabseError(f"{folder / MARKER}: rule.value is no whole number; select again")
    pieces = read_vocabulary(folder)
    if described.rows != len(pieces) or min(described.original_rows, described.hidden_size) < 1:
        raise SmallerLabseError(
            f"{folder / MARKER}: {described.rows:,} rows of {described.original_rows:,}, hidden size "
            f"{described.hidden_size:,}, but {len(pieces):,} tokens; select again"
        )
    if described.why and (len(described.why) != len(pieces) or set(described.why) - set(REASONS)):
        raise SmallerLabseError(
            f"{folder / MARKER}: why has {len(described.why):,} letters, expected {len(pieces):,} of "
            f"{''.join(REASONS)}; select again"
        )
    kept_ids = _read_kept_ids(folder / KEPT_IDS, len(pieces))
    try:
        names = {one.id: one.token for one in described.stripped if one.original != one.token}
        subset = VocabularySubset(kept_ids, described.original_rows, names)
    except SmallerLabseError as error:
        raise SmallerLabseError(f"{folder / KEPT_IDS}: {error}") from None
    return Selection(
        kind=described.kind,
        pieces=pieces,
        subset=subset,
        fingerprint=described.fingerprint,
        hidden_size=described.hidden_size,
        languages=described.languages,
        rule=content["rule"],
        keep_characters=described.keep_characters,
        order=described.order,
        coverage=described.coverage,
        sentences=described.sentences,
        stripped=described.stripped,
        preprocessor=described.preprocessor,
        why=described.why,
        finished_file=described.finished_file,
    )


def _require_undamaged(folder: Path, content: Mapping[str, Any], described: _Described) -> None:
    """Compare the digests, where a selection has some.

    Raises:
        SmallerLabseError: a file is not as it was written, is missing, or is read and was not written.
    """
    if described.files is None and described.digest is None:
        return
    if described.files is None or described.digest != digest_of_json(content):
        raise SmallerLabseError(
            f"{folder / MARKER}: not as it was written (its digest is another); select again"
        )
    read = {name for name in (TOKENIZER_JSON, VOCABULARY, KEPT_IDS) if (folder / name).exists()}
    for name in sorted({*described.files, *read}):
        file = folder / name
        if Path(name).name != name or not file.is_file():
            raise SmallerLabseError(f"{file}: missing, though {MARKER} lists it; select again")
        if described.files.get(name) != digest_of_file(file):
            raise SmallerLabseError(f"{file}: not as it was written (its SHA-256 is another); select again")


def _read_kept_ids(file: Path, pieces: int) -> np.ndarray:
    """The ids, int32 [pieces]; what the header says is compared with the file's size before it is believed.

    Raises:
        SmallerLabseError: it is no such array.
    """
    size = file.stat().st_size
    if size > LONGEST_HEADER + 4 * pieces:
        raise SmallerLabseError(
            f"{file}: {size:,} bytes, too many for an id per token, {pieces:,}; select again"
        )
    data = io.BytesIO(file.read_bytes())
    try:
        if np.lib.format.read_magic(data) != (1, 0):
            raise ValueError("not of version 1.0")
        shape, _, dtype = np.lib.format.read_array_header_1_0(data, max_header_size=LONGEST_HEADER)
    # What is no Python literal, and what is one of another kind, fails in NumPy in many ways.
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError, TokenError) as error:
        reason = " ".join(str(error).split())
        raise SmallerLabseError(f"{file}: not an array in NumPy's format ({reason}); select again") from None
    if (dtype, shape, size - data.tell()) != (np.dtype("<i4"), (pieces,), 4 * pieces):
        raise SmallerLabseError(
            f"{file}: found {dtype} {list(shape)}, {size - data.tell():,} bytes of it, "
            f"expected int32 [{pieces}], one id per token; select again"
        )
    return np.frombuffer(data.read(), dtype="<i4").astype(np.int32)
