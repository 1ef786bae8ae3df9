"""Lines come out of every kind of file as they went in, or the file is refused by name."""

from __future__ import annotations

import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.text_files import read_lines

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
    "a.jsonl": write_jsonl,
    "a.jsonl.gz": write_jsonl,
    "a.jsonl.zst": write_jsonl,
    "a.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_lines_come_out_as_they_went_in(tmp_path, name):
    WRITERS[name](tmp_path / name, LINES)
    assert list(read_lines(tmp_path / name)) == LINES


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=9).filter(
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
