"""Bitext mining, as for BUCC (Zweigenbaum et al. 2018): which sentences are each other's translation?

Of each pair of languages `xx-en.SPLIT.xx` and `xx-en.SPLIT.en` hold `id<TAB>sentence`, and `xx-en.SPLIT.gold`
`id<TAB>id`, the true pairs. The threshold is optimized on the training split (where there is none, on the
sample) and used on the test split where its gold is there; otherwise the training split itself is measured,
as in the papers.

A candidate pair is scored by its cosine, or by the ratio margin (Artetxe & Schwenk 2019, arXiv 1811.01136,
section 3.1): its cosine by the mean of the cosines of both with their k nearest neighbours,

    margin(x, y) = cos(x, y) / (sum of cos(x, z) / 2k over the neighbours z of x
                                + sum of cos(y, z) / 2k over the neighbours z of y)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.text_files import read_plain_lines
from smaller_labse.evaluate.tasks.task import Encode
from smaller_labse.metrics.nearest_neighbours import Neighbours, neighbours_both_ways
from smaller_labse.metrics.scores import Score

GOLD = re.compile(r"([a-z]{2,3})-([a-z]{2,3})\.(training|sample|test)\.gold")
TRAINING, TEST = ("training", "sample"), "test"
NEIGHBOURS = 4  # k, as published
SCORINGS = ("cosine", "margin")
SEARCHES = ("forward", "backward")


@dataclass(frozen=True)
class Split:
    """Sentences of two languages and the pairs among them.

    Attributes:
        left: sentences of the first language.
        right: of the second.
        gold: (left, right) → the line of the gold file.
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    gold: Mapping[tuple[int, int], int]


@dataclass(frozen=True)
class BitextMining:
    """One pair of languages, as a task.

    Attributes:
        languages: their codes as the files have them.
        training: where the threshold is chosen.
        test: what is measured; None for the training split.
        source: where they come from, as the user wrote it.
    """

    languages: tuple[str, str]
    training: Split
    test: Split | None
    source: str = field(default="", repr=False, compare=False)  # no part of what is measured

    name = "bucc"

    def texts(self) -> dict[str, tuple[str, ...]]:
        """Language → the sentences that are encoded."""
        splits = [split for split in (self.training, self.test) if split]
        return {
            self.languages[0]: tuple(text for split in splits for text in split.left),
            self.languages[1]: tuple(text for split in splits for text in split.right),
        }

    def pairs(self) -> dict[str, int]:
        """How many true pairs are to be found."""
        return {"-".join(self.languages): len((self.test or self.training).gold)}

    def measure(self, encode: Encode) -> list[Score]:
        """F1 of forward and backward search, by cosine and by margin.

        Args:
            encode: texts → embeddings of length 1, float [texts, hidden size].
        """
        training = _search(self.training, encode)
        measured, split = (training, self.training) if self.test is None else (None, self.test)
        measured = measured or _search(split, encode)
        scores = []
        for scoring in SCORINGS:
            for search in SEARCHES:
                threshold = best_threshold(mine(*training, scoring, search), self.training.gold)
                found = outcomes(mine(*measured, scoring, search), threshold, split.gold, len(split.left))
                sample = "-".join(self.languages)
                scores.append(Score(self.name, f"{sample} {scoring} {search}", "F1", found, sample))
        return scores


def read_bucc(folder: Path) -> list[BitextMining]:
    """Read all pairs of languages in a folder, or in folders within it.

    Raises:
        SmallerLabseError: there are none, a file is missing or not of the format, or a gold pair names a
            sentence that does not exist.
    """
    if not folder.is_dir():
        raise SmallerLabseError(f"{folder}: no such folder; expected one with xx-en.training.gold files")
    golds = {
        match.groups(): file
        for file in sorted(folder.rglob("*.gold"))
        if (match := GOLD.fullmatch(file.name))
    }
    tasks = []
    for languages in sorted({(left, right) for left, right, _ in golds}):
        training = next((golds[(*languages, name)] for name in TRAINING if (*languages, name) in golds), None)
        if training is None:
            raise SmallerLabseError(
                f"{folder}: {'-'.join(languages)} has no training.gold to choose a threshold by"
            )
        test = golds.get((*languages, TEST))
        test_split = _read_split(test) if test else None
        tasks.append(BitextMining(languages, _read_split(training), test_split, str(folder)))
    if not tasks:
        raise SmallerLabseError(f"{folder}: no xx-en.training.gold in it, expected BUCC's files")
    return tasks


@dataclass(frozen=True)
class Mined:
    """Candidate pairs, the best first.

    Attributes:
        left: sentences of the one side, int64 [pairs].
        right: the other side's.
        scores: float [pairs], descending.
    """

    left: np.ndarray
    right: np.ndarray
    scores: np.ndarray


