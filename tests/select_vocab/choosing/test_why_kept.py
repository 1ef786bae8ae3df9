"""Tokens are kept by script, pattern and list, a size is rounded, and the selection says why of every token."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.originals.digests import digest_of_json
from smaller_labse.originals.tokenizers.wordpiece import WordPiece, write_pieces
from smaller_labse.select_vocab.choosing.keep_rules import tokens_by_text
from smaller_labse.select_vocab.selection import Selection, read_selection

TOKENS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "good",
    "##ing",
    "é",
    "猫",
    "1980",
    "##7",
    "дом",
    "aдом",
    "-",
]


@pytest.fixture
def small(tmp_path: Path) -> WordPiece:
    write_pieces(TOKENS, tmp_path / "vocab.txt")
    return WordPiece(tmp_path / "vocab.txt")


@pytest.mark.parametrize(
    ("scripts", "patterns", "expected"),
    [
        (["Latin"], [], ["good", "##ing", "é"]),
        (["Han", "Cyrillic"], [], ["猫", "дом"]),
        ([], ["^[0-9]+$"], ["1980", "##7"]),
        (["Han"], ["^go", "ng$"], ["good", "##ing", "猫"]),
        ([], [], []),
    ],
)
def test_tokens_of_a_script_or_pattern(
    small: WordPiece, scripts: list[str], patterns: list[str], expected: list[str]
) -> None:
    """A token with letters of two scripts is of neither; special tokens have no text."""
    found = tokens_by_text(small, scripts, patterns)
    assert [TOKENS[token_id] for token_id in found] == expected and found.dtype == np.int32


@pytest.mark.parametrize(
    ("scripts", "patterns", "message"),
    [
        (["Latn"], [], r"--keep-script 'Latn': .*expected a script's name, such as Latin or Han"),
        (["Thai"], [], "--keep-script 'Thai': the original has no such token"),
        ([], ["("], r"--keep-pattern '\(': missing \): \(; expected RE2's syntax"),
        ([], [r"(a)\1"], "--keep-pattern .*expected RE2's syntax"),
        ([], ["PAD"], "--keep-pattern 'PAD': the original has no such token"),
    ],
)
def test_what_is_no_script_or_pattern_is_said(
    small: WordPiece, scripts: list[str], patterns: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        tokens_by_text(small, scripts, patterns)


@pytest.fixture(scope="module")
def selection(
    example: Path, counted: Path, tokenizer: WordPiece, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("why")
    unused = [piece for piece in tokenizer.pieces if "unused9" in piece]
    (folder / "pieces.txt").write_text("".join(f"{piece}\n" for piece in unused), encoding="utf-8")
    smaller_labse.select(
        *(example, counted),
        out=folder / "selection",
        top_k=40,
        keep_pieces=folder / "pieces.txt",
        keep_pattern=["^ca"],
        round_to=64,
    )
    return folder / "selection"


def reasons(selection: Selection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for piece, letter in zip(selection.pieces, selection.why, strict=True):
        found.setdefault(letter, []).append(piece)
    return found


def test_every_kept_token_has_the_first_reason_that_it_is_kept_for(selection: Path) -> None:
    read = read_selection(selection)
    found = reasons(read)
    assert set(found) == set("skcrf") and len(read.why) == len(read.pieces) and not len(read.pieces) % 64
    assert {"[CLS]", "[PAD]"} <= set(found["s"])
    assert all(piece.removeprefix("##").startswith("ca") for piece in found["k"] if "unused" not in piece)
    assert all(len(piece.removeprefix("##")) == 1 for piece in found["c"])
    assert len(found["r"]) <= 3 * 40, "at most the 40 most frequent tokens of each of three languages"
    assert read.rule == {"name": "top-k", "value": 40, "filled_up": len(found["f"]), "round_to": 64}
    said = json.loads((selection / "selection.json").read_text(encoding="utf-8"))
    assert said["reasons"]["c"].startswith("needed for a character") and said["why"] == read.why


@pytest.mark.parametrize("damage", [lambda why: why[:-1], lambda why: "x" + why[1:]])
def test_reasons_that_are_not_one_for_each_token_are_refused(selection: Path, tmp_path: Path, damage) -> None:
    for file in selection.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    said = json.loads((tmp_path / "selection.json").read_text(encoding="utf-8"))
    said["why"] = damage(said["why"])
    said["digest"] = digest_of_json(said)
    (tmp_path / "selection.json").write_text(json.dumps(said), encoding="utf-8")
    with pytest.raises(SmallerLabseError, match=r"why has .* letters, expected"):
        read_selection(tmp_path)


def test_a_vocabulary_size_is_rounded_down(example: Path, counted: Path, tmp_path: Path) -> None:
    selection = smaller_labse.select(example, counted, out=tmp_path / "a", vocab_size=470, round_to=64)
    assert len(selection.pieces) == 448 and selection.rule["value"] == 448
    with pytest.raises(UsageError, match="--round-to 500 is more than the vocabulary size of 470"):
        smaller_labse.select(example, counted, out=tmp_path / "b", vocab_size=470, round_to=500)
    with pytest.raises(UsageError, match="--round-to 9,999,999: the next multiple of it is 9,999,999, which"):
        smaller_labse.select(example, counted, out=tmp_path / "b", top_k=9, round_to=9_999_999)


def test_a_multiple_may_be_text_as_on_the_command_line(example, counted, tmp_path):
    selection = smaller_labse.select(example, counted, out=tmp_path / "a", vocab_size=470, round_to="64")
    assert len(selection.pieces) == 448
