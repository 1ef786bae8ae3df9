"""What does counting cost beside what users would otherwise run; is its memory flat, are its counts exact?"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from measure import Run, Section, apart, measure, median_rate, peak, spread, take_turns
from rivals.recipe_loop import recipe_loop
from text import LANGUAGES, write_text

from smaller_labse.common.result_table import Table

RIVALS = Path(__file__).parent / "rivals"
COUNT = (sys.executable, "-m", "smaller_labse.select_vocab", "count")
RECIPE_LINES, RIVAL_LINES, OUR_LINES = 1_500, 60_000, 1_000_000
FEW_LINES, MANY_LINES = 100_000, 2_000_000
ORACLE_LINES = 20_000
NOTES = (
    "From files to written counts, starting included; of the others only the loop, nothing loaded or "
    "imported in it."
)


def measure_speed(labse: Path, e5: Path, scratch: Path, repetitions: int) -> list[Section]:
    """Counting with a WordPiece vocabulary and with a SentencePiece one, against others."""
    texts = {lines: scratch / f"text_{lines}" for lines in (RECIPE_LINES, RIVAL_LINES, OUR_LINES)}
    for lines, folder in texts.items():
        apart(write_text, folder, lines)
    python, vocabulary = sys.executable, vocabulary_of(labse)
    few, some = files(texts[RECIPE_LINES]), files(texts[RIVAL_LINES])
    out = scratch / "counts"
    wordpiece = {
        "the recipe's loop": lambda: measure([python, RIVALS / "recipe_loop.py", vocabulary, *few], "tokens"),
        "tf-text's BertTokenizer alone": lambda: measure(
            [python, RIVALS / "tf_text_alone.py", vocabulary, *some], "tokens"
        ),
        "select-vocab count": lambda: count(labse, texts[OUR_LINES], out),
    }
    unigram = {
        "tokenizers, counted by Python": lambda: measure(
            [python, RIVALS / "tokenizers_loop.py", e5 / "tokenizer.json", *some], "tokens"
        ),
        "select-vocab count": lambda: count(e5, texts[OUR_LINES], out),
    }
    lines = {
        "the recipe's loop": RECIPE_LINES,
        "select-vocab count": OUR_LINES,
    }
    return [
        _speed_section(f"Counting, {family}", ways, lines, repetitions)
        for family, ways in (("WordPiece (LaBSE's kind)", wordpiece), ("SentencePiece (e5's kind)", unigram))
    ]


def _speed_section(
    title: str, ways: dict[str, Callable[[], Run]], lines: dict[str, int], repetitions: int
) -> Section:
    runs = take_turns(ways, repetitions)
    slowest = median_rate(runs[next(iter(ways))])
    rows = [
        (
            name,
            f"{lines.get(name, RIVAL_LINES):,}",
            spread([run.amount / run.seconds / 1e6 for run in done], "{:.3f}"),
            f"{median_rate(done) / slowest:,.1f} x",
            peak(done),
        )
        for name, done in runs.items()
    ]
    header = ("", "lines", "million tokens per second", "speed", "peak memory")
    return Section(title, Table(header, rows), runs, NOTES)


def measure_vocabularies(own: Path, invented: Path, scratch: Path, repetitions: int) -> Section:
    """Count with LaBSE's own vocabulary beside one of the same size, of words that a benchmark can make."""
    apart(write_text, scratch / f"text_{OUR_LINES}", OUR_LINES)
    text, out = scratch / f"text_{OUR_LINES}", scratch / "counts"
    ways = {
        "words of 15 languages, invented ones": lambda: count(invented, text, out),
        "LaBSE's own": lambda: count(own, text, out),
    }
    title = "Counting, with 501,153 tokens"
    return _speed_section(title, ways, dict.fromkeys(ways, OUR_LINES), repetitions)


def measure_memory(labse: Path, e5: Path, scratch: Path) -> Section:
    """Peak memory while counting a few lines and many."""
    runs: dict[str, list[Run]] = {}
    for lines in (FEW_LINES, MANY_LINES):
        apart(write_text, scratch / f"text_{lines}", lines)
        for name, model in (("WordPiece", labse), ("SentencePiece", e5)):
            print(f"memory: {name}, {lines:,} lines", file=sys.stderr, flush=True)
            runs[f"{name}, {lines:,} lines"] = [count(model, scratch / f"text_{lines}", scratch / "counts")]
    rows = [
        (name, f"{done[0].amount / 1e6:,.1f}M", f"{done[0].seconds:.1f} s", peak(done))
        for name, done in runs.items()
    ]
    table = Table(("", "tokens", "wall time", "peak memory"), rows)
    return Section("Counting, memory", table, runs)


