"""What lies beside the weights: copied to the byte, left out, or refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.make_smaller.back_ends.trim_huggingface import trim_huggingface
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

ROWS = 30
SUBSET = VocabularySubset(np.arange(0, 30, 2), ROWS)
MODULES = [{"path": path, "type": "Module"} for path in ("", "1_Pooling", "2_Dense")]
COPIED = {
    "NOTICE": b"# notice\r\n",
    "LICENSE": b"Apache",
    "modules.json": json.dumps(MODULES).encode(),
    "config_sentence_transformers.json": b'{"prompts": {"query": "query: "}}',
    "sentence_bert_config.json": b'{ "max_seq_length":  512}',
    "1_Pooling/config.json": b"{}",
    "2_Dense/config.json": b"{}",
    "sparse_linear.pt": b"\x80\x02",  # bge-m3's, with no row a piece
    "images/\u00e9 x.png": b"\x89PNG",
}
TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt"),
    *("vocab.json", "merges.txt", "sentencepiece.bpe.model", "spiece.model", "unigram.json"),
)
LEFT_OUT = (
    *(
        "pytorch_model.bin",
        "tf_model.h5",
        "flax_model.msgpack",
        "rust_model.ot",
        "model.onnx",
        "optimizer.pt",
    ),
    *("2_Dense/pytorch_model.bin", "pytorch_model.bin.index.json"),
)


@pytest.fixture
def original(tmp_path: Path) -> Path:
    folder = tmp_path / "original"
    for name in ("1_Pooling", "2_Dense", "onnx", "openvino", ".git", "images"):
        (folder / name).mkdir(parents=True)
    for name, content in COPIED.items():
        (folder / name).write_bytes(content)
    in_folders = ("onnx/model.onnx", "onnx/tokenizer.json", "openvino/openvino_model.xml")
    for name in (*TOKENIZER, *LEFT_OUT, *in_folders, "README.md", ".git/HEAD", ".gitattributes"):
        (folder / name).write_bytes(b"uncut")
    (folder / "config.json").write_text(f'{{"vocab_size": {ROWS}, "pad_token_id": 0}}')
    table = np.arange(ROWS * 4.0).reshape(ROWS, 4)
    save_file({"shared.weight": table}, folder / "model.safetensors")
    save_file({"linear.weight": np.ones((4, 4))}, folder / "2_Dense/model.safetensors")
    save_file({"shared.weight": table}, folder / "model.fp16.safetensors")
    return folder


def trim(original: Path) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The files of the trimmed folder, and what was left out."""
    made = trim_huggingface(original, SUBSET, original.parent / "smaller")
    files = [file for file in made.folder.rglob("*") if not file.is_dir()]
    assert not any(file.is_symlink() for file in files)
    return {file.relative_to(made.folder).as_posix(): file.read_bytes() for file in files}, made.left_out


def refused(original: Path, message: str) -> None:
    with pytest.raises(SmallerLabseError, match=message):
        trim(original)
    assert not (original.parent / "smaller").exists()


def test_side_files_are_copied_to_the_byte_and_the_uncut_model_is_left_out(original: Path) -> None:
    files, left_out = trim(original)
    dense = (original / "2_Dense/model.safetensors").read_bytes()
    assert {name: files[name] for name in COPIED} == COPIED
    assert files["2_Dense/model.safetensors"] == dense
    assert set(files) == {*COPIED, "2_Dense/model.safetensors", "config.json", "model.safetensors"}
    assert set(left_out) == {*LEFT_OUT, "model.fp16.safetensors", "onnx/", "openvino/"}
    assert left_out == tuple(sorted(left_out))


