"""The Hugging Face folder's files, read without torch and transformers."""

from __future__ import annotations

import json
import weakref
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.encoders.config import EncoderConfig
from smaller_labse.encoders.to_huggingface import SPECIAL_TOKENS, write_huggingface

PIECES = [
    *("[UNK]", "a", "##a", "[CLS]", "école", "ecole", "##s", "x\u2028y", "\u00a0", "##\u00a0a", "b c"),
    *("[SEP]", ",", "京", "École", "[MASK]", "\u0085", "\x1c", "[PAD]", "##\u3000", '"\\'),
]
CONFIG = EncoderConfig(
    vocab_size=len(PIECES),
    hidden_size=6,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=10,
    max_position_embeddings=16,
    type_vocab_size=2,
)


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        name: random.standard_normal(shape, dtype=np.float32)
        for name, shape in CONFIG.tensor_shapes().items()
    }


@pytest.fixture(scope="module")
def folder(tensors: dict[str, np.ndarray], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "huggingface"
    write_huggingface(folder, CONFIG, tensors.__getitem__, PIECES, lower_case=False, sequence_length=12)
    return folder


def write(folder: Path, tensors: dict[str, np.ndarray], **changes: object) -> None:
    given = {"config": CONFIG, "pieces": PIECES, "lower_case": False, "sequence_length": 12} | changes
    write_huggingface(folder, read_tensor=tensors.__getitem__, **given)


def test_the_folder_holds_what_the_libraries_look_for(folder: Path) -> None:
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == {
        *("config.json", "model.safetensors"),
        *("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"),
        *("modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"),
        *("1_Pooling/config.json", "2_Dense/config.json", "2_Dense/model.safetensors"),
    }


def test_model_holds_every_tensor_under_the_name_and_in_the_shape_of_bert_model(folder: Path) -> None:
    width, wide = CONFIG.hidden_size, CONFIG.intermediate_size
    expected = {
        "embeddings.word_embeddings.weight": (CONFIG.vocab_size, width),
        "embeddings.position_embeddings.weight": (CONFIG.max_position_embeddings, width),
        "embeddings.token_type_embeddings.weight": (CONFIG.type_vocab_size, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
        "pooler.dense.weight": (width, width),
        "pooler.dense.bias": (width,),
    }
    for number in range(CONFIG.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            expected[f"{layer}.attention.{part}.weight"] = (width, width)
            expected[f"{layer}.attention.{part}.bias"] = (width,)
        expected[f"{layer}.intermediate.dense.weight"] = (wide, width)
        expected[f"{layer}.intermediate.dense.bias"] = (wide,)
        expected[f"{layer}.output.dense.weight"] = (width, wide)
        expected[f"{layer}.output.dense.bias"] = (width,)
        for part in ("attention.output", "output"):
            expected[f"{layer}.{part}.LayerNorm.weight"] = (width,)
            expected[f"{layer}.{part}.LayerNorm.bias"] = (width,)
    found = load_file(folder / "model.safetensors")
    assert {name: tensor.shape for name, tensor in found.items()} == expected
    assert {tensor.dtype for tensor in found.values()} == {np.dtype(np.float32)}


def test_tensors_without_a_matrix_keep_their_values(folder: Path, tensors: dict[str, np.ndarray]) -> None:
    found = load_file(folder / "model.safetensors")
    for name, source in {
        "embeddings.word_embeddings.weight": "word_embeddings/embeddings",
        "embeddings.position_embeddings.weight": "position_embedding/embeddings",
        "embeddings.token_type_embeddings.weight": "type_embeddings/embeddings",
        "embeddings.LayerNorm.weight": "embeddings/layer_norm/gamma",
        "embeddings.LayerNorm.bias": "embeddings/layer_norm/beta",
        "encoder.layer.0.output.LayerNorm.bias": "transformer/layer_0/output_layer_norm/beta",
        "encoder.layer.1.output.LayerNorm.weight": "transformer/layer_1/output_layer_norm/gamma",
        "encoder.layer.1.intermediate.dense.bias": "transformer/layer_1/intermediate/bias",
        "pooler.dense.bias": "pooler_transform/bias",
    }.items():
        np.testing.assert_array_equal(found[name], tensors[source])
    attention, source = "encoder.layer.1.attention", "transformer/layer_1/self_attention"
    np.testing.assert_array_equal(found[f"{attention}.self.key.bias"], tensors[f"{source}/key/bias"].ravel())
    np.testing.assert_array_equal(
        found[f"{attention}.output.LayerNorm.weight"], tensors[f"{source}_layer_norm/gamma"]
    )


@pytest.mark.parametrize(
    ("name", "source", "einsum"),
    [
        ("encoder.layer.0.attention.self.query", "transformer/layer_0/self_attention/query", "bi,ind->bnd"),
        ("encoder.layer.1.attention.self.key", "transformer/layer_1/self_attention/key", "bi,ind->bnd"),
        ("encoder.layer.1.attention.self.value", "transformer/layer_1/self_attention/value", "bi,ind->bnd"),
        (
            "encoder.layer.0.attention.output.dense",
            "transformer/layer_0/self_attention/attention_output",
            None,
        ),
        ("encoder.layer.1.intermediate.dense", "transformer/layer_1/intermediate", "bi,io->bo"),
        ("encoder.layer.0.output.dense", "transformer/layer_0/output", "bi,io->bo"),
        ("pooler.dense", "pooler_transform", "bi,io->bo"),
    ],
)
def test_a_matrix_maps_inputs_as_the_original_does(
    folder: Path, tensors: dict[str, np.ndarray], name: str, source: str, einsum: str | None
) -> None:
    weight, kernel = load_file(folder / "model.safetensors")[f"{name}.weight"], tensors[f"{source}/kernel"]
    inputs = np.random.default_rng(1).standard_normal((4, weight.shape[1]), dtype=np.float32)
    if einsum is None:  # attention's output takes the heads in
        heads = inputs.reshape(4, CONFIG.num_attention_heads, CONFIG.head_size)
        expected = np.einsum("bnd,ndo->bo", heads, kernel)
    else:
        expected = np.einsum(einsum, inputs, kernel).reshape(4, -1)
    np.testing.assert_allclose(inputs @ weight.T, expected, atol=1e-5)


def test_the_dense_step_of_sentence_transformers_is_the_pooler(folder: Path) -> None:
    model, dense = load_file(folder / "model.safetensors"), load_file(folder / "2_Dense/model.safetensors")
    assert set(dense) == {"linear.weight", "linear.bias"}
    np.testing.assert_array_equal(dense["linear.weight"], model["pooler.dense.weight"])
    np.testing.assert_array_equal(dense["linear.bias"], model["pooler.dense.bias"])


@pytest.mark.parametrize("file", ["model.safetensors", "2_Dense/model.safetensors"])
def test_safetensors_say_pt_and_align_their_values(folder: Path, file: str) -> None:
    with safe_open(folder / file, "np") as opened:
        assert opened.metadata() == {"format": "pt"}
    assert int.from_bytes((folder / file).read_bytes()[:8], "little") % 8 == 0


def test_one_tensor_is_in_memory_at_a_time(tensors: dict[str, np.ndarray], tmp_path: Path) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    reads: Counter[str] = Counter()

    def read_tensor(name: str) -> np.ndarray:
        assert all(reference() is None for reference in alive), f"{name} is read beside another tensor"
        reads[name] += 1
        tensor = tensors[name].copy()
        alive.append(weakref.ref(tensor))
        return tensor

    write_huggingface(tmp_path, CONFIG, read_tensor, PIECES, lower_case=False, sequence_length=12)
    pooler = {"pooler_transform/kernel", "pooler_transform/bias"}
    assert reads == {name: 1 + (name in pooler) for name in tensors}


def test_config_describes_the_encoder(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "bert"
    assert config["architectures"] == ["BertModel"]
    assert config["hidden_act"] == "gelu_pytorch_tanh"
    assert config["layer_norm_eps"] == 1e-12
    assert config["pad_token_id"] == PIECES.index("[PAD]")
    measures = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads")
    assert [config[name] for name in measures] == [len(PIECES), 6, 2, 3]
    measures = ("intermediate_size", "max_position_embeddings", "type_vocab_size")
    assert [config[name] for name in measures] == [10, 16, 2]


def test_vocabulary_file_is_every_piece_and_a_line_feed(folder: Path) -> None:
    expected = b"".join(piece.encode("utf-8") + b"\n" for piece in PIECES)
    assert (folder / "vocab.txt").read_bytes() == expected


def test_tokenizer_gives_every_piece_its_id(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.get_vocab() == {piece: number for number, piece in enumerate(PIECES)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aas, École", ["a", "##a", "##s", ",", "École"]),
        ("école京a", ["école", "京", "a"]),
        ("ÉCOLE a", ["[UNK]", "a"]),
        ("a\u00a0a\u2028a", ["a", "a", "a"]),
        ("a" * 100, ["a"] + ["##a"] * 99),
        ("a" * 101, ["[UNK]"]),
        ("[MASK] a", ["[MASK]", "a"]),
        ("", []),
    ],
)
def test_tokenizer_reads_text_as_bert_tokenizer_does(folder: Path, text: str, expected: list[str]) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.encode(text, add_special_tokens=False).tokens == expected
    assert tokenizer.encode(text).tokens == ["[CLS]", *expected, "[SEP]"]


def test_tokenizer_marks_the_second_text_of_a_pair_and_masks_special_pieces(folder: Path) -> None:
    encoding = Tokenizer.from_file(str(folder / "tokenizer.json")).encode("a", "aa")
    assert encoding.tokens == ["[CLS]", "a", "[SEP]", "a", "##a", "[SEP]"]
    assert encoding.type_ids == [0, 0, 0, 1, 1, 1]
    assert encoding.special_tokens_mask == [1, 0, 1, 0, 0, 1]


def test_a_lower_casing_model_gets_a_lower_casing_tokenizer(
    tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    write(tmp_path, tensors, lower_case=True)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert tokenizer.encode("ÉCOLE école", add_special_tokens=False).tokens == ["ecole", "ecole"]
    assert json.loads((tmp_path / "tokenizer_config.json").read_text())["do_lower_case"] is True


def test_both_libraries_are_told_the_sequence_length(folder: Path) -> None:
    assert json.loads((folder / "tokenizer_config.json").read_text())["model_max_length"] == 12
    assert json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"] == 12


def test_same_inputs_give_the_same_bytes(
    folder: Path, tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    write(tmp_path, tensors)
    for file in folder.rglob("*"):
        if file.is_file():
            assert (tmp_path / file.relative_to(folder)).read_bytes() == file.read_bytes(), file


@pytest.mark.parametrize("piece", SPECIAL_TOKENS.values())
def test_a_missing_special_piece_is_named(tensors: dict[str, np.ndarray], tmp_path: Path, piece: str) -> None:
    pieces = [f"not {each}" if each == piece else each for each in PIECES]
    with pytest.raises(SmallerLabseError) as error:
        write(tmp_path / "new", tensors, pieces=pieces)
    assert piece in str(error.value)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("pieces", [PIECES[:-1], [*PIECES, "more"], [*PIECES[:-1], "a"], [*PIECES, "a"]])
def test_a_vocabulary_that_does_not_fit_the_embedding_matrix_is_refused(
    tensors: dict[str, np.ndarray], tmp_path: Path, pieces: list[str]
) -> None:
    with pytest.raises(SmallerLabseError, match="expected one row per token"):
        write(tmp_path / "new", tensors, pieces=pieces)


def test_a_sequence_longer_than_the_positions_is_refused(
    tensors: dict[str, np.ndarray], tmp_path: Path
) -> None:
    write(tmp_path / "longest", tensors, sequence_length=16)
    with pytest.raises(SmallerLabseError, match=r"sequence length is 17, expected at most .* 16 positions"):
        write(tmp_path / "new", tensors, sequence_length=17)


@pytest.mark.parametrize("change", [np.transpose, np.float64])
def test_a_tensor_of_another_shape_or_kind_is_named(
    tensors: dict[str, np.ndarray], tmp_path: Path, change: type
) -> None:
    name = "transformer/layer_1/output/kernel"
    with pytest.raises(SmallerLabseError, match=rf"{name} .* expected float32"):
        write(tmp_path, tensors | {name: change(tensors[name])})
