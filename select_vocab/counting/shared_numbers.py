"""Line numbers that the shards of an even draw share, where they write into one folder.

Each of them needs the numbers of all texts. It begins with its own part of them, keeps a text's numbers in a
file, and takes those that another has kept: begun together, N shards read about an N-th of the text each.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from smaller_labse.common.atomic_output import new_file
from smaller_labse.corpora.line_batches import LineFilter, number_lines
from smaller_labse.corpora.shards.line_numbers import LineNumbers
from smaller_labse.corpora.shards.parted_text import PartedText
from smaller_labse.corpora.sources import Source


def number_together(source: Source, line_filter: LineFilter, folder: Path) -> LineNumbers:
    """Number the lines of all texts that pass the filter.

    Args:
        source: a shard of a text that lies in files.
        line_filter: which lines are numbered; `max_lines` does not matter here.
        folder: where to keep the numbers, and to look for those that others kept.
    """
    assert source.shard is not None
    texts, found = source.parted_texts(), dict[int, tuple[int, ...]]()
    folder.mkdir(exist_ok=True)
    first = (source.shard.number - 1) * len(texts) // source.shard.of
    for number in [*range(first, len(texts)), *range(first)]:
        place = folder / f"{_key(source, number, line_filter)}.json"
        found[number] = _read(place) or _number(texts, number, line_filter, place)
    return LineNumbers(tuple(found[number] for number in range(len(texts))))


def _key(source: Source, number: int, line_filter: LineFilter) -> str:
    """Says all that a text's numbers depend on; a file that was changed has another time."""
    file = source.files[number]
    stat = file.stat()
    # The corpus names the field, or column, of the text.
    text = [source.stored_corpus, file.name, number, stat.st_size, stat.st_mtime_ns]
    said = [*text, line_filter.longer_than]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def _read(place: Path) -> tuple[int, ...] | None:
    with suppress(OSError, ValueError):
        numbers = json.loads(place.read_text())
        if isinstance(numbers, list) and all(type(lines) is int and lines >= 0 for lines in numbers):
            return tuple(numbers)
    return None


def _number(
    texts: Sequence[PartedText], number: int, line_filter: LineFilter, place: Path
) -> tuple[int, ...]:
    ((*numbers,),) = number_lines([texts[number]], line_filter).texts
    with new_file(place, overwrite=True) as written:
        written.write_text(json.dumps(numbers))
    return tuple(numbers)
