"""The command `select-vocab`: count the pieces that languages use, and select a smaller vocabulary."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from smaller_labse.common.arguments import (
    non_negative_integer,
    positive_integer,
    share,
    size_or_percentage,
)
from smaller_labse.common.command import run_command

MODEL_HELP = (
    "the original: a Hugging Face folder or hub id, a folder with encoder/ (and preprocess/), a SavedModel "
    "folder, or a TF Hub handle"
)
LANGUAGES_HELP = "codes or names, separated by commas, or a file with one a line"


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    return run_command(_parser(), arguments)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="select-vocab", description=__doc__.partition(": ")[2])
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_count(commands)
    _add_select(commands)
    _add_merge(commands)
    return parser


def _add_count(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("count", help="count the pieces of each language's text, a file a language")
    parser.set_defaults(run=_count)
    parser.add_argument("--model", required=True, help=MODEL_HELP)
    parser.add_argument("--languages", help=LANGUAGES_HELP)
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="where the counts files go")
    text = parser.add_argument_group("text (default: Wikipedia, streamed from the Hugging Face hub)")
    text.add_argument(
        "--text",
        nargs="+",
        action="extend",
        default=[],
        metavar="LANGUAGE=PATH",
        help="a file (.txt, .jsonl, .parquet; .gz and .zst too) or a folder of them; or a path with "
        "{code}, {iso3} or {name} in the language's place",
    )
    text.add_argument("--dataset", metavar="NAME", help="a Hugging Face dataset; {code} and {iso3} as above")
    text.add_argument(
        "--dataset-config", metavar="NAME", help="its configuration; {code} and {iso3} as above"
    )
    text.add_argument("--dataset-split", metavar="NAME", help="{code} and {iso3} as above; default: train")
    text.add_argument("--text-field", metavar="NAME", help="field or column of the text; default: text")
    text.add_argument(
        "--wikipedia",
        metavar="NAME",
        help="the Wikipedia dataset, or a folder laid out like it; default: wikimedia/wikipedia",
    )
    text.add_argument("--wikipedia-date", metavar="YYYYMMDD", help="its dump; default: 20231101")
    lines = parser.add_argument_group("lines")
    lines.add_argument(
        "--longer-than",
        type=non_negative_integer,
        default=5,
        metavar="N",
        help="count lines of more than N characters; default: %(default)s",
    )
    lines.add_argument(
        "--max-lines",
        type=non_negative_integer,
        default=1_000_000,
        metavar="N",
        help="at most N lines a language, 0 for all; default: %(default)s",
    )
    parser.add_argument(
        "--workers", type=non_negative_integer, metavar="N", help="threads; default: one a core"
    )
    parser.add_argument("--overwrite", action="store_true", help="count again what was counted before")


def _add_select(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("select", help="select a smaller vocabulary from counts or lists of pieces")
    parser.set_defaults(run=_select)
    parser.add_argument("--model", required=True, help=MODEL_HELP)
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="the selection's folder")
    parser.add_argument(
        "--counts",
        action="extend",
        nargs="+",
        default=[],
        type=Path,
        metavar="PATH",
        help="counts files, published *_freqs.json(.gz) files, or folders of either",
    )
    parser.add_argument(
        "--pieces",
        action="extend",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="lists of pieces to keep, one a line",
    )
    parser.add_argument("--languages", help=f"only the counts of these languages: {LANGUAGES_HELP}")
    rules = parser.add_argument_group("rule (default: --min-line-share 0.00005, the published model's)")
    rule = rules.add_mutually_exclusive_group()
    rule.add_argument(
        "--min-line-share",
        type=share,
        metavar="SHARE",
        help="pieces that occur in at least int(lines x SHARE) lines of a language",
    )
    rule.add_argument(
        "--top-k", type=positive_integer, metavar="K", help="the K most frequent pieces of a language"
    )
    rule.add_argument(
        "--coverage",
        type=share,
        metavar="SHARE",
        help="the fewest pieces that cover this share of a language's occurrences, e.g. 0.999",
    )
    rule.add_argument(
        "--vocab-size",
        type=size_or_percentage,
        metavar="N",
        help="N pieces in all, or e.g. 25%% of the original's rows, shared out so that the worst-covered "
        "language is covered best",
    )
    always = parser.add_argument_group("always kept, beside the special pieces")
    always.add_argument(
        "--no-keep-characters",
        action="store_true",
        help="do not keep every character's own piece (text may turn into unknown pieces)",
    )
    always.add_argument(
        "--keep",
        action="extend",
        nargs="+",
        default=[],
        type=Path,
        metavar="FILE",
        help="words or sentences, one a line, whose pieces are all kept",
    )
    parser.add_argument(
        "--order",
        choices=("original", "alphabetical"),
        default="original",
        help="of the pieces; alphabetical is by code point, special pieces first; default: %(default)s",
    )
    parser.add_argument(
        "--strip",
        action="store_true",
        help="strip white space off listed pieces, as the published lists want",
    )
    parser.add_argument(
        "--skip-missing", action="store_true", help="leave out listed pieces that the original does not have"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier selection")


def _add_merge(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser("merge", help="add up counts of one language from several corpora")
    parser.set_defaults(run=_merge)
    parser.add_argument("--model", required=True, help=MODEL_HELP)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="counts files of one language")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the counts file to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier file")


def _count(options: argparse.Namespace) -> None:
    from smaller_labse.originals.open import open_original
    from smaller_labse.select_vocab.count_sources import count_sources
    from smaller_labse.select_vocab.counts_file import LineFilter

    sources = _sources(options)
    tokenizer = open_original(options.model).tokenizer
    line_filter = LineFilter(longer_than=options.longer_than, max_lines=options.max_lines or None)
    files = count_sources(sources, tokenizer, options.out, line_filter, options.workers, options.overwrite)
    _print_counts(files)


def _sources(options: argparse.Namespace) -> list:
    from smaller_labse.common.errors import UsageError
    from smaller_labse.corpora import sources as corpus
    from smaller_labse.corpora.languages import parse_languages

    languages = parse_languages(options.languages) if options.languages else []
    if (
        sum((bool(options.text), bool(options.dataset), bool(options.wikipedia or options.wikipedia_date)))
        > 1
    ):
        raise UsageError("--text, --dataset and --wikipedia exclude each other; count them one by one")
    if (options.dataset_config or options.dataset_split) and not options.dataset:
        raise UsageError("--dataset-config and --dataset-split go with --dataset")
    if options.text_field and not (options.text or options.dataset):
        raise UsageError("--text-field goes with --text or --dataset")
    text_field = options.text_field or corpus.TEXT_FIELD
    if options.text:
        return corpus.file_sources(languages, options.text, text_field)
    if not languages:
        raise UsageError("name the languages, e.g. --languages en,fr,de")
    if options.dataset:
        return corpus.dataset_sources(
            languages, options.dataset, options.dataset_config, options.dataset_split or "train", text_field
        )
    return corpus.wikipedia_sources(
        languages, options.wikipedia or corpus.WIKIPEDIA, options.wikipedia_date or corpus.WIKIPEDIA_DATE
    )


def _print_counts(files: list[Path]) -> None:
    from smaller_labse.common.tables import Table, print_table
    from smaller_labse.select_vocab.counts_file import summarize

    rows = []
    for file in files:
        summary = summarize(file)
        rows.append([summary.name, *(f"{number:,}" for number in summary[1:])])
    print_table(Table(("counts of", "lines", "occurrences", "pieces"), rows))


def _select(options: argparse.Namespace) -> None:
    from smaller_labse.common.outputs import require_absent
    from smaller_labse.common.tables import print_table
    from smaller_labse.corpora.languages import parse_languages
    from smaller_labse.originals.open import open_original
    from smaller_labse.select_vocab.choose_tokens import choose_tokens
    from smaller_labse.select_vocab.counts_folder import read_all_counts, read_all_pieces
    from smaller_labse.select_vocab.selection import MARKER, coverage_table, size_table, write_selection
    from smaller_labse.select_vocab.token_lists import read_keep_list

    rule = _rule(options)
    require_absent(options.out, options.overwrite, MARKER)
    languages = parse_languages(options.languages) if options.languages else []
    original = open_original(options.model)
    tokenizer = original.tokenizer
    if isinstance(rule.value, Fraction):
        rule = replace(rule, value=max(1, int(rule.value * original.rows)))
    counts = read_all_counts(options.counts, tokenizer, languages, options.skip_missing)
    listed, named = read_all_pieces(options.pieces, tokenizer, options.strip, options.skip_missing)
    selection = choose_tokens(
        tokenizer,
        rows=original.rows,
        hidden_size=original.hidden_size,
        counts=counts,
        rule=rule,
        listed=listed,
        keep=read_keep_list(options.keep, tokenizer, original.prompts),
        keep_characters=not options.no_keep_characters,
        order=options.order,
        languages=[language.code for language in (languages or named)],
    )
    write_selection(selection, tokenizer, options.out, options.overwrite)
    if selection.coverage:
        print_table(coverage_table(selection))
        print()
    print_table(size_table(selection, original.parameters))
    if original.without_row:
        print(f"left out, as the table has no row for them: {', '.join(original.without_row)}")


def _rule(options: argparse.Namespace):
    from smaller_labse.common.errors import UsageError
    from smaller_labse.select_vocab.choose_tokens import Rule

    for name in ("min-line-share", "top-k", "coverage", "vocab-size"):
        value = getattr(options, name.replace("-", "_"))
        if value is not None and not options.counts:
            raise UsageError(f"--{name} chooses from counts; add --counts")
        if value is not None:
            return Rule(name, value)
    return Rule()


def _merge(options: argparse.Namespace) -> None:
    from functools import reduce

    from smaller_labse.common.errors import UsageError
    from smaller_labse.common.outputs import require_absent
    from smaller_labse.originals.open import open_original
    from smaller_labse.select_vocab.counts_file import merge_counts, read_counts, write_counts

    if len({file.resolve() for file in options.files}) < len(options.files):
        raise UsageError("a counts file is given twice; its counts would be added twice")
    require_absent(options.out, options.overwrite)
    tokenizer = open_original(options.model).tokenizer
    counts = [read_counts(file, tokenizer.pieces, tokenizer.fingerprint) for file in options.files]
    write_counts(reduce(merge_counts, counts), tokenizer.pieces, options.out, options.overwrite)
    _print_counts([options.out])


if __name__ == "__main__":
    sys.exit(main())
