"""Arguments: what is taken, what is refused, and that Python and the command line say the same."""

from __future__ import annotations

import argparse
import doctest
from pathlib import Path

import pytest

from smaller_labse.common import arguments
from smaller_labse.common.arguments import (
    check,
    length_in_tokens,
    non_negative_integer,
    non_negative_number,
    paths,
    positive_integer,
    share,
    size_or_percentage,
)
from smaller_labse.common.errors import UsageError


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (non_negative_integer, "0", 0),
        (non_negative_integer, "007", 7),
        (non_negative_integer, str(2**63 - 1), 2**63 - 1),
        (positive_integer, "1", 1),
        (non_negative_number, "1e-5", 1e-5),
        (non_negative_number, "0", 0),
        (length_in_tokens, "3", 3),
        (share, "0", "0"),
        (share, "1", "1"),
        (share, "5e-05", "5e-05"),
        (size_or_percentage, "07", "7"),
        (size_or_percentage, "100%", "100%"),
        (size_or_percentage, "0.1%", "0.1%"),
    ],
)
def test_what_is_taken(read, text, expected):
    assert read(text) == check("name", read, text) == expected


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (non_negative_integer, "-1", "expected a non-negative integer, got '-1'"),
        (non_negative_integer, "٣", "expected a non-negative integer, got '٣'"),
        (non_negative_integer, "", "expected a non-negative integer, got ''"),
        (non_negative_integer, str(2**63), f"{2**63} is too large, expected at most {2**63 - 1}"),
        (non_negative_integer, "9" * 5000, "is too large"),
        (positive_integer, "0", "expected a positive integer, got '0'"),
        (positive_integer, "1.0", "expected a positive integer, got '1.0'"),
        (share, "1e-99999999", "expected a share from 0 to 1, such as 0.00005, got '1e-99999999'"),
        (share, "nan", "expected a share from 0 to 1, such as 0.00005, got 'nan'"),
        *(
            (non_negative_number, wrong, f"expected a number from 0 on, such as 0.001, got '{wrong}'")
            for wrong in ("nan", "inf", "-inf", "-1", "-1e-9", "", "x", "1e999")
        ),
        (length_in_tokens, "2", "expected 3 tokens or more ([CLS], one token, [SEP]), got '2'"),
        (size_or_percentage, "0", "expected a positive integer or a percentage, such as 25%, got '0'"),
        (size_or_percentage, "0%", "expected a percentage from above 0% to 100%, such as 25%, got '0%'"),
        (size_or_percentage, "100.1%", "expected a percentage from above 0% to 100%"),
        (size_or_percentage, "٣%", "expected a percentage from above 0% to 100%"),
    ],
)
def test_what_is_refused_in_the_same_words_everywhere(read, text, message):
    with pytest.raises(argparse.ArgumentTypeError) as by_command:
        read(text)
    with pytest.raises(UsageError) as by_python:
        check("name", read, text)
    assert message in str(by_command.value)
    assert str(by_python.value) == f"name: {by_command.value}"


def test_one_path_is_a_list_of_one(tmp_path):
    assert paths(tmp_path) == [tmp_path]
    assert paths(str(tmp_path)) == [tmp_path]
    assert paths([tmp_path, "b"]) == [tmp_path, Path("b")]
    assert paths(()) == []


def test_the_examples_in_the_docstrings():
    assert doctest.testmod(arguments).failed == 0
