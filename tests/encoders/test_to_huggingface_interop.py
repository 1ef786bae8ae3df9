"""What users do with the Hugging Face folder: transformers and sentence-transformers beside the original."""

from __future__ import annotations

import math
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from smaller_labse.encoders.config import EncoderConfig, infer_config
from smaller_labse.encoders.to_huggingface import write_huggingface
from smaller_labse.originals.lineage import Ancestor, Lineage, read_lineage, write_lineage
from smaller_labse.originals.tokenizers.vocabulary import read_pieces

torch = pytest.importorskip("torch", reason="needs torch, from the extra interop")
transformers = pytest.importorskip("transformers", reason="needs transformers, from the extra interop")
sentence_transformers = pytest.importorskip(
    "sentence_transformers", reason="needs sentence-transformers, from the extra interop"
)

pytestmark = pytest.mark.interop

TOLERANCE = 1e-5  # what float32 rounding may amount to
INPUTS = ("input_word_ids", "input_mask", "input_type_ids")
TEXTS = ["aab, b", "école京", "a", "", "bbbb aaa a, b, a école"]

PIECES = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "\u00a0", "##a", "x\u2028y", "b", "##b", "école"),
    *("ecole", "\u2028", ",", "\x0b", "\x1c", "\u0085", "##\u00a0b", "京", "b ", " b", '"', "\\"),
]
CONFIG = EncoderConfig(
    vocab_size=len(PIECES),
    hidden_size=12,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=20,
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
    """An encoder of random tensors whose vocabulary holds every odd space."""
    folder = tmp_path_factory.mktemp("random") / "huggingface"
    write_huggingface(folder, CONFIG, tensors.__getitem__, PIECES, lower_case=False, sequence_length=10)
    return folder


def bert_outputs(
    tensors: Mapping[str, np.ndarray], ids: np.ndarray, mask: np.ndarray, types: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """BERT (arXiv 1810.04805) in float64, from LaBSE's tensors: the sequence's output and the pooler's."""

    def dense(name: str, equation: str, inputs: np.ndarray) -> np.ndarray:
        return (
            np.einsum(equation, inputs, tensors[f"{name}/kernel"], dtype=np.float64) + tensors[f"{name}/bias"]
        )

    def normalize(name: str, inputs: np.ndarray) -> np.ndarray:
        centered = inputs - inputs.mean(-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * tensors[f"{name}/gamma"] + tensors[f"{name}/beta"]

    def gelu(inputs: np.ndarray) -> np.ndarray:
        return 0.5 * inputs * (1 + np.tanh(math.sqrt(2 / math.pi) * (inputs + 0.044715 * inputs**3)))

    hidden = tensors["word_embeddings/embeddings"][ids].astype(np.float64)
    hidden = hidden + tensors["position_embedding/embeddings"][: ids.shape[1]]
    hidden = normalize("embeddings/layer_norm", hidden + tensors["type_embeddings/embeddings"][types])
    for number in range(CONFIG.num_hidden_layers):
        layer = f"transformer/layer_{number}"
        query, key, value = (
            dense(f"{layer}/self_attention/{part}", "bli,ind->blnd", hidden)
            for part in ("query", "key", "value")
        )
        scores = np.einsum("bqnd,bknd->bnqk", query, key) / math.sqrt(CONFIG.head_size)
        scores = np.exp(scores) * mask[:, None, None, :]
        heads = np.einsum("bnqk,bknd->bqnd", scores / scores.sum(-1, keepdims=True), value)
        attended = dense(f"{layer}/self_attention/attention_output", "blnd,ndo->blo", heads)
        hidden = normalize(f"{layer}/self_attention_layer_norm", hidden + attended)
        wide = gelu(dense(f"{layer}/intermediate", "bli,io->blo", hidden))
        hidden = normalize(
            f"{layer}/output_layer_norm", hidden + dense(f"{layer}/output", "bli,io->blo", wide)
        )
    return hidden, np.tanh(dense("pooler_transform", "bi,io->bo", hidden[:, 0]))


def unit_length(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def run_torch(model: Any, ids: np.ndarray, mask: np.ndarray, types: np.ndarray) -> Any:
    with torch.no_grad():
        return model(*(torch.from_numpy(np.asarray(each, dtype=np.int64)) for each in (ids, mask, types)))


def encode_texts(folder: Path, texts: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(texts, padding=True, truncation=True, return_tensors="np")
    return inputs["input_ids"], inputs["attention_mask"], inputs["token_type_ids"]


@pytest.mark.parametrize("name", ["AutoModel", "BertModel"])
def test_model_computes_bert_with_the_tanh_gelu(
    folder: Path, tensors: dict[str, np.ndarray], name: str
) -> None:
    model, loading = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    assert not any(loading.values()), "a tensor is missing, unknown or of another shape"
    assert model.dtype == torch.float32
    ids, mask, types = encode_texts(folder, TEXTS)
    types = mask * (np.arange(ids.shape[1]) % 2)
    sequence, pooled = bert_outputs(tensors, ids, mask, types)
    found = run_torch(model, ids, mask, types)
    assert np.abs(found.last_hidden_state.numpy() - sequence)[mask == 1].max() < TOLERANCE
    assert np.abs(found.pooler_output.numpy() - pooled).max() < TOLERANCE


def test_sentence_transformer_returns_the_pooled_output_at_length_one(
    folder: Path, tensors: dict[str, np.ndarray]
) -> None:
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    expected = unit_length(bert_outputs(tensors, *encode_texts(folder, TEXTS))[1])
    assert np.abs(model.encode(TEXTS) - expected).max() < TOLERANCE
    assert model.similarity_fn_name == "cosine"
    assert not any(model.prompts.values())
    assert model.max_seq_length == 10


def test_every_tokenizer_class_keeps_the_ids_of_pieces_with_odd_spaces(folder: Path, tmp_path: Path) -> None:
    expected = {piece: number for number, piece in enumerate(PIECES)}
    for name in ("AutoTokenizer", "BertTokenizer", "BertTokenizerFast"):
        tokenizer = getattr(transformers, name).from_pretrained(folder)
        assert tokenizer.get_vocab() == expected, name
        assert len(tokenizer) == len(PIECES), name
        assert tokenizer.model_max_length == 10, name
        assert tokenizer("a école").input_ids == [2, 5, 11, 3], name
        assert [tokenizer.pad_token_id, tokenizer.unk_token_id, tokenizer.mask_token_id] == [0, 1, 4], name
    tokenizer.save_pretrained(tmp_path)
    assert transformers.AutoTokenizer.from_pretrained(tmp_path).get_vocab() == expected


def test_tokenizer_json_decides_where_vocab_txt_says_otherwise(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "vocab.txt").write_text("".join(f"{piece}\n" for piece in reversed(PIECES)), encoding="utf-8")
    expected = transformers.AutoTokenizer.from_pretrained(folder)(TEXTS).input_ids
    for name in ("AutoTokenizer", "BertTokenizer", "BertTokenizerFast"):
        assert getattr(transformers, name).from_pretrained(tmp_path)(TEXTS).input_ids == expected


def test_long_words_are_unknown_from_101_characters_on(folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("a" * 100) == ["a"] + ["##a"] * 99
    assert tokenizer.tokenize("a" * 101) == ["[UNK]"]


@pytest.mark.parametrize(("lower_case", "expected"), [(False, ["[UNK]", "école"]), (True, ["ecole"] * 2)])
def test_only_a_lower_casing_model_lower_cases_and_strips_accents(
    tensors: dict[str, np.ndarray], tmp_path: Path, lower_case: bool, expected: list[str]
) -> None:
    write_huggingface(tmp_path, CONFIG, tensors.__getitem__, PIECES, lower_case, sequence_length=10)
    for name in ("AutoTokenizer", "BertTokenizerFast"):
        tokenizer = getattr(transformers, name).from_pretrained(tmp_path)
        assert tokenizer.tokenize("ÉCOLE école") == expected
        assert tokenizer.do_lower_case == lower_case
        assert tokenizer("ÉCOLE").input_ids[1:-1] == [PIECES.index(expected[0])]


def test_save_pretrained_writes_the_same_tensors_and_they_load_again(folder: Path, tmp_path: Path) -> None:
    model = transformers.AutoModel.from_pretrained(folder)
    model.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(tmp_path)
    ours, saved = load_file(folder / "model.safetensors"), load_file(tmp_path / "model.safetensors")
    assert set(ours) == set(saved)
    for name in ours:
        np.testing.assert_array_equal(ours[name], saved[name], err_msg=name)
    inputs = encode_texts(tmp_path, TEXTS)
    for found, expected in zip(inputs, encode_texts(folder, TEXTS), strict=True):
        np.testing.assert_array_equal(found, expected)
    again = transformers.AutoModel.from_pretrained(tmp_path)
    assert torch.equal(run_torch(again, *inputs).pooler_output, run_torch(model, *inputs).pooler_output)


def test_sentence_transformer_saves_and_loads_again_and_keeps_the_lineage(
    folder: Path, tmp_path: Path
) -> None:
    lineage = Lineage((Ancestor("labse", None, 900, 7000),), "float16")
    folder = shutil.copytree(folder, tmp_path / "ours")
    write_lineage(lineage, folder)
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    model.save_pretrained(str(tmp_path / "saved"))
    again = sentence_transformers.SentenceTransformer(str(tmp_path / "saved"), device="cpu")
    np.testing.assert_array_equal(again.encode(TEXTS), model.encode(TEXTS))
    assert read_lineage(tmp_path / "saved") == lineage


@dataclass(frozen=True)
class Original:
    """The small original in LaBSE's format, loaded, and the Hugging Face folder written from its tensors."""

    encoder: Callable[[Mapping[str, Any]], dict[str, Any]]
    preprocess: Any
    folder: Path
    tatoeba: Path

    def lines(self, pair: str, language: str) -> list[str]:
        text = (self.tatoeba / f"tatoeba.{pair}.{language}").read_bytes().decode("utf-8")
        return text.removesuffix("\n").split("\n")


@pytest.fixture(scope="module")
def original(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Original:
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 - registers the preprocessor's operations
    from tensorflow.core.protobuf.trackable_object_graph_pb2 import TrackableObjectGraph

    source = shared / "labse_format"
    checkpoint = tf.train.load_checkpoint(str(source / "encoder/variables/variables"))
    graph = TrackableObjectGraph.FromString(checkpoint.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH"))
    keys = {value.full_name: value.checkpoint_key for node in graph.nodes for value in node.attributes}
    shapes = checkpoint.get_variable_to_shape_map()
    config = infer_config({name: tuple(shapes[key]) for name, key in keys.items()}, "labse_format")
    pieces = read_pieces(source / "encoder/assets/cased_vocab.txt")
    folder = tmp_path_factory.mktemp("labse_format") / "huggingface"
    write_huggingface(
        folder, config, lambda name: checkpoint.get_tensor(keys[name]), pieces, False, sequence_length=128
    )
    return Original(
        encoder=tf.saved_model.load(str(source / "encoder")),
        preprocess=tf.saved_model.load(str(source / "preprocess")),
        folder=folder,
        tatoeba=shared / "tatoeba/v1",
    )


def some_lines(original: Original) -> list[str]:
    """Lines in many scripts that both tokenizers read alike, the longest of each language among them."""
    texts = []
    for language in ("ara", "ita", "kor", "pol", "rus", "spa", "tur"):
        lines = original.lines(f"{language}-eng", language)
        texts += [*lines[:5], max(lines, key=len)]
    return texts


def test_pooler_output_and_sequence_output_equal_the_savedmodel(original: Original) -> None:
    inputs = original.preprocess(some_lines(original))
    expected = original.encoder(inputs)
    ids, mask, types = (inputs[name].numpy() for name in INPUTS)
    for name in ("AutoModel", "BertModel"):
        found = run_torch(getattr(transformers, name).from_pretrained(original.folder), ids, mask, types)
        assert np.abs(found.pooler_output.numpy() - expected["pooled_output"].numpy()).max() < TOLERANCE
        distance = np.abs(found.last_hidden_state.numpy() - expected["sequence_output"].numpy())
        assert distance[mask == 1].max() < TOLERANCE


def test_sentence_transformer_equals_the_normalized_savedmodel_from_text_on(original: Original) -> None:
    texts = some_lines(original)
    model = sentence_transformers.SentenceTransformer(str(original.folder), device="cpu")
    expected = unit_length(original.encoder(original.preprocess(texts))["pooled_output"].numpy())
    assert np.abs(model.encode(texts) - expected).max() < TOLERANCE
    similarity = model.similarity(model.encode(texts[:3]), model.encode(texts[3:5])).numpy()
    assert np.abs(similarity - expected[:3] @ expected[3:5].T).max() < TOLERANCE


def test_exact_gelu_would_drift(original: Original) -> None:
    inputs = original.preprocess(some_lines(original))
    expected = original.encoder(inputs)["pooled_output"].numpy()
    exact = transformers.AutoModel.from_pretrained(original.folder, hidden_act="gelu")
    found = run_torch(exact, *(inputs[name].numpy() for name in INPUTS))
    assert np.abs(found.pooler_output.numpy() - expected).max() > 50 * TOLERANCE


@pytest.mark.parametrize(
    ("language", "differing"),
    [
        *[("ara", 0), ("ita", 0), ("kor", 0), ("nld", 0), ("pol", 0), ("por", 0), ("rus", 0), ("spa", 0)],
        *[("tur", 0), ("eng", 0), ("cmn", 1), ("deu", 6), ("jpn", 7), ("fra", 99), ("tha", 89)],
    ],
)
def test_ids_differ_from_the_preprocessor_in_these_many_lines(
    original: Original, language: str, differing: int
) -> None:
    lines = original.lines("fra-eng" if language == "eng" else f"{language}-eng", language)
    tokenizer = transformers.AutoTokenizer.from_pretrained(original.folder)
    expected = original.preprocess.tokenize(lines).merge_dims(1, 2).to_list()
    found = tokenizer(lines, add_special_tokens=False, verbose=False).input_ids
    apart = [line for line, ours, theirs in zip(lines, found, expected, strict=True) if ours != theirs]
    assert len(apart) == differing
    for line in apart:
        assert holds_an_odd_space(line) or holds_a_long_word(line), line


def holds_an_odd_space(line: str) -> bool:
    """A space that tf-text takes for a letter: no-break, narrow no-break, ideographic."""
    return re.search("[\u00a0\u202f\u3000]", line) is not None


def holds_a_long_word(line: str) -> bool:
    """A word that tf-text finds too long, as it counts bytes, and Hugging Face does not."""
    return any(len(word.encode("utf-8")) > 100 for word in line.split(" "))


def test_packed_ids_equal_the_preprocessor_s_truncated_or_not(original: Original) -> None:
    texts = [*some_lines(original), " ".join(some_lines(original)), "a " * 126, "a " * 127, ""]
    expected = original.preprocess(texts)["input_word_ids"].numpy()
    tokenizer = transformers.AutoTokenizer.from_pretrained(original.folder)
    found = tokenizer(texts, truncation=True, padding="max_length", return_tensors="np")
    np.testing.assert_array_equal(found["input_ids"], expected)
    assert (expected[-4] != 0).all(), "this text was meant to be longer than the sequence"


def test_sentence_transformer_cuts_long_text_where_the_preprocessor_does(original: Original) -> None:
    long = " ".join(some_lines(original))
    expected = unit_length(original.encoder(original.preprocess([long]))["pooled_output"].numpy())
    model = sentence_transformers.SentenceTransformer(str(original.folder), device="cpu")
    assert np.abs(model.encode([long]) - expected).max() < TOLERANCE
    model.max_seq_length = 256
    assert np.abs(model.encode([long]) - expected).max() > 100 * TOLERANCE


def test_vocab_txt_alone_gives_labse_s_pieces_their_ids(original: Original, tmp_path: Path) -> None:
    for file in ("vocab.txt", "tokenizer_config.json", "config.json"):
        shutil.copy(original.folder / file, tmp_path)
    tokenizer = transformers.BertTokenizerFast.from_pretrained(tmp_path)
    expected = transformers.AutoTokenizer.from_pretrained(original.folder).get_vocab()
    assert "##\u00a0a" in expected
    assert tokenizer.get_vocab() == expected
