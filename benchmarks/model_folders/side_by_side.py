"""Encoders side by side: how fast they are on one core, and how well they find translations."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from encoding import write_sentences
from measure import Run

import smaller_labse
from smaller_labse.encoders.sentence_encoder import SentenceEncoder


@contextmanager
def one_core() -> Iterator[None]:
    """Run on one core while the block lasts: no thread waits for another, other work matters little."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def read_sentences(scratch: Path, count: int) -> list[str]:
    """Everyday sentences in 15 languages."""
    file = scratch / f"sentences-{count}.txt"
    write_sentences(file, count)
    return file.read_text(encoding="utf-8").splitlines()


def measure_speed(
    encoders: Mapping[str, SentenceEncoder], texts: int, scratch: Path, repetitions: int
) -> dict[str, list[Run]]:
    """Processor time for the same texts, by all encoders in turn; before that, once to warm up."""
    sentences = read_sentences(scratch, texts)
    runs: dict[str, list[Run]] = {name: [] for name in encoders}
    for repetition in range(-1, repetitions):
        for name, encoder in encoders.items():
            started = time.process_time()
            encoder.encode(sentences, advance=lambda amount: None)
            seconds = time.process_time() - started
            if repetition >= 0:
                print(f"{name}: {len(sentences) / seconds:.0f} texts a second", file=sys.stderr, flush=True)
                runs[name].append(Run(seconds, 0.0, len(sentences)))
    return runs


def measure_accuracy(
    original: tuple[str, Path], models: Mapping[str, Path], tatoeba: Path, languages: str | None
) -> dict[str, str]:
    """Tatoeba's average in percent, both ways, and each model's difference to the original's, by `compare`.

    A difference has its 95% interval, and the language behind it that lost most.

    Args:
        original: its name and folder.
        models: the others', by name.
        tatoeba: the test data.
        languages: of it; None for all.
    """
    name, folder = original
    named = [f"{name}={path}" for name, path in models.items()]
    report = smaller_labse.compare(f"{name}={folder}", named, tatoeba=tatoeba, languages=languages)
    (line,) = report.averages
    said = {name: f"{100 * line.values[0]:.2f}"}
    for number, (model, found) in enumerate(zip(models, line.differences, strict=True)):
        by_language: dict[str, list[float]] = {}
        for part in report.lines:
            by_language.setdefault(_language_of(part.part), []).append(part.differences[number].value)
        least, language = min((sum(both) / len(both), each) for each, both in by_language.items())
        interval = f"{100 * found.low:+.2f} to {100 * found.high:+.2f}"
        said[model] = (
            f"{100 * line.values[number + 1]:.2f} ({100 * found.value:+.2f}, {interval}; "
            f"{language} {100 * least:+.2f})"
        )
    return said


def _language_of(part: str) -> str:
    """Of "en→fr" and of "fr→en": fr."""
    start, _, end = part.partition("→")
    return end if start == "en" else start
