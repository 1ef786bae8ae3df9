"""What does counting cost from text, JSON lines and Parquet, with one worker and with two?"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from counting import COUNT, RIVALS, files, vocabulary_of
from measure import Run, Section, apart, measure, median_rate, peak, spread, take_turns
from text import LANGUAGES, write_text

from smaller_labse.common.result_table import Table

LINES = 500_000
FEW_LINES = 1_500
ROW_GROUP = 10_000  # lines
TEXT = "text, 2 workers"  # what the others are compared with
STARTING = f"{FEW_LINES:,} lines of text: what starting takes"
NANOTOKEN = "nanotoken"


def measure_sources(labse: Path, e5: Path, scratch: Path, repetitions: int) -> list[Section]:
    """Counting the same lines from files of three kinds, with WordPiece and with SentencePiece."""
    text, few, out = scratch / "sources", scratch / "few_lines", scratch / "counts"
    apart(write_sources, text, LINES)
    apart(write_text, few / "txt", FEW_LINES)
    sections = []
    for title, model in (("WordPiece (LaBSE's kind)", labse), ("SentencePiece (e5's kind)", e5)):
        ways: dict[str, Callable[[], Run]] = {
            STARTING: partial(_count, model, few, "txt", 2, out),
            "text, 1 worker": partial(_count, model, text, "txt", 1, out),
            TEXT: partial(_count, model, text, "txt", 2, out),
            "JSON lines, 2 workers": partial(_count, model, text, "jsonl", 2, out),
            "Parquet, 2 workers": partial(_count, model, text, "parquet", 2, out),
        }
        if model is labse:
            vocabulary = apart(as_tokenizer_json, vocabulary_of(labse), scratch / "tokenizer.json")
            for threads, name in (("1", "1 thread"), ("2", "2 threads")):
                command = [sys.executable, RIVALS / "nanotoken_alone.py", vocabulary, threads]
                name = f"{NANOTOKEN}, only ids of text in memory, {name}"
                ways[name] = partial(measure, [*command, *files(text / "txt")], "tokens")
        sections.append(_section(title, take_turns(ways, repetitions)))
    return sections


def write_sources(folder: Path, lines: int) -> None:
    """The text as files of lines, and the same lines as JSON lines and Parquet, in a folder each."""
    write_text(folder / "txt", lines)
    for kind in ("jsonl", "parquet"):
        (folder / kind).mkdir()
    for code in LANGUAGES:
        texts = (folder / "txt" / f"{code}.txt").read_text("utf-8").split("\n")[:-1]
        with (folder / "jsonl" / f"{code}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in texts)
        parquet = folder / "parquet" / f"{code}.parquet"
        pq.write_table(pa.table({"text": texts}), parquet, row_group_size=ROW_GROUP)


def _count(model: Path, text: Path, kind: str, workers: int, out: Path) -> Run:
    """Count files of one kind, from start to exit; the amount is its tokens."""
    run = measure([*COUNT, "--model", model, "--text", text / kind / f"{{code}}.{kind}", "--languages",
                   ",".join(LANGUAGES), "--max-lines", "0", "--workers", str(workers), "--out", out,
                   "--overwrite"])  # fmt: skip
    tokens = sum(pc.sum(pq.read_table(file)["occurrences"]).as_py() for file in out.iterdir())
    return Run(run.seconds, run.gigabytes, tokens)


def as_tokenizer_json(vocabulary: Path, file: Path) -> Path:
    """A WordPiece vocabulary as a `tokenizer.json` of BERT's kind, without lower-casing."""
    from tokenizers import BertWordPieceTokenizer

    BertWordPieceTokenizer(str(vocabulary), lowercase=False, strip_accents=False).save(str(file))
    return file


def _section(title: str, runs: dict[str, list[Run]]) -> Section:
    starting = statistics.median(run.seconds for run in runs[STARTING])
    without = {
        name: done
        if name.startswith(NANOTOKEN)
        else [replace(run, seconds=run.seconds - starting) for run in done]
        for name, done in runs.items()
        if name != STARTING
    }
    beside = median_rate(without[TEXT])
    rows = [(STARTING, "", "", spread([run.seconds for run in runs[STARTING]]) + " s", peak(runs[STARTING]))]
    rows += [
        (
            name,
            spread([run.amount / 1e6 / run.seconds for run in done]),
            f"{median_rate(done) / beside:.2f} x",
            spread([run.seconds for run in runs[name]]) + " s",
            peak(done),
        )
        for name, done in without.items()
    ]
    columns = ("", "million tokens per second", "speed", "wall time", "peak memory")
    notes = (
        f"{LINES:,} lines in 15 languages. Tokens a second and speed are without what starting takes, wall "
        "time is with it. nanotoken counts nothing, and is measured the second time over the text."
    )
    return Section(f"Counting by source, {title}", Table(columns, rows), runs, notes)
