"""Lines come out of every kind of file as they went in, or the file is refused by name."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.text_files import read_lines, read_sentences

LINES = ["one", "", "  two\u2028three\x85 ", "日本\x00語\u00a0!", "\ufefffour\rfive", "six"]


def zstd(data: bytes) -> bytes:
    return pa.compress(data, codec="zstd", asbytes=True)


def write_txt(file: Path, lines: list[str]) -> None:
    file.write_bytes("".join(line + "\n" for line in lines).encode())


def write_txt_without_last_end(file: Path, lines: list[str]) -> None:
    file.write_bytes("\n".join(lines).encode())


def write_crlf(file: Path, lines: list[str]) -> None:
    file.write_bytes("".join(line + "\r\n" for line in lines).encode())


def write_gz(file: Path, lines: list[str]) -> None:
    file.write_bytes(gzip.compress("".join(line + "\n" for line in lines).encode()))


def write_gz_of_two_members(file: Path, lines: list[str]) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    file.write_bytes(gzip.compress(data[:9]) + gzip.compress(data[9:]))  # in the middle of a character


def write_zst_of_two_frames(file: Path, lines: list[str]) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    file.write_bytes(zstd(data[:9]) + zstd(data[9:]))


def write_xz(file: Path, lines: list[str]) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    file.write_bytes(lzma.compress(data[:9]) + bytes(8) + lzma.compress(data[9:]) + bytes(4))  # padding


def write_bz2(file: Path, lines: list[str]) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    file.write_bytes(bz2.compress(data[:9]) + bz2.compress(data[9:]))


def write_csv(file: Path, lines: list[str]) -> None:
    buffer = io.StringIO(newline="")
    rows = csv.writer(buffer)
    rows.writerow(["id", "text"])
    rows.writerows([[0, "\n".join(lines[:2])], *([n, line] for n, line in enumerate(lines[2:]))])
    data = "\ufeff".encode() + buffer.getvalue().encode()
    file.write_bytes(bz2.compress(data) if file.suffix == ".bz2" else data)


def write_tsv(file: Path, lines: list[str]) -> None:
    file.write_bytes("".join(f"{text}\t7\r\n" for text in ["text", *lines]).encode())


def write_jsonl(file: Path, lines: list[str]) -> None:
    records = [{"text": "\n".join(lines[:2]), "id": 1}, *({"text": line} for line in lines[2:])]
    data = "".join(json.dumps(record, ensure_ascii=bool(n % 2)) + "\n\n" for n, record in enumerate(records))
    packed = {".gz": gzip.compress, ".zst": zstd}.get(file.suffix, bytes)
    file.write_bytes(packed(data.encode()))


def write_parquet(file: Path, lines: list[str]) -> None:
    texts = ["\n".join(lines[:2]), None, *lines[2:]]
    pq.write_table(pa.table({"id": [0] * len(texts), "text": texts}), file)


WRITERS: dict[str, Callable[[Path, list[str]], None]] = {
    "a.txt": write_txt,
    "open.txt": write_txt_without_last_end,
    "windows.txt": write_crlf,
    "a.text": write_txt,  # any other name is plain text
    "a.txt.gz": write_gz,
    "members.txt.gz": write_gz_of_two_members,
    "frames.txt.zst": write_zst_of_two_frames,
    "a.TXT.xz": write_xz,
    "a.txt.bz2": write_bz2,
    "a.csv": write_csv,
    "a.csv.bz2": write_csv,
    "a.tsv": write_tsv,
    "a.jsonl": write_jsonl,
    "a.jsonl.gz": write_jsonl,
    "a.jsonl.zst": write_jsonl,
    "a.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_lines_come_out_as_they_went_in(tmp_path, name):
    WRITERS[name](tmp_path / name, LINES)
    assert list(read_lines(tmp_path / name)) == LINES


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\n\t"), max_size=9).filter(
    lambda line: not line.endswith("\r")
)


@given(st.lists(TEXT, min_size=2), st.sampled_from([name for name in WRITERS if name != "open.txt"]))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_drawn_lines_come_out_as_they_went_in(tmp_path, lines, name):
    WRITERS[name](tmp_path / name, lines)
    assert list(read_lines(tmp_path / name)) == lines


def test_a_folder_is_read_in_the_order_of_names_and_only_its_text(tmp_path):
    (tmp_path / "b").mkdir()
    write_txt(tmp_path / "c.txt", ["third"])
    write_jsonl(tmp_path / "b" / "b.jsonl", ["second", "2"])
    write_gz(tmp_path / "a.txt.gz", ["first"])
    (tmp_path / "README.md").write_text("no text of this language\n")
    assert list(read_lines(tmp_path)) == ["first", "second", "2", "third"]


def test_a_pipe_is_read_too(tmp_path):
    """As a shell's `--text en=<(zcat …)`."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write_txt, args=(pipe, LINES))
    writer.start()
    assert list(read_lines(pipe)) == LINES
    writer.join()


