"""TensorFlow checkpoints: our schema beside TensorFlow's, indexes of many kinds, damaged ones."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto
from hypothesis import given
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights import checkpoint_messages as ours
from smaller_labse.originals.weights import stored_tensor
from smaller_labse.originals.weights.checkpoint import OBJECT_GRAPH, WORD_EMBEDDINGS, Checkpoint
from smaller_labse.originals.weights.leveldb_table import (
    mask_checksum,
    read_leveldb_table,
    read_varint,
    write_leveldb_table,
    write_varint,
)
from smaller_labse.originals.weights.tensor_bundle import read_tensor_bundle

INDEX = "variables/variables.index"
DATA = "variables/variables.data-00000-of-00001"


@pytest.fixture
def encoder(example: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(example / "encoder", tmp_path / "encoder"))


def test_our_schema_is_tensorflows() -> None:
    from tensorflow.core.framework import tensor_shape_pb2
    from tensorflow.core.protobuf import tensor_bundle_pb2, trackable_object_graph_pb2

    def said(message: Any) -> dict[str, tuple[int, int, int]]:
        """Each field's number, type and label (whether it is repeated)."""
        proto = DescriptorProto()
        message.CopyToProto(proto)
        enumeration, int32 = FieldDescriptorProto.TYPE_ENUM, FieldDescriptorProto.TYPE_INT32
        return {
            field.name: (field.number, int32 if field.type == enumeration else field.type, field.label)
            for field in proto.field
        }

    def compare(our: Any, their: Any) -> None:
        assert our.name == their.name
        assert said(our).items() <= said(their).items()
        for field in our.fields:
            if field.message_type:
                compare(field.message_type, their.fields_by_name[field.name].message_type)

    for theirs in (
        tensor_bundle_pb2.BundleHeaderProto,
        tensor_bundle_pb2.BundleEntryProto,
        tensor_shape_pb2.TensorShapeProto,
        trackable_object_graph_pb2.TrackableObjectGraph,
    ):
        compare(getattr(ours, theirs.DESCRIPTOR.name).DESCRIPTOR, theirs.DESCRIPTOR)


def test_what_our_schema_lacks_is_kept() -> None:
    from tensorflow.core.framework import versions_pb2
    from tensorflow.core.protobuf.tensor_bundle_pb2 import BundleHeaderProto

    header = BundleHeaderProto(num_shards=1, version=versions_pb2.VersionDef(producer=1))
    read = ours.parse(ours.BundleHeaderProto, header.SerializeToString())
    read.num_shards = header.num_shards = 2
    assert read.SerializeToString() == header.SerializeToString()


@given(st.dictionaries(st.binary(min_size=1, max_size=20), st.binary(max_size=300), min_size=1, max_size=30))
def test_a_table_that_was_written_reads_the_same(entries: dict[bytes, bytes]) -> None:
    assert list(read_leveldb_table(write_leveldb_table(entries))) == sorted(entries.items())


@given(st.integers(0, 2**70))
def test_a_number_that_was_written_reads_the_same(number: int) -> None:
    written = write_varint(number)
    assert read_varint(b"x" + written + b"y", 1) == (number, 1 + len(written))
    with pytest.raises(ValueError, match="end within a number"):
        read_varint(written[:-1], 0)


def test_tensorflow_reads_a_table_of_many_blocks_as_we_do(tmp_path: Path) -> None:
    """TensorFlow begins a new block every 256 kB, with keys that share their beginnings."""
    import tensorflow as tf

    names = [f"layer_{number:06d}/{'x' * 40}" for number in range(6_000)]
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "many"),
        tensor_names=names,
        shape_and_slices=[""] * len(names),
        tensors=[tf.constant([number, -number], tf.int64) for number in range(len(names))],
    )
    index = (tmp_path / "many.index").read_bytes()
    assert len(index) > 256 << 10
    bundle = read_tensor_bundle(tmp_path / "many")
    assert list(bundle.entries) == names
    assert (bundle.shards, bundle.shape(names[7])) == (1, (2,))
    for number in (0, 1, 2_999, 5_999):
        np.testing.assert_array_equal(bundle.find(names[number]).read(), [number, -number])


