"""The command `select-vocab`: count the tokens that languages use, and select a smaller vocabulary."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smaller_labse.common.arguments import (
    date,
    megabytes,
    non_negative_integer,
    positive_integer,
    share,
    size_or_percentage,
)
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser, add_command
from smaller_labse.common.visible_text import visible
from smaller_labse.originals.preprocessors import PREPROCESSORS

if TYPE_CHECKING:
    from smaller_labse.originals.open import Original
    from smaller_labse.select_vocab.selection import Selection

WIKIPEDIA = "wikimedia/wikipedia"
COUNT_EXAMPLES = (
    "select-vocab count --model sentence-transformers/LaBSE --languages en,it,ja --out work/counts",
    "select-vocab count --model intfloat/multilingual-e5-small "
    "--text en=english.txt 'medical=notes/*.jsonl.gz' --out work/counts",
)
SELECT_EXAMPLES = (
    "select-vocab select --model sentence-transformers/LaBSE --counts work/counts --vocab-size 25% "
    "--out work/selection",
    "select-vocab select --model work/original --counts work/counts --coverage 0.999 --keep words.txt "
    "--out work/selection",
)
MERGE_EXAMPLES = (
    "select-vocab merge --model sentence-transformers/LaBSE news/en.parquet web/en.parquet "
    "--out both/en.parquet",
    "select-vocab merge --model work/original work/shards --out work/counts",
)
INSPECT_EXAMPLES = (
    "select-vocab inspect --model sentence-transformers/LaBSE",
    "select-vocab inspect --model work/model --json work/model.json",
)
MODEL_HELP = (
    "the original: a Hugging Face folder or hub id, a model folder of make-smaller's, a folder with encoder/ "
    "(and preprocess/), a SavedModel folder, or a TF Hub handle"
)
LANGUAGES_HELP = "codes or names, separated by commas, or a file with one per line"


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    return run_command(_parser(), arguments)


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="select-vocab",
        description="Count the tokens that languages use, and select a smaller vocabulary.",
        examples=(COUNT_EXAMPLES[0], SELECT_EXAMPLES[0]),
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add = partial(_add_command, commands)
    _add_count(add("count", _count, "count the tokens of each language's text", COUNT_EXAMPLES))
    _add_select(add("select", _select, "select a vocabulary from counts or lists of tokens", SELECT_EXAMPLES))
    _add_merge(add("merge", _merge, "add up counts of one language, or of shards", MERGE_EXAMPLES))
    _add_inspect(add("inspect", _inspect, "what is a model, and what can be made of it?", INSPECT_EXAMPLES))
    return parser


def _add_command(
    commands: Any,
    name: str,
    run: Callable[[argparse.Namespace], None],
    purpose: str,
    examples: Sequence[str],
) -> CommandParser:
    # What the user leaves out is not passed on: the defaults stand in the functions' signatures.
    parser = add_command(commands, name, run, purpose, examples=examples, argument_default=argparse.SUPPRESS)
    parser.add_argument("--model", required=True, help=MODEL_HELP)
    return parser


def _add_count(parser: CommandParser) -> None:
    parser.add_argument("--languages", help=LANGUAGES_HELP)
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where the counts files go")
    text = parser.add_argument_group("text (default: Wikipedia, streamed from the Hugging Face hub)")
    text.add_argument(
        "--text",
        nargs="+",
        action="extend",
        metavar="LANGUAGE=PATH",
        help="a file (.txt, .jsonl, .csv, .parquet; .gz, .zst, .xz, .bz2 too) or a folder of them; LANGUAGE "
        "may be any name and come several times; or a path with {code}, {iso3} or {name} in its place",
    )
    text.add_argument("--dataset", metavar="NAME", help="a Hugging Face dataset; {code} and {iso3} as above")
    text.add_argument(
        "--dataset-config", metavar="NAME", help="its configuration; {code} and {iso3} as above"
    )
    text.add_argument("--dataset-split", metavar="NAME", help="{code} and {iso3} as above; default: train")
    text.add_argument("--text-field", metavar="NAME", help="field or column of the text; default: text")
    text.add_argument(
        "--wikipedia",
        nargs="?",
        const=WIKIPEDIA,
        metavar="NAME",
        help="the Wikipedia dataset, or a folder laid out like it; default: wikimedia/wikipedia. Beside "
        "--text: for the languages that have none there",
    )
    text.add_argument("--wikipedia-date", type=date, metavar="YYYYMMDD", help="its dump; default: 20231101")
    lines = parser.add_argument_group("lines")
    lines.add_argument(
        "--longer-than",
        type=non_negative_integer,
        metavar="N",
        help="count lines of more than N characters; default: 5",
    )
    lines.add_argument(
        "--max-lines",
        type=non_negative_integer,
        metavar="N",
        help="at most N lines per language, 0 for all; default: 1000000",
    )
    lines.add_argument(
        "--draw",
        "--sample",
        choices=("first", "even"),
        help="which N lines: the first, or N spread evenly over the whole text, which is then read twice; "
        "default: first",
    )
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
    parser.add_argument(
        "--no-sample",
        dest="sample",
        action="store_false",
        help="store no lines of the text: else each counts file holds up to 500, evenly drawn, of which "
        "select measures how many stay unchanged",
    )
    _add_preprocessor(parser, "the model's own")
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


def _add_select(parser: CommandParser) -> None:
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="the selection's folder")
    parser.add_argument(
        "--counts",
        action="extend",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="counts files, published *_freqs.json(.gz) files, or folders of either",
    )
    parser.add_argument(
        "--pieces",
        action="extend",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="lists of tokens (pieces) to keep, one per line",
    )
    parser.add_argument(
        "--languages",
        help=f"only the counts of these languages: {LANGUAGES_HELP}; "
        "with lists of tokens alone, the languages that they are of",
    )
    rules = parser.add_argument_group("rule (default: --min-line-share 0.00005, the published model's)")
    rule = rules.add_mutually_exclusive_group()
    rule.add_argument(
        "--min-line-share",
        type=share,
        metavar="SHARE",
        help="tokens that occur in at least int(lines x SHARE) lines of a language",
    )
    rule.add_argument(
        "--top-k", type=positive_integer, metavar="K", help="the K most frequent tokens of each language"
    )
    rule.add_argument(
        "--coverage",
        type=share,
        metavar="SHARE",
        help="the fewest tokens that cover this share of each language's occurrences, e.g. 0.999",
    )
    rule.add_argument(
        "--vocab-size",
        type=size_or_percentage,
        metavar="N",
        help="N tokens in all, or e.g. 25%% of the original's vocabulary size, shared out so that the "
        "worst-covered language is covered best",
    )
    rule.add_argument(
        "--max-megabytes",
        type=megabytes,
        metavar="X",
        help="as --vocab-size, with the largest vocabulary whose finished file of --format has at most X "
        "megabytes (10^6 bytes); huggingface/tokenizer.json is not in it: what it takes is said beside",
    )
    rules.add_argument(
        "--format",
        choices=("float32", "int8", "int4", "safetensors"),
        help="of that file: float32, int8 or int4 of an ONNX file, or safetensors, the weights in "
        "huggingface/ in the original's dtype",
    )
    rules.add_argument(
        "--fill-up",
        action="store_true",
        help="where the counts hold fewer tokens than --vocab-size or --max-megabytes, take the original's "
        "own first ones, too",
    )
    rules.add_argument(
        "--round-to",
        type=positive_integer,
        metavar="N",
        help="a vocabulary size that is a multiple of N, e.g. 64, filled up with the original's own first "
        "tokens; --vocab-size and --max-megabytes are rounded down",
    )
    always = parser.add_argument_group("always kept, beside the special tokens")
    always.add_argument(
        "--no-keep-characters",
        dest="keep_characters",
        action="store_false",
        help="do not keep every character's own token (text may turn into unknown tokens)",
    )
    always.add_argument(
        "--keep",
        action="extend",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="words or sentences, one per line, whose tokens are all kept",
    )
    always.add_argument(
        "--keep-pieces",
        action="extend",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="tokens (pieces), one per line, beside those that the rule chooses",
    )
    always.add_argument(
        "--keep-script",
        action="extend",
        nargs="+",
        metavar="NAME",
        help="tokens with letters of this script of Unicode's and of no other, e.g. Latin",
    )
    always.add_argument(
        "--keep-pattern",
        action="extend",
        nargs="+",
        metavar="REGEX",
        help="tokens whose text matches in any part, e.g. '^[0-9]+$'",
    )
    parser.add_argument(
        "--order",
        choices=("original", "alphabetical"),
        help="of the tokens; alphabetical is by code point, special tokens first; default: original",
    )
    parser.add_argument(
        "--strip",
        action="store_true",
        help="strip white space off the tokens of --pieces, as the published lists want; one that the "
        "original does not have then is the last of its tokens that strip to it",
    )
    parser.add_argument(
        "--strip-original",
        action="store_true",
        help="with --strip, take the last token that strips to a listed one even where the original has the "
        "token itself, as the author of the published model did",
    )
    parser.add_argument(
        "--skip-missing", action="store_true", help="leave out listed tokens that the original does not have"
    )
    parser.add_argument(
        "--no-sample",
        dest="sample",
        action="store_false",
        help="store no counted lines: else selection.json holds a few, for make-smaller to verify the model "
        "with",
    )
    _add_preprocessor(parser, "the one that was counted with")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier selection")


def _add_preprocessor(parser: CommandParser, default: str) -> None:
    parser.add_argument(
        "--preprocessor",
        choices=PREPROCESSORS,
        help="LaBSE: what reads text: faithful, as the original's own does, or mended, which loses nothing: "
        "no-break and other Unicode spaces are spaces, control characters are deleted, no word is too long; "
        f"default: {default}",
    )


def _add_merge(parser: CommandParser) -> None:
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


def _add_inspect(parser: CommandParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write it as JSON, too")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")


def _count(options: argparse.Namespace) -> None:
    from smaller_labse.select_vocab.count import count

    stream = sys.stdout if "dry_run" in options else sys.stderr
    files = count(**vars(options), report=lambda message: print(visible(message), file=stream))
    if "dry_run" not in options:
        _print_counts(files)


def _select(options: argparse.Namespace) -> None:
    from smaller_labse.select_vocab.select import select

    select(**vars(options), report=_print_selection)


def _merge(options: argparse.Namespace) -> None:
    from smaller_labse.select_vocab.count import merged_files

    _print_counts(merged_files(**vars(options)))


def _inspect(options: argparse.Namespace) -> None:
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


def _print_counts(files: list[Path]) -> None:
    from smaller_labse.common.result_table import Table, print_table
    from smaller_labse.select_vocab.counting.counts_file import NO_SAMPLE, read_metadata, summarize

    rows = []
    for file in files:
        summary = summarize(file)
        rows.append([summary.name, *(f"{number:,}" for number in summary[1:])])
    print_table(Table(("counts of", "lines", "occurrences", "tokens"), rows))
    if any(read_metadata(file)["sample"] != NO_SAMPLE for file in files):
        print("Counts files also hold up to 500 lines of their text; --no-sample leaves them out.")


def _print_selection(selection: Selection, original: Original) -> None:
    from smaller_labse.common.result_table import print_table
    from smaller_labse.select_vocab.choosing.finished_file import file_table
    from smaller_labse.select_vocab.choosing.stripped_tokens import stripped_table
    from smaller_labse.select_vocab.choosing.why_kept import reasons_table
    from smaller_labse.select_vocab.selection import (
        NO_ESTIMATE,
        coverage_table,
        estimate_table,
        has_estimate,
        size_table,
    )

    if selection.coverage:
        print_table(coverage_table(selection))
        print()
        if has_estimate(selection):
            print_table(estimate_table(selection))
        else:
            print(NO_ESTIMATE)
        print()
    if selection.stripped:
        print_table(stripped_table(selection.stripped))
        print()
    print_table(reasons_table(selection.why))
    print()
    print_table(size_table(selection, original.parameters))
    if selection.finished_file is not None:
        print()
        print_table(file_table(selection.finished_file))
    lines = sum(map(len, selection.sentences.values()))
    if lines:
        print(f"selection.json also holds {lines} lines of the counted text; --no-sample leaves them out.")
    left_out = original.tokenizer.without_embedding
    if left_out:
        print(f"left out, as the embedding matrix has no row for them: {visible(', '.join(left_out))}")


if __name__ == "__main__":
    sys.exit(main())
