"""Text behind URLs: the bytes of a local copy, every failure in one line, and nothing secret in either."""

from __future__ import annotations

import gzip
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora import decompressed_lines
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.corpora.line_batches import LineFilter
from smaller_labse.corpora.remote import remote_path
from smaller_labse.corpora.remote.find_remote_paths import find_remote_paths
from smaller_labse.corpora.shards import parted_text
from smaller_labse.corpora.shards.shard import Shard
from smaller_labse.corpora.sources import Source, text_sources
from smaller_labse.select_vocab.count import count
from smaller_labse.select_vocab.counting.count_sources import count_sources
from smaller_labse.select_vocab.counting.counted_before import require_same_counts
from smaller_labse.select_vocab.counting.counts_file import read_metadata, write_counts
from smaller_labse.select_vocab.counting.merge_shards import merge_shards
from tests.web_server import Server, served

PASSWORD, TOKEN = "open sesame", "signed+1234"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with text of every kind, served by HTTP."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "en" / "more").mkdir(parents=True)
    lines = [f"{number} {line}" for number in range(5) for line in builtin_sentences()["en"]]
    plain = "".join(f"{line}\r\n" for line in lines).encode()
    (folder / "en" / "0 a.txt").write_bytes(plain)
    (folder / "en" / "1.txt.gz").write_bytes(gzip.compress(plain))
    records = "".join(json.dumps({"text": line}) + "\n" for line in lines)
    (folder / "en" / "2.jsonl").write_text(records)
    table = pa.table({"number": list(range(len(lines))), "text": lines})
    pq.write_table(table, folder / "en" / "more" / "3.parquet", row_group_size=6)
    (folder / "en" / ".hidden.txt").write_text("No pattern finds this line.\n")
    (folder / "closed.txt").write_bytes(plain)
    (folder / "words.tsv").write_text("winter\t3\nsummer\t2\n")
    return folder


@pytest.fixture
def bucket(folder) -> Iterator[str]:
    """The same in memory, as fsspec offers it."""
    memory = fsspec.filesystem("memory")
    for file in folder.rglob("*"):
        if file.is_file():
            memory.pipe_file(f"/bucket/{file.relative_to(folder).as_posix()}", file.read_bytes())
    yield "memory://bucket"
    memory.rm("/bucket", recursive=True)


@pytest.fixture(scope="module")
def server(folder) -> Iterator[str]:
    pytest.importorskip("aiohttp")
    with served(folder) as address:
        yield address


@pytest.fixture
def small_blocks(monkeypatch) -> None:
    monkeypatch.setattr(remote_path, "BLOCK_BYTES", 64)
    monkeypatch.setattr(remote_path, "READ_BYTES", 32)
    monkeypatch.setattr(decompressed_lines, "BUFFER_BYTES", 32)


def counted(source: Source, tokenizer, out: Path, line_filter: LineFilter) -> Path:
    return count_sources([source], tokenizer, out, line_filter, workers=1)[0]


def sources_of(place: str, text: str) -> Source:
    (source,) = text_sources([], [f"en={place}/{text}"])
    return source


@pytest.mark.parametrize(
    ("text", "draw"),
    [("en", "first"), ("en/*", "even"), ("en/more/*.parquet", "even"), ("words.tsv", "first")],
)
def test_the_counts_are_those_of_a_local_copy(
    tokenizer, folder, bucket, tmp_path, monkeypatch, small_blocks, text, draw
):
    monkeypatch.setattr(parted_text, "PART_BYTES", 200)
    line_filter = LineFilter(5, 30, draw)
    expected = counted(sources_of(str(folder), text), tokenizer, tmp_path / "local", line_filter).read_bytes()
    source = sources_of(bucket, text)
    whole = counted(source, tokenizer, tmp_path / "remote", line_filter)
    assert whole.read_bytes() == expected
    assert require_same_counts(source, whole, tokenizer, line_filter).endswith("its text has not changed")
    shards = [
        counted(replace(source, shard=Shard(number, 3)), tokenizer, tmp_path / "shards", line_filter)
        for number in (2, 3, 1)
    ]
    write_counts(merge_shards(shards, tokenizer), tokenizer.pieces, tmp_path / "merged.parquet")
    assert (tmp_path / "merged.parquet").read_bytes() == expected


