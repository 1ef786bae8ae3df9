"""Cutting Hugging Face folders without torch: which tensors, the configs, the files beside, bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.make_smaller.back_ends.trim_huggingface import TrimmedFolder, trim_huggingface
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

ROWS, WIDTH = 30, 8
KEPT = np.array([0, 1, 2, 3, 29, 7, 11, 20, 5], dtype=np.int32)
CONFIG = {
    "model_type": "bert",
    "vocab_size": ROWS,
    "hidden_size": WIDTH,
    "num_hidden_layers": 1,
    "pad_token_id": 0,
}
TABLE, POSITIONS, BODY = (
    "embeddings.word_embeddings.weight",
    "embeddings.position_embeddings.weight",
    "encoder.layer.0.attention.self.query.weight",
)


def draw_tensors(**more: tuple[int, ...]) -> dict[str, np.ndarray]:
    shapes = {TABLE: (ROWS, WIDTH), POSITIONS: (16, WIDTH), BODY: (WIDTH, WIDTH)}
    shapes |= {name.replace("__", "."): shape for name, shape in more.items()}
    random = np.random.default_rng(0)
    return {name: random.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


@pytest.fixture
def original(tmp_path: Path) -> Path:
    folder = tmp_path / "original"
    folder.mkdir()
    save_file(draw_tensors(), folder / "model.safetensors", metadata={"format": "pt"})
    write_json(folder / "config.json", CONFIG)
    return folder


def write_json(file: Path, content: object) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content))


def read_json(file: Path) -> dict:
    return json.loads(file.read_text(encoding="utf-8"))


def add_tensors(folder: Path, **more: tuple[int, ...]) -> dict[str, np.ndarray]:
    tensors = draw_tensors(**more)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return tensors


def trim(original: Path, kept_ids: np.ndarray = KEPT, rows: int = ROWS, **options: str) -> TrimmedFolder:
    return trim_huggingface(
        original, VocabularySubset(kept_ids, rows), original.parent / "smaller", **options
    )


def trim_config(original: Path, **changes: object) -> dict:
    write_json(original / "config.json", CONFIG | changes)
    return read_json(trim(original).folder / "config.json")


def refused(original: Path, message: str, **options: object) -> None:
    with pytest.raises(SmallerLabseError, match=message) as error:
        trim(original, **options)
    assert "\n" not in str(error.value)
    assert not (original.parent / "smaller").exists()


def test_the_table_loses_rows_and_all_else_is_as_it_was(original: Path) -> None:
    made = trim(original)
    before, after = (load_file(folder / "model.safetensors") for folder in (original, made.folder))
    assert set(after) == set(before)
    np.testing.assert_array_equal(after[TABLE], before[TABLE][KEPT])
    for name in (POSITIONS, BODY):
        assert after[name].tobytes() == before[name].tobytes()
    with safe_open(made.folder / "model.safetensors", "np") as opened:
        assert opened.metadata() == {"format": "pt"}
    assert read_json(made.folder / "config.json") == CONFIG | {"vocab_size": len(KEPT)}
    assert (made.tensors, made.left_out) == ((TABLE,), ())
    assert (made.original_vocab_size, made.vocab_size, made.hidden_size) == (ROWS, len(KEPT), WIDTH)
    assert made.original_parameters - made.parameters == (ROWS - len(KEPT)) * WIDTH


def test_all_pieces_in_their_order_give_the_same_bytes(original: Path) -> None:
    made = trim(original, np.arange(ROWS))
    before, after = (folder / "model.safetensors" for folder in (original, made.folder))
    assert load_file(before).keys() == load_file(after).keys()
    for name, values in load_file(before).items():
        assert load_file(after)[name].tobytes() == values.tobytes()


@given(st.permutations(range(ROWS)), st.integers(4, ROWS))
def test_any_pieces_in_any_order_are_the_rows_asked_for(
    tmp_path_factory, order: list[int], kept: int
) -> None:
    folder = tmp_path_factory.mktemp("drawn") / "original"
    folder.mkdir()
    tensors = add_tensors(folder, lm_head__weight=(ROWS, WIDTH), lm_head__bias=(ROWS,))
    write_json(folder / "config.json", CONFIG | {"pad_token_id": None, "mask_token_id": order[0]})
    made = trim(folder, np.array(order[:kept]))
    found = load_file(made.folder / "model.safetensors")
    for name in (TABLE, "lm_head.weight", "lm_head.bias"):
        np.testing.assert_array_equal(found[name], tensors[name][order[:kept]])
    assert read_json(made.folder / "config.json")["mask_token_id"] == 0


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("lm_head.weight", (ROWS, WIDTH)),
        ("lm_head.decoder.bias", (ROWS,)),
        ("cls.predictions.bias", (ROWS,)),
        ("cls.predictions.decoder.weight", (ROWS, 5)),  # an output layer of another width
        ("decoder.bias", (ROWS,)),
        ("encoder.embed_tokens.weight", (ROWS, WIDTH)),
        ("pred_layer.proj.weight", (ROWS, WIDTH)),  # a name not known, a shape that tells
        ("pred_layer.proj.bias", (ROWS,)),
    ],
)
def test_other_tensors_with_one_row_per_token_are_trimmed_too(
    original: Path, name: str, shape: tuple
) -> None:
    tensors = add_tensors(original, **{name: shape})
    made = trim(original)
    assert set(made.tensors) == {TABLE, name}
    found = load_file(made.folder / "model.safetensors")
    np.testing.assert_array_equal(found[name], tensors[name][KEPT])


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("decoder.weight", (WIDTH, WIDTH)),  # an output layer's name, but not one row per token
        ("embeddings.position_embeddings_too.weight", (ROWS, WIDTH)),  # as many positions as pieces
        ("decoder.block.0.layer.0.weight", (WIDTH, 4)),
    ],
)
def test_tensors_without_one_row_per_token_are_copied(original: Path, name: str, shape: tuple) -> None:
    tensors = add_tensors(original, **{name: shape})
    made = trim(original)
    assert made.tensors == (TABLE,)
    np.testing.assert_array_equal(load_file(made.folder / "model.safetensors")[name], tensors[name])


@pytest.mark.parametrize(
    ("name", "shape", "changes"),
    [
        ("pooler.weight", (ROWS, WIDTH), {"intermediate_size": ROWS}),
        ("pooler.weight", (ROWS, WIDTH), {"sizes": [3, ROWS]}),
        ("pooler.bias", (ROWS,), {"vision_config": {"hidden_size": ROWS}}),
        ("pooler.weight", (WIDTH, ROWS), {}),
        ("pooler.weight", (ROWS, WIDTH + 1), {}),
        ("pooler.scale", (ROWS,), {}),
        ("final_logits_bias", (1, ROWS), {}),
        ("layers.0.attn.Wqkv.weight", (ROWS, WIDTH), {}),  # 3 x width, by chance
        ("layers.0.attn.Wqkv.bias", (ROWS,), {}),
    ],
)
def test_a_tensor_that_may_or_may_not_have_one_row_per_token_is_refused(
    original: Path, name: str, shape: tuple, changes: dict
) -> None:
    add_tensors(original, **{name: shape})
    write_json(original / "config.json", CONFIG | changes)
    refused(original, rf"the tensor {name} \[.*\] has a dimension of 30, .* cannot be trimmed")


def test_a_model_as_wide_as_its_vocabulary_is_refused(original: Path) -> None:
    tensors = {TABLE: np.ones((WIDTH, WIDTH)), BODY: np.ones((WIDTH, WIDTH))}
    save_file(tensors, original / "model.safetensors")
    write_json(original / "config.json", CONFIG | {"vocab_size": WIDTH})
    refused(original, f"the tensor {BODY} .* cannot be trimmed", kept_ids=np.arange(4), rows=WIDTH)


def test_tables_of_different_sizes_and_none_at_all_are_refused(original: Path) -> None:
    add_tensors(original, embed_tokens_per_layer__weight=(ROWS - 2, WIDTH))
    refused(
        original, r"\[30, 8\], but embed_tokens_per_layer\.weight has \[28, 8\]; expected one row per token"
    )
    save_file({BODY: np.ones((WIDTH, WIDTH))}, original / "model.safetensors")
    refused(original, "no embedding matrix under a known name")


@pytest.mark.parametrize(
    ("kept_ids", "message"),
    [
        (np.array([0, ROWS]), "found 0 to 30, but the original has 30 tokens"),
        (np.array([-1, 2]), "found -1 to 2"),
        (np.array([0, 1, 0]), "an id stands there twice"),
        (np.array([], dtype=np.int32), r"int32 \[0\], expected one or more integers"),
        (np.array([0.0]), r"float64 \[1\], expected one or more integers"),
        (np.array([[0]]), r"int64 \[1, 1\], expected one or more integers"),
    ],
)
def test_kept_ids_that_do_not_fit_are_refused(original: Path, kept_ids: np.ndarray, message: str) -> None:
    refused(original, message, kept_ids=kept_ids)


def test_a_selection_from_another_number_of_tokens_is_refused(original: Path) -> None:
    refused(original, "has 30 rows, but the selection is from 31 tokens; select with this original", rows=31)


def test_ids_in_the_config_follow_their_pieces(original: Path) -> None:
    found = trim_config(
        original,
        eos_token_id=[29, 5],
        bos_token_id=None,
        decoder_start_token_id=7,
        image_token_index=ROWS,  # no row of the table, now as before
        sep_token_id=-1,
        type_vocab_size=2,
        pad_vocab_size_multiple=64,
        max_position_embeddings=16,
        token_id_of_nothing=7,
    )
    assert found["eos_token_id"] == [4, 8]
    assert found["bos_token_id"] is None
    assert found["decoder_start_token_id"] == 5
    assert found["image_token_index"] == ROWS
    assert found["sep_token_id"] == -1
    assert (found["vocab_size"], found["type_vocab_size"], found["pad_vocab_size_multiple"]) == (9, 2, 1)
    assert (found["max_position_embeddings"], found["token_id_of_nothing"]) == (16, 7)


def test_sections_of_the_same_vocabulary_follow_and_others_do_not(original: Path) -> None:
    sections = {
        "text_config": {"hidden_size": WIDTH, "pad_token_id": 0, "eos_token_id": 29},  # size left to default
        "decoder": {"vocab_size": ROWS, "bos_token_id": 7},
        "audio_config": {"vocab_size": 77, "bos_token_id": 7},
        "vision_config": {"bos_token_id": 7},
    }
    found = trim_config(original, **sections)
    assert found["text_config"] == {
        "hidden_size": WIDTH,
        "pad_token_id": 0,
        "eos_token_id": 4,
        "vocab_size": 9,
    }
    assert found["decoder"] == {"vocab_size": 9, "bos_token_id": 5}
    assert {name: found[name] for name in ("audio_config", "vision_config")} == {
        name: sections[name] for name in ("audio_config", "vision_config")
    }


def test_the_generation_config_follows(original: Path) -> None:
    content = {"eos_token_id": [29], "pad_token_id": 0, "max_length": 7}
    write_json(original / "generation_config.json", content)
    assert read_json(trim(original).folder / "generation_config.json") == content | {"eos_token_id": [4]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"eos_token_id": 6}, "config.json: eos_token_id is 6, a token that the selection does not keep"),
        ({"vocab_size": 28}, "vocab_size is 28, but the embedding matrix has 30 rows"),
        ({"text_config": {"vocab_size": 31}}, "vocab_size is 31, but the embedding matrix has 30 rows"),
        ({"bad_words_ids": [[3]]}, "bad_words_ids lists token ids, which are not translated"),
        ({"pad_token_id": 29}, "the pad_token_id 29 would become 4, and positions may be counted from it"),
        ({"pad_token_id": 6}, "the pad_token_id 6 would become None"),
    ],
)
def test_a_config_that_does_not_fit_is_refused(original: Path, changes: dict, message: str) -> None:
    write_json(original / "config.json", CONFIG | changes)
    refused(original, message)


def test_a_config_without_a_vocabulary_is_refused(original: Path) -> None:
    write_json(original / "config.json", {"model_type": "bert"})
    refused(original, r"config\.json: no vocab_size in it, expected 30")
    (original / "config.json").unlink()
    refused(original, r"config\.json: cannot be read \(No such file or directory\)")


def test_a_pad_piece_that_only_transformers_knows_must_not_move(original: Path) -> None:
    write_json(original / "config.json", {key: CONFIG[key] for key in CONFIG if key != "pad_token_id"})
    refused(original, "no pad_token_id in it", kept_ids=KEPT[[1, 0, 2, 3, 4]])
    assert "pad_token_id" not in read_json(trim(original).folder / "config.json")


def test_a_pad_piece_may_move_where_no_positions_are_learned(original: Path) -> None:
    save_file({"embed_tokens.weight": np.ones((ROWS, WIDTH))}, original / "model.safetensors")
    assert trim_config(original, pad_token_id=29)["pad_token_id"] == 4


def test_float16_rounds_every_float_and_the_config_follows(original: Path) -> None:
    tensors = draw_tensors(lm_head__weight=(ROWS, WIDTH)) | {"steps": np.arange(3), "half": np.ones(2, "<f2")}
    save_file(tensors, original / "model.safetensors")
    write_json(original / "config.json", CONFIG | {"text_config": {"dtype": "float32"}, "other": {"a": 1}})
    made = trim(original, dtype="float16")
    found = load_file(made.folder / "model.safetensors")
    np.testing.assert_array_equal(found[TABLE], tensors[TABLE][KEPT].astype(np.float16))
    np.testing.assert_array_equal(found[BODY], tensors[BODY].astype(np.float16))
    assert {name: values.dtype for name, values in found.items() if name != "steps"} == dict.fromkeys(
        set(tensors) - {"steps"}, np.float16
    )
    np.testing.assert_array_equal(found["steps"], np.arange(3))
    config = read_json(made.folder / "config.json")
    assert (config["torch_dtype"], config["text_config"]["dtype"]) == ("float16", "float16")
    assert (config["other"], "dtype" in config) == ({"a": 1}, False)


def test_what_float16_cannot_hold_is_refused(original: Path) -> None:
    tensors = draw_tensors()
    tensors[BODY][3, 3] = -70_000
    save_file(tensors, original / "model.safetensors")
    with pytest.raises(SmallerLabseError, match=rf"{BODY} holds 7e\+04, float16 reaches 6\.55e\+04"):
        trim(original, dtype="float16")
    tensors[BODY][3, 3] = -np.inf
    save_file(tensors, original / "model.safetensors")
    assert load_file(trim(original, dtype="float16").folder / "model.safetensors")[BODY][3, 3] == -np.inf
    write_json(original / "config.json", CONFIG | {"quantization_config": {"bits": 8}})
    with pytest.raises(SmallerLabseError, match="a quantized model, which cannot become float16"):
        trim(original, dtype="float16")
    with pytest.raises(SmallerLabseError, match="'int8' is not known, expected float16"):
        trim(original, dtype="int8")


def test_an_output_inside_the_original_is_refused(original: Path) -> None:
    for out in (original, original / "smaller"):
        with pytest.raises(SmallerLabseError, match="choose another place"):
            trim_huggingface(original, VocabularySubset(KEPT, ROWS), out)
