"""Counts that are there already are taken only if they are those of the text as it is now."""

from __future__ import annotations

import gzip
import os
import threading
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from smaller_labse.select_vocab.counting.counts_file import read_metadata

SENTENCE = "This is the first line.\n"
OF_LATER_VERSIONS = (b"text_digest", b"columns", b"digest")


@pytest.fixture
def count(example, run, tmp_path):
    def count_text(*arguments: object):
        return run("count", "--model", example, *arguments, "--out", tmp_path / "counts")

    return count_text


def stat_of(file: Path) -> tuple[int, int]:
    return file.stat().st_ino, file.stat().st_mtime_ns


def test_an_unchanged_text_is_counted_before_and_an_edited_one_refused(count, tmp_path):
    file, counts = tmp_path / "en.txt", tmp_path / "counts" / "en.parquet"
    file.write_text(SENTENCE)
    assert count("--text", f"en={file}").error == ""
    written = stat_of(counts)
    again = count("--text", f"en={file}")
    assert again.code == 0
    assert again.error == f"en: counted before ({counts}), its text has not changed\n"
    # Edited: of the same size, and with the old time of modification.
    times = file.stat()
    file.write_text(SENTENCE.replace("first", "third"))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    edited = count("--text", f"en={file}")
    assert edited.code == 1
    assert f"{counts} holds counts of {file} from before it was changed" in edited.error
    assert "delete that file to count this text again, or add --overwrite" in edited.error
    assert edited.out == "" and stat_of(counts) == written
    assert count("--text", f"en={file}", "--overwrite").error == ""
    assert count("--text", f"en={file}").code == 0


def test_only_what_is_counted_matters_and_not_when_it_was_written(count, tmp_path):
    file = tmp_path / "en.txt"
    file.write_text(SENTENCE * 3)
    assert count("--text", f"en={file}", "--max-lines", 2).code == 0
    digest = read_metadata(tmp_path / "counts" / "en.parquet")["text_digest"]
    file.write_text(SENTENCE * 2 + "short\n" + "Another line than before.\n")
    os.utime(file, (0, 0))
    assert count("--text", f"en={file}", "--max-lines", 2).code == 0
    (tmp_path / "counts" / "en.parquet").unlink()
    file.unlink()
    packed = tmp_path / "en.txt.gz"
    packed.write_bytes(gzip.compress((SENTENCE * 2).encode()))
    assert count("--text", f"en={packed}").code == 0
    assert read_metadata(tmp_path / "counts" / "en.parquet")["text_digest"] == digest


def test_a_word_list_whose_counts_were_edited_is_refused(count, tmp_path):
    file = tmp_path / "en.tsv"
    file.write_text("good\t3\n")
    assert count("--text", f"en={file}").code == 0
    assert count("--text", f"en={file}").code == 0
    file.write_text("good\t4\n")
    assert count("--text", f"en={file}").code == 1


def test_counts_of_earlier_versions_are_taken_and_said_to_be_unchecked(count, tmp_path):
    file, counts = tmp_path / "en.txt", tmp_path / "counts" / "en.parquet"
    file.write_text(SENTENCE)
    assert count("--text", f"en={file}").code == 0
    table = pq.read_table(counts)
    metadata = {key: value for key, value in table.schema.metadata.items() if key not in OF_LATER_VERSIONS}
    pq.write_table(table.replace_schema_metadata(metadata), counts)
    file.write_text(SENTENCE * 2)
    ended = count("--text", f"en={file}")
    assert ended.code == 0
    assert "by a version that did not note the text's digest" in ended.error


def test_a_pipe_is_not_taken_for_what_was_counted(count, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(SENTENCE,))
    writer.start()
    assert count("--text", f"en={pipe}").code == 0
    writer.join()
    ended = count("--text", f"en={pipe}")
    assert ended.code == 1
    assert f"{pipe} can be read only once" in ended.error


def test_counts_do_not_replace_the_text_that_they_are_of(count, example, run, tmp_path):
    """`en.parquet` may be either."""
    (tmp_path / "counts").mkdir()
    text = tmp_path / "counts" / "en.parquet"
    pq.write_table(pq.read_table(_written(tmp_path / "text.parquet")), text)
    before = text.read_bytes()
    ended = count("--text", f"en={text}", "--overwrite")
    assert ended.code == 2
    assert "choose another place for the output" in ended.error
    assert text.read_bytes() == before


def _written(file: Path) -> Path:
    import pyarrow as pa

    pq.write_table(pa.table({"text": [SENTENCE]}), file)
    return file
