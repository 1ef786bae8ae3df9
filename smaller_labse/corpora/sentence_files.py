"""Sentences from a text file, one a line, exactly as they stand there."""

from __future__ import annotations

from pathlib import Path

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.text_files import read_lines


def read_sentences(file: Path) -> list[str]:
    """Read the lines of a file; empty ones are lines too, and only a line feed ends one.

    Args:
        file: whatever `smaller_labse.corpora.text_files.read_lines` reads: plain text in UTF-8, mostly.

    Raises:
        SmallerLabseError: the file is missing, empty or not UTF-8.
    """
    sentences = list(read_lines(file))
    if not sentences:
        raise SmallerLabseError(f"{file}: empty, expected one sentence a line")
    return sentences
