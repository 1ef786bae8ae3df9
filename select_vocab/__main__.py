"""The command `select-vocab`: count the tokens that languages use, and select a smaller vocabulary."""

from __future__ import annotations

import argparse
import sys
from types import ModuleType

from smaller_labse.common.command import run_command
from smaller_labse.common.command_parser import CommandParser, add_command
from smaller_labse.options.model_options import MODEL
from smaller_labse.options.option import add_options
from smaller_labse.select_vocab.commands import count_command, inspect_command, merge_command, select_command

COMMANDS: dict[str, ModuleType] = {
    "count": count_command,
    "select": select_command,
    "merge": merge_command,
    "inspect": inspect_command,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command with `arguments` (default: the process's) and return its exit code."""
    return run_command(_parser(), arguments)


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="select-vocab",
        description="Count the tokens that languages use, and select a smaller vocabulary.",
        examples=(count_command.EXAMPLES[0], select_command.EXAMPLES[0]),
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        # What the user leaves out is not passed on: the defaults stand in the functions' signatures.
        subparser = add_command(
            commands,
            name,
            command.run,
            command.PURPOSE,
            examples=command.EXAMPLES,
            argument_default=argparse.SUPPRESS,
        )
        add_options(subparser, MODEL, required=True)
        command.declare_options(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
