"""What does encoding cost, beside padding every sentence to 128 tokens; is its memory flat?"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path

from measure import Run, Section, measure, median_rate, peak, spread, take_turns
from originals import ROOT

from smaller_labse.common.result_table import Table

RIVALS = Path(__file__).parent / "rivals"
SENTENCES = ROOT / "scripts" / "demo" / "sentences.tsv"
SPEED_TEXTS = 320
FEW_TEXTS, MANY_TEXTS = 10_000, 200_000


def measure_encoding(labse: Path, scratch: Path, repetitions: int) -> Section:
    """Encode the demo's sentences with an encoder of LaBSE's size."""
    file = scratch / "sentences.txt"
    write_sentences(file, SPEED_TEXTS)
    ways = {
        "padded to 128, in batches of 32": "padded.py",
        "encode": "ours.py",
    }
    runs = take_turns(
        {
            name: lambda script=script: measure([sys.executable, RIVALS / script, labse, file], "sentences")
            for name, script in ways.items()
        },
        repetitions,
    )
    slowest = median_rate(runs[next(iter(ways))])
    rows = [
        (
            name,
            spread([run.amount / run.seconds for run in done]),
            f"{median_rate(done) / slowest:.1f} x",
            peak(done),
        )
        for name, done in runs.items()
    ]
    table = Table(("", "sentences per second", "speed", "peak memory"), rows)
    notes = (
        f"{SPEED_TEXTS} everyday sentences in 15 languages; loading and a first batch are not in the time."
    )
    return Section("Encoding, 12 layers x 768", table, runs, notes)


def measure_encoding_memory(one_layer: Path, scratch: Path) -> Section:
    """Peak memory while encoding a few sentences and many, with LaBSE's embedding matrix and one layer."""
    runs: dict[str, list[Run]] = {}
    for texts in (FEW_TEXTS, MANY_TEXTS):
        print(f"memory: {texts:,} sentences", file=sys.stderr, flush=True)
        file = scratch / "many.txt"
        write_sentences(file, texts)
        command = [sys.executable, "-m", "smaller_labse.evaluate", "encode", "--model", one_layer, "--text",
                   file, "--out", scratch / "embeddings.npy", "--overwrite"]  # fmt: skip
        run = measure(command)
        runs[f"{texts:,} sentences"] = [Run(run.seconds, run.gigabytes, texts)]
    rows = [(name, f"{done[0].seconds:.0f} s", peak(done)) for name, done in runs.items()]
    notes = "`evaluate-encoder encode` with one of the 12 layers, so that it takes minutes and not an hour."
    return Section("Encoding, memory", Table(("", "wall time", "peak memory"), rows), runs, notes)


def write_sentences(file: Path, count: int) -> None:
    """The demo's sentences in turn, from the second time on with a number, so that all are different."""
    with SENTENCES.open(encoding="utf-8", newline="") as stream:
        _, *rows = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
    sentences = [sentence for row in rows for sentence in row]
    random.Random(0).shuffle(sentences)
    with file.open("w", encoding="utf-8") as out:
        for number in range(count):
            again, place = divmod(number, len(sentences))
            out.write(sentences[place] + (f" {again}" if again else "") + "\n")
