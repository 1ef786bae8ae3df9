"""The command `evaluate-encoder`."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from smaller_labse.common.atomic_output import require_absent
from smaller_labse.common.command import run_command
from smaller_labse.common.errors import UsageError
from smaller_labse.common.result_table import print_table, require_result_files_absent, write_result_files
from smaller_labse.corpora.language_files import parse_texts
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.evaluate.comparison.models import parse_models
from smaller_labse.evaluate.comparison.parity import TOLERANCE, parity, parity_table, require_parity
from smaller_labse.evaluate.comparison.side_by_side import compare
from smaller_labse.evaluate.embed_files import embed_files
from smaller_labse.evaluate.report.card_scores import require_card, write_scores
from smaller_labse.evaluate.report.markdown import averages_table, sizes_table
from smaller_labse.evaluate.report.write_report import NUMBERS, PAGE, require_matplotlib, write_report
from smaller_labse.evaluate.tasks.bucc import read_bucc
from smaller_labse.evaluate.tasks.sts import read_sts
from smaller_labse.evaluate.tasks.task import Task
from smaller_labse.evaluate.tasks.tatoeba import accuracy_table, tatoeba, tatoeba_tasks
from smaller_labse.evaluate.tasks.translation_retrieval import read_parallel


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see `run_command` for exit codes."""
    return run_command(_make_parser(), arguments)


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate-encoder", description="How good is a sentence encoder?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_compare(commands)
    _add_tatoeba(commands)
    _add_parity(commands)
    _add_encode(commands)
    return parser


def _add_compare(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "compare",
        help="an original and smaller models side by side: a report",
        description="Measure an original and any number of smaller models on any data, and write a report: "
        "scores, differences with intervals, sizes, what became of texts and pieces, pictures.",
    )
    add = parser.add_argument
    add("--original", required=True, metavar="[NAME=]MODEL", help="folder, TF Hub handle or hub id")
    add(
        "--model",
        nargs="+",
        action="extend",
        default=[],
        metavar="[NAME=]MODEL",
        help="the models cut from it",
    )
    data = parser.add_argument_group("data, one or more")
    data.add_argument("--tatoeba", type=Path, metavar="DIR", help="folder of tatoeba.xxx-eng.{xxx,eng} files")
    data.add_argument(
        "--languages",
        metavar="LIST",
        help="of Tatoeba: fr,de,... or a file with one a line (default: all in DIR)",
    )
    data.add_argument(
        "--parallel",
        nargs="+",
        action="extend",
        default=[],
        metavar="XX=FILE,YY=FILE",
        help="two files of translations, line by line, as from the UN's Parallel Corpus",
    )
    data.add_argument(
        "--bucc", type=Path, metavar="DIR", help="folder of BUCC's files, xx-en.training.gold etc."
    )
    data.add_argument(
        "--sts",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=FILE",
        help="sentence<TAB>sentence<TAB>score, the STS benchmark's files, or SemEval's NAME=INPUT,GOLD",
    )
    add("--out", type=Path, required=True, metavar="FOLDER", help="the report's folder")
    add(
        "--cache",
        type=Path,
        metavar="FOLDER",
        help="where results are kept, so that nothing is measured twice (default: OUT.cache)",
    )
    add("--no-pictures", action="store_true", help="do not draw any; then matplotlib is not needed")
    add("--cards", action="store_true", help="write each model's scores into its model card")
    _add_prompt(parser)
    add("--overwrite", action="store_true", help="replace an earlier report")
    parser.set_defaults(run=_run_compare)


def _add_tatoeba(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "tatoeba",
        help="accuracy of translation retrieval, English to other languages and back",
        description="Accuracy on Tatoeba: how often a sentence's nearest neighbour by cosine is its "
        "translation. Among equally near sentences the first counts.",
    )
    add = parser.add_argument
    add(
        "--model",
        nargs="+",
        action="extend",
        required=True,
        metavar="[NAME=]FOLDER",
        help="models to measure",
    )
    add("--data", type=Path, required=True, metavar="DIR", help="folder of tatoeba.xxx-eng.{xxx,eng} files")
    add("--languages", metavar="LIST", help="fr,de,... or a file with one a line (default: all in DIR)")
    _add_prompt(parser)
    _add_reports(parser)
    parser.set_defaults(run=_run_tatoeba)


def _add_parity(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "parity",
        help="is a smaller model still the original?",
        description="Compare a smaller model with its original, text by text: pieces, embeddings, unknowns. "
        "Fails if the embedding of a text whose pieces are the same differs.",
    )
    add = parser.add_argument
    add("--original", required=True, metavar="MODEL", help="folder or TF Hub handle of the original")
    add("--original-preprocessor", metavar="MODEL", help="its preprocessor, if it is not beside the encoder")
    add("--model", required=True, metavar="FOLDER", help="the smaller model")
    add(
        "--text",
        nargs="+",
        action="extend",
        required=True,
        metavar="LANG=FILE",
        help="files with one text a line; or a pattern with {code} or {iso3} for each of --languages",
    )
    add("--languages", metavar="LIST", help="fr,de,... or a file with one a line, to fill a pattern with")
    _add_prompt(parser)
    add(
        "--tolerance", type=float, default=TOLERANCE, help="largest difference allowed (default: %(default)g)"
    )
    _add_reports(parser)
    parser.set_defaults(run=_run_parity)