def mine(of_left: Neighbours, of_right: Neighbours, scoring: str, search: str) -> Mined:
    """For every sentence of one side its best candidate of the other.

    Args:
        of_left: the neighbours of the left side's sentences, from `neighbours_both_ways` with k = 4.
        of_right: those of the right side's.
        scoring: "cosine" or "margin".
        search: "forward" looks for every left sentence, "backward" for every right one.
    """
    own, other = (of_left, of_right) if search == "forward" else (of_right, of_left)
    scores = own.similarities
    if scoring == "margin":
        scores = scores / ((_means(own)[:, np.newaxis] + _means(other)[own.indices]) / 2)
    best = scores.argmax(axis=1)
    rows = np.arange(len(best))
    found, scores = own.indices[rows, best], scores[rows, best]
    order = np.argsort(-scores, kind="stable")
    left, right = (rows, found) if search == "forward" else (found, rows)
    return Mined(left[order], right[order], scores[order])


def best_threshold(mined: Mined, gold: Mapping[tuple[int, int], int]) -> float:
    """The score from which on pairs are taken so that F1 against the gold pairs is highest.

    Args:
        mined: candidate pairs.
        gold: the true pairs, (left, right) → anything.

    Returns:
        A score; of equal F1 the highest. Infinity where no candidate is true.
    """
    pairs = zip(mined.left.tolist(), mined.right.tolist(), strict=True)
    right = np.cumsum([pair in gold for pair in pairs])
    taken = np.arange(1, len(right) + 1)
    f1 = 2 * right / (taken + len(gold))
    # Equal scores are taken all or none.
    f1[:-1][mined.scores[:-1] == mined.scores[1:]] = -1
    return float(mined.scores[f1.argmax()]) if f1.max() > 0 else float("inf")


def outcomes(
    mined: Mined, threshold: float, gold: Mapping[tuple[int, int], int], sentences: int
) -> np.ndarray:
    """How the pairs from a threshold on do, by BUCC's scoring: every pair is right or wrong as a whole.

    Precision is the share of the found pairs that are gold, recall that of the gold pairs that are found.

    Args:
        mined: candidate pairs.
        threshold: the lowest score that is taken.
        gold: the true pairs.
        sentences: how many the left side has.

    Returns:
        Of each left sentence: right pairs, found pairs, true pairs; int64 [sentences, 3].
    """
    counts = np.zeros((sentences, 3), np.int64)
    taken = mined.scores >= threshold
    for pair in zip(mined.left[taken].tolist(), mined.right[taken].tolist(), strict=True):
        counts[pair[0], :2] += (pair in gold, 1)
    for left, _ in gold:
        counts[left, 2] += 1
    return counts


def _search(split: Split, encode: Encode) -> tuple[Neighbours, Neighbours]:
    return neighbours_both_ways(encode(split.left), encode(split.right), NEIGHBOURS)


def _read_split(gold: Path) -> Split:
    languages, split, _ = gold.name.split(".")
    left_code, right_code = languages.split("-")
    stem = gold.name.removesuffix("gold")
    (left, left_ids), (right, right_ids) = (
        _read_sentences(gold.with_name(stem + code)) for code in (left_code, right_code)
    )
    pairs: dict[tuple[int, int], int] = {}
    for number, line in enumerate(read_plain_lines(gold), start=1):
        ids = line.split("\t")
        if len(ids) != 2:
            raise SmallerLabseError(f"{gold}: line {number} is {line[:60]!r}, expected id<TAB>id")
        for name, known in zip(ids, (left_ids, right_ids), strict=True):
            if name not in known:
                raise SmallerLabseError(
                    f"{gold}: line {number} names {name}, which is no sentence of the {split} files"
                )
        pairs[left_ids[ids[0]], right_ids[ids[1]]] = number
    return Split(left, right, pairs)


def _read_sentences(file: Path) -> tuple[tuple[str, ...], dict[str, int]]:
    """The sentences, and id → which."""
    sentences: list[str] = []
    ids: dict[str, int] = {}
    for number, line in enumerate(read_plain_lines(file), start=1):
        name, tab, sentence = line.partition("\t")
        if not tab:
            raise SmallerLabseError(f"{file}: line {number} is {line[:60]!r}, expected id<TAB>sentence")
        if ids.setdefault(name, len(sentences)) != len(sentences):
            raise SmallerLabseError(f"{file}: line {number} has the id {name}, which an earlier line has")
        sentences.append(sentence)
    return tuple(sentences), ids


def _means(neighbours: Neighbours) -> np.ndarray:
    return neighbours.similarities.mean(axis=1)
