"""Promise 2: no text of a chosen language that the original could read becomes unreadable, unless asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from smaller_labse.originals.tokenizers.wordpiece import WordPiece


def unknown_pieces(tokenizer: WordPiece, lines: list[str]) -> np.ndarray:
    ids, lengths = tokenizer.tokenize(lines)
    numbers = np.repeat(np.arange(len(lines)), lengths)
    return np.bincount(numbers[ids == tokenizer.unknown_id], minlength=len(lines))


@pytest.fixture(scope="module")
def tatoeba(shared) -> Path:
    return shared / "tatoeba" / "v1"


@pytest.fixture(scope="module")
def tatoeba_counts(shared, tatoeba, tmp_path_factory) -> Path:
    from smaller_labse.select_vocab.__main__ import main

    out = tmp_path_factory.mktemp("tatoeba") / "counts"
    pattern = str(tatoeba / "tatoeba.{iso3}-eng.{iso3}")
    common = ["--model", str(shared / "labse_format"), "--out", str(out), "--longer-than", "0"]
    languages = "fr,es,de,zh,ar,it,ja,ko,nl,pl,pt,th,tr,ru"
    assert main(["count", *common, "--text", pattern, "--languages", languages]) == 0
    english = tmp_path_factory.mktemp("english")
    for file in tatoeba.glob("*.eng"):
        (english / f"{file.name}.txt").symlink_to(file)
    assert main(["count", *common, "--text", f"en={english}"]) == 0
    return out


@pytest.mark.parametrize("keep_characters", [True, False])
@pytest.mark.parametrize("rule", [["--top-k", 50], ["--coverage", "0.8"], ["--vocab-size", 4000]])
def test_no_line_of_tatoeba_gets_a_new_unknown_piece(
    shared, shared_tokenizer, tatoeba, tatoeba_counts, run, tmp_path, rule, keep_characters
):
    switch = [] if keep_characters else ["--no-keep-characters"]
    arguments = ["--model", shared / "labse_format", "--counts", tatoeba_counts, *rule, *switch]
    ended = run("select", *arguments, "--out", tmp_path / "selection")
    assert ended.code == 0, ended.error
    after = WordPiece(tmp_path / "selection" / "vocab.txt")
    assert len(after.pieces) < 0.4 * len(shared_tokenizer.pieces)
    lines = [line for file in tatoeba.iterdir() for line in file.read_bytes().decode("utf-8").split("\n")]
    more = unknown_pieces(after, lines) > unknown_pieces(shared_tokenizer, lines)
    assert more.any() != keep_characters
    new_unknown = [row.split("|")[7].strip() for row in ended.out.splitlines()[2:17]]
    assert (set(new_unknown) == {"0.00%"}) == keep_characters