def _add_encode(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "encode",
        help="texts to embeddings, files of any size",
        description="Write the embedding of every line as one row of a NumPy file (float32), in order. "
        "Memory does not grow with the number of lines.",
    )
    add = parser.add_argument
    add("--model", required=True, metavar="FOLDER", help="the model, or a TF Hub handle or hub id")
    add(
        "--text",
        nargs="+",
        type=Path,
        required=True,
        metavar="FILE",
        help="files with one text a line, .jsonl or .parquet, plain or compressed; or folders of them",
    )
    add("--text-field", default="text", metavar="NAME", help="field or column of the text (default: text)")
    add("--out", type=Path, required=True, metavar="FILE", help="the .npy file to write")
    add("--normalize", action="store_true", help="scale every embedding to length 1")
    add("--max-length", type=int, metavar="N", help="pieces a text (default: the preprocessor's)")
    _add_prompt(parser)
    add("--overwrite", action="store_true", help="replace an existing file")
    parser.set_defaults(run=_run_encode)


def _add_prompt(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--prompt", metavar="TEXT", help='what goes before every text, e.g. "query: " (default: the model\'s)'
    )


def _add_reports(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results as JSON, too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table as Markdown, too")
    parser.add_argument("--overwrite", action="store_true", help="replace existing files")


def _run_compare(options: argparse.Namespace) -> None:
    require_absent(options.out, options.overwrite, NUMBERS)
    original, *smaller = parse_models([options.original, *options.model])
    tasks = _read_tasks(options)
    if not options.no_pictures:
        require_matplotlib()
    if options.cards:
        for model in smaller:
            require_card(Path(model.folder))
    out = options.out.resolve()
    cache = options.cache or out.with_name(f"{out.name}.cache")
    if cache.resolve().is_relative_to(out):
        raise UsageError(
            f"--cache {cache}: in the report's own folder, which is made anew; choose another place"
        )
    report = compare(original, smaller, tasks, cache, options.prompt)
    write_report(report, options.out, not options.no_pictures, options.overwrite)
    if options.cards:
        for number, model in enumerate(smaller):
            write_scores(Path(model.folder), report, number + 1)
    print_table(sizes_table(report))
    print()
    print_table(averages_table(report))
    print(f"\n{options.out / PAGE}")


def _read_tasks(options: argparse.Namespace) -> list[Task]:
    if options.languages is not None and options.tatoeba is None:
        raise UsageError("--languages goes with --tatoeba")
    tasks: list[Task] = []
    if options.tatoeba is not None:
        languages = parse_languages(options.languages) if options.languages is not None else None
        tasks += tatoeba_tasks(options.tatoeba, languages)
    tasks += [read_parallel(text) for text in options.parallel]
    if options.bucc is not None:
        tasks += read_bucc(options.bucc)
    return tasks + [read_sts(text) for text in options.sts]


def _run_tatoeba(options: argparse.Namespace) -> None:
    require_result_files_absent(options.json, options.markdown, options.overwrite)
    languages = parse_languages(options.languages) if options.languages is not None else None
    results = tatoeba(parse_models(options.model), options.data, languages, options.prompt)
    table = accuracy_table(results)
    data = {"data": str(options.data), "models": [asdict(result) for result in results]}
    write_result_files(data, table, options.json, options.markdown, options.overwrite)
    print_table(table)


def _run_parity(options: argparse.Namespace) -> None:
    require_result_files_absent(options.json, options.markdown, options.overwrite)
    languages = parse_languages(options.languages) if options.languages is not None else ()
    texts = parse_texts(options.text, languages)
    result = parity(options.original, options.model, texts, options.original_preprocessor, options.prompt)
    table = parity_table(result)
    data = {**asdict(result), "tolerance": options.tolerance}
    write_result_files(data, table, options.json, options.markdown, options.overwrite)
    print_table(table)
    for comparison in result.languages:
        if comparison.empty_lines:
            print(f"{comparison.language}: {comparison.empty_lines:,} empty lines skipped", file=sys.stderr)
    require_parity(result, options.tolerance)


def _run_encode(options: argparse.Namespace) -> None:
    embedded = embed_files(
        options.model,
        options.text,
        options.out,
        options.normalize,
        options.max_length,
        options.prompt,
        options.text_field,
        options.overwrite,
    )
    print(f"{embedded.file}: {embedded.texts:,} x {embedded.width}, float32")


if __name__ == "__main__":
    sys.exit(main())
