"""The command `select-vocab inspect`: its options, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path

from smaller_labse.common.command_parser import CommandParser

PURPOSE = "what is a model, and what can be made of it?"
EXAMPLES = (
    "select-vocab inspect --model sentence-transformers/LaBSE",
    "select-vocab inspect --model work/model --json work/model.json",
)


def declare_options(parser: CommandParser) -> None:
    """The options of `inspect`, behind `--model`."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it as JSON, too")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def run(options: argparse.Namespace) -> None:
    """Look at the model, and print what it is."""
    from dataclasses import asdict

    from smaller_labse.common.errors import UsageError
    from smaller_labse.common.result_table import (
        print_table,
        require_result_files_absent,
        write_result_files,
    )
    from smaller_labse.select_vocab.inspect_model import facts_table, inspect, scripts_table

    file, overwrite = vars(options).get("json"), "overwrite" in options
    if overwrite and file is None:
        raise UsageError("--overwrite goes with --json, the file to replace")
    require_result_files_absent(file, None, overwrite, [Path(options.model)])
    model = inspect(options.model)
    write_result_files(asdict(model), facts_table(model), file, None, overwrite)
    print_table(facts_table(model))
    print()
    print_table(scripts_table(model))