def test_a_field_of_another_name_is_read_when_it_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"body": "one"}\n')
    pq.write_table(pa.table({"body": pa.array(["two"], pa.large_string())}), tmp_path / "b.parquet")
    assert list(read_lines(tmp_path, "body")) == ["one", "two"]


LONG = b"a line of text\n" * 5000
NOT_UTF8 = pa.Array.from_buffers(
    pa.string(), 1, [None, pa.py_buffer(np.array([0, 2], np.int32)), pa.py_buffer(b"a\xff")]
)


def parquet_bytes(column: pa.Array, name: str = "text") -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table({name: column}), sink)
    return sink.getvalue().to_pybytes()


BROKEN = {
    "latin1.txt": (b"good\ncaf\xe9\n", "line 2 is not UTF-8 (its byte 4)"),
    "half.txt.gz": (gzip.compress(LONG)[:-20], "cannot be read"),
    "no-checksum.txt.gz": (gzip.compress(LONG)[:-8], "cannot be read"),
    "checksum.txt.gz": (gzip.compress(LONG)[:-8] + bytes(8), "cannot be read"),
    "plain.txt.gz": (LONG, "cannot be read"),
    "after.txt.gz": (gzip.compress(LONG) + b"something else", "cannot be read"),
    "nothing.txt.gz": (b"", "empty"),
    "half.txt.zst": (zstd(LONG)[:-5], "cannot be read"),
    "plain.txt.zst": (LONG, "cannot be read"),
    "nothing.jsonl.zst": (b"", "empty"),
    "half.txt.xz": (lzma.compress(LONG)[:-20], "cannot be read (it ends too early)"),
    "plain.txt.xz": (LONG, "cannot be read"),
    "after.txt.xz": (lzma.compress(LONG) + b"something else", "cannot be read"),
    "half.txt.bz2": (bz2.compress(LONG)[:-20], "cannot be read (it ends too early)"),
    "after.txt.bz2": (bz2.compress(LONG) + b"something else", "cannot be read"),
    "nothing.txt.bz2": (b"", "empty"),
    "other.csv": (b"id;text\n1;good\n", "no column 'text', it has id;text; name it with --text-field"),
    "two.csv": (b"text,text\ngood,good\n", "more than one column 'text'"),
    "nothing.csv": (b"", "empty, expected the columns' names"),
    "short.csv": (b"id,text\n1,good\n2\n", "line 3 has 1 column, the first line has 2"),
    "open.csv": (b'id,text\n1,"good\n2,morning\n', "is not CSV"),
    "quote.csv": (b'id,text\n1,"good" morning\n', "line 2 is not CSV"),
    "latin1.csv": (b"text\ncaf\xe9\n", "line 2 is not UTF-8"),
    "long.tsv": (b"text\tid\ngood\tmorning\t1\n", "line 2 has 3 columns, the first line has 2"),
    "a.docx": (b"PK", "a word processor's document; save it as plain text (.txt)"),
    "a.PDF": (b"%PDF-1.7", "a PDF; extract its text first"),
    "a.json": (b"[]", "write one record per line (.jsonl)"),
    "a.xml.bz2": (bz2.compress(b"<text/>"), "markup; extract its text first"),
    "a.tar.gz": (gzip.compress(b""), "an archive; unpack it"),
    "a.parquet.gz": (gzip.compress(b"PAR1"), "Parquet that is compressed once more"),
    "text.jsonl": (b'{"text": "good"}\nnot a record\n', "line 2 is not JSON"),
    "deep.jsonl": (b"[" * 100_000, "line 1 is not JSON"),
    "list.jsonl": (b'["text"]\n', "line 1 has no text in a field 'text'"),
    "other.jsonl": (b'{"body": "good"}\n', "no text in a field 'text'; name it with --text-field"),
    "number.jsonl": (b'{"text": 1}\n', "no text in a field 'text'"),
    "surrogate.jsonl": (b'{"text": "\\ud800"}\n', "half a surrogate pair"),
    "latin1.jsonl": (b'{"text": "caf\xe9"}\n', "line 1 is not UTF-8"),
    "text.parquet": (LONG, "cannot be read"),
    "half.parquet": (parquet_bytes(pa.array(["good"] * 999))[:300], "cannot be read"),
    "other.parquet": (parquet_bytes(pa.array(["good"]), "body"), "no column 'text', it has body"),
    "number.parquet": (parquet_bytes(pa.array([1])), "holds int, expected text"),
    "bytes.parquet": (parquet_bytes(pa.array([b"good"])), "holds bytes, expected text"),
    "latin1.parquet": (parquet_bytes(NOT_UTF8), "cannot be read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_in_one_line(tmp_path, name):
    data, reason = BROKEN[name]
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SmallerLabseError) as raised:
        list(read_lines(tmp_path / name))
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / name}: ")
    assert reason in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["half.txt.gz", "half.txt.zst", "latin1.txt"])
