"""A line without an end is refused by name, in linear time and steady memory, whatever it is packed in."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.decompressed_lines import LONGEST_LINE
from smaller_labse.corpora.records.file_records import require_texts
from smaller_labse.corpora.text_files import read_lines

MEGABYTES = 100  # of one line: took 11 s, and four times as long for twice as much
MOST_SECONDS, MOST_BYTES = 20, 1500 << 20
READ = """
import sys
from itertools import islice
from pathlib import Path
from smaller_labse.corpora.text_files import read_lines
import pyarrow.parquet
for line in islice(read_lines(Path(sys.argv[1])), 3):
    pass
"""


def blocks(before: bytes = b"") -> Iterator[bytes]:
    yield before
    for _ in range(MEGABYTES):
        yield b"a" * (1 << 20)


def write_plain(file: Path, data: Iterator[bytes]) -> None:
    with file.open("wb") as plain:
        plain.writelines(data)


def write_gz(file: Path, data: Iterator[bytes]) -> None:
    with gzip.open(file, "wb", 1) as packed:
        packed.writelines(data)


def write_bz2(file: Path, data: Iterator[bytes]) -> None:
    with bz2.open(file, "wb", 1) as packed:
        packed.writelines(data)


def write_xz(file: Path, data: Iterator[bytes]) -> None:
    with lzma.open(file, "wb", preset=0) as packed:
        packed.writelines(data)


def write_zst(file: Path, data: Iterator[bytes]) -> None:
    with pa.CompressedOutputStream(str(file), "zstd") as packed:
        for block in data:
            packed.write(block)


def write_parquet(file: Path, data: Iterator[bytes]) -> None:
    """One long text, in the dictionary, that all rows repeat."""
    write_repeated(file, "a" * (LONGEST_LINE + 1), 256)


def write_repeated(file: Path, text: str, rows: int) -> None:
    """A small file, that unpacks to as many times the text as there are rows."""
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array([text]))
    # Without the schema that says so, it is read as text and not as a dictionary.
    table, limit = pa.table({"text": texts}), 1 << 30
    pq.write_table(table, file, dictionary_pagesize_limit=limit, store_schema=False)


ENDLESS: dict[str, tuple[bytes, Callable[[Path, Iterator[bytes]], None], str]] = {
    "a.txt": (b"one\ntwo\n", write_plain, "line 3 has more than 16,777,216 bytes"),
    "a.txt.gz": (b"", write_gz, "line 1 has more than"),
    "a.txt.zst": (b"", write_zst, "line 1 has more than"),
    "a.txt.xz": (b"", write_xz, "line 1 has more than"),
    "a.txt.bz2": (b"", write_bz2, "line 1 has more than"),
    "a.jsonl": (b'{"text": "one"}\n{"text": "', write_plain, "line 2 has more than"),
    "a.csv.gz": (b'text\n"one"\n"', write_gz, "line 3 has more than"),
    "a.tsv": (b"text\none\n", write_plain, "line 3 has more than"),
    "a.parquet": (b"", write_parquet, "a text of the column 'text' has more than"),
}


def run_read(file: Path) -> subprocess.CompletedProcess:
    """Read a file's lines in a process of its own that may not have much memory."""
    return subprocess.run(
        [sys.executable, "-c", READ, file],
        capture_output=True,
        text=True,
        timeout=MOST_SECONDS,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES)),
        check=False,
    )


@pytest.mark.parametrize("name", ENDLESS)
def test_a_line_without_an_end_is_refused_by_name(tmp_path, name):
    before, write, reason = ENDLESS[name]
    write(tmp_path / name, blocks(before))
    ended = run_read(tmp_path / name)
    assert ended.stderr.splitlines()[-1].partition(": ")[2].startswith(f"{tmp_path / name}: {reason}")


def test_a_row_goes_on_over_lines_and_ends_at_the_same_limit(tmp_path):
    """Each of its lines, and each of its cells, is short."""
    line = "a" * 999 + '\n","'
    (tmp_path / "a.csv").write_text('text\none\n"' + line * (LONGEST_LINE // 999))
    with pytest.raises(
        SmallerLabseError, match=r"the row that begins in line 3 has .* are its quotation marks"
    ):
        list(read_lines(tmp_path / "a.csv"))


@pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.jsonl", "a.csv", "a.parquet"])
def test_the_limit_is_exact(tmp_path, name):
    """Wherever the blocks end that the line is read in."""

    def write(length: int) -> None:
        file = tmp_path / name
        if name == "a.parquet":
            pq.write_table(pa.table({"text": ["one", "a" * length, "two"]}), file)
        elif name == "a.jsonl":
            texts = ["one", "a" * (length - len('{"text": ""}')), "two"]
            file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        elif name == "a.csv":
            file.write_text("\n".join(["text", "one", "a" * (length - 1), "two"]))
        else:
            data = "\n".join(["one", "a" * length, "two"]).encode()
            file.write_bytes(gzip.compress(data, 1) if name.endswith(".gz") else data)

    write(LONGEST_LINE)
    assert len(list(read_lines(tmp_path / name))) == 3
    write(LONGEST_LINE + 1)
    with pytest.raises(SmallerLabseError, match="has more than 16,777,216 bytes"):
        list(read_lines(tmp_path / name))


def test_the_limit_of_a_datasets_text_is_in_bytes_too():
    assert list(require_texts(["é" * (LONGEST_LINE // 2)], "wiki", "text"))
    with pytest.raises(SmallerLabseError, match="wiki: the text of record 1 has more than"):
        list(require_texts(["é" * (LONGEST_LINE // 2 + 1)], "wiki", "text"))


def test_long_texts_of_parquet_are_read_a_few_at_a_time(tmp_path):
    """A text that all rows repeat, within the limit: 2 GB, were the rows read at once."""
    write_repeated(tmp_path / "a.parquet", "a" * (1 << 23), 256)
    ended = run_read(tmp_path / "a.parquet")
    assert (ended.returncode, ended.stderr) == (0, "")


def zstd_frame(window: int) -> bytes:
    """Three letters, in a frame that wants 2 ** (10 + window) bytes of memory (RFC 8878)."""
    return b"\x28\xb5\x2f\xfd\x00" + bytes([window << 3]) + (3 << 3 | 1).to_bytes(3, "little") + b"abc"


def xz_header(dictionary: int) -> bytes:
    """A stream's beginning that wants a dictionary of so many bytes, by the code of xz-file-format.txt, 5.3.1."""
    flags = b"\x00\x04"
    header = b"\xfd7zXZ\x00" + flags + zlib.crc32(flags).to_bytes(4, "little")
    block = b"\x02\x00\x21\x01" + bytes([dictionary]) + b"\x00\x00\x00"
    return header + block + zlib.crc32(block).to_bytes(4, "little") + bytes(64)


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.txt.zst", zstd_frame(18)), ("a.txt.zst", zstd_frame(21)), ("a.txt.xz", xz_header(40))],
)
def test_a_header_that_asks_for_much_memory_is_refused_by_name(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SmallerLabseError, match=rf"{name}: cannot be read \(.*[Mm]emory"):
        list(read_lines(tmp_path / name))


def test_a_header_that_asks_for_as_much_as_may_be_is_read(tmp_path):
    (tmp_path / "a.txt.zst").write_bytes(zstd_frame(17))
    assert list(read_lines(tmp_path / "a.txt.zst")) == ["abc"]
