"""What does exact search cost at the size of the UN's corpus, beside faiss?"""

from __future__ import annotations

import sys
from pathlib import Path

from measure import Section, measure, spread, take_turns

from smaller_labse.common.result_table import Table

RIVAL = Path(__file__).parent / "rivals" / "neighbours.py"
PAIRS, WIDTH = 100_000, 768


def measure_search(repetitions: int) -> Section:
    """Nearest neighbours both ways of random embeddings."""
    ways = {"faiss, IndexFlatIP, once each way": "faiss", "found_both_ways": "ours"}
    runs = take_turns(
        {
            name: lambda way=way: measure([sys.executable, RIVAL, way, str(PAIRS), str(WIDTH)], "pairs")
            for name, way in ways.items()
        },
        repetitions,
    )
    rows = [
        (
            name,
            spread([run.seconds for run in done]) + " s",
            spread([run.gigabytes for run in done], "{:.2f}") + " GB",
        )
        for name, done in runs.items()
    ]
    title = f"Searching, {PAIRS:,} x {PAIRS:,} of dimension {WIDTH}, both ways, exact"
    notes = "Memory above the embeddings, which take 0.61 GB."
    return Section(title, Table(("", "time", "memory"), rows), runs, notes)
