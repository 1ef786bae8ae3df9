"""The command `select-vocab count`: its options, and what it prints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smaller_labse.common.arguments import non_negative_integer, positive_integer
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.visible_text import visible
from smaller_labse.options.model_options import PREPROCESSOR
from smaller_labse.options.option import add_options, option
from smaller_labse.options.text_options import (
    DRAW,
    LANGUAGES,
    LONGER_THAN,
    MAX_LINES,
    SOURCES,
    SOURCES_TITLE,
)

PURPOSE = "count the tokens of each language's text"
EXAMPLES = (
    "select-vocab count --model sentence-transformers/LaBSE --languages en,it,ja --out work/counts",
    "select-vocab count --model intfloat/multilingual-e5-small "
    "--text en=english.txt 'medical=notes/*.jsonl.gz' --out work/counts",
)

NO_SAMPLE = option(
    "--no-sample",
    dest="sample",
    action="store_false",
    help="store no lines of the text: else each counts file holds up to 500, evenly drawn, of which "
    "select measures how many stay unchanged",
)


def declare_options(parser: CommandParser) -> None:
    """The options of `count`, behind `--model`."""
    add_options(parser, LANGUAGES)
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where the counts files go")
    add_options(parser.add_argument_group(SOURCES_TITLE), *SOURCES)
    lines = parser.add_argument_group("lines")
    add_options(lines, LONGER_THAN, MAX_LINES, DRAW.but("--draw", "--sample"))
    parser.add_argument(
        "--shard",
        metavar="I/N",
        help="count the I-th of N shards of each text, into en.3-of-7.parquet and so on; merge adds them up",
    )
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help="count on a Ray cluster: its address, auto for this machine's, or local for Ray on this machine "
        "while it counts; needs the extra [ray]",
    )
    parser.add_argument(
        "--shards",
        type=positive_integer,
        metavar="N",
        help="with --ray: shards of each text; default: one for each 64 MiB, or each file of a dataset",
    )
    add_options(parser, NO_SAMPLE, PREPROCESSOR)
    parser.add_argument(
        "--workers",
        type=non_negative_integer,
        metavar="N",
        help="threads, with --ray of each task; default: one per core, with --ray one",
    )
    parser.add_argument("--overwrite", action="store_true", help="count again what was counted before")
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help="write nothing: say what there is to read, what is done already, about how long the rest takes",
    )


def run(options: argparse.Namespace) -> None:
    """Count, and print what each file holds."""
    from smaller_labse.select_vocab.count import count

    stream = sys.stdout if "dry_run" in options else sys.stderr
    files = count(**vars(options), report=lambda message: print(visible(message), file=stream))
    if "dry_run" not in options:
        print_counts(files)


def print_counts(files: list[Path]) -> None:
    """Print what counts files hold, a row for each."""
    from smaller_labse.common.result_table import Table, print_table
    from smaller_labse.select_vocab.counting.counts_file import NO_SAMPLE, read_metadata, summarize

    rows = []
    for file in files:
        summary = summarize(file)
        rows.append([summary.name, *(f"{number:,}" for number in summary[1:])])
    print_table(Table(("counts of", "lines", "occurrences", "tokens"), rows))
    if any(read_metadata(file)["sample"] != NO_SAMPLE for file in files):
        print("Counts files also hold up to 500 lines of their text; --no-sample leaves them out.")