def test_a_folder_of_links_as_in_the_hub_s_cache_is_followed(original: Path, tmp_path: Path) -> None:
    repository = tmp_path / "models--owner--name"
    snapshot = repository / "snapshots" / "1"
    (repository / "blobs").mkdir(parents=True)
    for number, file in enumerate(file for file in original.rglob("*") if file.is_file()):
        link, blob = snapshot / file.relative_to(original), repository / "blobs" / str(number)
        link.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(file.read_bytes())
        link.symlink_to(os.path.relpath(blob, link.parent))
    assert trim_huggingface(snapshot, SUBSET, tmp_path / "linked").left_out == trim(original)[1]
    expected = {file.relative_to(tmp_path / "smaller"): file for file in (tmp_path / "smaller").rglob("*")}
    found = {file.relative_to(tmp_path / "linked"): file for file in (tmp_path / "linked").rglob("*")}
    assert set(found) == set(expected)
    for path, file in found.items():
        assert not file.is_symlink()
        assert file.is_dir() or file.read_bytes() == expected[path].read_bytes()


def test_links_inside_the_folder_are_copied_as_what_they_lead_to(original: Path) -> None:
    (original / "3_More").symlink_to("2_Dense")
    (original / "COPYING").symlink_to(original / "LICENSE")
    files, _ = trim(original)
    assert files["3_More/config.json"] == b"{}"
    assert files["COPYING"] == COPIED["LICENSE"]


def test_nothing_that_a_link_leads_to_outside_of_the_folder_is_copied(original: Path, tmp_path: Path) -> None:
    (tmp_path / "id_rsa").write_text("a private key")
    (original / "1_Pooling" / "notes").symlink_to(tmp_path / "id_rsa")
    refused(original, "1_Pooling/notes: a link to .*id_rsa, outside of the model's folder")


def test_a_module_with_pickled_weights_only_is_refused(original: Path) -> None:
    (original / "2_Dense/model.safetensors").unlink()
    refused(original, r"2_Dense/pytorch_model\.bin: the only weights of a module, and pickled")


def test_a_module_with_one_weight_a_piece_is_refused(original: Path) -> None:
    save_file({"weight": np.ones(ROWS)}, original / "2_Dense/model.safetensors")
    refused(original, r"2_Dense/model\.safetensors: a module .* with a dimension of 30")


def test_a_broken_safetensors_file_beside_the_weights_is_named(original: Path) -> None:
    (original / "2_Dense/model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    refused(original, r"2_Dense/model\.safetensors: only git's pointer")


def test_shards_of_which_none_is_the_model_are_left_out(original: Path) -> None:
    save_file({"shared.weight": np.ones((ROWS, 4))}, original / "model-00001-of-00001.safetensors")
    index = {"weight_map": {"shared.weight": "model-00001-of-00001.safetensors"}}
    (original / "model.safetensors.index.json").write_text(json.dumps(index))
    files, left_out = trim(original)
    assert "model-00001-of-00001.safetensors" in left_out
    assert "model.safetensors.index.json" not in files


def test_shards_keep_their_files_and_the_index_their_sizes(original: Path) -> None:
    (original / "model.safetensors").unlink()
    shards = {
        "model-00001-of-00002.safetensors": {"shared.weight": np.arange(ROWS * 4.0).reshape(ROWS, 4)},
        "model-00002-of-00002.safetensors": {"lm_head.bias": np.arange(ROWS, dtype="<f4"), "x": np.ones(3)},
    }
    for number, (name, tensors) in enumerate(shards.items()):
        save_file(tensors, original / name, metadata={"format": "pt", "number": str(number)})
    weight_map = {name: file for file, tensors in shards.items() for name in tensors}
    index = {"metadata": {"total_size": 1, "total_parameters": 1, "more": "kept"}, "weight_map": weight_map}
    (original / "model.safetensors.index.json").write_text(json.dumps(index))
    files, left_out = trim(original)
    written = json.loads(files["model.safetensors.index.json"])
    kept = len(SUBSET)
    sizes = {"total_size": kept * 4 * 8 + kept * 4 + 24, "total_parameters": kept * 5 + 3, "more": "kept"}
    assert written == {"metadata": sizes, "weight_map": weight_map}
    for name, tensors in shards.items():
        assert name not in left_out
        found = load_file(original.parent / "smaller" / name)
        for tensor, values in tensors.items():
            np.testing.assert_array_equal(
                found[tensor], values if tensor == "x" else values[SUBSET.original_ids]
            )
