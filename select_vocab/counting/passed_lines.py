"""What is noted of counted lines (number, digest, sample), and skipping those that were counted before."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from smaller_labse.common.progress import Advance
from smaller_labse.corpora.line_batches import LineBatch
from smaller_labse.corpora.sample import LineSampler
from smaller_labse.corpora.shards.text_digest import TextDigest


class PassedLines:
    """What is noted of a text's lines while they go by.

    Attributes:
        total: how many, words of a list as often as they occur.
        digest: of all of them.
        sampler: draws a sample of them.
    """

    def __init__(self) -> None:
        self.total, self.digest, self.sampler = 0, TextDigest(), LineSampler()

    def add(self, batch: LineBatch) -> None:
        """Note the text's next lines."""
        self.total += int(batch.times.sum())
        batch.add_to(self.digest)
        self.sampler.add(batch)


def pass_over(
    batches: Iterator[LineBatch], total: int, digest: str, advance: Advance = lambda amount: None
) -> tuple[PassedLines, Iterator[LineBatch]] | None:
    """Read a text's first lines and compare them with those that were counted before.

    Args:
        batches: the text, from its first line.
        total: how many lines were counted.
        digest: of those lines, see `TextDigest`.
        advance: is told how many more lines are read.

    Returns:
        What is noted of these lines, and the batches behind them; None where they are others.
    """
    passed = PassedLines()
    rest = None
    while passed.total < total and (batch := next(batches, None)) is not None:
        if not batch.of_words and len(batch.lines) > total - passed.total:
            batch, rest = batch.split(total - passed.total)
        passed.add(batch)
        advance(len(batch.lines))
    if (passed.total, passed.digest.hexdigest()) != (total, digest):
        return None
    return passed, batches if rest is None else chain([rest], batches)