@pytest.mark.parametrize("text", ["en/", "en/*.txt", "en/0%20a.txt", "en/more/3.parquet", "words.tsv?a=b"])
def test_a_web_server_s_files_are_read_in_parts(tokenizer, folder, server, tmp_path, text):
    local = text.partition("?")[0].replace("%20", " ").rstrip("/")
    expected = counted(sources_of(str(folder), local), tokenizer, tmp_path / "local", LineFilter())
    found = counted(sources_of(server, text), tokenizer, tmp_path / "remote", LineFilter())
    if local == "en":  # the server's list has the hidden file, which a local folder has, too
        assert len(sources_of(server, text).files) == 5
    assert found.read_bytes() == expected.read_bytes()


def test_languages_fill_a_url_and_python_takes_it_as_it_is(example, bucket, tmp_path):
    said: list[str] = []
    text = {"fr": f"{bucket}/words.tsv", "it": [f"{bucket}/en/0 a.txt", f"{bucket}/en/2.jsonl"]}
    files = count(example, text=text, out=tmp_path)
    assert [read_metadata(file)["corpus"] for file in files] == ["words.tsv", "0 a.txt + 2.jsonl"]
    count(example, "en", text=f"{bucket}/{{code}}/*", out=tmp_path / "x", dry_run=True, report=said.append)
    assert re.fullmatch(
        r"English \(en\): 4 files of [\d,]+ bytes; 80 lines, (less than|about) \d+ s", said[0]
    )
    assert not (tmp_path / "x").exists()


def test_a_file_url_is_a_path(folder, tmp_path):
    (source,) = text_sources([], [f"en=file://{folder}/en/0%20a.txt"])
    assert (source.paths, source.stored_corpus) == ((folder / "en" / "0 a.txt",), "0 a.txt")
    with pytest.raises(UsageError, match=r"--text file://else/x: write file:///PATH"):
        text_sources([], ["en=file://else/x"])


def test_a_text_that_was_changed_is_noticed(tokenizer, bucket, tmp_path):
    source = sources_of(bucket, "en/0 a.txt")
    file = counted(source, tokenizer, tmp_path, LineFilter())
    before = source.files[0].stat()
    data = fsspec.filesystem("memory").cat_file("/bucket/en/0 a.txt")
    fsspec.filesystem("memory").pipe_file("/bucket/en/0 a.txt", data.replace(b"0", b"9"))
    other = sources_of(bucket, "en/0 a.txt")
    assert other.files[0].stat().st_size == before.st_size
    assert other.files[0].stat().st_mtime_ns != before.st_mtime_ns
    with pytest.raises(SmallerLabseError, match="from before it was changed"):
        require_same_counts(other, file, tokenizer, LineFilter())
    fsspec.filesystem("memory").pipe_file("/bucket/en/0 a.txt", data * 2)
    with pytest.raises(SmallerLabseError, match=r"bytes, and had .* when this command began; run it again"):
        list(other.read())


