"""An option is declared once: what several commands take is the same in all of them."""

from __future__ import annotations

import argparse
from dataclasses import fields

import pytest

from smaller_labse.all_stages.settings import Settings
from smaller_labse.all_stages.stage_options import COUNTING, MODELS, OPTIONS, SELECTING, TEST_DATA
from smaller_labse.common.command_parser import CommandParser
from smaller_labse.distill import __main__ as distill
from smaller_labse.evaluate import __main__ as evaluate
from smaller_labse.make_smaller import __main__ as make_smaller
from smaller_labse.options.option import add_options, option
from smaller_labse.options.text_options import LONGER_THAN, MAX_LINES, TEXT, TEXT_FIELD
from smaller_labse.select_vocab import __main__ as select_vocab


def actions_of(parser: CommandParser, command: str | None = None) -> dict[str, argparse.Action]:
    if command:
        (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
        parser = commands.choices[command]
    return parser._option_string_actions


@pytest.mark.parametrize(
    ("parser", "command", "options"),
    [
        (select_vocab._parser, "count", COUNTING),
        (select_vocab._parser, "select", SELECTING),
        (make_smaller._parser, None, MODELS),
        (distill.make_parser, "recover", (TEXT, TEXT_FIELD, LONGER_THAN, MAX_LINES)),
        (evaluate._make_parser, "compare", TEST_DATA),
    ],
)
def test_a_command_takes_what_is_declared(parser, command, options):
    actions = actions_of(parser(), command)
    for each in options:
        action = actions[each.flags[0]]
        for setting in ("type", "metavar", "choices"):
            assert getattr(action, setting) == each.settings.get(setting), (each.name, setting)
        assert action.dest == each.name


def test_a_run_has_a_setting_for_each_option():
    assert {field.name for field in fields(Settings)} == set(OPTIONS)


def test_an_option_may_differ_in_what_a_command_says():
    lines = option("--max-lines", type=int, metavar="N", help="at most N")
    parser = argparse.ArgumentParser()
    add_options(parser, lines.but("--lines", help="at most N of them"), default=5)
    assert parser.parse_args([]).lines == 5
    assert parser.parse_args(["--lines", "7"]).lines == 7
    assert "at most N of them" in parser.format_help()
    assert (lines.name, lines.help, lines.read) == ("max_lines", "at most N", int)
