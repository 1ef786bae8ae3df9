"""Measure everything side by side, and write what the README shows.

    scripts/benchmark.sh                        # all; about half an hour on 2 cores, 12 GB of disk
    scripts/benchmark.sh counting slicing       # some
    scripts/benchmark.sh --labse FOLDER         # LaBSE itself instead of one of its size

Writes `benchmarks/results.md` and `benchmarks/results.json` unless told otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from measure import Section, apart, describe_machine

NAMES = ("counting", "counting-memory", "counting-exactness", "slicing", "encoding", "encoding-memory")
HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0], epilog=f"Benchmarks: {', '.join(NAMES)}."
    )
    parser.add_argument("names", nargs="*", metavar="BENCHMARK", help="default: all")
    parser.add_argument("--labse", type=Path, metavar="FOLDER", help="an original in LaBSE's TF Hub format")
    parser.add_argument("--repetitions", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=HERE / "results", metavar="PATH", help=".md, .json added")
    options = parser.parse_args()
    unknown = sorted({*options.names} - {*NAMES})
    if unknown or options.repetitions < 1:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}" if unknown else
                     "--repetitions must be 1 or more")  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        sections = measure_all(options.names or NAMES, options.labse, Path(scratch), options.repetitions)
    text = f"{describe_machine()}. Medians of {options.repetitions}, least to most in brackets.\n\n"
    text += "\n".join(section.markdown() for section in sections)
    data = {
        "machine": describe_machine(),
        "benchmarks": {
            section.title: {name: [asdict(run) for run in runs] for name, runs in section.runs.items()}
            for section in sections
        },
    }
    options.out.with_suffix(".md").write_text(text, encoding="utf-8")
    options.out.with_suffix(".json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(text, end="")


def measure_all(names: Sequence[str], labse: Path | None, scratch: Path, repetitions: int) -> list[Section]:
    """Run the benchmarks that are named, in the order of `NAMES`."""
    import counting
    import encoding
    import slicing
    from originals import write_e5, write_labse

    print("making the originals", file=sys.stderr, flush=True)
    labse = labse or apart(write_labse, scratch / "labse")
    e5 = write_e5(scratch / "e5")
    sections: list[Section] = []
    if "counting" in names:
        sections += counting.measure_speed(labse, e5, scratch, repetitions)
    if "counting-memory" in names:
        sections.append(counting.measure_memory(labse, e5, scratch))
    if "counting-exactness" in names:
        sections.append(counting.check_exactness(labse, scratch))
    if "slicing" in names:
        sections.append(slicing.measure_slicing(labse, scratch, repetitions))
    if "encoding" in names:
        sections.append(encoding.measure_encoding(labse, scratch, repetitions))
    if "encoding-memory" in names:
        one_layer = apart(write_labse, scratch / "one_layer", 1)
        sections.append(encoding.measure_encoding_memory(one_layer, scratch))
    return sections


if __name__ == "__main__":
    main()
