"""Write the demo's test sentences as one file per language, whose lines are translations of each other.

    python scripts/demo/sentence_files.py --out FOLDER [LANGUAGE...]

They are there to test with alone: what is counted, in `word_lists.py`, does not know them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from smaller_labse.common.atomic_output import new_file
from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.common.errors import UsageError

SENTENCES = Path(__file__).with_name("sentences.tsv")


def read_sentences() -> dict[str, list[str]]:
    """Language → 150 sentences, the same ones in the same order in every language."""
    header, *rows = SENTENCES.read_text(encoding="utf-8").splitlines()
    columns = zip(*(row.split("\t") for row in rows), strict=True)
    return {code: list(column) for code, column in zip(header.split("\t"), columns, strict=True)}


def main(arguments: list[str] | None = None) -> int:
    """Run as a command with `arguments` (default: the process's) and return its exit code."""
    parser = CommandParser(prog="sentence_files.py", description=(__doc__ or "").partition("\n")[0])
    parser.set_defaults(run=_write)
    parser.add_argument("languages", nargs="*", metavar="LANGUAGE", help="default: all 15")
    parser.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="for the files CODE.txt")
    return run_command(parser, arguments)


def _write(options: argparse.Namespace) -> None:
    sentences = read_sentences()
    for language in options.languages or sentences:
        if language not in sentences:
            raise UsageError(f"the demo has no language {language!r}; it has {', '.join(sentences)}")
        with new_file(options.out / f"{language}.txt", overwrite=True) as partial:
            text = "".join(f"{sentence}\n" for sentence in sentences[language])
            partial.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    sys.exit(main())
