"""Every block of every page, pasted as it stands into a fresh shell in a fresh clone, one after the other.

A block of `bash` or `python` is run. One without a language is output, which the blocks before it on the page have
printed. One of `text` is a drawing. A block that needs what a test does not have (the network, minutes, a GPU) says
so in a comment before it, `<!-- not run by the tests: WHY -->`; test_commands.py checks its commands and options.
One behind `<!-- run by the tests where PACKAGE is installed -->` is passed over elsewhere.

And the scripts of examples/ do what their first lines say, on the model of `scripts/example.sh`: here, because the
clone takes long to set up, and files of tests share none where several processes run them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
BLOCK = re.compile(
    r"(?:^<!-- not run by the tests: (?P<why>.+?) -->\n+)?"
    r"(?:^<!-- run by the tests where (?P<package>\w+) is installed -->\n+)?"
    r"^```(?P<language>.*)\n(?P<text>(?:.*\n)*?)^```$",
    flags=re.MULTILINE,
)


class Block(NamedTuple):
    line: int
    why: str | None  # it is not run
    package: str | None  # that it needs
    language: str
    text: str


def read_blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    blocks = [
        Block(text.count("\n", 0, match.start("text")), *match.group("why", "package", "language", "text"))
        for match in BLOCK.finditer(text)
    ]
    assert 2 * len(blocks) == len(re.findall(r"^\s*(?:```|~~~)", text, flags=re.MULTILINE)), (
        f"{page}: a block is not closed, or stands within a list, where it is not seen"
    )
    return blocks


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_s_blocks_work_as_they_stand(page: Path, clone) -> None:
    printed, passed_over = "", []
    for block in read_blocks(page):
        where = f"{page.name}, line {block.line}"
        run = ("bash", "python", "text", "")
        assert block.language in (*run, "js" if block.why else ""), f"{where}: {block.language} is not run"
        if block.why or block.language == "text":
            continue
        assert not block.package or block.package in PROJECT, f"{where}: {block.package} is in no extra"
        if block.package and find_spec(block.package) is None:
            passed_over.append(f"{where} needs {block.package}")
        elif block.language:
            try:
                printed += clone.paste(block.language, block.text)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from None
        else:
            assert block.text.strip() in printed, f"{where}: is not what was printed:\n{printed}"
    if passed_over:
        pytest.skip(f"all else passed, but {', '.join(passed_over)}")


@pytest.fixture
def folder(clone) -> Path:
    """A fresh clone in which `scripts/example.sh` was run."""
    clone.paste("bash", "scripts/example.sh")
    return clone.folder


@pytest.fixture
def run_example(clone, folder: Path) -> Callable[..., str]:
    """What a script of `examples/` prints."""

    def run(script: str, *arguments: str) -> str:
        command = [".venv/bin/python", f"examples/{script}", "--model", "example/model", *arguments]
        return clone.paste("bash", shlex.join(command))

    return run


def test_search_finds_the_nearest_sentences(run_example, folder) -> None:
    texts = (folder / "example" / "text" / "it.txt").read_text(encoding="utf-8").splitlines()
    found = run_example("search.py", "--texts", "example/text/it.txt", "--top", "2", texts[2])
    first, second = found.splitlines()
    assert first == f"1.000  {texts[2]}"
    assert float(second.split()[0]) < 1


def test_translations_are_mined_from_two_files(run_example, folder) -> None:
    """The example's weights are random, so here the translation of a sentence is the sentence."""
    texts = (folder / "example" / "text" / "en.txt").read_text(encoding="utf-8").splitlines()
    (folder / "other.txt").write_text("\n".join(reversed(texts)), encoding="utf-8")
    files = ["--left", "example/text/en.txt", "--right", "other.txt"]
    pairs = [line.split("\t") for line in run_example("mine_translations.py", *files).splitlines()]
    assert [pair[1:] for pair in pairs] == [[text, text] for text in texts]
    assert run_example("mine_translations.py", *files, "--threshold", "9") == ""


def test_fine_tuning_lowers_the_loss(run_example, folder) -> None:
    lines = [
        f"{code}\t{line}"
        for code in ("en", "ja")
        for line in (folder / "example" / "text" / f"{code}.txt").read_text(encoding="utf-8").splitlines()
    ]
    (folder / "data.tsv").write_text("\n".join(lines), encoding="utf-8")
    options = ["--data", "data.tsv", "--out", "classifier", "--epochs", "20", "--learning-rate", "1e-3"]
    printed = run_example("fine_tune.py", *options)
    losses = [float(loss) for loss in re.findall(r"loss (\d+\.\d+)", printed)]
    assert len(losses) == 20 and losses[-1] < losses[0] / 2
    assert printed.endswith("classifier: labels en, ja\n")
    assert (folder / "classifier" / "saved_model.pb").is_file()
