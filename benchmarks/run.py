"""Measure everything side by side, and write what the README shows.

    scripts/benchmark.sh                        # all; about half an hour on 2 cores, 12 GB of disk
    scripts/benchmark.sh counting trimming      # some; the others' results stay as they are
    scripts/benchmark.sh --labse FOLDER         # LaBSE itself instead of one of its size
    scripts/benchmark.sh versions --before PYTHON   # an earlier version, installed there, beside this one
    scripts/benchmark.sh vocabularies           # not run by default; needs LaBSE's own beside the project
    scripts/benchmark.sh counting-steps         # not run by default; where a token's time goes
    scripts/benchmark.sh counting-sources       # not run by default; text, JSON lines and Parquet
    scripts/benchmark.sh onnx --model FOLDER --tatoeba FOLDER   # not run by default; a model folder of yours
    scripts/benchmark.sh batch-sizes --model FOLDER   # not run by default; tokens at a time
    scripts/benchmark.sh onnx-layers --model FOLDER   # not run by default; what int8 costs in each layer
    scripts/benchmark.sh onnx-sizes [--lealla FOLDER]   # not run by default; of LaBSE's size
    scripts/benchmark.sh browser --model FOLDER --page FOLDER --out benchmarks/browser   # not run by default
    scripts/benchmark.sh serving --model FOLDER   # not run by default; one that has ONNX files
    scripts/benchmark.sh distilling --model FOLDER --pairs PAIRS --tatoeba FOLDER --languages LIST   # hours
    scripts/benchmark.sh unseen --out benchmarks/unseen   # not run by default; draws docs/unseen.svg

Writes `benchmarks/results.json` and, from it, `benchmarks/results.md`, unless told otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

from measure import Section, apart, describe_machine
from originals import OWN_VOCABULARY

BY_DEFAULT = (
    "counting",
    "counting-memory",
    "counting-exactness",
    "trimming",
    "encoding",
    "encoding-memory",
    "searching",
)
ON_REQUEST = (
    "counting-sources",
    "counting-steps",
    "onnx",
    "batch-sizes",
    "onnx-layers",
    "onnx-sizes",
    "browser",
    "serving",
    "distilling",
    "unseen",
    "vocabularies",
    "versions",
)
NAMES = (*BY_DEFAULT, *ON_REQUEST)
NARROW = 8  # a hidden size, where only the vocabulary matters
HERE = Path(__file__).resolve().parent


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n\n")[0], epilog=f"Benchmarks: {', '.join(NAMES)}."
    )
    parser.add_argument(
        "names", nargs="*", metavar="BENCHMARK", help=f"default: all but {' and '.join(ON_REQUEST)}"
    )
    parser.add_argument("--labse", type=Path, metavar="FOLDER", help="an original in LaBSE's TF Hub format")
    parser.add_argument(
        "--lealla", type=Path, metavar="FOLDER", help="an original in LEALLA's TF Hub format, for onnx-sizes"
    )
    parser.add_argument(
        "--before", type=Path, metavar="PYTHON", help="of an earlier version, for the benchmark versions"
    )
    parser.add_argument(
        "--text", metavar="PATTERN", help="real text for the benchmark unseen, a path with {code} in it"
    )
    parser.add_argument(
        "--picture", type=Path, default=HERE.parent / "docs" / "unseen.svg", metavar="FILE", help="of unseen"
    )
    parser.add_argument(
        "--model",
        type=Path,
        metavar="FOLDER",
        help="for onnx, batch-sizes, onnx-layers, browser, serving, distilling",
    )
    parser.add_argument("--page", type=Path, metavar="FOLDER", help="browser_demo.sh's, for browser")
    parser.add_argument("--tatoeba", type=Path, metavar="FOLDER", help="test data for onnx and distilling")
    parser.add_argument("--languages", metavar="LIST", help="of --tatoeba; default: all; and of --pairs")
    parser.add_argument(
        "--pairs", metavar="PAIRS", help="what distilling trains on, see distill-encoder shrink"
    )
    parser.add_argument(
        "--steps", type=int, default=500, metavar="N", help="of distilling; default: %(default)s"
    )
    parser.add_argument(
        "--students", type=Path, metavar="FOLDER", help="where distilling keeps its models; default: nowhere"
    )
    parser.add_argument("--repetitions", type=int, default=3, metavar="N", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=HERE / "results", metavar="PATH", help=".md, .json added")
    options = parser.parse_args()
    unknown = sorted({*options.names} - {*NAMES})
    if unknown or options.repetitions < 1:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(NAMES)}" if unknown else
                     "--repetitions must be 1 or more")  # fmt: skip
    if "versions" in options.names and not options.before:
        parser.error("versions compares with an earlier version; add --before PYTHON")
    of_model = sorted({"onnx", "batch-sizes", "onnx-layers", "serving"} & {*options.names})
    if of_model and not options.model:
        parser.error(f"{' and '.join(of_model)}: of a model folder of yours; add --model FOLDER")
    if "distilling" in options.names and not (
        options.model and options.pairs and options.tatoeba and options.languages
    ):
        parser.error("distilling: add --model FOLDER --pairs PAIRS --tatoeba FOLDER --languages LIST")
    if "browser" in options.names and not (options.model and options.page):
        parser.error("browser measures a page and its model; add --model FOLDER --page FOLDER")
    if "vocabularies" in options.names and not OWN_VOCABULARY.exists():
        parser.error(f"vocabularies needs LaBSE's own, {OWN_VOCABULARY}, which is not there")
    results = options.out.with_suffix(".json")
    data = json.loads(results.read_text("utf-8")) if results.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        for name, sections in measure_all(options, Path(scratch)):
            data[name] = {
                "machine": describe_machine(),
                "repetitions": options.repetitions,
                "markdown": "\n".join(section.markdown() for section in sections),
                "runs": {
                    section.title: {way: [asdict(run) for run in runs] for way, runs in section.runs.items()}
                    for section in sections
                },
            }
            results.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    text = describe(data)
    options.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(text, end="")


def describe(data: Mapping[str, Mapping[str, Any]]) -> str:
    """All results as Markdown, in the order of `NAMES`; what they have in common is said once."""
    done = [data[name] for name in NAMES if name in data]
    machines = {result["machine"] for result in done}
    parts = [f"Machine: {machine}.\n" for machine in machines if len(machines) == 1]
    runs = sorted({data[name]["repetitions"] for name in NAMES if name in data and name != "unseen"})
    if runs:
        of_runs = f"of {' or '.join(map(str, runs))} runs"
        parts.append(f"Medians, and in brackets minimum and maximum {of_runs}.\n")
    for result in done:
        parts += [f"Machine: {result['machine']}.\n"] if len(machines) > 1 else []
        parts.append(result["markdown"])
    return "\n".join(parts)


def measure_all(options: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, list[Section]]]:
    """Run the benchmarks that are named, in the order of `NAMES`; each one's sections."""
    import counting
    import counting_sources
    import counting_steps
    import encoding
    import searching
    import trimming
    import unseen
    import versions
    from environments import serving
    from originals import write_e5, write_labse

    repetitions = options.repetitions

    @cache
    def labse() -> Path:
        print("making an original of LaBSE's size", file=sys.stderr, flush=True)
        return options.labse or apart(write_labse, scratch / "labse")

    @cache
    def e5() -> Path:
        return write_e5(scratch / "e5")

    def onnx() -> list[Section]:
        # It imports TensorFlow, which would count in the memory of the others.
        from model_folders import onnx_formats

        given = (options.model, options.tatoeba, options.languages)
        return [onnx_formats.measure_onnx(*given, scratch, repetitions)]

    def batch_sizes() -> list[Section]:
        from model_folders.batch_sizes import measure_batch_sizes

        return [measure_batch_sizes(options.model, scratch, repetitions)]

    def onnx_layers() -> list[Section]:
        from model_folders.int8_layers import measure_layers

        return [measure_layers(options.model, scratch)]

    def onnx_sizes() -> list[Section]:
        from model_folders.onnx_sizes import measure_sizes

        originals = {"LaBSE": labse()} | ({"LEALLA": options.lealla} if options.lealla else {})
        return [measure_sizes(originals, scratch, repetitions)]

    def distilled() -> list[Section]:
        from model_folders import distilling

        given = (options.model, options.pairs, options.tatoeba, options.languages, options.steps)
        students = options.students or scratch / "students"
        return [distilling.measure_distilling(*given, students, scratch, repetitions)]

    def browser() -> list[Section]:
        import runtimes

        return runtimes.measure_browser(options.model, options.page, scratch, repetitions)

    benchmarks: dict[str, Callable[[], list[Section]]] = {
        "counting": lambda: counting.measure_speed(labse(), e5(), scratch, repetitions),
        "counting-memory": lambda: [counting.measure_memory(labse(), e5(), scratch)],
        "counting-exactness": lambda: [counting.check_exactness(labse(), scratch)],
        "counting-sources": lambda: counting_sources.measure_sources(labse(), e5(), scratch, repetitions),
        "counting-steps": lambda: [counting_steps.measure_steps(labse(), e5(), scratch, repetitions)],
        "trimming": lambda: [trimming.measure_trimming(labse(), scratch, repetitions)],
        "encoding": lambda: [encoding.measure_encoding(labse(), scratch, repetitions)],
        "encoding-memory": lambda: [
            encoding.measure_encoding_memory(apart(write_labse, scratch / "one_layer", 1), scratch)
        ],
        "searching": lambda: [searching.measure_search(repetitions)],
        "onnx": onnx,
        "batch-sizes": batch_sizes,
        "onnx-layers": onnx_layers,
        "onnx-sizes": onnx_sizes,
        "browser": browser,
        "distilling": distilled,
        "serving": lambda: [serving.measure_serving(options.model, scratch, repetitions)],
        "unseen": lambda: unseen.measure_unseen(e5(), options.labse, scratch, options.text, options.picture),
        "vocabularies": lambda: [
            counting.measure_vocabularies(
                apart(write_labse, scratch / "own", 1, NARROW),
                apart(write_labse, scratch / "invented", 1, NARROW, False),
                scratch,
                repetitions,
            )
        ],
        "versions": lambda: versions.measure_versions(
            options.before.absolute(), labse(), e5(), scratch, repetitions
        ),
    }
    for name in NAMES:
        by_default = name not in ON_REQUEST or (name == "versions" and options.before)
        if name in options.names or (not options.names and by_default):
            yield name, benchmarks[name]()


if __name__ == "__main__":
    main()
