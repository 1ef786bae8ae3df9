"""The command `select-vocab select`: its options, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from smaller_labse.common.arguments import megabytes, positive_integer, share, size_or_percentage
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.visible_text import visible
from smaller_labse.options.model_options import preprocessor
from smaller_labse.options.option import add_options, option
from smaller_labse.options.text_options import LANGUAGES, LANGUAGES_HELP
from smaller_labse.originals.onnx_formats import FORMATS

if TYPE_CHECKING:
    from smaller_labse.originals.open import Original
    from smaller_labse.select_vocab.selection import Selection

PURPOSE = "select a vocabulary from counts or lists of tokens"
EXAMPLES = (
    "select-vocab select --model sentence-transformers/LaBSE --counts work/counts --vocab-size 25% "
    "--out work/selection",
    "select-vocab select --model work/original --counts work/counts --coverage 0.999 --keep words.txt "
    "--out work/selection",
)

COVERAGE = option(
    "--coverage",
    type=share,
    metavar="SHARE",
    help="the fewest tokens that cover this share of each language's occurrences, e.g. 0.999",
)
VOCAB_SIZE = option(
    "--vocab-size",
    type=size_or_percentage,
    metavar="N",
    help="N tokens in all, or e.g. 25%% of the original's vocabulary size, shared out so that the "
    "worst-covered language is covered best",
)
MAX_MEGABYTES = option(
    "--max-megabytes",
    type=megabytes,
    metavar="X",
    help="as --vocab-size, with the largest vocabulary whose finished file of --format has at most X "
    "megabytes (10^6 bytes); huggingface/tokenizer.json is not in it: what it takes is said beside",
)
FORMAT = option(
    "--format",
    choices=(*FORMATS, "safetensors"),
    help="of that file: float32, int8 or int4 of an ONNX file, or safetensors, the weights in "
    "huggingface/ in the original's dtype; not the SavedModels, whose size is known when they are written",
)
FILL_UP = option(
    "--fill-up",
    action="store_true",
    help="where the counts hold fewer tokens than --vocab-size or --max-megabytes, take the original's "
    "own first ones, too",
)
ROUND_TO = option(
    "--round-to",
    type=positive_integer,
    metavar="N",
    help="a vocabulary size that is a multiple of N, e.g. 64, filled up with the original's own first "
    "tokens; --vocab-size and --max-megabytes are rounded down",
)
KEEP = option(
    "--keep",
    action="extend",
    nargs="+",
    type=Path,
    metavar="FILE",
    help="words or sentences, one per line, whose tokens are all kept",
)


def declare_options(parser: CommandParser) -> None:
    """The options of `select`, behind `--model`."""
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
    of_counts, of_lists = "only the counts of these languages", "the languages that they are of"
    languages = f"{of_counts}: {LANGUAGES_HELP}; with lists of tokens alone, {of_lists}"
    add_options(parser, LANGUAGES.but(help=languages))
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
    add_options(rule, COVERAGE, VOCAB_SIZE, MAX_MEGABYTES)
    add_options(rules, FORMAT, FILL_UP, ROUND_TO)
    _add_always_kept(parser)
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
    add_options(parser, preprocessor("the one that was counted with"))
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier selection")


def _add_always_kept(parser: CommandParser) -> None:
    always = parser.add_argument_group("always kept, beside the special tokens")
    always.add_argument(
        "--no-keep-characters",
        dest="keep_characters",
        action="store_false",
        help="do not keep every character's own token (text may turn into unknown tokens)",
    )
    add_options(always, KEEP)
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


def run(options: argparse.Namespace) -> None:
    """Select, and print what is kept and why."""
    from smaller_labse.select_vocab.select import select

    select(**vars(options), report=_print_selection)


def _print_selection(selection: Selection, original: Original) -> None:
    from smaller_labse.common.result_table import print_table
    from smaller_labse.select_vocab.choosing.finished_file import file_table
    from smaller_labse.select_vocab.choosing.stripped_tokens import stripped_table
    from smaller_labse.select_vocab.choosing.why_kept import reasons_table
    from smaller_labse.select_vocab.selection_tables import (
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