def change_entry(
    key: str, shape: tuple[int, ...] | None = None, sliced: bool = False, **fields: int
) -> Callable[[Path], None]:
    """Change the entry of the first key in a checkpoint's index that begins with `key`."""

    def change(encoder: Path) -> None:
        values = dict(read_leveldb_table((encoder / INDEX).read_bytes()))
        stored = next(name for name in values if name.decode().startswith(key))
        entry = ours.parse(ours.BundleEntryProto, values[stored])
        for name, value in fields.items():
            setattr(entry, name, value)
        if shape is not None:
            entry.shape.CopyFrom(ours.TensorShapeProto(dim=[{"size": size} for size in shape]))
        if sliced:
            entry.slices.add()
        values[stored] = entry.SerializeToString()
        (encoder / INDEX).write_bytes(write_leveldb_table(values))

    return change


def change_value(key: bytes, value: bytes) -> Callable[[Path], None]:
    """Put something else in the place of a message in a checkpoint's index."""

    def change(encoder: Path) -> None:
        values = dict(read_leveldb_table((encoder / INDEX).read_bytes()))
        (encoder / INDEX).write_bytes(write_leveldb_table(values | {key: value}))

    return change


def change_graph(edit: Callable[[Any], object]) -> Callable[[Path], None]:
    """Change a checkpoint's object graph."""

    def change(encoder: Path) -> None:
        bundle = read_tensor_bundle(encoder / "variables/variables")
        graph = ours.parse(ours.TrackableObjectGraph, bundle.read_text(OBJECT_GRAPH))
        edit(graph)
        text = graph.SerializeToString()
        size = (encoder / DATA).stat().st_size
        length = len(text).to_bytes(4, "little")
        checked = mask_checksum(google_crc32c.value(length)).to_bytes(4, "little") + text
        stored = write_varint(len(text)) + checked
        with (encoder / DATA).open("ab") as stream:
            stream.write(stored)
        checksum = mask_checksum(google_crc32c.value(length + checked))
        change_entry(OBJECT_GRAPH, offset=size, size=len(stored), crc32c=checksum)(encoder)

    return change


DAMAGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no header": (change_value(b"", b"\xff"), "a damaged BundleHeaderProto"),
    "no entry": (change_value(b"x", b"\x0a"), "a damaged BundleEntryProto"),
    "a group": (change_value(b"x", b"\x0f"), "a damaged BundleEntryProto"),
    "a negative offset": (change_entry(OBJECT_GRAPH, offset=-1), "the negative size -1"),
    "a negative size": (change_entry(OBJECT_GRAPH, size=-8), "the negative size -8"),
    "a negative shard": (change_entry(OBJECT_GRAPH, shard_id=-1), "the negative size -1"),
    "a negative dimension": (change_entry("variables/0", shape=(-2, -3)), "the negative size -3"),
    "no text": (change_entry(OBJECT_GRAPH, dtype=1), "is no single text"),
    "several texts": (change_entry(OBJECT_GRAPH, shape=(1,)), "is no single text"),
    "half the graph": (change_entry(OBJECT_GRAPH, size=99), "bytes, expected"),
    "no nodes": (change_graph(lambda graph: graph.Clear()), "no readable TensorFlow 2 checkpoint"),
    "a node before the first": (
        change_graph(lambda graph: graph.nodes[0].children.add(node_id=-1, local_name="x")),
        "there is no node -1 in the object graph",
    ),
    "a node after the last": (
        change_graph(lambda graph: graph.nodes[0].children.add(node_id=10**6, local_name="x")),
        "there is no node 1000000 in the object graph",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_named_in_one_line(encoder: Path, damage: str) -> None:
    change, reason = DAMAGES[damage]
    change(encoder)
    with pytest.raises(SmallerLabseError, match=reason) as error:
        Checkpoint(encoder)
    assert str(error.value).startswith(f"{encoder / 'variables'}: no readable TensorFlow 2 checkpoint (")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dtype": 99}, "of the type 99 or in slices"),
        ({"sliced": True}, "or in slices"),
        ({"size": 12}, "has 12 bytes, expected"),
        ({"shard_id": 1}, "the checkpoint's data file is missing"),
        ({"offset": 1 << 40}, "the file is truncated"),
    ],
)
def test_a_tensor_that_is_not_where_it_should_be_is_named(encoder: Path, fields: dict, reason: str) -> None:
    change_entry(Checkpoint(encoder).key(WORD_EMBEDDINGS), **fields)(encoder)
    with pytest.raises(SmallerLabseError, match=reason):
        Checkpoint(encoder).read(WORD_EMBEDDINGS)


