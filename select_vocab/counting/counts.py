"""Counts: how often, and in how many lines, each token of a vocabulary occurs in a language."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.sample import SampledLine, sample_lines
from smaller_labse.originals.preprocessors import FAITHFUL
from smaller_labse.select_vocab.counting.shard_of_counts import ShardOfCounts


@dataclass(frozen=True)
class Counts:
    """How often each token occurs.

    Attributes:
        name: what these are counts of: a language's code, or a Wikipedia's where a language has several.
        language: the language's code.
        corpus: where the text came from, for people; no path of a machine.
        line_filter: which lines were counted; None where nobody knows (published frequencies), or of merged
            counts that were filtered differently.
        fingerprint: of the vocabulary.
        total_lines: how many lines were counted; None where nobody knows.
        occurrences: of each token, by id, int64 [vocabulary size].
        lines: in how many lines each token occurs, int64 [vocabulary size]; None where nobody knows.
        sample: some of the lines, evenly drawn; none where the user wanted none stored.
        word_list: whether it is no text but words and how often they occur, each a line.
        text_digest: of the lines that were counted, see `TextDigest`; None where nobody knows (published
            frequencies, merged counts, counts of earlier versions).
        preprocessor: that read the text, see `PREPROCESSORS`.
        shard: which shard these are counts of; None where they are of all.
    """

    name: str
    language: str
    corpus: str
    line_filter: LineFilter | None
    fingerprint: str
    total_lines: int | None
    occurrences: np.ndarray
    lines: np.ndarray | None
    sample: tuple[SampledLine, ...] = ()
    word_list: bool = False
    text_digest: str | None = None
    preprocessor: str = FAITHFUL
    shard: ShardOfCounts | None = None


def add_counts(first: Counts, second: Counts) -> Counts:
    """Add two counts of one language and one vocabulary, from two corpora.

    Raises:
        SmallerLabseError: they are of different vocabularies or languages, or one is a shard's or has no line
            counts.
    """
    for counts in (first, second):
        if counts.shard is not None:
            raise SmallerLabseError(
                f"{counts.name}: {counts.shard.shard.words} is no whole count; merge all shards first"
            )
    for attribute in ("fingerprint", "language"):
        values = getattr(first, attribute), getattr(second, attribute)
        if values[0] != values[1]:
            raise SmallerLabseError(
                f"counts of different {attribute}s cannot be added up: {values[0]}, {values[1]}"
            )
    if first.lines is None or second.lines is None or first.total_lines is None or second.total_lines is None:
        raise SmallerLabseError(
            f"{first.name}: published frequencies have no line counts, so they cannot be added up"
        )
    return replace(
        first,
        corpus=f"{first.corpus} + {second.corpus}",
        line_filter=first.line_filter if first.line_filter == second.line_filter else None,
        total_lines=first.total_lines + second.total_lines,
        occurrences=first.occurrences + second.occurrences,
        lines=first.lines + second.lines,
        # A sample of one of the two would be no even sample of both.
        sample=sample_lines([*first.sample, *second.sample]) if first.sample and second.sample else (),
        word_list=first.word_list or second.word_list,
        text_digest=None,
    )
