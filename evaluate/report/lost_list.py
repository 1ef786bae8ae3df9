"""Lost tokens as a list in Markdown: a text and its tokens are too long for the cells of a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rich.cells import cell_len

from smaller_labse.common.result_table import WIDTH
from smaller_labse.common.visible_text import markdown_text
from smaller_labse.corpora.languages import language_label
from smaller_labse.evaluate.comparison.lost_tokens import LostToken

MOST_LOST = 10  # of the lost tokens that a report holds, as Markdown shows them
# What would begin a list, a heading, a quotation or a rule at the beginning of a line.
AT_THE_BEGINNING = re.compile(r"^(?=[-+*#>=~])|(?<=^\d)(?=[.)])|(?<=^\d\d)(?=[.)])")


def lost_list(lost: Sequence[LostToken], most: int = MOST_LOST, width: int = WIDTH) -> str:
    """The lost tokens that most texts used, each with an example, as a Markdown list.

    Args:
        lost: the lost tokens.
        most: how many of them.
        width: of a line, in a terminal's columns.

    Example:
        >>> token = LostToken("cat", 2, "en", "a cat", ("a", "cat"), ("a", "c", "##at"))
        >>> print(lost_list([token]), end="")
        - cat – 2 texts, as in English (en): a cat
          - before: a cat
          - now: a c ##at
    """
    lines: list[str] = []
    for token in lost[:most]:
        texts = "1 text, in" if token.texts == 1 else f"{token.texts:,} texts, as in"
        named = f"{token.token} – {texts} {language_label(token.language)}: {token.example}"
        lines += _item("", named, width)
        lines += _item("  ", f"before: {' '.join(token.before)}", width)
        lines += _item("  ", f"now: {' '.join(token.after)}", width)
    return "".join(line + "\n" for line in lines)


def _item(indent: str, text: str, width: int) -> Iterator[str]:
    first = True
    for line in _lines(text.split(), width - len(indent) - 2):
        yield f"{indent}{'- ' if first else '  '}{_shown(line)}"
        first = False


def _lines(words: Sequence[str], width: int) -> Iterator[str]:
    """Words in lines; one that is too long, as a text without spaces is, goes on in the next."""
    line = ""
    for word in words:
        longer = f"{line} {word}" if line else word
        if _width(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        line = ""
        for character in word:
            if _width(line + character) > width:
                yield line
                line = ""
            line += character
    if line:
        yield line


def _shown(line: str) -> str:
    return AT_THE_BEGINNING.sub(r"\\", markdown_text(line))


def _width(line: str) -> int:
    return cell_len(_shown(line))
