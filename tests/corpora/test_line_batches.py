"""Lines in blocks are the lines one by one, whatever holds them, and pass the same filter."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora import line_batches
from smaller_labse.corpora.decompressed_lines import blocks_of_texts
from smaller_labse.corpora.defaults import EVEN
from smaller_labse.corpora.labse_languages import Language
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.corpora.line_batches import LineFilter, encode_lines, read_batches
from smaller_labse.corpora.sample import hash_numbers
from smaller_labse.corpora.shards import line_numbers
from smaller_labse.corpora.shards.parted_text import EVERY_PART, PartedText, Place, cut_into_parts
from smaller_labse.corpora.shards.text_digest import TextDigest
from smaller_labse.corpora.sources import Source, dataset_sources, text_sources
from smaller_labse.corpora.text_files import parted_file, read_lines
from smaller_labse.select_vocab.counting.passed_lines import pass_over

TEXTS = [
    "one\r\ntwo\r\r\n\nthree\r",
    "",
    "ça va\u2028\u0085\x0b!\rno end",
    "語" * 3000,
    "a\x00b",
    "\U0001f600" * 7,
    "\n",
]
ENGLISH: Language = parse_languages(["en"])[0]


def write_txt(folder: Path) -> Path:
    file = folder / "en.txt"
    file.write_bytes("\n".join(TEXTS).encode())
    return file


def write_jsonl(folder: Path) -> Path:
    file = folder / "en.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*TEXTS, None]))
    return file


def write_csv(folder: Path) -> Path:
    file = folder / "en.csv"
    with file.open("w", newline="", encoding="utf-8") as written:
        csv.writer(written, quoting=csv.QUOTE_ALL).writerows([["text"], *([text] for text in TEXTS)])
    return file


def write_parquet(folder: Path, kind: pa.DataType | None = None) -> Path:
    file = folder / "en.parquet"
    texts = pa.array([*TEXTS, None]).cast(kind or pa.string())
    pq.write_table(pa.table({"id": range(len(texts)), "text": texts}), file, row_group_size=3)
    return file


def write_large_parquet(folder: Path) -> Path:
    return write_parquet(folder, pa.large_string())


def write_repetitive_parquet(folder: Path) -> Path:
    return write_parquet(folder, pa.dictionary(pa.int32(), pa.string()))


@pytest.mark.parametrize(
    "write", [write_txt, write_jsonl, write_csv, write_parquet, write_large_parquet, write_repetitive_parquet]
)
def test_blocks_hold_the_lines(write, tmp_path):
    file = write(tmp_path)
    assert lines_of(parted_file(file)) == list(read_lines(file))


def test_a_dataset_s_tables_hold_the_lines_of_its_records(tmp_path):
    write_parquet(tmp_path)
    source = dataset_sources([ENGLISH], str(tmp_path), None, "train", "text")[0]
    (text,) = source.parted_texts()
    assert lines_of(text) == list(source.read())


@pytest.mark.parametrize(
    ("texts", "said"), [([b"\xff\xfe"], "cannot be read"), (["ok", "a" * (1 << 24) + "a"], "16,777,216")]
)
def test_a_column_is_refused_as_its_cells_are(tmp_path, texts, said):
    file = tmp_path / "en.parquet"
    column = pa.array(texts) if isinstance(texts[0], str) else pa.array(texts, pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": column}), file)
    for read in (lambda: lines_of(parted_file(file)), lambda: list(read_lines(file))):
        with pytest.raises(SmallerLabseError, match=said):
            read()


def lines_of(text: PartedText) -> list[str]:
    return b"".join(block for _, block in text.read_parts(EVERY_PART)).decode().split("\n")[:-1]


def all_lines(source: Source, line_filter: LineFilter) -> list[str]:
    return [line for batch in read_batches(source, line_filter) for line in batch.lines]


lines = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=12))


@given(
    lines=lines, longer_than=st.integers(0, 8), most=st.none() | st.integers(0, 9), room=st.integers(1, 40)
)
def test_the_filter_takes_the_same_lines_of_blocks(lines, longer_than, most, room):
    line_filter, blocks = (
        LineFilter(longer_than, most),
        ["".join(f"{line}\n" for line in part).encode() for part in (lines[:3], lines[3:])],
    )
    one_by_one = Source("en", ENGLISH, "here", lambda: iter(lines))
    in_blocks = replace(one_by_one, open_texts=lambda: [PartedText(1, partial(cut_into_parts, blocks))])
    expected = [line for line in lines if len(line) > longer_than][:most]
    assert all_lines(one_by_one, line_filter) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_batches, "BATCH_BYTES", room)
        assert all_lines(in_blocks, line_filter) == expected
        batches = list(read_batches(in_blocks, line_filter))
    assert [batch.lines[number] for batch in batches for number in range(len(batch.lines))] == expected
    assert b"".join(batch.encoded for batch in batches) == "".join(f"{line}\n" for line in expected).encode()


@given(lines=lines, longer_than=st.integers(0, 8), most=st.integers(1, 9), room=st.integers(1, 40))
def test_an_even_draw_takes_the_lines_whose_numbers_hash_lowest(lines, longer_than, most, room):
    passing = [line for line in lines if len(line) > longer_than]
    hashes = hash_numbers(np.arange(len(passing), dtype=np.uint64)).tolist()
    expected = [
        passing[number] for number in sorted(sorted(range(len(passing)), key=hashes.__getitem__)[:most])
    ]
    one_by_one = Source("en", ENGLISH, "here", lambda: iter(lines))
    in_blocks = replace(
        one_by_one, open_texts=lambda: [PartedText(1, partial(cut_into_parts, list(blocks_of_texts(lines))))]
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_batches, "BATCH_BYTES", room)
        patch.setattr(line_numbers, "NUMBERS_AT_ONCE", 3)
        for source in (one_by_one, in_blocks):
            assert all_lines(source, LineFilter(longer_than, most, EVEN)) == expected


def test_an_even_draw_has_every_part_s_share():
    parts = {"a": 50_000, "b": 30_000, "c": 20_000}
    source = Source("en", ENGLISH, "here", lambda: (part * 6 for part in parts for _ in range(parts[part])))
    drawn = all_lines(source, LineFilter(5, 4_000, EVEN))
    assert len(drawn) == 4_000
    for part, lines in parts.items():
        share = lines / sum(parts.values())
        deviation = (4_000 * share * (1 - share)) ** 0.5  # of a binomial; without replacement it is less
        assert abs(sum(line[0] == part for line in drawn) - 4_000 * share) < 4 * deviation


def test_counted_lines_are_passed_over_wherever_batches_end(tmp_path):
    (source,) = text_sources([], [f"en={write_txt(tmp_path)}"])
    every = all_lines(source, LineFilter(0, None))
    for total in range(1, len(every)):
        digest = TextDigest()
        digest.add(Place(0, 0), encode_lines(every[:total]))
        found = pass_over(read_batches(source, LineFilter(0, None)), total, digest.hexdigest())
        assert found is not None
        passed, rest = found
        assert (passed.total, [line for batch in rest for line in batch.lines]) == (total, every[total:])
