"""What an interrupted count on Ray left is of the text as it is, or goes; the tasks run in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.select_vocab import count as count_module
from smaller_labse.select_vocab.count import count
from smaller_labse.select_vocab.on_ray import count_on_ray

LINES = [line for code in ("en", "it", "fr", "de") for line in builtin_sentences()[code]]


class ThisProcess:
    """As `RayCluster`: each task after the other, here."""

    def share(self, value: object) -> object:
        return value

    def run(
        self, function: Callable[..., Any], tasks: Iterable[tuple[Any, tuple[Any, ...]]], threads: int = 1
    ) -> Iterator[tuple[Any, Any]]:
        for key, arguments in tasks:
            yield key, function(*arguments)


@pytest.fixture
def this_process(monkeypatch) -> None:
    @contextmanager
    def connected(address: str) -> Iterator[ThisProcess]:
        yield ThisProcess()

    monkeypatch.setattr(count_on_ray, "connected", connected)


def write_dataset(folder: Path, lines: list[str]) -> Path:
    """A dataset of two files."""
    folder.mkdir(exist_ok=True)
    for number in range(2):
        pq.write_table(pa.table({"text": lines[number::2]}), folder / f"{number}.parquet")
    return folder


def interrupt(example: Path, out: Path, **options: Any) -> None:
    """Count on Ray, and stop when a shard is done."""

    def stop(message: str) -> None:
        if " lines in " in message:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        count(example, **options, ray="local", shards=2, out=out, report=stop)
    assert (out / ".en.shards").is_dir()


def test_shards_of_a_dataset_s_folder_that_was_changed_are_counted_again(example, this_process, tmp_path):
    options = {"languages": "en", "dataset": str(write_dataset(tmp_path / "corpus", LINES[:8]))}
    interrupt(example, tmp_path / "many", **options)
    write_dataset(tmp_path / "corpus", LINES[8:])
    said: list[str] = []
    (file,) = count(example, **options, ray="local", shards=2, out=tmp_path / "many", report=said.append)
    assert any("has changed; its shards are counted again" in message for message in said)
    (one,) = count(example, **options, out=tmp_path / "one")
    assert file.read_bytes() == one.read_bytes()


def test_shards_of_a_dataset_s_folder_are_kept_whatever_hidden_files_come_and_go(
    example, this_process, tmp_path
):
    folder = write_dataset(tmp_path / "corpus", LINES[:8])
    options = {"languages": "en", "dataset": str(folder)}
    interrupt(example, folder / ".counts", **options)
    said: list[str] = []
    count(example, **options, ray="local", shards=2, out=folder / ".counts", report=said.append)
    assert "en: 1 of 2 shards were counted before" in said


def test_with_overwrite_shards_that_are_left_are_counted_again(example, this_process, tmp_path):
    options = {"languages": "en", "dataset": str(write_dataset(tmp_path / "corpus", LINES[:8]))}
    interrupt(example, tmp_path / "many", **options)
    said: list[str] = []
    on_ray = {"ray": "local", "shards": 2, "out": tmp_path / "many", "overwrite": True}
    count(example, **options, **on_ray, report=said.append)
    assert sum(" lines in " in message for message in said) == 2
    assert not any("were counted before" in message for message in said)


@pytest.mark.parametrize("counted_before", [False, True])
def test_a_count_without_ray_removes_the_shards_that_are_left(
    example, this_process, tmp_path, counted_before
):
    options = {"languages": "en", "dataset": str(write_dataset(tmp_path / "corpus", LINES[:8]))}
    if counted_before:
        count(example, **options, out=tmp_path / "counts")
        (tmp_path / "counts" / ".en.shards").mkdir()
    else:
        interrupt(example, tmp_path / "counts", **options)
    count(example, **options, out=tmp_path / "counts")
    assert [file.name for file in (tmp_path / "counts").iterdir()] == ["en.parquet"]


def test_the_number_of_shards_may_be_text_as_on_the_command_line(example, this_process, tmp_path):
    (tmp_path / "en.txt").write_text("".join(f"{line}\n" for line in LINES))
    said: list[str] = []
    on_ray = {"ray": "local", "shards": "2", "out": tmp_path / "counts"}
    count(example, text={"en": tmp_path / "en.txt"}, **on_ray, report=said.append)
    assert sum(" lines in " in message for message in said) == 2


def test_a_dataset_that_is_named_by_the_language_has_its_whole_path_where_it_is_a_folder(
    example, tmp_path, monkeypatch
):
    """The workers have other working folders."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus" / "en").mkdir(parents=True)
    (tmp_path / "owner").mkdir()
    found = []
    monkeypatch.setattr(count_module, "count_on_ray", lambda sources, *arguments: found.extend(sources) or [])
    for dataset in ("corpus/{code}", "owner/{code}"):
        count(example, iter(["en"]), dataset=dataset, ray="local", out="counts")
    local, of_hub = found
    assert local.description.startswith(f"{tmp_path / 'corpus' / 'en'} ")
    assert of_hub.description.startswith("owner/en ")
