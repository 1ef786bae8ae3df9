"""Find each of the demo's sentences in the other language, with the original and with the smaller model.

    python scripts/demo/compare.py --original FOLDER --smaller FOLDER --out FOLDER [LANGUAGE...]

Each model runs in a process of its own, so that its memory can be measured. Prints the tables and writes
`demo.json`, `demo.md` and `demo.png`.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean

from picture import draw
from word_lists import read_sentences

from smaller_labse.common.atomic_output import new_folder
from smaller_labse.common.command import run_command
from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.quiet_tensorflow import import_tensorflow_quietly
from smaller_labse.common.result_table import Table, print_table

PROMPT = "query: "  # multilingual-e5's, for sentences that are compared with each other
MARKER = "demo.json"


@dataclass(frozen=True)
class Measured:
    """What one model did.

    Attributes:
        rows: of its table.
        table_parameters: of its table.
        parameters: of all its tensors.
        disk_bytes: of what is loaded.
        peak_bytes: peak resident memory of a process that loads the model and encodes.
        seconds: to encode all sentences, after loading.
        accuracy: language → percent found from the pivot language to it, and from it to the pivot.
    """

    rows: int
    table_parameters: int
    parameters: int
    disk_bytes: int
    peak_bytes: int
    seconds: float
    accuracy: dict[str, tuple[float, float]]

    @property
    def averages(self) -> tuple[float, float]:
        """Percent over all languages, in both directions."""
        there, back = zip(*self.accuracy.values(), strict=True)
        return fmean(there), fmean(back)


def measure(model: Path, languages: list[str]) -> Measured:
    """Load a model, encode the sentences of all languages and look each of them up."""
    import_tensorflow_quietly()
    from smaller_labse.evaluate import load
    from smaller_labse.evaluate.metrics.nearest_neighbours import accuracy

    sentences = read_sentences()
    encoder = load(model, prompt=PROMPT)
    encoder.encode(sentences[languages[0]][:32])  # the first batch pays for TensorFlow's warming up
    started = time.monotonic()
    embeddings = {language: encoder.encode(sentences[language], normalize=True) for language in languages}
    seconds = time.monotonic() - started
    pivot, *others = languages
    found = {
        language: (
            100 * accuracy(embeddings[pivot], embeddings[language]),
            100 * accuracy(embeddings[language], embeddings[pivot]),
        )
        for language in others
    }
    rows, width = encoder.embedding_matrix_shape
    return Measured(
        rows=rows,
        table_parameters=rows * width,
        parameters=encoder.parameters,
        disk_bytes=_disk_bytes(model),
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        * (1 if sys.platform == "darwin" else 1024),
        seconds=seconds,
        accuracy=found,
    )


def _disk_bytes(model: Path) -> int:
    """Of the Hugging Face folder, which both models have."""
    folder = model / "huggingface" if (model / "huggingface").is_dir() else model
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def accuracy_table(original: Measured, smaller: Measured, pivot: str) -> Table:
    """A row a language: percent found, there and back, by both models."""
    columns = ("language", f"{pivot}→xx original", "smaller", f"xx→{pivot} original", "smaller")

    def row(name: str, before: tuple[float, float], after: tuple[float, float]) -> tuple[str, ...]:
        return name, *(f"{value:.1f}" for pair in zip(before, after, strict=True) for value in pair)

    rows = [row(name, original.accuracy[name], smaller.accuracy[name]) for name in original.accuracy]
    return Table(columns, [*rows, row("average", original.averages, smaller.averages)])


def size_table(original: Measured, smaller: Measured) -> Table:
    """What both models cost."""

    def row(name: str, form: str, before: float, after: float) -> tuple[str, ...]:
        return name, form.format(before), form.format(after), f"{after / before:.1%}"

    kept = fmean(smaller.averages) / fmean(original.averages)
    return Table(
        ("", "original", "smaller", "left"),
        [
            row("rows of the table", "{:,}", original.rows, smaller.rows),
            row("parameters", "{:.1f}M", original.parameters / 1e6, smaller.parameters / 1e6),
            row("on disk", "{:.0f} MB", original.disk_bytes / 1e6, smaller.disk_bytes / 1e6),
            row("peak memory", "{:.0f} MB", original.peak_bytes / 1e6, smaller.peak_bytes / 1e6),
            row("seconds to encode", "{:.1f}", original.seconds, smaller.seconds),
            ("accuracy", f"{fmean(original.averages):.2f}", f"{fmean(smaller.averages):.2f}", f"{kept:.2%}"),
        ],
    )


def main(arguments: list[str] | None = None) -> int:
    """Run as a command with `arguments` (default: the process's) and return its exit code."""
    parser = argparse.ArgumentParser(prog="compare.py", description=__doc__.partition("\n")[0])
    parser.set_defaults(run=_compare)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="default: all 15")
    parser.add_argument("--original", type=Path, metavar="FOLDER")
    parser.add_argument("--smaller", type=Path, metavar="FOLDER")
    parser.add_argument("--out", type=Path, metavar="FOLDER")
    parser.add_argument("--measure", type=Path, metavar="FOLDER", help="measure this one, print JSON")
    return run_command(parser, arguments)


def _compare(options: argparse.Namespace) -> None:
    languages = options.languages or list(read_sentences())
    # English first, where it is there: the other languages are compared with the first one.
    languages = sorted(languages, key=lambda language: language != "en")
    if len(languages) < 2:
        raise SmallerLabseError("one language has nothing to be compared with; name two or more")
    if options.measure:
        print(json.dumps(asdict(measure(options.measure, languages))))
        return
    original, smaller = (_measure_apart(model, languages) for model in (options.original, options.smaller))
    tables = accuracy_table(original, smaller, languages[0]), size_table(original, smaller)
    with new_folder(options.out, overwrite=True, marker=MARKER) as folder:
        data = {"original": asdict(original), "smaller": asdict(smaller)}
        (folder / MARKER).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
        (folder / "demo.md").write_text("\n".join(table.markdown() for table in tables), encoding="utf-8")
        draw(original, smaller, languages[0], folder / "demo.png")
    for table in tables:
        print_table(table)
        print()
    print(f"picture: {options.out / 'demo.png'}")


def _measure_apart(model: Path, languages: list[str]) -> Measured:
    command = [sys.executable, __file__, "--measure", str(model), *languages]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SmallerLabseError(f"{model}: could not be measured; see above")
    data = json.loads(done.stdout.splitlines()[-1])
    return Measured(**{**data, "accuracy": {name: tuple(pair) for name, pair in data["accuracy"].items()}})


if __name__ == "__main__":
    sys.exit(main())
