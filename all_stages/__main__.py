"""The command `smaller-labse`: from languages and a size to a verified model, in one go."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from smaller_labse.all_stages.stage_options import GENERAL, LINES, MODELS, RULES, SIZES, TEST_DATA
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.visible_text import visible
from smaller_labse.options.option import add_options
from smaller_labse.options.text_options import SOURCES, SOURCES_TITLE

if TYPE_CHECKING:
    from smaller_labse.common.result_table import Table

EXAMPLES = (
    "smaller-labse --model sentence-transformers/LaBSE --languages en,fr,de --max-megabytes 120 --onnx int8 "
    "--out model",
    "smaller-labse --run model.run.toml --dry-run",
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    return run_command(_parser(), arguments)


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="smaller-labse",
        description="Trim an original to languages and a size: count, select, make smaller, verify and, "
        "where there is test data, compare. Each stage's files are kept in OUT.work; interrupted, the same "
        "command goes on where it was. What was settled is written to OUT.run.toml.",
        examples=EXAMPLES,
        argument_default=argparse.SUPPRESS,
    )
    parser.set_defaults(run=_trim)
    add_options(parser, *GENERAL)
    parser.add_argument(
        "--run",
        dest="run_file",
        metavar="FILE",
        help="a TOML file of the other options; what is given beside it counts",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="make the model anew, replacing an earlier one; counts stay",
    )
    add_options(parser.add_argument_group(f"{SOURCES_TITLE}; see select-vocab count"), *SOURCES, *LINES)
    tokens = parser.add_argument_group(
        "tokens to keep (default: the published model's rule); see select-vocab select"
    )
    add_options(tokens.add_mutually_exclusive_group(), *SIZES)
    add_options(tokens, *RULES)
    add_options(parser.add_argument_group("the model; see make-smaller"), *MODELS)
    test_data = parser.add_argument_group("test data, to compare with the original; see evaluate-encoder")
    add_options(test_data, *TEST_DATA)
    return parser


def _trim(options: argparse.Namespace) -> None:
    from smaller_labse.all_stages.trim import trim

    folder = trim(**vars(options), report=_show)
    if "dry_run" not in options:
        print(visible(str(folder)))


def _show(said: str | Table) -> None:
    from smaller_labse.common.result_table import print_table

    if isinstance(said, str):
        print(visible(said), flush=True)
    else:
        print()
        print_table(said)


if __name__ == "__main__":
    sys.exit(main())