def check_exactness(labse: Path, scratch: Path) -> Section:
    """Count a million lines in several ways, and some by the recipe's loop; stop where counts differ."""
    text, sample = scratch / f"text_{OUR_LINES}", scratch / f"text_{ORACLE_LINES}"
    for folder, lines in ((text, OUR_LINES), (sample, ORACLE_LINES)):
        if not folder.exists():
            apart(write_text, folder, lines)
    ways: dict[str, Callable[[Path], None]] = {
        "1 worker": lambda out: _run_count(labse, text, out, "--workers", "1"),
        "2 workers": lambda out: _run_count(labse, text, out, "--workers", "2"),
        "2 workers, interrupted twice": lambda out: _interrupted_twice(labse, text, out),
    }
    first, rows, runs = None, [], {}
    for number, (name, way) in enumerate(ways.items()):
        print(f"exactness: {name}", file=sys.stderr, flush=True)
        started = time.monotonic()
        way(scratch / f"exact_{number}")
        runs[name] = [Run(time.monotonic() - started, 0, OUR_LINES)]
        written = {file.name: file.read_bytes() for file in sorted((scratch / f"exact_{number}").iterdir())}
        first = first or written
        if written != first or len(written) != len(LANGUAGES):
            sys.exit(f"counting with {name} gives other files than with 1 worker")
        rows.append((name, f"{OUR_LINES:,}", f"{len(written)} files, the same to the byte"))
    print("exactness: the recipe's loop", file=sys.stderr, flush=True)
    _run_count(labse, sample, scratch / "exact_sample")
    apart(_compare_with_recipe, vocabulary_of(labse), sample, scratch / "exact_sample")
    rows.append(("the recipe's loop", f"{ORACLE_LINES:,}", "occurrences and lines of every token, the same"))
    return Section("Counting, exactness", Table(("", "lines", "counts"), rows), runs)


def count(model: Path, text: Path, out: Path) -> Run:
    """Count a folder of text, from start to exit; the amount is its tokens."""
    run = measure([*COUNT, "--model", model, "--text", text / "{code}.txt", *_languages(), "--max-lines", "0",
                   "--out", out, "--overwrite"])  # fmt: skip
    tokens = sum(pc.sum(pq.read_table(file)["occurrences"]).as_py() for file in out.iterdir())
    return Run(run.seconds, run.gigabytes, tokens)


def vocabulary_of(labse: Path) -> Path:
    """The vocabulary of an original in TF Hub's format."""
    return min(labse.rglob("assets/*.txt"))


def files(folder: Path) -> list[Path]:
    """The text of all languages."""
    return sorted(folder.iterdir())


def _languages() -> tuple[str, str]:
    return "--languages", ",".join(LANGUAGES)


def _run_count(model: Path, text: Path, out: Path, *options: str) -> None:
    measure(_count_command(model, text, out, *options))


def _count_command(model: Path, text: Path, out: Path, *options: str) -> list[str | Path]:
    return [*COUNT, "--model", model, "--text", text / "{code}.txt", *_languages(), "--max-lines", "0",
            "--out", out, *options]  # fmt: skip


def _interrupted_twice(model: Path, text: Path, out: Path) -> None:
    """Stop by Ctrl-C when three more languages are there, two times; then let it finish."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    for languages in (3, 6):
        process = subprocess.Popen(
            _count_command(model, text, out, "--workers", "2"),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while process.poll() is None and len(list(out.glob("*.parquet"))) < languages:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        if process.wait() == 0:
            sys.exit("counting had ended before it could be interrupted")
    _run_count(model, text, out, "--workers", "2")


def _compare_with_recipe(vocabulary: Path, text: Path, counts: Path) -> None:
    for code in LANGUAGES:
        lines = (text / f"{code}.txt").read_text("utf-8").splitlines()
        expected = recipe_loop(vocabulary, [line for line in lines if len(line) > 5])
        if expected != _as_dicts(counts / f"{code}.parquet"):
            raise ValueError(f"{code}: the counts are not those of the recipe's loop")


def _as_dicts(file: Path) -> tuple[dict[str, int], dict[str, int]]:
    columns = pq.read_table(file).to_pydict()
    return tuple(dict(zip(columns["piece"], columns[name], strict=True)) for name in ("occurrences", "lines"))
