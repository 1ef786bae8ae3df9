"""The plan of a run: what is read, what the model will be, about how long and how much memory it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from smaller_labse.all_stages.settings import Settings
from smaller_labse.all_stages.stage_options import COUNTING, SELECTING
from smaller_labse.originals.open import Original
from smaller_labse.select_vocab.choosing.file_sizes import FILES, file_size
from smaller_labse.select_vocab.choosing.finished_file import MEGABYTE, limit_size
from smaller_labse.select_vocab.count import count

# Seconds of a processor and bytes of memory: what TensorFlow takes, and for each parameter of the smaller
# model. Measured: e5-small left with 29M parameters takes 28 to 31 s, with 60M 39 s, by make-smaller; all
# stages in one process 2.2 GB for the 29M.
SECONDS, SECONDS_PER_PARAMETER = 20.0, 3e-7
MEMORY, MEMORY_PER_PARAMETER = 1.9e9, 6


def plan(settings: Settings, original: Original, counts: Path, say: Callable[[str], None]) -> None:
    """Say what a run will do; nothing is written.

    Args:
        settings: the run's.
        original: what is trimmed.
        counts: where the counts go.
        say: is told each line.

    Raises:
        SmallerLabseError: the text cannot be read.
    """
    say(
        f"the original: {original.place.name}, {original.vocab_size:,} tokens, "
        f"{original.parameters / 1e6:,.1f}M parameters"
    )
    say("1. count the tokens of each language")
    count(
        settings.model,
        settings.languages or None,
        out=counts,
        **settings.given(COUNTING),
        dry_run=True,
        report=lambda line: say(f"   {line}"),
    )
    rows = _plan_selection(settings, original, say)
    smaller = original.parameters - (original.vocab_size - rows) * original.hidden_size
    say(f"3. make the model {settings.out}, at most {smaller / 1e6:,.1f}M parameters, and verify it")
    seconds, memory = SECONDS + SECONDS_PER_PARAMETER * smaller, MEMORY + MEMORY_PER_PARAMETER * smaller
    say(f"   about {_duration(seconds)}, {memory / 1e9:,.1f} GB of memory")
    for name in settings.onnx:
        size = file_size(original, name).in_all(rows)
        say(f"   {FILES[name]}: at most {size / MEGABYTE:,.1f} MB")
    data = [name for name in (settings.tatoeba, *settings.parallel) if name]
    if data:
        say(f"4. compare it with the original on {', '.join(data)}")


def _plan_selection(settings: Settings, original: Original, say: Callable[[str], None]) -> int:
    """Say what is kept; returns the most tokens that may be."""
    if settings.max_megabytes is not None and settings.format is not None:
        limit = limit_size(original, settings.format, settings.max_megabytes, settings.round_to or 1)
        layers = limit.size.in_all(1) - limit.size.of_matrix(1)
        say(
            f"2. select at most {limit.vocab_size:,} tokens: the {settings.format} file of at most "
            f"{limit.max_bytes / MEGABYTE:,g} MB (10^6 bytes), of which the layers take "
            f"{layers / MEGABYTE:,.1f}"
        )
        if not limit.vocab_size:
            raise limit.too_small(len(original.tokenizer.special_ids))
        return limit.vocab_size
    said = settings.given(SELECTING)
    size = said.get("vocab_size")
    rule = "the tokens in at least 0.005 percent of a language's lines"
    if size:
        rule = f"{size} tokens"
    elif "coverage" in said:
        rule = f"the tokens that cover {said['coverage']} of each language's text"
    say(f"2. select {rule}")
    return original.vocab_size


def _duration(seconds: float) -> str:
    return f"{seconds:,.0f} s" if seconds < 120 else f"{seconds / 60:,.0f} minutes"
