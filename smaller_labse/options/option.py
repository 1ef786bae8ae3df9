"""An option of commands: declared once, added to the parser of every command that takes it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Option:
    """An option as `ArgumentParser.add_argument` takes it; made by `option`.

    Attributes:
        flags: how it is written, "--max-lines"; the first one names it, others are older names.
        settings: the other arguments: `help`, `metavar`, `type` and so on.
    """

    flags: tuple[str, ...]
    settings: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The argument of this name in Python, "max_lines"."""
        return str(self.settings.get("dest", self.flags[0].lstrip("-").replace("-", "_")))

    @property
    def help(self) -> str:
        """What it does."""
        return str(self.settings["help"])

    @property
    def read(self) -> Callable[[str], object] | None:
        """What reads and checks a value, such as a number; None for text and paths, taken as they are."""
        read: Callable[[str], object] | None = self.settings.get("type")
        return None if read is Path else read

    @property
    def is_switch(self) -> bool:
        """Whether it stands without a value, and is true or false."""
        return str(self.settings.get("action")) in ("store_true", "store_false")

    @property
    def takes_several(self) -> bool:
        """Whether one or more values follow it, and it may come again."""
        return self.settings.get("action") == "extend"

    def but(self, *flags: str, **settings: Any) -> Option:
        """The same with other flags, where some are given, and with these settings."""
        return Option(flags or self.flags, {**self.settings, **settings})


def option(*flags: str, **settings: Any) -> Option:
    """Declare an option, as by `ArgumentParser.add_argument`.

    Example:
        >>> each = option("--no-sample", dest="sample", action="store_false", help="store no lines")
        >>> each.name, each.is_switch
        ('sample', True)
    """
    return Option(flags, settings)


def add_options(parser: argparse._ActionsContainer, *options: Option, **settings: Any) -> None:
    """Add options to a parser or to a group of one.

    Args:
        parser: the parser, or what `add_argument_group` and `add_mutually_exclusive_group` give.
        options: in the order in which the help shows them.
        settings: what this command has differently, of all of them, such as `required=True`.
    """
    for each in options:
        parser.add_argument(*each.flags, **{**each.settings, **settings})
