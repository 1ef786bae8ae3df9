"""The command `select-vocab merge`: its options, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from smaller_labse.common.command_parser import CommandParser
from smaller_labse.select_vocab.commands.count_command import print_counts

PURPOSE = "add up counts of one language, or of shards"
EXAMPLES = (
    "select-vocab merge --model sentence-transformers/LaBSE news/en.parquet web/en.parquet "
    "--out both/en.parquet",
    "select-vocab merge --model work/original work/shards --out work/counts",
)


def declare_options(parser: CommandParser) -> None:
    """The options of `merge`, behind `--model`."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="counts files of one language, or of all shards of texts, or a folder of shards",
    )
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        metavar="FILE",
        help="the counts file to write; of shards it may be a folder",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")


def run(options: argparse.Namespace) -> None:
    """Add up, and print what each file holds."""
    from smaller_labse.select_vocab.count import merged_files

    print_counts(merged_files(**vars(options)))
