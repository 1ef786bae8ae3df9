"""Every block of every page, pasted as it stands into a fresh shell in a fresh clone, one after the other.

A block of `bash` or `python` is run. One without a language is output, which the blocks before it on the page have
printed. One of `text` is a drawing. A block that needs what a test does not have (the network, minutes, a GPU) says
so in a comment before it, `<!-- not run by the tests: WHY -->`; test_commands.py checks its commands and options.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- not run by the tests: (?P<why>.+?) -->\n+)?^```(?P<language>.*)\n(?P<text>(?:.*\n)*?)^```$",
    flags=re.MULTILINE,
)


class Block(NamedTuple):
    line: int
    why: str | None  # it is not run
    language: str
    text: str


def read_blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    blocks = [
        Block(text.count("\n", 0, match.start("text")), match["why"], match["language"], match["text"])
        for match in BLOCK.finditer(text)
    ]
    assert 2 * len(blocks) == len(re.findall(r"^\s*(?:```|~~~)", text, flags=re.MULTILINE)), (
        f"{page}: a block is not closed, or stands within a list, where it is not seen"
    )
    return blocks


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_s_blocks_work_as_they_stand(page: Path, clone) -> None:
    printed = ""
    for block in read_blocks(page):
        where = f"{page.name}, line {block.line}"
        assert block.language in ("bash", "python", "text", ""), f"{where}: {block.language} is not run"
        if block.why or block.language == "text":
            continue
        if block.language:
            try:
                printed += clone.paste(block.language, block.text)
            except AssertionError as error:
                raise AssertionError(f"{where}: {error}") from None
        else:
            assert block.text.strip() in printed, f"{where}: is not what was printed:\n{printed}"