def test_a_broken_file_in_a_folder_is_named(tmp_path, name):
    write_txt(tmp_path / "a.txt", LINES)
    (tmp_path / name).write_bytes(BROKEN[name][0])
    with pytest.raises(SmallerLabseError, match=name):
        list(read_lines(tmp_path))


def test_a_folder_without_text_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(SmallerLabseError, match=r"no file in it ends in \.txt"):
        list(read_lines(tmp_path))
    with pytest.raises(SmallerLabseError, match="there is no such file"):
        list(read_lines(tmp_path / "a.txt"))


def test_null_is_no_line_in_every_format(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": null}\n{"text": "one\\ntwo"}\n')
    pq.write_table(pa.table({"text": [None, "three"]}), tmp_path / "b.parquet")
    assert list(read_lines(tmp_path)) == ["one", "two", "three"]


def test_tables_in_a_folder_are_read_when_their_column_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("text,id\none,1\n")
    (tmp_path / "b.tsv").write_text("word\t3\n")
    assert list(read_lines(tmp_path)) == ["one"]
    (tmp_path / "b.tsv").write_text("id\ttext\n1\ttwo\n")
    assert list(read_lines(tmp_path, "text")) == ["one", "two"]


def test_a_blank_line_is_an_empty_text_only_where_there_is_one_column(tmp_path):
    for name in ("a.csv", "a.tsv"):
        (tmp_path / name).write_text("text\none\n\ntwo\n")
        assert read_sentences(tmp_path / name) == ["one", "", "two"]
    (tmp_path / "b.csv").write_text("id,text\n1,one\n\n2,\n")
    assert read_sentences(tmp_path / "b.csv") == ["one", ""]


def test_sentences_are_one_per_record(tmp_path):
    """Two files are set side by side by number: a null or a line feed must not shift what follows."""
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "one\\ntwo"}\n{"text": ""}\n{"text": "three"}\n')
    assert read_sentences(file) == ["one\ntwo", "", "three"]
    file.write_text('{"text": "one"}\n{"text": null}\n')
    with pytest.raises(SmallerLabseError, match=r"record 2 has no text \(null\)"):
        read_sentences(file)


def test_compressed_text_is_read_in_blocks_however_small_the_file(tmp_path):
    line = "a" * 999
    (tmp_path / "a.txt.xz").write_bytes(lzma.compress((line + "\n").encode() * 60_000))
    tracemalloc.start()
    try:
        assert sum(len(line) for line in read_lines(tmp_path / "a.txt.xz")) == 999 * 60_000
        assert tracemalloc.get_traced_memory()[1] < 25_000_000  # 60 MB of text
    finally:
        tracemalloc.stop()
