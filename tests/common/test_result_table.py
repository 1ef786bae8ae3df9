"""Tables in a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from types import SimpleNamespace

import pytest

from smaller_labse.common.result_table import Table
from smaller_labse.select_vocab.selection import Coverage
from smaller_labse.select_vocab.selection_tables import coverage_table, estimate_table

CODES = (
    "ar",
    "bo",
    "cu",
    "de",
    "es",
    "fr",
    "ht",
    "it",
    "ja",
    "ko",
    "lb",
    "mn",
    "nn",
    "zh_classical",
    "sr-Latn",
)


@pytest.fixture(scope="module")
def selection():
    coverage = [
        Coverage(
            code, code.partition("_")[0], "x", 1_000_000, 123_456, 54_321, 0.99991, 0.9876, 0.0001, 0.00001
        )
        for code in CODES
    ]
    return SimpleNamespace(coverage=coverage)


def test_tables_of_a_selection_fit_80_columns(selection):
    for table in (coverage_table(selection), estimate_table(selection)):
        text = table.text(80)
        assert max(map(len, text.splitlines())) <= 80
        assert all(cell in text for row in table.rows for cell in row)
        assert "Italian (it)" in text and "Chinese (zh_classical)" in text
    assert "New unknown: the share" in coverage_table(selection).text(200)


def test_wide_characters_take_their_width():
    table = Table(("", "texts"), [("医療の文章", "1"), ("it", "22")])
    assert table.text(20).splitlines()[2:] == ["医療の文章      1", "it             22"]


def test_a_table_of_many_columns_goes_on_below():
    table = Table(("", *(f"model {number}" for number in range(9))), [("Italian (it)", *["98.20"] * 9)])
    lines = table.text(40).splitlines()
    assert max(map(len, lines)) <= 40
    assert sum(line.startswith("Italian (it)") for line in lines) == 3


def test_markdown_of_many_columns_goes_on_in_a_table_below():
    columns = ("", *(f"model {number}" for number in range(9)))
    table = Table(columns, [("Italian (it)", *(f"98.2{number}" for number in range(9)))], ["*why*: so"])
    assert max(map(len, table.markdown().splitlines())) > 80 and len(table.markdown().splitlines()) == 5
    for width in (80, 45, 46, 47):
        lines = table.markdown(width).splitlines()
        assert max(map(len, lines)) <= width
        text = "\n".join(lines[:-2])
        tables = [part.splitlines() for part in text.split("\n\n")]
        assert {len(part) for part in tables} == {3} and lines[-2:] == ["", "*why*: so"]
        assert [part[2].split()[1:3] for part in tables] == [["Italian", "(it)"]] * len(tables)
        cells = "".join(part[2].partition(") | ")[2] for part in tables)
        assert [cell.strip() for cell in cells.split("|")[:-1]] == list(table.rows[0][1:])
        assert len(table.markdown(width + 100).splitlines()) in (5, 9)


def test_columns_that_belong_together_are_not_parted():
    columns = ("", "original", *("model", "difference") * 3)
    table = Table(columns, [("Italian (it)", "98.20", *["98.20", "-1.20 [-2.00, -0.40] *"] * 3)], together=2)
    heads = [line for line in table.text(60).splitlines() if "model" in line]
    assert all(line.count("model") == line.count("difference") for line in heads) and len(heads) == 3


def test_on_a_terminal_of_80_columns_no_line_is_wider():
    code = (
        "from smaller_labse.common.result_table import Table, print_table\n"
        "print_table(Table(('', *['lines unchanged'] * 12), [('Italian (it)', *['99.99%'] * 12)], ['*why*: so']))"
    )
    outer, inner = pty.openpty()
    environment = os.environ | {"COLUMNS": "80"}
    subprocess.run([sys.executable, "-c", code], stdout=inner, env=environment, check=True, timeout=60)
    os.close(inner)
    printed = os.read(outer, 100_000).decode()
    os.close(outer)
    lines = printed.replace("\r", "").splitlines()
    assert max(map(len, lines)) <= 80 and printed.count("99.99%") == 12 and lines[-1] == "why: so"