def flip(file: Path, bit: int) -> None:
    """Flip one bit of a file, counted from 0."""
    with file.open("r+b") as stream:
        stream.seek(bit // 8)
        (byte,) = stream.read(1)
        stream.seek(bit // 8)
        stream.write(bytes([byte ^ 1 << bit % 8]))


@pytest.fixture(scope="module")
def flipped(example: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy whose bits are flipped, and flipped back."""
    folder = tmp_path_factory.mktemp("flipped") / "encoder"
    return Path(shutil.copytree(example / "encoder", folder))


def read_all(encoder: Path) -> dict[str, np.ndarray]:
    checkpoint = Checkpoint(encoder)
    return {name: checkpoint.read(name) for name in checkpoint.shapes}


@given(st.data())
def test_a_flipped_bit_of_the_index_is_noticed(flipped: Path, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * (flipped / INDEX).stat().st_size - 1))
    flip(flipped / INDEX, bit)
    try:
        with pytest.raises(SmallerLabseError):
            Checkpoint(flipped)
    finally:
        flip(flipped / INDEX, bit)
    Checkpoint(flipped)


def test_every_flipped_bit_in_the_footer_of_an_index_is_noticed(flipped: Path) -> None:
    """No checksum covers the footer."""
    index = (flipped / INDEX).read_bytes()
    for bit in range(8 * (len(index) - 48), 8 * len(index)):
        damaged = bytearray(index)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((ValueError, LookupError)):
            list(read_leveldb_table(bytes(damaged)))


@given(st.data())
def test_a_flipped_bit_of_the_data_is_noticed(flipped: Path, data: st.DataObject) -> None:
    bit = data.draw(st.integers(0, 8 * (flipped / DATA).stat().st_size - 1))
    flip(flipped / DATA, bit)
    try:
        with pytest.raises(SmallerLabseError, match="checksum"):
            read_all(flipped)
    finally:
        flip(flipped / DATA, bit)


@pytest.mark.parametrize("damaged", [0, 1, 7, -1])
@pytest.mark.parametrize("buffer_bytes", [1, 1000, 1 << 23])
def test_a_flipped_bit_is_noticed_in_a_row_that_is_not_asked_for(
    flipped: Path, damaged: int, buffer_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The checksum is of all rows, so all are read, in buffers of any size."""
    monkeypatch.setattr(stored_tensor, "BUFFER_BYTES", buffer_bytes)
    Checkpoint(flipped).read_rows(WORD_EMBEDDINGS, np.array([5, 3]))
    stored = Checkpoint(flipped).find(WORD_EMBEDDINGS)
    rows, width = stored.shape
    bit = 8 * (stored.offset + 4 * width * (damaged % rows) + 2)
    flip(flipped / DATA, bit)
    try:
        with pytest.raises(SmallerLabseError, match=r"the tensor .* has the checksum .* the file is damaged"):
            Checkpoint(flipped).read_rows(WORD_EMBEDDINGS, np.array([5, 3]))
    finally:
        flip(flipped / DATA, bit)


def test_a_tensor_is_checked_once(flipped: Path) -> None:
    """So that the rows of a large matrix, read in parts and then again to verify, are summed up once."""
    checkpoint = Checkpoint(flipped)
    first, again = checkpoint.find(WORD_EMBEDDINGS), checkpoint.find(WORD_EMBEDDINGS)
    assert first.checksum is not None and not first.checksum.verified
    first.read_rows(np.array([2]))
    assert again.checksum is first.checksum and again.checksum.verified
