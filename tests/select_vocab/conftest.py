"""The original of the tests with its tokenizer, and commands run without a process of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from smaller_labse.select_vocab.counts import Counts, LineFilter
from smaller_labse.select_vocab.wordpiece import WordPiece


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    out: str
    error: str


@pytest.fixture
def run(capsys) -> Callable[..., Ended]:
    """Run `select-vocab` in this process."""
    from smaller_labse.select_vocab.__main__ import main

    def run_here(*arguments: object) -> Ended:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit:  # argparse's own
            code = exit.code
        return Ended(code, *capsys.readouterr())

    return run_here


@pytest.fixture(scope="session")
def tokenizer(example: Path) -> WordPiece:
    return WordPiece(example / "encoder" / "assets" / "cased_vocab.txt")


@pytest.fixture(scope="session")
def shared_tokenizer(shared: Path) -> WordPiece:
    return WordPiece(shared / "labse_format" / "encoder" / "assets" / "cased_vocab.txt")


@pytest.fixture(scope="session")
def text_files(tmp_path_factory) -> Path:
    """A folder of small texts: en.txt, it.txt and ja.txt."""
    from smaller_labse.make_smaller.sentences import builtin_sentences

    folder = tmp_path_factory.mktemp("text")
    for code in ("en", "it", "ja"):
        lines = "".join(sentence + "\n" for sentence in builtin_sentences()[code])
        (folder / f"{code}.txt").write_text(lines, encoding="utf-8", newline="\n")
    return folder


@pytest.fixture(scope="session")
def counted(example, text_files, tmp_path_factory) -> Path:
    """The folder of these texts' counts."""
    from smaller_labse.select_vocab.__main__ import main

    out = tmp_path_factory.mktemp("counts") / "counts"
    text = ["--text", str(text_files / "{code}.txt"), "--languages", "en,it,ja"]
    assert main(["count", "--model", str(example), *text, "--out", str(out)]) == 0
    return out


@pytest.fixture(scope="session")
def make_counts() -> Callable[..., Counts]:
    """Counts of a small invented vocabulary: occurrences and lines of each piece."""

    def make(
        occurrences: list[int], lines: list[int] | None = None, total: int = 100, name: str = "en"
    ) -> Counts:
        return Counts(
            name=name,
            language=name,
            corpus=f"{name}.txt",
            line_filter=LineFilter(),
            fingerprint="0",
            total_lines=total,
            occurrences=np.array(occurrences, dtype=np.int64),
            lines=np.array(occurrences if lines is None else lines, dtype=np.int64),
        )

    return make


@pytest.fixture
def nothing_left(tmp_path) -> Callable[..., None]:
    """Check that the test's folder holds what is named, and nothing else, hidden files included."""

    def check(*names: str) -> None:
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)

    return check
