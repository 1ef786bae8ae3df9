"""Counting on a Ray cluster of two nodes: the bytes of an undivided count, whatever stops; failures in one line."""

from __future__ import annotations

import itertools
import shutil
import signal
from pathlib import Path

import pytest

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.select_vocab.count import count
from tests.web_server import served


@pytest.fixture(scope="module")
def cluster():
    """The address of a cluster, of real processes of `ray start`."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    handler = signal.getsignal(signal.SIGTERM)  # Ray leaves its own
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    cluster.add_node(num_cpus=1)
    signal.signal(signal.SIGTERM, handler)
    yield cluster.address
    cluster.shutdown()


@pytest.fixture
def text(tmp_path) -> Path:
    (tmp_path / "text").mkdir()
    for number in range(3):
        lines = "".join(f"{number} {line}\n" for line in builtin_sentences()["en"])
        (tmp_path / "text" / f"{number}.txt").write_text(lines)
    return tmp_path / "text"


def test_counts_on_ray_are_those_of_one_process(cluster, example, text, run, tmp_path, monkeypatch):
    monkeypatch.chdir(text.parent)  # the workers have other working folders
    arguments = ["--model", example, "--text", "en=text", "--draw", "even", "--max-lines", 50]
    assert run("count", *arguments, "--out", "one").code == 0
    ended = run("count", *arguments, "--out", "many", "--ray", cluster, "--shards", 3)
    assert ended.code == 0, ended.error
    assert "en, shard 2 of 3: " in ended.error and " lines/s" in ended.error
    assert [file.name for file in (tmp_path / "many").iterdir()] == ["en.parquet"]
    assert (tmp_path / "many" / "en.parquet").read_bytes() == (tmp_path / "one" / "en.parquet").read_bytes()


def test_what_is_done_is_kept(cluster, example, text, tmp_path):
    said: list[str] = []
    stop_at = itertools.count()

    def stop(message: str) -> None:
        said.append(message)
        if ": " in message and " lines in " in message and next(stop_at) == 1:
            raise KeyboardInterrupt

    on_ray = {"text": {"en": text}, "max_lines": 50, "ray": cluster, "shards": 3, "out": tmp_path / "many"}
    with pytest.raises(KeyboardInterrupt):
        count(example, **on_ray, report=stop)
    said.clear()
    count(example, **on_ray, report=said.append)
    assert said[1] == "en: 2 of 3 shards were counted before"
    assert len(said) == 3
    count(example, text={"en": text}, max_lines=50, out=tmp_path / "one")
    assert (tmp_path / "many" / "en.parquet").read_bytes() == (tmp_path / "one" / "en.parquet").read_bytes()


def test_a_worker_without_the_text_is_named(cluster, example, text, tmp_path):
    def hide(message: str) -> None:
        (text / "1.txt").rename(text / "hidden")

    with pytest.raises(SmallerLabseError, match=r"1\.txt.*on .*; every worker needs the model") as raised:
        count(example, text={"en": text}, ray=cluster, shards=3, out=tmp_path / "many", report=hide)
    assert "\n" not in str(raised.value)


def test_a_worker_without_the_model_is_named(cluster, example, text, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(example, model)

    def hide(message: str) -> None:
        if model.exists():
            model.rename(tmp_path / "hidden")

    with pytest.raises(SmallerLabseError, match=r"/model: .*on .*; every worker needs the model") as raised:
        count(model, text={"en": text}, ray=cluster, shards=3, out=tmp_path / "many", report=hide)
    assert "\n" not in str(raised.value)


def test_workers_read_urls_themselves(cluster, example, text, tmp_path):
    pytest.importorskip("aiohttp")
    with served(tmp_path) as address:
        on_ray = {"text": {"en": f"{address}/text/*.txt"}, "ray": cluster, "shards": 2, "max_lines": 50}
        (file,) = count(example, **on_ray, out=tmp_path / "many")
        address = address.replace("://", "://me:secret@")
        with pytest.raises(SmallerLabseError, match=r"1\.txt: there is no such file.*\(on ") as raised:
            hide = lambda message: (text / "1.txt").unlink(missing_ok=True)  # noqa: E731
            count(example, **on_ray | {"text": {"en": f"{address}/text/"}}, out=tmp_path / "x", report=hide)
    assert "\n" not in str(raised.value) and "secret" not in str(raised.value)
    (text / "1.txt").write_text("".join(f"1 {line}\n" for line in builtin_sentences()["en"]))
    (one,) = count(example, text={"en": text / "*.txt"}, max_lines=50, out=tmp_path / "one")
    assert file.read_bytes() == one.read_bytes()


def test_without_a_cluster_or_ray(example, text, tmp_path, monkeypatch):
    on_ray = {"text": {"en": text}, "out": tmp_path / "many"}
    with pytest.raises(UsageError, match="--shards goes with --ray"):
        count(example, **on_ray, shards=3)
    with pytest.raises(UsageError, match="--ray counts all shards, --shard one of them"):
        count(example, **on_ray, ray="auto", shard="1/3")
    with monkeypatch.context() as patch:
        patch.setitem(__import__("sys").modules, "ray", None)
        with pytest.raises(UsageError, match="--ray needs Ray"):
            count(example, **on_ray, ray="auto")
    pytest.importorskip("ray")
    with pytest.raises(SmallerLabseError, match=r"--ray 127\.0\.0\.1:1: no cluster answers") as raised:
        count(example, **on_ray, ray="127.0.0.1:1")
    assert "\n" not in str(raised.value)
    with pytest.raises(UsageError, match="--ray far:away: expected"):
        count(example, **on_ray, ray="far:away")
    assert not (tmp_path / "many").exists()
