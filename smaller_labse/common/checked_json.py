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
LONGEST_SHOWN, LARGEST_WHOLE, LARGEST = 60, 2**63, 1e308


class _Unexpected(ValueError):
    """What is wrong, and where: "coverage[0].seen"."""


def read_checked(
    kind: type[Record], content: object, file: Path, advice: str = "get it again", more: bool = False
) -> Record:
    """Make a dataclass of what a JSON file holds.

    Args:
        kind: its fields are text, whole numbers, numbers, bool, None, `tuple[…, ...]`, `Mapping[str, …]`,
            such dataclasses, and unions of these. What has no default must be there.
        content: as `json.loads` gives it.
        file: for the message.
        advice: what to do, for the message.
        more: leave fields alone that it does not know, as in files that hold much that nobody asks for here.
            Otherwise they are refused, as a damaged name would pass for a field left out.

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
        record: Record = _checked(kind, content, "", more)
    except (_Unexpected, RecursionError) as error:
        raise SmallerLabseError(f"{file}: {error}; {advice}") from None
    return record


def _checked(kind: Any, value: object, where: str, more: bool) -> Any:
    if kind is Any:
        return value
    choices = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    for choice in choices:
        if isinstance(value, dict) and dataclasses.is_dataclass(choice):
            return _record(choice, value, where, more)
        if isinstance(value, dict) and get_origin(choice) is Mapping:
            return {
                key: _checked(get_args(choice)[1], one, f"{where}.{key}" if where else key, more)
                for key, one in value.items()
            }
        if isinstance(value, list) and get_origin(choice) is tuple:
            return tuple(
                _checked(get_args(choice)[0], one, f"{where}[{number}]", more)
                for number, one in enumerate(value)
            )
        if type(value) is choice or (choice is float and type(value) is int):
            # Neither NaN and infinity, nor whole numbers that no array can hold.
            too_large = LARGEST_WHOLE if choice is int else LARGEST
            if not isinstance(value, int | float) or abs(value) < too_large:
                return value
    raise _unexpected(value, " or ".join(map(_name, choices)), where)


def _name(kind: Any) -> str:
    """What JSON calls values of a kind."""
    if get_origin(kind) is tuple:
        return "an array"
    return NAMES.get(kind, "an object")


def _record(kind: Any, found: Mapping[str, object], where: str, more: bool) -> Any:
    hints, inside = get_type_hints(kind), f"{where}." if where else ""
    needed = {
        f.name for f in dataclasses.fields(kind) if f.default is f.default_factory is dataclasses.MISSING
    }
    if missing := sorted(needed - set(found)):
        raise _Unexpected(f"{inside}{missing[0]} is missing")
    unknown = sorted(set(found) - set(hints))
    if unknown and not more:
        raise _Unexpected(f"{inside}{unknown[0]} is not known")
    known = {name: one for name, one in found.items() if name in hints}
    return kind(**{name: _checked(hints[name], one, inside + name, more) for name, one in known.items()})


def _unexpected(value: object, expected: str, where: str) -> _Unexpected:
    shown = repr(value)
    shown = shown if len(shown) <= LONGEST_SHOWN else shown[:LONGEST_SHOWN] + "…"
    return _Unexpected(f"{where or 'it'} is {shown}, expected {expected}")
