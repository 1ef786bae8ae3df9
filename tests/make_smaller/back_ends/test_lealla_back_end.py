"""LEALLA trimmed: the same embeddings, by every way in which it is called; trimmed again; loaded."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import smaller_labse
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.lealla.huggingface_folder import write_lealla_huggingface
from smaller_labse.encoders.lealla.weights import read_weights
from smaller_labse.make_smaller.back_ends.back_end import Options
from smaller_labse.make_smaller.back_ends.lealla_back_end import LEALLABackEnd
from smaller_labse.make_smaller.onnx.files import write_onnx_files
from smaller_labse.originals.onnx_formats import FORMATS
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer
from smaller_labse.select_vocab.choosing.file_sizes import file_size
from smaller_labse.select_vocab.selection import Selection

TEXTS = [
    *(text for code in ("en", "fr", "ja", "th") for text in builtin_sentences()[code]),
    "2 3 ami\u00a0! 猫が、カナ😀 ¡x! a\tb ##1 1 . 2",
    "a, " * 200,
    "",
]


class Trimmed(NamedTuple):
    """An original, the tokens of it that were kept, and the model of these."""

    original: Path
    selection: Selection
    model: Path


@pytest.fixture(scope="module")
def trimmed(shared, tmp_path_factory) -> Trimmed:
    original, folder = shared / "lealla_format", tmp_path_factory.mktemp("lealla")
    (folder / "text.txt").write_text("".join(f"{text}\n" for text in TEXTS), encoding="utf-8")
    counts = smaller_labse.count(
        original, text={"en": folder / "text.txt"}, longer_than=0, out=folder / "counts"
    )
    selection = smaller_labse.select(original, counts, coverage="1", out=folder / "selection")
    model = smaller_labse.make_smaller(original, selection, out=folder / "model", license="apache-2.0")
    assert model.verification.embedded == 32 and model.verification.largest_difference <= 1e-5
    assert model.parameters == model.original_parameters - (15_020 - len(selection.subset)) * 64
    return Trimmed(original, selection, model.folder)


@pytest.fixture(scope="module")
def expected(trimmed) -> np.ndarray:
    """What the original's own graph says of TEXTS."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 - registers the graph's operations

    original = tf.saved_model.load(str(trimmed.original / "encoder"))
    return original.signatures["default"](tf.constant(TEXTS))["default"].numpy()


def test_it_is_called_as_lealla_is_and_says_the_same(trimmed, expected):
    """By `hub.load`, by `hub.KerasLayer`, and by its signature; the parts are compared in the verification."""
    import tensorflow as tf
    import tensorflow_hub as hub

    texts = tf.constant(TEXTS)
    model = hub.load(str(trimmed.model / "sentences"))
    signature = model.signatures["default"]
    layer = hub.KerasLayer(model)
    for found in (
        model(texts),
        layer(texts),
        signature(texts)["default"],
        signature(default=texts)["default"],
    ):
        assert np.abs(found.numpy() - expected).max() <= 1e-5
    assert np.abs(np.linalg.norm(expected, axis=1) - 1).max() <= 1e-5


def test_original_and_smaller_model_are_loaded_and_differ_on_lost_tokens_alone(trimmed, expected):
    """`huggingface/` alone, too; and every text's vector is its own."""
    texts = [*TEXTS, "Привет, как дела?"]
    models = (trimmed.original, trimmed.model, trimmed.model / "huggingface")
    encoders = [smaller_labse.load(model) for model in models]
    original, *smaller = (encoder.encode(texts) for encoder in encoders)
    for found in (original, *smaller):
        assert np.abs(found[:-1] - expected).max() <= 1e-5
    for found in smaller:
        assert np.abs(original[-1] - found[-1]).max() > 1e-2
    alone = np.concatenate([encoders[-1].encode([text]) for text in texts])
    assert np.abs(alone - smaller[-1]).max() <= 1e-6


@pytest.mark.interop
def test_the_hugging_face_folder_is_lealla_in_both_libraries(trimmed, expected):
    """By sentence-transformers, and by transformers as the model card says; whatever the token types."""
    torch, transformers, sentence_transformers = (
        pytest.importorskip(library, reason=f"needs {library}, from the extra interop")
        for library in ("torch", "transformers", "sentence_transformers")
    )
    folder = str(trimmed.model / "huggingface")
    model = sentence_transformers.SentenceTransformer(folder, device="cpu")
    assert np.abs(model.encode(TEXTS) - expected).max() <= 1e-5
    assert model.get_embedding_dimension() == expected.shape[1]
    tokenizer, bert = (
        kind.from_pretrained(folder) for kind in (transformers.AutoTokenizer, transformers.AutoModel)
    )
    card = (trimmed.model / "huggingface" / "README.md").read_text(encoding="utf-8")
    snippet = card[card.index("with torch.no_grad():") : card.index("embeddings = torch")]
    given = {"torch": torch, "model": bert}
    for types in (0, 1):
        given["tokenizer"] = lambda texts, **options: {
            **(made := tokenizer(TEXTS, **options)),
            "token_type_ids": torch.full_like(made["input_ids"], types),  # noqa: B023
        }
        exec(snippet, given)
        found = torch.nn.functional.normalize(given["pooled"], dim=1).numpy()
        assert np.abs(found - expected).max() <= 1e-5
    assert type(tokenizer) is not transformers.BertTokenizer


