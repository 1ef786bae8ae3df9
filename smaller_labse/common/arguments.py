"""Types of arguments: what a command's option, or the same argument in Python, must look like.

Each function reads the text of one argument. Given to argparse as `type`, its message follows the option's
name; `check` does the same for arguments that come from Python.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import sys
from collections.abc import Callable, Iterable
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from smaller_labse.common.errors import UsageError

Value = TypeVar("Value")
StrPath = str | os.PathLike[str]

SHORTEST = 3  # [CLS], one token, [SEP]
DEVICE = re.compile(r"(?:/device:)?(cpu|gpu|cuda|mps)(?::(\d{1,3}))?")
ENDLESS = re.compile(r"[eE][+-]?[\d_]{4}")  # an exponent that takes years to compute with exactly


def non_negative_integer(text: str) -> int:
    """An integer from 0 on.

    >>> non_negative_integer("12")
    12
    >>> non_negative_integer("x")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected a non-negative integer, got 'x'
    """
    return _integer(text, 0, "a non-negative integer")


def positive_integer(text: str) -> int:
    """An integer from 1 on."""
    return _integer(text, 1, "a positive integer")


def length_in_tokens(text: str) -> int:
    """How many tokens a text may have: the two that stand around every text, and one or more of its own.

    >>> length_in_tokens("128")
    128
    """
    return _integer(text, SHORTEST, f"{SHORTEST} tokens or more ([CLS], one token, [SEP])")


def non_negative_number(text: str) -> float:
    """A number from 0 on, neither infinite nor NaN.

    >>> non_negative_number("1e-5")
    1e-05
    >>> non_negative_number("nan")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected a number from 0 on, such as 0.001, got 'nan'
    """
    number = _number(text)
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number from 0 on, such as 0.001, got {text!r}")
    return number


def positive_number(text: str) -> float:
    """A number above 0, not infinite.

    >>> positive_number("0")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected a number above 0, such as 0.5, got '0'
    """
    number = _number(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, such as 0.5, got {text!r}")
    return number


def number_up_to_1(text: str) -> float:
    """A number from 0 to 1.

    >>> number_up_to_1("0.5")
    0.5
    """
    number = _number(text)
    if not 0 <= number <= 1:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 1, such as 0.5, got {text!r}")
    return number


def share(text: str) -> str:
    """A share from 0 to 1, kept as text so that it can be computed with exactly.

    >>> share("0.00005")
    '0.00005'
    """
    try:
        inside = not ENDLESS.search(text) and 0 <= Fraction(text) <= 1
    except (ValueError, ZeroDivisionError):
        inside = False
    if not inside:
        raise argparse.ArgumentTypeError(f"expected a share from 0 to 1, such as 0.00005, got {text!r}")
    return text


def date(text: str) -> str:
    """A date, as the dumps of Wikipedia are named.

    >>> date("20231101")
    '20231101'
    """
    try:
        datetime.strptime(text, "%Y%m%d")
        written = re.fullmatch(r"\d{8}", text, re.ASCII) is not None
    except ValueError:
        written = False
    if not written:
        raise argparse.ArgumentTypeError(f"expected a date as YYYYMMDD, such as 20231101, got {text!r}")
    return text


def size_or_percentage(text: str) -> str:
    """A positive integer, or a percentage, kept as text as a share is.

    >>> size_or_percentage("50000"), size_or_percentage("12.5%")
    ('50000', '12.5%')
    """
    if not text.endswith("%"):
        return str(_integer(text, 1, "a positive integer or a percentage, such as 25%"))
    percent = text[:-1]
    if not re.fullmatch(r"\d{1,3}(\.\d{1,9})?", percent, re.ASCII) or not 0 < Fraction(percent) <= 100:
        raise argparse.ArgumentTypeError(
            f"expected a percentage from above 0% to 100%, such as 25%, got {text!r}"
        )
    return text


def megabytes(text: str) -> str:
    """A size in megabytes (10^6 bytes), kept as text as a share is.

    >>> megabytes("29.5")
    '29.5'
    """
    if not re.fullmatch(r"\d{1,7}(\.\d{1,6})?", text, re.ASCII) or not Fraction(text):
        raise argparse.ArgumentTypeError(f"expected megabytes above 0, such as 50 or 29.5, got {text!r}")
    return text


def device_name(text: str) -> str:
    """A device that computes: "cpu", "gpu" or, of several, "gpu:1". PyTorch's "cuda" and "mps" are GPUs.

    >>> device_name("GPU:1"), device_name("cuda"), device_name("cpu")
    ('gpu:1', 'gpu', 'cpu')
    >>> device_name("tpu")
    Traceback (most recent call last):
    argparse.ArgumentTypeError: expected cpu, gpu or gpu:1, got 'tpu'
    """
    match = DEVICE.fullmatch(text.strip().lower())
    if match is None:
        raise argparse.ArgumentTypeError(f"expected cpu, gpu or gpu:1, got {text!r}")
    kind = "cpu" if match[1] == "cpu" else "gpu"
    return kind if match[2] is None else f"{kind}:{int(match[2])}"


def check(name: str, read: Callable[[str], Value], value: object) -> Value:
    """`read(value)` for an argument that comes from Python: a number, or text as on the command line.

    Args:
        name: the argument's, for the message.
        read: one of the functions above.
        value: the argument.

    Raises:
        UsageError: it is not what `read` expects.

    >>> check("top_k", positive_integer, 5)
    5
    >>> check("top_k", positive_integer, 0.5)
    Traceback (most recent call last):
    smaller_labse.common.errors.UsageError: top_k: expected a positive integer, got '0.5'
    """
    try:
        return read(str(value))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"{name}: {error}") from None


def paths(given: StrPath | Iterable[StrPath]) -> list[Path]:
    """One path or several, as a list.

    >>> [path.name for path in paths("a.txt")]
    ['a.txt']
    """
    return [Path(given)] if isinstance(given, str | os.PathLike) else [Path(path) for path in given]


def _number(text: str) -> float:
    """The number that is written; NaN for what is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _integer(text: str, smallest: int, expected: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text[:20]) < smallest:
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    if len(text) > len(str(sys.maxsize)) or int(text) > sys.maxsize:
        raise argparse.ArgumentTypeError(f"{text} is too large, expected at most {sys.maxsize}")
    return int(text)
