"""Two counts into one folder at once: each language is counted by one of them, and the other takes it."""

from __future__ import annotations

import threading

import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.file_lock import locked
from smaller_labse.corpora.languages import find_language
from smaller_labse.corpora.sources import Source, text_sources
from smaller_labse.select_vocab.counting import count_sources as module
from smaller_labse.select_vocab.counting.count_sources import count_sources
from smaller_labse.select_vocab.counting.resume_count import lock_file, unfinished_file

SECONDS = 60
LANGUAGES = ("en", "it", "ja")


@pytest.fixture
def sources(text_files) -> list[Source]:
    return text_sources(LANGUAGES, [str(text_files / "{code}.txt")])


@pytest.fixture
def counted_by(monkeypatch) -> list[str]:
    """The thread's name and the source of each count, in the order in which they begin."""
    counted, count_source = [], module.count_source

    def note(source, *arguments):
        counted.append(f"{threading.current_thread().name} {source.name}")
        return count_source(source, *arguments)

    monkeypatch.setattr(module, "count_source", note)
    return counted


def in_thread(name: str, *arguments, **options) -> tuple[threading.Thread, list[str]]:
    said: list[str] = []
    thread = threading.Thread(
        name=name, target=lambda: count_sources(*arguments, report=said.append, **options)
    )
    thread.start()
    return thread, said


def test_what_another_run_counts_comes_last_and_is_taken(sources, tokenizer, tmp_path, counted_by):
    """The other run is this thread: it holds English, and has it counted when it lets go."""
    folder = tmp_path / "counts"
    with locked(lock_file(folder / "en.parquet"), wait=False) as ours:
        assert ours
        second, said = in_thread("second", sources, tokenizer, folder)
        wait_until(lambda: said)
        assert said == [f"en: waiting for another run, which counts it into {folder}"]
        assert counted_by == ["second it", "second ja"]
        count_sources(sources[:1], tokenizer, tmp_path / "elsewhere")
        (tmp_path / "elsewhere" / "en.parquet").rename(folder / "en.parquet")
    second.join(SECONDS)
    assert said[1:] == [f"en: counted before ({folder / 'en.parquet'}), its text has not changed"]
    assert counted_by[2:] == ["MainThread en"]
    assert sorted(path.name for path in folder.iterdir()) == ["en.parquet", "it.parquet", "ja.parquet"]


def test_what_another_run_gave_up_is_counted(sources, tokenizer, tmp_path, counted_by):
    with locked(lock_file(tmp_path / "en.parquet"), wait=False):
        second, said = in_thread("second", sources[:1], tokenizer, tmp_path)
        wait_until(lambda: said)
    second.join(SECONDS)
    assert counted_by == ["second en"]
    assert [path.name for path in tmp_path.iterdir()] == ["en.parquet"]


def test_many_counts_at_once_count_each_language_once_and_the_same(sources, tokenizer, tmp_path, counted_by):
    runs = [in_thread(f"run {number}", sources, tokenizer, tmp_path / "counts") for number in range(6)]
    for thread, _ in runs:
        thread.join(SECONDS)
    assert sorted(line.split()[-1] for line in counted_by) == sorted(LANGUAGES)
    count_sources(sources, tokenizer, tmp_path / "alone")
    for file in (tmp_path / "alone").iterdir():
        assert (tmp_path / "counts" / file.name).read_bytes() == file.read_bytes()
    assert sorted(path.name for path in (tmp_path / "counts").iterdir()) == [
        f"{code}.parquet" for code in LANGUAGES
    ]


def test_a_killed_runs_lock_holds_nobody_up_and_vanishes(sources, tokenizer, tmp_path):
    for name in ("en.parquet", "it.parquet"):
        lock_file(tmp_path / name).touch()
    count_sources(sources[:1], tokenizer, tmp_path)
    lock_file(tmp_path / "en.parquet").touch()
    unfinished_file(tmp_path / "en.parquet").write_bytes(b"left")
    count_sources(sources[:2], tokenizer, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["en.parquet", "it.parquet"]


def test_what_another_run_counts_again_is_not_taken_away_from_it(sources, tokenizer, tmp_path):
    count_sources(sources[:1], tokenizer, tmp_path)
    unfinished_file(tmp_path / "en.parquet").write_bytes(b"saved by the other run")
    with locked(lock_file(tmp_path / "en.parquet"), wait=False):
        count_sources(sources[:1], tokenizer, tmp_path)
        assert unfinished_file(tmp_path / "en.parquet").exists()


def test_a_count_that_fails_leaves_no_empty_folder(tokenizer, tmp_path):
    source = Source("en", find_language("en"), "en.txt", lambda: iter([]))
    with pytest.raises(SmallerLabseError, match="nothing to count"):
        count_sources([source], tokenizer, tmp_path / "new" / "counts")
    assert list(tmp_path.iterdir()) == []


def wait_until(holds) -> None:
    for _ in range(SECONDS * 100):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never came")
