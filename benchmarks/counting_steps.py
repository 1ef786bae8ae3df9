"""Where does a token's time go when tokens are counted? In reading, splitting, looking up, adding up?

    scripts/benchmark.sh counting-steps

One thread does one step after the other, and each step's time is added up. Beside it what nanotoken takes,
which tokenizes only, text in memory that it reads the second time, so that it knows all words.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from counting import RIVALS, vocabulary_of
from counting_sources import as_tokenizer_json
from measure import Run, Section, apart, measure, median_rate
from text import sample_lines

from smaller_labse.common.result_table import Table
from smaller_labse.corpora.line_batches import LineBatch, LineFilter, read_batches
from smaller_labse.corpora.sources import text_sources
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    as_bytes,
    new_word_table,
    number_words,
)
from smaller_labse.select_vocab.counting import word_counter
from smaller_labse.select_vocab.counting.passed_lines import PassedLines

LANGUAGES = ("de", "ru", "zh")
LINES = 250_000  # of each language
ALL_LINES = LineFilter(max_lines=None)
READ, FIND, TOKENIZE, ADD, NOTE = STEPS = (
    "read lines",
    "split into words, look them up",
    "tokenize new words",
    "add up",
    "digest and sample",
)
AGAIN = f"{FIND}: alone, all words known"
NANOTOKEN = "nanotoken, which gives ids: all words known"
TABLE_WORDS = 1 << 22  # more than a language's text has different ones


def measure_steps(labse: Path, e5: Path, scratch: Path, repetitions: int) -> Section:
    """A row for each step of each language's count, with WordPiece and with SentencePiece."""
    text = scratch / "steps"
    apart(write_languages, text)
    vocabulary = apart(as_tokenizer_json, vocabulary_of(labse), scratch / "tokenizer.json")
    runs: dict[str, list[Run]] = defaultdict(list)
    columns: dict[str, dict[str, list[Run]]] = {}
    for family, model in (("WordPiece", labse), ("SentencePiece", e5)):
        for code in LANGUAGES:
            of_column: dict[str, list[Run]] = defaultdict(list)
            for _ in range(repetitions):
                print(f"{family}, {code}", file=sys.stderr, flush=True)
                for step, run in apart(time_steps, model, text, code).items():
                    of_column[step].append(run)
            if model is labse:
                command = [
                    sys.executable,
                    RIVALS / "nanotoken_alone.py",
                    vocabulary,
                    "1",
                    text / f"{code}.txt",
                ]
                of_column[NANOTOKEN] = [measure(command, "tokens") for _ in range(repetitions)]
            columns[f"{family}, {code}"] = of_column
            runs |= {f"{family}, {code}: {step}": done for step, done in of_column.items()}
    return Section("Where a token's time goes", _table(columns), runs, _notes())


def write_languages(folder: Path) -> None:
    """A file of each language."""
    folder.mkdir()
    for code in LANGUAGES:
        with (folder / f"{code}.txt").open("wb") as file:
            file.writelines(sample_lines(code, LINES))


def time_steps(model: Path, text: Path, code: str) -> dict[str, Run]:
    """Count a language in this thread; each step's seconds, and the tokens of all."""
    seconds: dict[str, float] = defaultdict(float)

    def timed(step: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                seconds[step] += time.perf_counter() - started

        return call

    tokenizer = open_original(str(model)).tokenizer
    (source,) = text_sources([code], [str(text / "{code}.txt")])
    batches: Iterator[Any] = read_batches(source, ALL_LINES)
    word_counter.WordCounter(tokenizer).add_batch(next(batches))  # what is compiled is compiled or loaded now
    counter, passed = word_counter.WordCounter(tokenizer), PassedLines()
    batches = read_batches(source, ALL_LINES)
    read = timed(READ, partial(next, batches, None))
    steps = {"number_words": FIND, "tally": ADD}
    with (
        patch.multiple(
            word_counter, **{name: timed(step, getattr(word_counter, name)) for name, step in steps.items()}
        ),
        patch.object(counter, "_tokenize_words_from", timed(TOKENIZE, counter._tokenize_words_from)),
    ):
        while (batch := read()) is not None:
            counter.add_batch(batch)
            timed(NOTE, passed.add)(batch)
    tokens = int(counter.occurrences.sum())
    seconds[AGAIN] = _look_up_again(read_batches(source, ALL_LINES), tokenizer.word_kinds)
    return {step: Run(seconds[step], 0.0, tokens) for step in (*STEPS, AGAIN)}


def _look_up_again(batches: Iterator[LineBatch], kinds: np.ndarray) -> float:
    """The seconds that splitting and looking up takes by itself, in a table that holds all words."""
    texts = [as_bytes(batch.lines, kinds, batch.encoded) for batch in batches]
    most = max(map(len, texts))
    table = new_word_table(TABLE_WORDS, sum(map(len, texts)))
    numbers, ends = np.empty(most, np.int32), np.empty(most, np.int64)
    for _ in range(2):
        started = time.perf_counter()
        for text in texts:
            number_words(text, kinds, table, numbers, ends)
        seconds = time.perf_counter() - started
    return seconds


def _table(columns: dict[str, dict[str, list[Run]]]) -> Table:
    def nanoseconds(of_column: dict[str, list[Run]], step: str) -> str:
        return f"{1e9 / median_rate(of_column[step]):.0f}" if step in of_column else "–"

    rows: list[Sequence[str]] = [
        (step, *(nanoseconds(of_column, step) for of_column in columns.values())) for step in STEPS
    ]
    sums = [sum(1e9 / median_rate(of_column[step]) for step in STEPS) for of_column in columns.values()]
    rows.append(("together", *(f"{each:.0f}" for each in sums)))
    rows += [
        (step, *(nanoseconds(of_column, step) for of_column in columns.values()))
        for step in (AGAIN, NANOTOKEN)
    ]
    return Table(("nanoseconds a token", *columns), rows)


def _notes() -> str:
    return (
        f"{LINES:,} lines of each language, counted in one thread. nanotoken counts nothing and reads "
        "the text the second time, in one thread, too."
    )
