"""Promise 6: JSON that says something of another kind ends in one line that names the file and what is wrong."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from safetensors.numpy import save_file

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.config import Pooling
from smaller_labse.encoders.networks.sentence_transformers_network import require_known_modules
from smaller_labse.encoders.prompt import read_prompt
from smaller_labse.encoders.read_config import read_encoder_config
from smaller_labse.encoders.sentence_transformers_folder import (
    pools_without_prompt,
    read_default_prompt,
    read_sentence_transformers,
)
from smaller_labse.make_smaller.back_ends.huggingface_config import trim_config
from smaller_labse.make_smaller.back_ends.trim_huggingface import trim_huggingface
from smaller_labse.originals.huggingface import HuggingFaceFolder
from smaller_labse.originals.locate import locate_original
from smaller_labse.originals.open import open_place
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset
from tests.small_originals import write_byte_pairs, write_mean_bert

DENSE = {"in_features": 32, "out_features": 16, "activation_function": "torch.nn.modules.activation.Tanh"}


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> dict[str, Path]:
    """Folders from Hugging Face: byte-level BPE, and BERT's WordPiece tokens as a `vocab.txt`."""
    folder = tmp_path_factory.mktemp("originals")
    written = {"bpe": write_byte_pairs(folder / "bpe"), "bert": write_mean_bert(folder / "bert")}
    read_all(written["bert"])
    return written


def read_all(folder: Path) -> None:
    """All that counting, selecting and trimming read of a folder, as far as it needs no TensorFlow."""
    place = HuggingFaceFolder(str(folder), folder)
    original = open_place(place)
    read_default_prompt(folder)
    pools_without_prompt(folder)
    require_known_modules(place)
    if json.loads((folder / "config.json").read_text())["model_type"] == "bert":
        read_encoder_config(folder, original.vocab_size, Pooling("mean"))
        read_sentence_transformers(folder)
    kept = VocabularySubset(original.tokenizer.special_ids, original.vocab_size)
    trim_huggingface(folder, kept, folder.parent / "trimmed")
    original.tokenizer.write_subset(kept, folder.parent / "trimmed")


def change_json(file: Path, change: Callable[[Any], Any] | dict[str, Any]) -> None:
    content = json.loads(file.read_text("utf-8")) if file.exists() else {}
    file.write_text(json.dumps(content | change if isinstance(change, dict) else change(content)), "utf-8")


def with_dense(**dense: object) -> Callable[[Any], Any]:
    module = {"type": "sentence_transformers.models.Dense", "path": "2_Dense"} | dense
    return lambda modules: [*modules[:2], module, *modules[2:]]


CONFIG, PROMPTS, TOKENS = "config.json", "config_sentence_transformers.json", "tokenizer_config.json"
NESTED: list[Any] = []
for _ in range(300):
    NESTED = [NESTED]
