"""A lock on a file: one holds it at a time, a file that the last one removed is not taken for it."""

from __future__ import annotations

import threading

from smaller_labse.common import file_lock
from smaller_labse.common.file_lock import locked

SECONDS = 60


def test_one_holds_it_at_a_time_and_the_file_vanishes(tmp_path):
    file = tmp_path / "new" / "lock"
    with locked(file, wait=False) as first, locked(file, wait=False) as second:
        assert (first, second) == (True, False)
        assert file.exists()
    assert list(file.parent.iterdir()) == []


def test_who_waited_for_a_file_that_was_removed_takes_the_one_that_is_there(tmp_path, monkeypatch):
    file, opened, seen = tmp_path / "lock", threading.Event(), []
    take = file_lock.take

    def note(descriptor: int, wait: bool = False) -> bool:
        if wait:
            opened.set()
        return take(descriptor, wait)

    def wait_for_it() -> None:
        with locked(file, wait=True), locked(file, wait=False) as another:
            seen.extend([file.exists(), another])

    monkeypatch.setattr(file_lock, "take", note)
    waiter = threading.Thread(target=wait_for_it)
    with locked(file, wait=False):
        waiter.start()
        assert opened.wait(SECONDS)  # it has opened the file that is removed here
    waiter.join(SECONDS)
    assert seen == [True, False]
    assert not file.exists()
