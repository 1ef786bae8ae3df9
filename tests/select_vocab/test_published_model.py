"""The published 15-language model's own files give its vocabulary again, to the byte."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.originals.tokenizers.vocabulary import read_piece_lines, read_pieces
from smaller_labse.select_vocab.selection import read_selection

KEPT = 173_347


@pytest.fixture
def select(labse, run, tmp_path) -> Callable:
    return lambda *arguments: run("select", "--model", labse, *arguments, "--out", tmp_path / "selection")


@pytest.fixture
def lists(shared) -> list[Path]:
    return sorted((shared / "labse15" / "selected_tokens").iterdir())


@pytest.fixture
def frequencies(shared) -> Path:
    return shared / "labse15" / "tokens_freqs"


PUBLISHED = ["--strip", "--no-keep-characters", "--order", "alphabetical"]


def test_the_published_lists_in_any_order_give_the_published_vocabulary(shared, lists, select, tmp_path):
    assert len(lists) == 16
    ended = select("--pieces", *lists[::-1], *PUBLISHED)
    assert (ended.code, ended.error) == (0, "")
    selection = tmp_path / "selection"
    vocabulary = (selection / "vocab.txt").read_bytes()
    assert vocabulary.count(b"\n") == KEPT
    assert vocabulary == (shared / "labse15" / "vocab.txt").read_bytes()
    described = json.loads((selection / "selection.json").read_text(encoding="utf-8"))
    assert ",".join(described["languages"]) == "ar,de,en,es,fr,it,ja,ko,nl,pl,pt,ru,th,tr,zh"
    assert described["rule"] == {"name": "pieces"}


def test_the_lists_as_they_stand_hold_tokens_with_white_space_that_are_the_originals_own(
    lists, labse, select, tmp_path
):
    ended = select("--pieces", *lists, "--no-keep-characters")
    assert (ended.code, ended.error) == (0, "")
    assert "strip to it" not in ended.out
    selection = read_selection(tmp_path / "selection")
    listed = {token for file in lists for token in read_piece_lines(file)} - {""}
    assert sum(token != token.strip() for token in listed) == 34
    assert set(selection.pieces) > listed
    assert len(selection.pieces) == 173_380


# In the published model these have the rows of other tokens, and "##" has one though LaBSE has no such token.
ROWS_OF_OTHERS = {
    **{digit: f"\xa0{digit}" for digit in ("1", "2", "3", "4", "5", "6", "7", "10")},
    **{"a": "\xa0a", "gada": "\xa0gada", "i": "i\xa0", "na": "na\xa0", "на": "на\xa0"},
}


@pytest.mark.parametrize("as_published", [False, True], ids=["exact", "as published"])
def test_thirteen_tokens_have_rows_of_others_in_the_published_model_and_their_own_in_ours(
    lists, labse, shared, select, tmp_path, as_published
):
    ended = select("--pieces", *lists, *PUBLISHED, *["--strip-original"] * as_published)
    assert (ended.code, ended.error) == (0, "")
    selection = read_selection(tmp_path / "selection")
    published, original = (shared / place for place in ("labse15/vocab.txt", "labse/cased_vocab.txt"))
    assert selection.pieces == read_pieces(published)
    whole = read_pieces(original)
    rows = [whole[token_id] for token_id in selection.subset.original_ids.tolist()]
    others = {token: row for token, row in zip(selection.pieces, rows, strict=True) if token != row}
    assert others == {"##": "##\u3000"} | (ROWS_OF_OTHERS if as_published else {})
    # By the author's own way: the last token that strips to a listed one.
    last = {token.strip(): token for token in whole}
    if as_published:
        assert rows[104:] == [last[token] for token in selection.pieces[104:]]
    # Which were resolved and which were ambiguous is printed.
    assert [one.token for one in selection.stripped] == sorted({"##", *ROWS_OF_OTHERS})
    row_of_a = "'\\xa0a'" if as_published else "'a'"
    assert re.search(rf"^\| 'a' +\| +{re.escape(row_of_a)} \|", ended.out, flags=re.MULTILINE)
    described = json.loads((tmp_path / "selection" / "selection.json").read_text(encoding="utf-8"))
    a = next(one for one in described["stripped"] if one["token"] == "a")
    assert a["others"] == (["a", "a\xa0"] if as_published else ["a\xa0", "\xa0a"])


def test_labse_has_as_many_parameters_as_its_paper_says_and_the_published_model_too(shared):
    """133.1M in the published matrix and 219.2M in all, at 501,153 x 768: what docs/results.md says."""
    labse = EncoderConfig(
        vocab_size=len(read_pieces(shared / "labse" / "cased_vocab.txt")),
        hidden_size=768,
        num_hidden_layers=12,
        num_attention_heads=12,
        intermediate_size=3072,
        max_position_embeddings=512,
        type_vocab_size=2,
    )
    kept = len(read_pieces(shared / "labse15" / "vocab.txt"))
    smaller = replace(labse, vocab_size=kept)
    assert round(labse.vocab_size * 768 / 1e6, 1) == 384.9
    assert round(labse.parameters / 1e6, 1) == 470.9
    assert round(kept * 768 / 1e6, 1) == 133.1
    assert round(smaller.parameters / 1e6, 1) == 219.2


def test_with_counts_beside_them_lists_as_published_would_name_two_tokens_the_same(
    lists, frequencies, select, nothing_left
):
    counts = ["--counts", frequencies / "it_freqs.json.gz", "--top-k", 1000]
    ended = select("--pieces", *lists, *PUBLISHED, "--strip-original", *counts)
    assert ended.code == 1
    assert "would stand in the vocabulary twice, for the original's" in ended.error
    assert "with --strip-original give nothing but lists, and --no-keep-characters" in ended.error
    nothing_left()


def test_published_frequencies_of_other_tokens_are_refused_unless_they_may_be_left_out(
    example, frequencies, run, tmp_path, nothing_left
):
    arguments = [
        "--model",
        example,
        "--counts",
        frequencies,
        "--top-k",
        1000,
        "--out",
        tmp_path / "selection",
    ]
    ended = run("select", *arguments)
    assert ended.code == 1
    assert "ar_freqs.json.gz: " in ended.error
    assert "these are counts of another vocabulary (--skip-missing leaves such tokens out)" in ended.error
    nothing_left()


def test_published_frequencies_have_no_line_counts(frequencies, select, nothing_left):
    ended = select("--counts", frequencies / "fr_freqs.json.gz", "--skip-missing")
    assert ended.code == 1
    assert "has no line counts, which --min-line-share needs; choose --top-k" in ended.error
    assert ended.error.splitlines()[-1].startswith("select-vocab select: fr: ")
    nothing_left()


@pytest.mark.parametrize(
    ("rule", "languages"),
    [(["--top-k", 3000], "fr"), (["--coverage", "0.95"], "Thai,tur"), (["--vocab-size", 9000], "fr,zh")],
    ids=["top-k", "coverage", "vocab-size"],
)
def test_published_frequencies_are_counts(labse, frequencies, select, tmp_path, rule, languages):
    arguments = ["--counts", frequencies, "--languages", languages, "--skip-missing"]
    ended = select(*arguments, "--no-keep-characters", *rule)
    assert ended.code == 0, ended.error
    described = json.loads((tmp_path / "selection" / "selection.json").read_text(encoding="utf-8"))
    names = [part["name"] for part in described["coverage"]]
    assert names == {"fr": ["fr"], "fr,zh": ["fr", "zh", "zh_classical"]}.get(languages, ["th", "tr"])
    assert described["languages"] == [name for name in names if name != "zh_classical"]
    kept = set(read_pieces(tmp_path / "selection" / "vocab.txt"))
    known = set(read_pieces(labse / "encoder" / "assets" / "cased_vocab.txt"))
    for part in described["coverage"]:
        file = frequencies / f"{part['name']}_freqs.json.gz"
        counts = json.loads(gzip.decompress(file.read_bytes()))
        counts = {piece: count for piece, count in counts.items() if piece in known and count}
        assert part["lines"] is None
        assert part["seen"] == len(counts)
        assert part["kept"] == len(kept & set(counts))
        covered = sum(count for piece, count in counts.items() if piece in kept)
        assert part["coverage"] == pytest.approx(covered / sum(counts.values()), abs=1e-12)
        if rule[0] == "--top-k":
            highest = sorted(counts.values(), reverse=True)[2999]
            assert {piece for piece, count in counts.items() if count > highest} <= kept
        if rule[0] == "--coverage":
            assert part["coverage"] >= 0.95
    if rule[0] == "--vocab-size":
        assert len(kept) == 9000


def test_a_language_without_frequencies_is_named(frequencies, select, nothing_left):
    ended = select("--counts", frequencies, "--languages", "th,sv", "--top-k", 5, "--skip-missing")
    assert ended.code == 2
    assert f"no counts of Swedish (sv) among {frequencies}; count first" in ended.error
    nothing_left()


def test_what_counting_wikipedia_costs_starts_from_the_published_frequencies(shared):
    """The tokens in docs/costs.md: of three languages, and of the 15, whose 16 Wikipedias are all here."""
    tokens = {
        file.name.removesuffix("_freqs.json.gz"): sum(json.loads(gzip.decompress(file.read_bytes())).values())
        for file in (shared / "labse15" / "tokens_freqs").iterdir()
    }
    assert len(tokens) == 16
    three = sum(tokens[code] for code in ("en", "it", "ja"))
    costs = (Path(__file__).resolve().parents[2] / "docs" / "costs.md").read_text(encoding="utf-8")
    (row,) = (line for line in costs.splitlines() if line.startswith("| LaBSE's tokens in these lines"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[1:] == [f"{n / 1e6:,.0f} million" for n in (three, sum(tokens.values()))]
