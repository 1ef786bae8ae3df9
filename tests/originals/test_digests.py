"""Digests of several files at once are those of each."""

from __future__ import annotations

import hashlib
from pathlib import Path

from smaller_labse.originals.digests import digests_of_files


def test_digests_of_several_files_are_those_of_each_in_the_order_given(tmp_path: Path) -> None:
    contents = {f"{number}": bytes([number]) * 700_000 * (number % 3) for number in range(1, 8)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    found = digests_of_files({name: tmp_path / name for name in contents})
    assert list(found.items()) == [
        (name, hashlib.sha256(each).hexdigest()) for name, each in contents.items()
    ]
    assert digests_of_files({}) == {}
