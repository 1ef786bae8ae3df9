"""A file of an original that is far larger than it can be is refused by name, before it is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.common.json_files import read_limited, read_object
from smaller_labse.corpora.languages import parse_languages
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.original_card import read_original_card
from smaller_labse.originals.tokenizers.sentencepiece_model import read_sentencepiece
from smaller_labse.originals.tokenizers.vocabulary import read_pieces
from smaller_labse.originals.weights.leveldb_table import (
    MAGIC,
    _block,
    _footer,
    _with_checksum,
    _write_handle,
    read_leveldb_table,
    write_leveldb_table,
    write_varint,
)
from smaller_labse.originals.weights.saved_model_graph import read_graph
from smaller_labse.originals.weights.tensor_bundle import read_tensor_bundle

READERS: dict[str, tuple[Callable[[Path], object], str]] = {
    "config.json": (read_object, "134,217,728; is it a JSON file?"),
    "vocab.txt": (read_pieces, "134,217,728; is it a list of tokens?"),
    "spiece.model": (read_sentencepiece, "134,217,728; is it a SentencePiece model?"),
    "saved_model.pb": (lambda file: read_graph(file.parent), "268,435,456; is it a SavedModel's graph?"),
    "variables.index": (lambda file: read_tensor_bundle(file.with_suffix("")), "16,777,216; is it an index?"),
    "languages.txt": (lambda file: parse_languages(str(file)), "1,048,576; is it a list of languages?"),
}


@pytest.mark.parametrize("name", READERS)
def test_a_file_of_a_terabyte_is_refused_unread(tmp_path: Path, name: str) -> None:
    read, reason = READERS[name]
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SmallerLabseError) as raised:
        read(tmp_path / name)
    assert str(raised.value) == f"{tmp_path / name}: 1,099,511,627,776 bytes, expected at most {reason}"


def test_a_device_without_an_end_is_read_to_the_limit() -> None:
    with pytest.raises(
        SmallerLabseError, match="/dev/zero: more than 1,000 bytes, expected at most 1,000; is it"
    ):
        read_limited(Path("/dev/zero"), 1000, "a list")


def test_the_limit_itself_may_be_had(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 1000)
    assert len(read_limited(tmp_path / "a", 1000, "a list")) == 1000


def table(data: bytes, times: int) -> bytes:
    """A checkpoint's index whose one block of data stands in it so many times."""
    written, handles = b"", []
    for block in (data, _block({})):
        handles.append((len(written), len(block)))
        written += _with_checksum(block)
    index = _block({bytes([number]): _write_handle(handles[0]) for number in range(times)})
    footer = _footer(handles[1], (len(written), len(index)))
    return written + _with_checksum(index) + footer


def test_an_index_that_names_a_block_again_and_again_is_refused() -> None:
    assert len(list(read_leveldb_table(table(_block({b"a": b"1", b"b": b"2"}), 1)))) == 2
    with pytest.raises(ValueError, match="not in order"):
        list(read_leveldb_table(table(_block({b"a": b"1", b"b": b"2"}), 2)))


def test_keys_that_each_repeat_the_one_before_are_refused() -> None:
    keys, longest = b"", 0
    for _ in range(100):
        keys += write_varint(longest) + write_varint(100) + write_varint(0) + b"k" * 100
        longest += 100
    block = keys + bytes(4) + (1).to_bytes(4, "little")
    with pytest.raises(ValueError, match="a key of 4,100 bytes, expected at most 4,096"):
        list(read_leveldb_table(table(block, 1)))
    assert MAGIC in write_leveldb_table({b"k" * 4096: b""})


def test_what_a_card_says_of_its_licence_is_text(tmp_path: Path) -> None:
    """YAML's aliases make gigabytes of a few lines, where something writes them out."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}]\n" for old, new in zip("abcdefghij", "bcdefghijk", strict=True)
    )
    (tmp_path / "config.json").write_text("{}")
    for license, read in (
        ("*k", {}),
        ("mit", {"license": "mit"}),
        ("[mit, cc0-1.0]", {"license": ["mit", "cc0-1.0"]}),
    ):
        (tmp_path / "README.md").write_text(f"---\n{bomb}license: {license}\n---\n", encoding="utf-8")
        assert read_original_card(HuggingFaceFolder("m", tmp_path)).license == read
