"""The parser of a command line: help with examples, `--version`, wrong usage in one line."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from smaller_labse.common.errors import WRONG_USAGE
from smaller_labse.common.visible_text import visible

EXAMPLES = "examples:\n"
EXAMPLE_WIDTH = 90
MISSING = "arguments are required"  # argparse's own words


class CommandParser(argparse.ArgumentParser):
    """A command's or subcommand's parser; argparse's own extension points, filled in.

    What is parsed has, beside the options, `parser`: that of the subcommand that was chosen.

    Args:
        examples: command lines, each in one line, shown at the end of the help to be copied.
        settings: as for `ArgumentParser`.
    """

    def __init__(self, *, examples: Sequence[str] = (), **settings: Any) -> None:
        """Give the parser `--version` and its examples."""
        epilog = EXAMPLES + "\n".join(map(_in_lines, examples)) if examples else None
        super().__init__(formatter_class=_HelpFormatter, epilog=epilog, **settings)
        self.add_argument("--version", action=_Version, help="show the version and exit")
        self.set_defaults(parser=self)

    def print_help(self, file: Any = None) -> None:
        """Print the help; unlike argparse's own, what cannot be written is an error."""
        print(self.format_help(), end="", file=file)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse as argparse does, and remember the command line, for `error`."""
        self._given = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End the process with one line on standard error and the exit code of wrong usage."""
        if MISSING in message:  # perhaps only because it is misspelt
            unknown = next(filter(self._nearest, self._unknown_options()), None)
            message = message if unknown is None else self._describe_unknown(unknown)
        self.exit(
            WRONG_USAGE, visible(f"{self.prog}: {message.removeprefix('argument ')}{self.see_help}") + "\n"
        )

    @property
    def see_help(self) -> str:
        """Where to look, for the end of a message about wrong usage."""
        return f" (see {self.prog} --help)"

    def parse_command_line(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse; an option that nobody knows is the subcommand's to refuse, which knows what was meant."""
        options, unknown = self.parse_known_args(arguments)
        if unknown:
            options.parser.error(options.parser._describe_unknown(unknown[0]))
        return options

    def _describe_unknown(self, unknown: str) -> str:
        return f"unknown argument {unknown!r}{self._nearest(unknown)}"

    def _nearest(self, unknown: str) -> str:
        return did_you_mean(unknown.partition("=")[0], self._option_string_actions)

    def _unknown_options(self) -> Iterator[str]:
        """What looks like an option on the command line and is none, not even the beginning of one."""
        for argument in self._given[: self._given.index("--") if "--" in self._given else None]:
            name = argument.partition("=")[0]
            known = any(option.startswith(name) for option in self._option_string_actions)
            if name.startswith("--") and not known:
                yield argument

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value, or a subcommand, that is none of the choices."""
        if action.choices is not None and value not in action.choices:
            choices = [str(choice) for choice in action.choices]
            near = did_you_mean(str(value), choices)
            raise argparse.ArgumentError(
                action, f"invalid choice: {value!r}, expected {', '.join(choices)}{near}"
            )


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """The end of a message about a name that nobody knows; empty where no known one is like it.

    >>> did_you_mean("cuont", ["count", "select"])
    '; did you mean count?'
    """
    near = difflib.get_close_matches(given, known, n=1)
    return f"; did you mean {near[0]}?" if near else ""


def add_command(
    commands: argparse._SubParsersAction[CommandParser],
    name: str,
    run: Callable[[argparse.Namespace], None],
    purpose: str,
    **settings: Any,
) -> CommandParser:
    """Add a subcommand that calls `run`.

    Args:
        commands: what `add_subparsers` gave.
        name: what the user writes.
        run: is called with the options by `run_command`.
        purpose: one line for the list of commands.
        settings: as for `CommandParser`.
    """
    settings.setdefault("description", purpose)
    parser = commands.add_parser(name, help=purpose, **settings)
    parser.set_defaults(run=run)
    return parser


def _in_lines(example: str) -> str:
    """A command line in as many lines as it takes, which a shell puts together again."""
    first, *options = re.split(" (?=--)", example)
    lines = [first]
    for option in options:
        if len(lines[-1]) + len(option) < EXAMPLE_WIDTH:
            lines[-1] += f" {option}"
        else:
            lines.append(option)
    return "  " + " \\\n      ".join(lines)


class _HelpFormatter(argparse.HelpFormatter):
    """Leaves examples as they stand."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return text if text.startswith(EXAMPLES) else super()._fill_text(text, width, indent)


class _Version(argparse.Action):
    """Prints the version, which takes a moment to find out, when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **(settings | {"default": argparse.SUPPRESS}))

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> None:
        from importlib.metadata import version

        print(parser.prog.split()[0], version("smaller-labse"))
        parser.exit()