def test_the_hugging_face_folder_s_bytes_depend_on_the_model_alone(trimmed, tmp_path):
    weights = read_weights(open_original(str(trimmed.original)).place.open_checkpoint())
    kept = trimmed.selection.subset.original_ids
    write_lealla_huggingface(
        tmp_path,
        replace(weights.config, vocab_size=len(kept)),
        weights.read,
        trimmed.selection.pieces,
        128,
        embedding_matrix=lambda: [weights.word_embeddings().read_rows(kept)],
    )
    for file in (file for file in tmp_path.rglob("*") if file.is_file() and file.name != "config.json"):
        other = trimmed.model / "huggingface" / file.relative_to(tmp_path)
        assert file.read_bytes() == other.read_bytes(), file


def test_the_hugging_face_folder_alone_is_counted_and_trimmed_as_lealla(trimmed, tmp_path):
    """Its text is split by scripts, so that counts of BERT's tokenizer are none of its own."""
    alone = tmp_path / "alone"
    shutil.copytree(trimmed.model / "huggingface", alone)
    tokenizer = open_original(str(alone)).tokenizer
    again = open_original(str(trimmed.model)).tokenizer
    assert (tokenizer.kind, tokenizer.fingerprint) == (again.kind, again.fingerprint)
    (tmp_path / "text.txt").write_text("".join(f"{text}\n" for text in TEXTS[:9]), encoding="utf-8")
    counts = smaller_labse.count(
        alone, text={"en": tmp_path / "text.txt"}, longer_than=0, out=tmp_path / "counts"
    )
    selection = smaller_labse.select(alone, counts, coverage="1", out=tmp_path / "selection")
    model = smaller_labse.make_smaller(
        alone, selection, out=tmp_path / "model", license="apache-2.0", savedmodel=False
    )
    ids = tokenizer.tokenize(TEXTS[:9])[0]
    smaller = open_original(str(model.folder)).tokenizer
    assert (smaller.kind, smaller.pieces) == ("lealla", selection.pieces)
    assert selection.subset.original_ids[smaller.tokenize(TEXTS[:9])[0]].tolist() == ids.tolist()
    card = (model.folder / "README.md").read_text(encoding="utf-8")
    assert "What Hugging Face's form does otherwise" in card and "sentences/" not in card


def test_a_smaller_one_is_an_original_again_by_its_own_tokenization(trimmed):
    again = open_original(str(trimmed.model))
    assert isinstance(again.tokenizer, LEALLATokenizer)
    assert len(again.tokenizer.pieces) == len(trimmed.selection.subset)
    back_end = LEALLABackEnd(again.place, again.tokenizer, trimmed.selection, Options())
    first = read_weights(open_original(str(trimmed.original)).place.open_checkpoint()).config
    assert back_end.config == replace(first, vocab_size=len(again.tokenizer.pieces))


def test_its_onnx_files_give_its_embeddings(trimmed, tmp_path):
    """Its GELU is computed by four dense layers, as in sentence-transformers."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    texts = [("en", text) for text in TEXTS]
    files = write_onnx_files(
        trimmed.model / "huggingface", list(FORMATS.values()), texts, "", out=tmp_path / "onnx"
    )
    folder = tmp_path / "alone"
    shutil.copytree(trimmed.model / "huggingface", folder)
    shutil.copytree(tmp_path / "onnx", folder / "onnx")
    expected = smaller_labse.load(folder).encode(TEXTS)
    for each in files:
        encoder = smaller_labse.load(folder / each.file)
        found = encoder.encode(TEXTS)
        assert np.abs(found - encoder.encode(TEXTS, batch_size=1)).max() < 1e-6
        if each.format == "float32":
            assert np.abs(found - expected).max() < 1e-5
    original, rows = open_original(str(trimmed.original)), len(trimmed.selection.subset)
    for each in files:
        assert file_size(original, each.format).in_all(rows) == each.bytes
    weights = trimmed.model / "huggingface" / "model.safetensors"
    assert file_size(original, "safetensors").in_all(rows) == weights.stat().st_size
