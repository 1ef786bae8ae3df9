"""Whatever becomes of the bytes of a selection, counts or frequencies: read, or refused in one line."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.select_vocab.counting.counts_file import summarize
from smaller_labse.select_vocab.counting.published_frequencies import read_frequencies
from smaller_labse.select_vocab.selection import coverage_table, estimate_table, read_selection, size_table


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
