"""Reading and writing safetensors, against the reference implementation; and files that are not in order."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors import safe_open
from safetensors.numpy import load, save, save_file

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.weights import stored_tensor
from smaller_labse.originals.weights.safetensors_file import CHUNK_BYTES, read_safetensors
from smaller_labse.originals.weights.safetensors_folder import open_safetensors
from smaller_labse.originals.weights.safetensors_writer import NewTensor, write_safetensors

DTYPES = ["?", "u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8"]


def write_raw(file: Path, header: object, values: bytes, length: int | None = None) -> Path:
    encoded = header if isinstance(header, bytes) else json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(encoded) if length is None else length) + encoded + values)
    return file


def entry(start: int, stop: int, dtype: str = "F32", shape: tuple[int, ...] | None = None) -> dict:
    return {"dtype": dtype, "shape": shape or [(stop - start) // 4], "data_offsets": [start, stop]}


def new_tensor(name: str, values: np.ndarray, dtype: str) -> NewTensor:
    return NewTensor(name, dtype, values.shape, values.nbytes, lambda: [values.tobytes()])


@given(
    st.dictionaries(
        st.text(min_size=1).filter(lambda name: name != "__metadata__" and name.isprintable()),
        st.sampled_from(DTYPES).flatmap(
            lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0))
        ),
        max_size=5,
    )
)
def test_every_tensor_reads_as_the_reference_reads_it(tmp_path_factory, tensors) -> None:
    file = tmp_path_factory.mktemp("drawn") / "model.safetensors"
    file.write_bytes(save(tensors))
    found = open_safetensors(file.parent)
    assert set(found.tensors) == set(tensors)
    for name, expected in tensors.items():
        assert found.tensors[name].shape == expected.shape
        values = found.read(name)
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("dtype", ["<f4", "<f2", "<i8", "?"])
def test_rows_are_read_in_the_order_asked_for(tmp_path: Path, monkeypatch, dtype: str) -> None:
    random = np.random.default_rng(0)
    table = (random.standard_normal((4005, 3)) * 9).astype(dtype)
    row_bytes = 3 * table.itemsize
    monkeypatch.setattr(stored_tensor, "BUFFER_BYTES", 1000 * row_bytes)
    monkeypatch.setattr(stored_tensor, "PART_BYTES", 2000 * row_bytes)
    save_file({"a": table[:7].copy(), "table": table}, tmp_path / "model.safetensors")
    rows = random.permutation(len(table))[:2003]
    found = open_safetensors(tmp_path)
    np.testing.assert_array_equal(found.read_rows("table", rows), table[rows])
    chunks = list(found.tensors["table"].row_chunks(rows))
    assert len(chunks) == 2
    assert b"".join(chunks) == table[rows].tobytes()


def test_chunks_are_all_bytes_of_a_tensor_and_split_no_number(tmp_path: Path) -> None:
    values = np.arange(CHUNK_BYTES // 8 + 7, dtype="<u8")
    save_file({"a": values[:5].copy(), "b": values}, tmp_path / "model.safetensors")
    chunks = list(open_safetensors(tmp_path).tensors["b"].chunks())
    assert [len(chunk) for chunk in chunks] == [CHUNK_BYTES, 56]
    assert b"".join(chunks) == values.tobytes()


def test_bfloat16_reads_as_the_float32_whose_upper_half_it_is(tmp_path: Path) -> None:
    bits = np.arange(1 << 16, dtype="<u2").reshape(-1, 4)
    write_safetensors(tmp_path / "model.safetensors", [new_tensor("a", bits, "BF16")], {})
    expected = (bits.astype("<u4") << 16).view("<f4")
    found = open_safetensors(tmp_path)
    for values in (found.read("a"), found.read("a", as_float32=True)):
        np.testing.assert_array_equal(values, expected)
        assert values.dtype == np.float32
    np.testing.assert_array_equal(found.read_rows("a", np.array([9, 3])), expected[[9, 3]])
    assert expected[0x3FC0 // 4, 0] == 1.5


def test_floats_become_float32_on_request_and_other_numbers_are_refused(tmp_path: Path) -> None:
    values = np.array([[1.5, -2], [0.25, 65504]])
    tensors = {"half": values.astype("<f2"), "double": values, "whole": values.astype("<i4")}
    save_file(tensors, tmp_path / "model.safetensors")
    found = open_safetensors(tmp_path)
    assert found.read("half").dtype == np.float16
    for name in ("half", "double"):
        assert found.read(name, as_float32=True).dtype == np.float32
        np.testing.assert_array_equal(found.read(name, as_float32=True), values)
        np.testing.assert_array_equal(found.read_rows(name, np.array([1]), as_float32=True), values[[1]])
    with pytest.raises(SmallerLabseError, match="whole is of the dtype I32, expected one of F64, F32"):
        found.read("whole", as_float32=True)


def test_an_unknown_dtype_is_bytes_a_row(tmp_path: Path) -> None:
    header = {"a": entry(0, 6, "F4", (4, 3))}
    found = read_safetensors(write_raw(tmp_path / "x.safetensors", header, bytes(6))).tensors
    with pytest.raises(
        SmallerLabseError, match="a is of the unknown dtype F4, and its 6 bytes cannot be 4 rows"
    ):
        found["a"].read()
    header = {"a": entry(0, 8, "F4", (4, 4))}
    found = read_safetensors(write_raw(tmp_path / "x.safetensors", header, bytes(range(8)))).tensors
    np.testing.assert_array_equal(found["a"].read_rows(np.array([2, 0])), [[4, 5], [0, 1]])


def test_what_is_written_is_what_the_reference_writes(tmp_path: Path) -> None:
    tensors = {
        "b": np.arange(6, dtype="<f4").reshape(2, 3),
        "a": np.arange(3, dtype="<f2"),
        "é\n": np.ones(()),
    }
    reference = save(tensors, metadata={"format": "pt"})
    (tmp_path / "reference.safetensors").write_bytes(reference)
    read = read_safetensors(tmp_path / "reference.safetensors")
    copies = [
        NewTensor(name, tensor.dtype, tensor.shape, tensor.size, tensor.chunks)
        for name, tensor in read.tensors.items()
    ]
    file = tmp_path / "copy.safetensors"
    write_safetensors(file, copies, read.metadata)
    copied = load(file.read_bytes())
    assert set(copied) == set(tensors)
    for name, values in tensors.items():
        np.testing.assert_array_equal(copied[name], values)
    with safe_open(file, "np") as opened:
        assert opened.metadata() == {"format": "pt"}
    assert values_of(file) == values_of(tmp_path / "reference.safetensors")


def values_of(file: Path) -> bytes:
    content = file.read_bytes()
    return content[8 + int.from_bytes(content[:8], "little") :]


def test_larger_numbers_come_first_so_that_each_is_aligned(tmp_path: Path) -> None:
    tensors = [
        new_tensor("bytes", np.arange(3, dtype="u1"), "U8"),
        new_tensor("halves", np.arange(3, dtype="<f2"), "F16"),
        new_tensor("doubles", np.arange(3, dtype="<f8"), "F64"),
        new_tensor("floats", np.arange(3, dtype="<f4"), "F32"),
        new_tensor("more halves", np.arange(3, dtype="<u2"), "BF16"),
    ]
    write_safetensors(tmp_path / "model.safetensors", tensors, {})
    found = open_safetensors(tmp_path)
    assert list(found.tensors) == ["doubles", "floats", "halves", "more halves", "bytes"]
    assert all(tensor.offset % tensor.stored.dtype.itemsize == 0 for tensor in found.tensors.values())
    assert found.files[0].metadata == {}
    with safe_open(tmp_path / "model.safetensors", "np") as opened:
        np.testing.assert_array_equal(opened.get_tensor("floats"), [0, 1, 2])


def test_a_tensor_that_gives_fewer_bytes_than_announced_is_named(tmp_path: Path) -> None:
    short = NewTensor("a.weight", "F32", (2,), 8, lambda: [b"1234"])
    with pytest.raises(SmallerLabseError, match=r"a\.weight gave 4 bytes, expected 8"):
        write_safetensors(tmp_path / "model.safetensors", [short], {})


def broken_files() -> dict[str, tuple[Callable[[Path], object], str]]:
    def raw(header: object, values: bytes = bytes(8), length: int | None = None):
        return lambda file: write_raw(file, header, values, length)

    return {
        "empty": (lambda file: file.write_bytes(b""), "ends within its header"),
        "three bytes": (lambda file: file.write_bytes(b"abc"), "ends within its header"),
        "truncated in its header": (raw({"a": entry(0, 8)}, b"", 400), "ends within its header"),
        "huge header": (raw({}, b"", 1 << 60), "a header of 1,152,921,504,606,846,976 bytes"),
        "a git pointer": (
            lambda file: file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:1\n"),
            "only git's pointer to the file, not the file; run `git lfs pull`",
        ),
        "truncated": (
            raw({"a": entry(0, 8), "b": entry(8, 16)}),
            "the tensor b lies from byte 8 to 16; .* trun",
        ),
        "overlapping": (
            raw({"a": entry(0, 8), "b": entry(4, 8)}),
            "the tensor b lies .* expected it to begin at 8",
        ),
        "with a gap": (
            raw({"a": entry(4, 8)}),
            "the tensor a lies from byte 4 to 8, expected it to begin at 0",
        ),
        "backwards": (
            raw({"a": entry(0, 8), "b": entry(8, 4, "F4", (2,))}),
            "the tensor b lies from byte 8 to 4",
        ),
        "with a rest": (raw({"a": entry(0, 4)}), "8 bytes of values, but its tensors end at 4"),
        "of another shape": (raw({"a": entry(0, 8, "F32", (3,))}), r"a has 8 bytes, which is not F32 \[3\]"),
        "no JSON": (raw(b"\xff{}"), "no readable safetensors header"),
        "no object": (raw([1]), "no readable safetensors header"),
        "deep": (raw(b"[" * 200_000), "no readable safetensors header"),
        "no tensor": (raw({"a": 3}), "'3' does not describe a tensor"),
        "negative": (
            raw({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}}),
            "does not describe a tensor",
        ),
        "no number": (
            raw({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 8]}}),
            "does not describe a tensor",
        ),
        "twice": (raw(b'{"a":{},"a":{}}'), "the name a occurs twice"),
        "odd metadata": (raw({"__metadata__": {"format": 3}}, b""), "__metadata__ holds more than texts"),
        "no metadata": (raw({"__metadata__": "pt"}, b""), "__metadata__ holds more than texts"),
    }


@pytest.mark.parametrize("kind", broken_files())
def test_a_broken_file_is_refused_in_one_line_that_names_it(tmp_path: Path, kind: str) -> None:
    make, message = broken_files()[kind]
    file = tmp_path / "model.safetensors"
    make(file)
    with pytest.raises(SmallerLabseError, match=message) as error:
        open_safetensors(tmp_path)
    assert str(error.value).startswith(str(file))
    assert "\n" not in str(error.value)


@given(st.integers(0, 200))
def test_no_truncation_goes_unnoticed(tmp_path_factory, length: int) -> None:
    file = tmp_path_factory.mktemp("cut") / "model.safetensors"
    content = save({"a": np.arange(9, dtype="<f4"), "b": np.ones((2, 3))})
    assert len(content) > 200
    file.write_bytes(content[:length])
    with pytest.raises(SmallerLabseError, match="get it again"):
        open_safetensors(file.parent)