def test_a_version_that_no_server_tells_is_another_each_time(bucket, monkeypatch):
    monkeypatch.setattr(remote_path, "VERSIONS", ())
    first, second = (find_remote_paths(f"{bucket}/en/0 a.txt")[0].stat() for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("text", "said", "code"),
    [
        ("BUCKET/en/none.txt", "memory://bucket/en/none.txt: there is no such text for English (en)", 1),
        ("BUCKET/none/*.txt", "memory://bucket/none/*.txt: no file matches this pattern", 2),
        ("s3://bucket/en.txt", "s3://bucket/en.txt needs s3fs; pip install s3fs", 2),
        (
            "gopher://bucket/en.txt",
            "--text gopher://bucket/en.txt: nothing is read from gopher://; there are s3://",
            2,
        ),
        ("zip://a.zip::BUCKET/x", "nothing is read from zip://", 2),
        ("s3:///en.txt", "--text s3:///en.txt: there is no name behind s3://", 2),
        ("s3://me:secret@bucket/en.txt", "--text s3://bucket/en.txt: no password is read from such a URL", 2),
        ("http://127.0.0.1:1/en.txt", "http://127.0.0.1:1/en.txt: cannot be read (Cannot connect to host", 1),
        ("http://127.0.0.1:1/*.txt", "http://127.0.0.1:1/*.txt: cannot be read (Cannot connect to host", 1),
        ("http://[::1/en.txt", "this is no URL that can be read", 2),
        ("SERVER/none.txt", "/none.txt: there is no such text for English (en)", 1),
        ("SERVER/none/*.txt", "/none/*.txt: no file matches this pattern", 2),
        ("SERVER/closed.txt", "/closed.txt: may not be read with the credentials that are here (403", 1),
        (
            "BUCKET/en/more/3.parquet --text-field=body",
            "3.parquet: no column 'body', it has number, text;",
            1,
        ),
    ],
)
def test_what_cannot_be_read_is_said_in_one_line(
    example, bucket, server, run, tmp_path, monkeypatch, text, said, code
):
    monkeypatch.setattr("smaller_labse.corpora.remote.remote_path.SECONDS_BETWEEN_TRIES", ())
    if text.startswith("s3://bucket"):
        monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    text = text.replace("BUCKET", bucket).replace("SERVER", server)
    ended = run(
        "count",
        "--model",
        example,
        "--out",
        tmp_path / "counts",
        "--text",
        *f"en={text}".split(),
    )
    assert ended.error.count("\n") == 1 and said in ended.error, ended.error
    assert (ended.code, ended.out) == (code, "")
    assert "secret" not in ended.error
    assert not (tmp_path / "counts").exists()


def test_a_server_that_gives_no_parts_and_one_that_fails_for_a_moment(server, small_blocks, monkeypatch):
    source = sources_of(server, "en/0%20a.txt")
    monkeypatch.setattr(Server, "with_ranges", False)
    with pytest.raises(SmallerLabseError, match="doesn't appear to support range requests"):
        list(source.read())
    monkeypatch.setattr(Server, "with_ranges", True)
    monkeypatch.setattr(remote_path, "SECONDS_BETWEEN_TRIES", (0.0,))
    answers, failures = Server.do_GET, iter([True, False, True])

    def fail(handler: Server) -> None:
        if next(failures, False):
            handler.send_error(503, "Come again")
        else:
            answers(handler)

    monkeypatch.setattr(Server, "do_GET", fail)
    assert len(list(source.read())) == 20


def test_nothing_secret_gets_anywhere(example, server, run, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    secrets = (PASSWORD.replace(" ", "%20"), TOKEN, PASSWORD, "me:")
    place = server.replace("://", f"://me:{secrets[0]}@")
    url = f"{place}/closed.txt?signature={TOKEN}"
    files = count(example, text={"en": url}, out=tmp_path)
    assert len(files) == 1
    shard = ["--shard", "1/2", "--draw", "even", "--max-lines", 5]
    said = [run("count", "--model", example, "--out", tmp_path, "--text", f"en={url}", *shard)]
    said.append(run("count", "--model", example, "--out", tmp_path, "--text", f"en={url}"))
    said.append(run("count", "--model", example, "--out", tmp_path / "x", "--text", f"en={url}", "--dry-run"))
    for wrong in (
        f"en={place}/none.txt?{TOKEN}",
        f"en={url}/*",
        f"en={place}:1/none?s={TOKEN}",
        f"{{cod}}{url}",
        url,
    ):
        said.append(run("count", "--model", example, "--out", tmp_path / "x", "--text", wrong))
        assert said[-1].code, wrong
    twice = ["--text", f"en={url}", f"fr={url}"]
    said.append(run("count", "--model", example, "--out", tmp_path / "x", *twice))
    assert "would be counted from the same text, http://127.0.0.1" in said[-1].error
    assert "closed.txt?…" in said[-1].error
    (source,) = text_sources([], [f"en={url}"])
    written = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    texts = [*(" ".join(map(str, ended)) for ended in said), repr(source), caplog.text, *map(str, written)]
    for secret in secrets:
        assert not [text for text in texts if secret in text], secret
