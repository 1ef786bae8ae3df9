"""The command `evaluate-encoder`: what it runs and prints."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.visible_text import visible
from smaller_labse.evaluate.command_options import (
    COMPARE_EXAMPLES,
    ENCODE_EXAMPLES,
    add_check,
    add_compare,
    add_encode,
    add_parity,
    add_tatoeba,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; see `run_command` for exit codes."""
    return run_command(_make_parser(), arguments)


def _make_parser() -> CommandParser:
    parser = CommandParser(
        prog="evaluate-encoder",
        description="How good is a sentence encoder?",
        examples=(COMPARE_EXAMPLES[0], ENCODE_EXAMPLES[0]),
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_compare(commands, _run_compare)
    add_tatoeba(commands, _run_tatoeba)
    add_parity(commands, _run_parity)
    add_encode(commands, _run_encode)
    add_check(commands, _run_check)
    return parser


def _run_compare(options: argparse.Namespace) -> None:
    from smaller_labse.common.result_table import print_table
    from smaller_labse.evaluate.compare_models import compare
    from smaller_labse.evaluate.report.tables import averages_table, costs_table, sizes_table
    from smaller_labse.evaluate.report.write_report import PAGE

    report = compare(
        options.original,
        options.model,
        tatoeba=options.tatoeba,
        languages=options.languages,
        parallel=options.parallel,
        bucc=options.bucc,
        sts=options.sts,
        dataset=options.dataset,
        out=options.out,
        cache=options.cache,
        prompt=options.prompt,
        device=options.device,
        batch_size=options.batch_size,
        runtime=options.runtime,
        pictures=not options.no_pictures,
        cards=options.cards,
        overwrite=options.overwrite,
    )
    print_table(sizes_table(report))
    print_table(costs_table(report))
    print()
    print_table(averages_table(report))
    print(f"\n{visible(str(options.out / PAGE))}")


def _run_tatoeba(options: argparse.Namespace) -> None:
    from smaller_labse.common.result_table import print_table
    from smaller_labse.evaluate.tatoeba_accuracy import accuracy_table, tatoeba

    results = tatoeba(
        options.model,
        options.data,
        languages=options.languages,
        json=options.json,
        markdown=options.markdown,
        cache=options.cache,
        prompt=options.prompt,
        device=options.device,
        batch_size=options.batch_size,
        runtime=options.runtime,
        overwrite=options.overwrite,
    )
    print_table(accuracy_table(results))


def _run_parity(options: argparse.Namespace) -> None:
    from smaller_labse.common.errors import UsageError
    from smaller_labse.common.result_table import (
        print_table,
        require_result_files_absent,
        write_result_files,
    )
    from smaller_labse.corpora.language_files import parse_texts
    from smaller_labse.corpora.languages import parse_languages
    from smaller_labse.evaluate.comparison.parity import (
        TOLERANCE,
        parity,
        parity_table,
        require_parity,
        verdict,
    )
    from smaller_labse.originals.locate import refuse_useless_preprocessor

    languages = parse_languages(options.languages) if options.languages is not None else ()
    texts = parse_texts(options.text, languages)
    if options.overwrite and not (options.json or options.markdown):
        raise UsageError("--overwrite goes with --json or --markdown, the files to replace")
    refuse_useless_preprocessor(options.original, options.original_preprocessor)
    models = [options.original, options.model, options.original_preprocessor]
    read = [*texts.values(), *(Path(model) for model in models if model is not None)]
    require_result_files_absent(options.json, options.markdown, options.overwrite, read)
    result = parity(
        options.original,
        options.model,
        texts,
        options.original_preprocessor,
        options.prompt,
        options.device,
        options.batch_size,
        options.runtime,
    )
    table = parity_table(result)
    tolerance = TOLERANCE if options.tolerance is None else options.tolerance
    data = {**asdict(result), "tolerance": tolerance}
    write_result_files(data, table, options.json, options.markdown, options.overwrite)
    print_table(table)
    for comparison in result.languages:
        if comparison.empty_lines:
            print(
                f"{visible(comparison.language)}: {comparison.empty_lines:,} empty lines skipped",
                file=sys.stderr,
            )
    said = verdict(result)
    if said:
        print(visible(said))
    require_parity(result, options.tolerance)


def _run_encode(options: argparse.Namespace) -> None:
    from smaller_labse.evaluate.embed_files import embed_files

    embedded = embed_files(
        options.model,
        options.text,
        options.out,
        options.normalize,
        options.max_length,
        options.prompt,
        options.text_field,
        options.overwrite,
        options.nulls,
        options.device,
        options.batch_size,
        options.runtime,
    )
    nulls = f", {embedded.nulls:,} row{'s' * (embedded.nulls > 1)} NaN (text null)" if embedded.nulls else ""
    prompt = f", prompt {embedded.prompt!r}" if embedded.prompt else ""
    by = f", by {embedded.computed_by}" if embedded.computed_by else ""
    said = f"{embedded.texts:,} x {embedded.embedding_size}, float32{nulls}{prompt}{by}"
    print(f"{visible(str(embedded.file))}: {said}")


def _run_check(options: argparse.Namespace) -> None:
    from smaller_labse.common.errors import all_of
    from smaller_labse.originals.folder_check import require_as_written

    checks = all_of(*(partial(require_as_written, folder) for folder in options.model))
    for folder, check in zip(options.model, checks, strict=True):
        print(f"{visible(str(folder))}: all {check.files:,} files are as they were written")


if __name__ == "__main__":
    sys.exit(main())
