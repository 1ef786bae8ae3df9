"""A column's texts are read whatever Arrow's type of them, or the file is refused in one line."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.records import file_records
from smaller_labse.corpora.records.columns import BLOCK_BYTES, blocks_of_columns

TEXTS = ["one", None, "two\nthree", "日本"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
def test_texts_of_every_type_of_arrow_s_are_read(tmp_path, kind):
    column = pa.array(TEXTS, kind)
    assert b"".join(blocks_of_columns([column])).decode() == "one\ntwo\nthree\n日本\n"
    file = tmp_path / "en.parquet"
    pq.write_table(pa.table({"text": column}), file)
    assert b"".join(block for _, block in file_records.read_record_parts(file)) == b"".join(
        blocks_of_columns([column])
    )


def test_what_arrow_cannot_do_with_a_column_is_said_in_one_line_that_names_the_file(tmp_path, monkeypatch):
    def fail(column: pa.Array) -> None:
        raise pa.ArrowNotImplementedError("no kernel\nfor this type")

    file = tmp_path / "en.parquet"
    pq.write_table(pa.table({"text": TEXTS}), file)
    monkeypatch.setattr(file_records, "blocks_of_columns", fail)
    with pytest.raises(SmallerLabseError, match=r"en\.parquet: cannot be read \(no kernel for this type\)"):
        list(file_records.read_record_parts(file))


def test_blocks_hold_many_columns_and_are_no_larger_than_a_batch_but_for_a_long_text():
    long = "x" * (BLOCK_BYTES + 5)
    texts = [f"{number} " * (number % 97) + "日" for number in range(3000)]
    texts[1500] = long
    columns = [
        pa.array([*texts[start : start + 70], None])[: 70 + start // 70 % 2] for start in range(0, 3000, 70)
    ]
    blocks = list(blocks_of_columns(column[1:] for column in columns))
    expected = [text for start in range(0, 3000, 70) for text in texts[start + 1 : start + 70]]
    assert b"".join(blocks).decode() == "".join(f"{text}\n" for text in expected)
    assert [len(block) for block in blocks if len(block) > BLOCK_BYTES] == [len(long) + 1]
    smaller = [len(block) for block in blocks if len(block) <= BLOCK_BYTES]
    assert len(smaller) == 4 and max(smaller) > BLOCK_BYTES - 1000


def test_texts_that_overlap_are_refused_before_they_are_copied():
    """As in a damaged Arrow file, whose numbers nobody else looks at."""
    offsets = np.array([0, 6, 2, 8], np.int32)
    column = pa.StringArray.from_buffers(3, pa.py_buffer(offsets), pa.py_buffer(b"abcdefgh"))
    with pytest.raises(ValueError, match="the places of its texts are damaged"):
        list(blocks_of_columns([column]))
