"""JSON that others wrote, read into a frozen dataclass: its type hints say what is expected of each field."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from smaller_labse.common.errors import SmallerLabseError

Record = TypeVar("Record")

# As JSON calls them; a whole number may stand where a number is expected, true and false may not.
NAMES = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
LONGEST_SHOWN, LARGEST = 60, 2**63


class _Unexpected(ValueError):
    """What is wrong, and where: "coverage[0].seen"."""


def read_checked(kind: type[Record], content: object, file: Path, advice: str = "get it again") -> Record:
    """Make a dataclass of what a JSON file holds.

    Args:
        kind: its fields are text, whole numbers, numbers, bool, None, unions of these, `tuple[…, ...]`,
            `Mapping[str, …]` and such dataclasses. What has no default must be there; what it does not know
            is refused, as a damaged name would pass for a field left out.
        content: as `json.loads` gives it.
        file: for the message.
        advice: what to do, for the message.

    Raises:
        SmallerLabseError: a field is missing, unknown or of another type; the message names file, field, what
            was expected and what was found.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Size:
    ...     width: int
    >>> read_checked(Size, {"width": 5}, Path("size.json"))
    Size(width=5)
    >>> read_checked(Size, {"width": "5"}, Path("size.json"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    smaller_labse.common.errors.SmallerLabseError: size.json: width is '5', expected a whole number; get it...
    """
    try:
        record: Record = _checked(kind, content, "")
    except (_Unexpected, RecursionError) as error:
        raise SmallerLabseError(f"{file}: {error}; {advice}") from None
    return record


def _checked(kind: Any, value: object, where: str) -> Any:
    if kind is Any:
        return value
    if dataclasses.is_dataclass(kind):
        return _record(kind, value, where)
    origin = get_origin(kind)
    if origin is tuple:
        return tuple(
            _checked(get_args(kind)[0], one, f"{where}[{number}]")
            for number, one in enumerate(_require(value, list, "an array", where))
        )
    if origin is Mapping:
        items = _require(value, dict, "an object", where).items()
        return {
            key: _checked(get_args(kind)[1], one, f"{where}.{key}" if where else key) for key, one in items
        }
    choices = get_args(kind) if origin in (Union, types.UnionType) else (kind,)
    expected = " or ".join(NAMES[choice] for choice in choices)
    fits = type(value) in choices or (float in choices and type(value) is int)
    # Neither NaN and infinity, nor numbers that no array can hold.
    if not fits or (isinstance(value, int | float) and not abs(value) < LARGEST):
        raise _unexpected(value, expected, where)
    return value


def _record(kind: Any, value: object, where: str) -> Any:
    found = _require(value, dict, "an object", where)
    hints, inside = get_type_hints(kind), f"{where}." if where else ""
    needed = {
        f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING
    }
    if missing := sorted(needed - set(found)):
        raise _Unexpected(f"{inside}{missing[0]} is missing")
    if unknown := sorted(set(found) - set(hints)):
        raise _Unexpected(f"{inside}{unknown[0]} is not known")
    return kind(**{name: _checked(hints[name], one, inside + name) for name, one in found.items()})


def _require(value: Any, kind: type, expected: str, where: str) -> Any:
    if not isinstance(value, kind):
        raise _unexpected(value, expected, where)
    return value


def _unexpected(value: object, expected: str, where: str) -> _Unexpected:
    shown = repr(value)
    shown = shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + "…"
    return _Unexpected(f"{where or 'it'} is {shown}, expected {expected}")
