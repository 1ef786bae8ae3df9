"""Bytes that are UTF-8 to Arrow are UTF-8 to Python, and no others."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from smaller_labse.corpora.records.arrow_arrays import is_utf8

PARTS = ("a", "é", "日", "😀", "\uffff")
DAMAGED = (b"\xed\xa0\x80", b"\xc0\x80", b"\xe0\x80\xaf", b"\xf4\x90\x80\x80", b"\xff", b"\x80")


@given(
    parts=st.lists(st.sampled_from([*(part.encode() for part in PARTS), *DAMAGED]), max_size=60),
    cut=st.integers(0, 3),
)
@example(parts=[b"a", "😀".encode()], cut=1)
@settings(max_examples=500, deadline=None)
def test_it_is_what_python_can_decode(parts: list[bytes], cut: int) -> None:
    data = b"".join(parts)
    data = data[: len(data) - cut]
    try:
        data.decode()
    except UnicodeDecodeError:
        assert not is_utf8(data)
    else:
        assert is_utf8(data)
