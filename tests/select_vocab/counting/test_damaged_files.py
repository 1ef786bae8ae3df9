"""Whatever becomes of the bytes of a selection, counts or frequencies: read, or refused in one line."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.select_vocab.counting import counts_columns, published_frequencies
from smaller_labse.select_vocab.counting.counts_columns import MOST_TOKENS
from smaller_labse.select_vocab.counting.counts_file import read_counts, summarize
from smaller_labse.select_vocab.counting.published_frequencies import read_frequencies
from smaller_labse.select_vocab.selection import read_selection
from smaller_labse.select_vocab.selection_tables import coverage_table, estimate_table, size_table
from tests.parquet_files import lie, measured_memory


@pytest.fixture(scope="module")
def files(example, tokenizer, text_files, tmp_path_factory) -> Path:
    """A selection, counts and frequencies of the example model."""
    from smaller_labse.select_vocab.count import count
    from smaller_labse.select_vocab.select import select

    folder = tmp_path_factory.mktemp("files")
    counts = count(example, out=folder / "counts", text=[f"en={text_files / 'en.txt'}"])
    select(example, counts, out=folder / "selection")
    shutil.copy(counts[0], folder / "en.parquet")
    frequencies = {piece: number for number, piece in enumerate(tokenizer.pieces[200:800], start=1)}
    (folder / "en_freqs.json.gz").write_bytes(gzip.compress(json.dumps(frequencies).encode(), mtime=0))
    return folder


def read_and_show(folder: Path) -> None:
    selection = read_selection(folder)
    for table in (coverage_table(selection), estimate_table(selection), size_table(selection, 10**8)):
        table.markdown()


NAMES = ["selection/selection.json", "selection/kept_ids.npy", "en_freqs.json.gz", "en.parquet"]
DAMAGE = st.tuples(
    st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.sampled_from(["flip", "cut", "put"])
)


@pytest.mark.parametrize("name", NAMES)
@given(damages=st.lists(DAMAGE, min_size=1, max_size=3), in_header=st.booleans())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_are_read_or_refused(files, tokenizer, name, damages, in_header):
    whole = (files / name).read_bytes()
    data = bytearray(whole)
    for place, value, kind in damages:
        at = int(place * min(len(data), 128 if in_header else len(data)))
        if kind == "flip" and data:
            data[at] ^= value
        elif kind == "cut":
            del data[at:]
        else:
            data[at:at] = bytes([value])
    reads: dict[str, Callable[[], object]] = {
        "selection": lambda: read_and_show(files / "selection"),
        "en_freqs.json.gz": lambda: read_frequencies(files / name, "en", "en", tokenizer),
        "en.parquet": lambda: summarize(files / name),
    }
    (files / name).write_bytes(data)
    try:
        reads[name.partition("/")[0]]()
    except SmallerLabseError as error:
        assert "\n" not in str(error)
    finally:
        (files / name).write_bytes(whole)


def write_repeated(file: Path, counted: Path, text: str) -> None:
    """Counts with the same long token in every row, which the file holds once."""
    table = pq.read_table(counted)
    texts = pa.DictionaryArray.from_arrays(pa.array([0] * len(table), pa.int32()), pa.array([text]))
    repeated = pa.table({name: table[name] for name in table.column_names} | {"piece": texts})
    options = {"compression": "zstd", "store_schema": False, "dictionary_pagesize_limit": 1 << 30}
    with pq.ParquetWriter(file, repeated.schema, **options) as writer:
        writer.write_table(repeated)
        writer.add_key_value_metadata(
            {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        )


def test_counts_that_repeat_a_long_token_are_refused_in_little_memory(files, tokenizer, tmp_path):
    write_repeated(tmp_path / "en.parquet", files / "en.parquet", "x" * (1 << 20))  # 100 MB, were it repeated
    with (
        measured_memory() as memory,
        pytest.raises(SmallerLabseError, match=r"it calls token \d+ 'x{60}…', expected"),
    ):
        read_counts(tmp_path / "en.parquet", tokenizer.pieces, tokenizer.fingerprint)
    assert memory.max_memory() < 20 << 20


def test_counts_whose_footer_lies_are_refused_unread(files, tokenizer, tmp_path):
    write_repeated(tmp_path / "en.parquet", files / "en.parquet", "x" * (1 << 26))
    lie(tmp_path / "en.parquet")
    with (
        measured_memory() as memory,
        pytest.raises(
            SmallerLabseError,
            match=r"en\.parquet: .*it unpacks to 67,\d\d\d,\d\d\d bytes, expected at most [12],",
        ),
    ):
        read_counts(tmp_path / "en.parquet", tokenizer.pieces, tokenizer.fingerprint)
    assert memory.max_memory() < 1 << 20


def test_counts_of_more_rows_than_any_vocabulary_has_are_not_summed_up(files, tmp_path, monkeypatch):
    assert MOST_TOKENS == 1 << 24
    monkeypatch.setattr(counts_columns, "MOST_TOKENS", 10)
    with pytest.raises(SmallerLabseError, match=r"it has \d+ rows, expected at most 10"):
        summarize(files / "en.parquet")


def test_frequencies_that_unpack_to_much_are_refused(tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(published_frequencies, "LARGEST", 1 << 20)
    (tmp_path / "en_freqs.json.gz").write_bytes(gzip.compress(b" " * (1 << 21)))
    with pytest.raises(SmallerLabseError, match=r"en_freqs.json.gz: more than 1,048,576 bytes of JSON"):
        read_frequencies(tmp_path / "en_freqs.json.gz", "en", "en", tokenizer)
