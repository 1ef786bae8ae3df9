"""JSON of any kind becomes a record as its type hints say, or an error that names file and field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smaller_labse.common.checked_json import read_checked
from smaller_labse.common.errors import SmallerLabseError


@dataclass(frozen=True)
class Part:
    name: str
    share: float | None = None


@dataclass(frozen=True)
class Whole:
    size: int
    flag: bool
    parts: tuple[Part, ...]
    lines: Mapping[str, tuple[str, ...]]
    value: str | int | None = None


GOOD = {
    "size": 3,
    "flag": True,
    "parts": [{"name": "en", "share": 1}],
    "lines": {"en": ["one"]},
    "value": "25%",
}
FILE = Path("whole.json")


def test_a_record_comes_out_as_it_went_in():
    expected = Whole(3, True, (Part("en", 1),), {"en": ("one",)}, "25%")
    assert read_checked(Whole, GOOD, FILE) == expected
    assert read_checked(Part, {"name": "fr"}, FILE) == Part("fr")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": "3"}, "size is '3', expected a whole number"),
        ({"size": True}, "size is True, expected a whole number"),
        ({"size": 3.0}, "size is 3.0, expected a whole number"),
        ({"size": 10**30}, "expected a whole number"),
        ({"flag": 1}, "flag is 1, expected true or false"),
        ({"parts": {}}, "parts is {}, expected an array"),
        ({"parts": [{"name": "en"}, {"name": 5}]}, "parts[1].name is 5, expected text"),
        ({"parts": [{"share": 0.5}]}, "parts[0].name is missing"),
        (
            {"parts": [{"name": "en", "share": float("nan")}]},
            "parts[0].share is nan, expected a number or null",
        ),
        ({"parts": [{"name": "en", "shere": 0.5}]}, "parts[0].shere is not known"),
        ({"parts": [[]]}, "parts[0] is [], expected an object"),
        ({"lines": {"en": ["one", None]}}, "lines.en[1] is None, expected text"),
        ({"value": ["a" * 99]}, "…, expected text or a whole number or null"),
    ],
)
def test_what_is_wrong_is_named(change, reason):
    with pytest.raises(SmallerLabseError) as raised:
        read_checked(Whole, GOOD | change, FILE, advice="write it again")
    assert str(raised.value).startswith("whole.json: ")
    assert reason in str(raised.value)
    assert str(raised.value).endswith("; write it again")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_any_json_is_read_or_refused(field, value):
    try:
        record = read_checked(Whole, GOOD | {field: value}, FILE)
    except SmallerLabseError as error:
        assert "\n" not in str(error)
        return
    assert type(record.size) is int and all(isinstance(part, Part) for part in record.parts)
