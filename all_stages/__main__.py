"""The command `smaller-labse`: from languages and a size to a verified model, in one go."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from smaller_labse.common.arguments import (
    date,
    megabytes,
    non_negative_integer,
    positive_integer,
    share,
    size_or_percentage,
)
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.visible_text import visible
from smaller_labse.originals.preprocessors import PREPROCESSORS

if TYPE_CHECKING:
    from smaller_labse.common.result_table import Table

WIKIPEDIA = "wikimedia/wikipedia"
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
    add = parser.add_argument
    add(
        "--model",
        help="the original: a Hugging Face folder or hub id, a TF Hub folder or handle, a model folder",
    )
    add("--languages", help="codes or names, separated by commas, or a file with one per line")
    add("--out", metavar="FOLDER", help="the model's folder")
    add(
        "--run",
        dest="run_file",
        metavar="FILE",
        help="a TOML file of the other options; what is given beside it counts",
    )
    add("--dry-run", action="store_true", help="say what would be done, and write nothing")
    add("--overwrite", action="store_true", help="replace an earlier model in this place; counts stay")
    _add_text(parser)
    _add_selection(parser)
    _add_model(parser)
    return parser


def _add_text(parser: CommandParser) -> None:
    text = parser.add_argument_group(
        "text to count (default: Wikipedia, streamed from the Hugging Face hub); see select-vocab count"
    )
    add = text.add_argument
    add(
        "--text",
        nargs="+",
        action="extend",
        metavar="LANGUAGE=PATH",
        help="files, word lists (.tsv), folders",
    )
    add("--dataset", metavar="NAME", help="a Hugging Face dataset")
    add("--dataset-config", metavar="NAME", help="its configuration")
    add("--dataset-split", metavar="NAME", help="its split")
    add("--text-field", metavar="NAME", help="field or column of the text")
    add(
        "--wikipedia",
        nargs="?",
        const=WIKIPEDIA,
        metavar="NAME",
        help="the Wikipedia dataset, or a folder laid out like it; beside --text: for languages without text",
    )
    add("--wikipedia-date", type=date, metavar="YYYYMMDD", help="its dump; default: 20231101")
    add("--max-lines", type=non_negative_integer, metavar="N", help="of each language, at most; 0 for all")
    add("--draw", choices=("first", "even"), help="which lines; default: first")
    add("--no-sample", dest="sample", action="store_false", help="store no lines of the text")
    add("--preprocessor", choices=PREPROCESSORS, help="LaBSE: what reads text; default: the model's own")


def _add_selection(parser: CommandParser) -> None:
    selection = parser.add_argument_group(
        "tokens to keep (default: the published model's rule); see select-vocab select"
    )
    size = selection.add_mutually_exclusive_group()
    size.add_argument(
        "--max-megabytes",
        type=megabytes,
        metavar="X",
        help="as many as fit into a model file of X megabytes (10^6 bytes), the tokenizer not counted",
    )
    size.add_argument(
        "--vocab-size", type=size_or_percentage, metavar="N", help="so many, or e.g. 25%% of the original's"
    )
    size.add_argument(
        "--coverage", type=share, metavar="SHARE", help="the fewest that cover this share of each language"
    )
    add = selection.add_argument
    add(
        "--format",
        choices=("float32", "int8", "int4", "safetensors"),
        help="whose file --max-megabytes is about; default: the one of --onnx, or without it safetensors",
    )
    add("--keep", nargs="+", action="extend", metavar="FILE", help="words or sentences whose tokens are kept")
    add("--fill-up", action="store_true", help="with the original's own where the text has too few")
    add("--round-to", type=positive_integer, metavar="N", help="a vocabulary size that is a multiple of N")


def _add_model(parser: CommandParser) -> None:
    add = parser.add_argument_group("the model; see make-smaller").add_argument
    add("--onnx", metavar="FORMATS", help="ONNX files: float32, int8, int4, with commas between")
    add("--prompt", metavar="TEXT", help='what goes before every text, e.g. "query: "')
    add("--license", metavar="NAME", help="for the model cards; default: what the original's states")
    add = parser.add_argument_group(
        "test data, to compare with the original; see evaluate-encoder"
    ).add_argument
    add("--tatoeba", metavar="DIR", help="folder of tatoeba.xxx-eng.{xxx,eng} files, of these --languages")
    add(
        "--parallel", nargs="+", action="extend", metavar="XX=FILE,YY=FILE", help="translations, line by line"
    )


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
