"""The published 15-language model's own files give its vocabulary again, to the byte."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.originals.tokenizers.vocabulary import read_pieces

ROWS = 501_153
KEPT = 173_347


@pytest.fixture(scope="module")
def labse(shared, tmp_path_factory) -> Path:
    """A narrow original with the published pieces and as many rows as LaBSE.

    The published pieces stand scattered among invented ones, as they do in LaBSE's own vocabulary.
    """
    from smaller_labse.make_smaller.example import write_original

    published = read_pieces(shared / "labse15" / "vocab.txt")
    special, others = published[:104], published[104:]
    pieces = [f"invented{number}" for number in range(ROWS)]
    places = np.sort(np.random.default_rng(1).choice(np.arange(104, ROWS), len(others), replace=False))
    shuffled = np.random.default_rng(2).permutation(np.array(others, dtype=object))
    for place, piece in zip(places.tolist(), shuffled.tolist(), strict=True):
        pieces[place] = piece
    pieces[:104] = special
    folder = tmp_path_factory.mktemp("labse") / "original"
    narrow = EncoderConfig(
        vocab_size=ROWS,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=128,
        type_vocab_size=2,
    )
    write_original(folder, pieces, narrow)
    return folder


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


def test_the_published_lists_give_the_published_vocabulary_and_a_verified_model(
    labse, shared, lists, select, tmp_path, capsys
):
    from smaller_labse.make_smaller.__main__ import main

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
    arguments = ["--model", labse, "--selection", selection, "--out", tmp_path / "model", "--no-huggingface"]
    assert main([str(argument) for argument in arguments]) == 0
    proof = json.loads((tmp_path / "model" / "manifest.json").read_text(encoding="utf-8"))["proof"]
    assert proof["rows"] == KEPT
    assert proof["unchanged"] > 0.9 * proof["texts"]
    assert f"{KEPT:,} rows equal to the bit" in capsys.readouterr().out


def test_the_lists_as_they_stand_hold_tokens_with_white_space_that_the_original_lacks(lists, select):
    ended = select("--pieces", *lists)
    assert ended.code == 1
    assert "the original has no token '" in ended.error
    assert "--strip takes the white space off, as for the published lists" in ended.error
    assert ended.error.count("\n") == 1


def test_published_frequencies_of_other_tokens_are_refused_unless_they_may_be_left_out(
    frequencies, select, nothing_left
):
    ended = select("--counts", frequencies, "--top-k", 1000)
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