CASES = [
    ("bpe", CONFIG, {"vocab_size": "many"}, "vocab_size is 'many', expected a whole number or null"),
    ("bpe", CONFIG, {"vocab_size": True}, "vocab_size is True, expected a whole number or null"),
    ("bpe", CONFIG, {"vocab_size": -5}, "config.json says -5 tokens"),
    ("bpe", CONFIG, {"vocab_size": float("nan")}, "vocab_size is nan, expected a whole number"),
    ("bpe", CONFIG, {"text_config": [1]}, "text_config is [1], expected an object or null"),
    ("bpe", CONFIG, {"text_config": {"vocab_size": {}}}, "text_config.vocab_size is {}, expected a whole number"),
    ("bpe", CONFIG, {"tokenizer_class": 7}, "tokenizer_class is 7, expected text or null"),
    ("bpe", CONFIG, {"deep": NESTED}, "nested more than 100 deep"),
    ("bpe", CONFIG, {"name": "\ud800"}, "half a surrogate pair"),
    ("bert", CONFIG, {"hidden_size": "wide"}, "hidden_size is 'wide', expected a whole number"),
    ("bert", CONFIG, {"hidden_size": 33}, "hidden_size is 33, expected a multiple of the 4 attention heads"),
    ("bert", CONFIG, {"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000, expected 1 to 1,000"),
    ("bert", CONFIG, {"num_attention_heads": 0}, "num_attention_heads is 0, expected 1 to"),
    ("bert", CONFIG, {"layer_norm_eps": -1}, "layer_norm_eps is -1, expected 0 to 1"),
    ("bert", CONFIG, {"max_position_embeddings": 0}, "0 positions and the pad_token_id"),
    ("bert", CONFIG, lambda config: {k: v for k, v in config.items() if k != "intermediate_size"},
     "intermediate_size is missing"),
    ("bert", PROMPTS, {"prompts": "query: "}, "prompts is 'query: ', expected an object or null"),
    ("bert", PROMPTS, {"prompts": {"query": 5}}, "prompts.query is 5, expected text or null"),
    ("bert", PROMPTS, {"default_prompt_name": ["query"]}, "default_prompt_name is ['query'], expected text or null"),
    ("bert", PROMPTS, {"default_prompt_name": "qvery"}, "default_prompt_name is 'qvery', which its prompts do not"),
    ("bert", "modules.json", lambda modules: {}, "a JSON dict, expected an array"),
    ("bert", "modules.json", lambda modules: [5], "modules[0] is 5, expected an object"),
    ("bert", "modules.json", lambda modules: [{"path": ""}], "modules[0].type is missing"),
    ("bert", "modules.json", with_dense(path=5), "modules[2].path is 5, expected text"),
    ("bert", "modules.json", with_dense(path="../2_Dense"), "the path '../2_Dense' leads out of the folder"),
    ("bert", "modules.json", with_dense(path="a" * 999), "' is no path"),
    ("bert", "modules.json", with_dense(path="a\0"), "'a\\x00' is no path"),
    ("bert", "1_Pooling/config.json", {"pooling_mode": 5}, "pooling_mode is 5, expected text or an array or null"),
    ("bert", "1_Pooling/config.json", {"include_prompt": "no"}, "include_prompt is 'no', expected true or false or"),
    ("bert", "2_Dense/config.json", {"in_features": "32"}, "in_features is '32', expected a whole number"),
    ("bert", "2_Dense/config.json", {"out_features": 0}, "from 32 to 0 features"),
    ("bert", "2_Dense/config.json", {"activation_function": None}, "activation_function is None, expected text"),
    ("bert", "sentence_bert_config.json", {"max_seq_length": "48"}, "max_seq_length is '48', expected a number or"),
    ("bert", TOKENS, {"do_lower_case": "yes"}, "do_lower_case is 'yes', expected true or false or null"),
    ("bert", TOKENS, {"unk_token": 5}, "unk_token is 5, expected text or an object or null"),
    ("bert", TOKENS, {"mask_token": {"text": "[MASK]"}}, "mask_token.content is missing"),
    ("bert", TOKENS, {"added_tokens_decoder": {"9" * 5000: {}}}, "added_tokens_decoder, expected an object with a"),
    ("bert", TOKENS, {"cls_token": "a", "sep_token": "a", "tokenizer_class": []}, "tokenizer_class is [], expected"),
    ("bpe", "tokenizer.json", {"normalizer": {"type": "Sequence", "normalizers": 5}}, "no tokenizer.json that tok"),
    ("bpe", "tokenizer.json", {"pre_tokenizer": 5}, "no tokenizer.json that tokenizers can read"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "change", "reason"), CASES)
def test_a_damaged_file_of_an_original_is_named_in_one_line(originals, tmp_path, kind, name, change, reason):
    folder = tmp_path / "original"
    shutil.copytree(originals[kind], folder)
    if name.startswith("2_Dense"):
        (folder / "2_Dense").mkdir()
        (folder / name).write_text(json.dumps(DENSE))
        save_file({"linear.weight": np.ones((16, 32), np.float32)}, folder / "2_Dense" / "model.safetensors")
        change_json(folder / "modules.json", with_dense())
    change_json(folder / name, change)
    with pytest.raises(SmallerLabseError) as raised:
        read_all(folder)
    assert "\n" not in str(raised.value)
    assert str(folder / name) in str(raised.value) or "config.json says" in str(raised.value)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"original": 5}, "original is 5, expected an object"),
        ({"original": {"format": {}}}, "original.format is {}, expected text or null"),
        ({"prompt": 5}, "prompt is 5, expected text or null"),
        ({"coverage": {"en": 1}}, "coverage is {'en': 1}, expected an array or null"),
        ({"coverage": ["en"]}, "coverage[0] is 'en', expected an object"),
        ({"files": {"README.md": "long"}}, "files.README.md is 'long', expected a whole number"),
        ({"dtype": ["float16"]}, "dtype is ['float16'], expected text or null"),
    ],
)
def test_a_damaged_manifest_is_named_in_one_line(tmp_path, change, reason):
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "saved_model.pb").touch()
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "smaller_labse.model.1", "prompt": "a"}))
    assert read_prompt(tmp_path) == "a"
    change_json(tmp_path / "manifest.json", change)
    for read in (read_prompt, locate_original):
        with pytest.raises(SmallerLabseError) as raised:
            read(str(tmp_path))
        assert str(raised.value) == f"{tmp_path / 'manifest.json'}: {reason}; get it again"


def test_a_manifest_of_somebody_else_says_nothing_of_a_model(tmp_path):
    (tmp_path / "encoder").mkdir()
    (tmp_path / "encoder" / "saved_model.pb").touch()
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "web app", "prompt": 5}))
    assert read_prompt(tmp_path) is None


def test_counts_without_a_token_are_refused(example, counted, run, tmp_path):
    """As of a version that wrote no digests; with one, what is left is not what it is of."""
    table = pq.read_table(counted / "it.parquet").slice(0, 0)
    digests = (b"columns", b"digest")
    metadata = {key: value for key, value in table.schema.metadata.items() if key not in digests}
    pq.write_table(table.replace_schema_metadata(metadata), tmp_path / "it.parquet")
    ended = run("select", "--model", example, "--counts", tmp_path, "--out", tmp_path / "selection")
    assert ended.code == 1
    assert ended.error.endswith("it.parquet: no token was counted in it; count again, or leave it out\n")


def test_a_language_of_control_characters_is_unknown(example, run, tmp_path):
    (tmp_path / "languages.txt").write_bytes(b"it\n\x00\x00ench\n")
    arguments = ["--languages", tmp_path / "languages.txt", "--counts", tmp_path, "--out", tmp_path / "out"]
    ended = run("select", "--model", example, *arguments)
    assert ended.code == 2
    assert "'\\x00\\x00ench'" in ended.error.replace("\\\\", "\\")


def test_true_is_no_token_id():
    kept = VocabularySubset(np.arange(3), 5)
    config = {"vocab_size": 5, "pad_token_id": True, "eos_token_id": [2, False]}
    trimmed = trim_config(config, Path("config.json"), kept, learned_positions=True)
    assert trimmed == config | {"vocab_size": 3}


def test_an_xz_file_without_a_stream_is_no_empty_text(example, run, tmp_path):
    (tmp_path / "en.txt.xz").write_bytes(b"\0" * 64)
    ended = run(
        "count", "--model", example, "--text", f"en={tmp_path / 'en.txt.xz'}", "--out", tmp_path / "counts"
    )
    assert ended.code == 1
    assert "en.txt.xz: cannot be read (" in ended.error
