"""A mended model, the whole way: counted, selected, made, and taken again as a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest

import smaller_labse
from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.encoders.sentence_encoder import SentenceEncoder
from smaller_labse.evaluate.comparison.model_pair import ModelPair
from smaller_labse.evaluate.comparison.parity import Parity, parity_table, preprocessor_of
from smaller_labse.make_smaller.__main__ import main as make_smaller
from smaller_labse.make_smaller.manifest import Verification
from smaller_labse.make_smaller.verify_mended import count_read_alike, require_same_ids
from smaller_labse.originals.locate import locate_encoder
from smaller_labse.originals.open import open_original
from smaller_labse.originals.tfhub import TFHubFolders
from smaller_labse.originals.tokenizers.open_tokenizer import (
    open_huggingface_tokenizer,
    open_tfhub_tokenizer,
)
from smaller_labse.originals.tokenizers.vocabulary import read_pieces
from smaller_labse.originals.weights.allowed_operations import load_saved_model
from smaller_labse.select_vocab.counting.counts_file import read_metadata
from smaller_labse.select_vocab.selection import read_selection

GLUED = ["Guten\u00a0Morgen\u202f!", "สวัสดี" * 40, "a\u200bb [MASK]\x07c", "tab\there"]


class Made(NamedTuple):
    """What the stages wrote."""

    counts: Path
    faithful_counts: Path
    selection: Path
    model: Path
    text: Path


@pytest.fixture(scope="module")
def made(example, tmp_path_factory) -> Made:
    folder = tmp_path_factory.mktemp("mended")
    sentences = [*builtin_sentences()["de"], *builtin_sentences()["th"], *GLUED]
    (folder / "de.txt").write_text("".join(f"{line}\n" for line in sentences), encoding="utf-8")
    for name in ("faithful", "mended"):
        smaller_labse.count(example, text={"de": folder / "de.txt"}, out=folder / name, preprocessor=name)
    smaller_labse.select(example, folder / "mended", out=folder / "selection")
    # An encoder and the original's own preprocessor elsewhere, with a selection that is mended.
    smaller_labse.make_smaller(
        example / "encoder",
        folder / "selection",
        folder / "model",
        preprocessor=example / "preprocess",
        license="mit",
    )
    return Made(*(folder / name for name in ("mended", "faithful", "selection", "model", "de.txt")))


@pytest.fixture(scope="module")
def whole(made) -> SentenceEncoder:
    return smaller_labse.load(made.model)


def test_every_stage_says_that_it_is_mended(made):
    assert read_metadata(made.counts / "de.parquet")["preprocessor"] == "mended"
    assert "preprocessor" not in read_metadata(made.faithful_counts / "de.parquet")
    assert read_selection(made.selection).preprocessor == "mended"
    manifest = json.loads((made.model / "manifest.json").read_text())
    assert manifest["preprocessor"] == "mended"
    assert 32 <= manifest["proof"]["read_alike"] < manifest["proof"]["texts"]
    for card in (made.model / "README.md", made.model / "huggingface" / "README.md"):
        assert "preprocessor is mended" in card.read_text(encoding="utf-8")
    assert "reads" in Verification(1, 64, 40, 32, 0.0, read_alike=60).summary


@pytest.mark.parametrize("part", ["encoder", "huggingface", "original"])
def test_all_of_its_parts_read_every_text_alike(made, whole, example, part):
    """So does the original where it is mended: all tokens of these texts were counted, so all are kept."""
    if part == "original":
        other = smaller_labse.load(example, "mended")
    else:
        other = smaller_labse.load(made.model / part)
    vectors = other.encode(GLUED, normalize=True)
    np.testing.assert_allclose(vectors, whole.encode(GLUED, normalize=True), atol=1e-5)
    for ours, theirs in zip(whole.tokenize(GLUED), other.tokenize(GLUED), strict=True):
        assert [whole.pieces[one] for one in ours] == [other.pieces[one] for one in theirs]
    assert whole.pieces.index("[UNK]") not in whole.tokenize(GLUED)[1]


def test_its_preprocessor_is_harmless_and_used_as_the_originals_is(made, whole):
    import tensorflow as tf

    preprocess = load_saved_model(made.model / "preprocess")
    words = preprocess.tokenize(tf.constant(GLUED))
    assert [text.tolist() for text in words.merge_dims(1, 2).numpy()] == [
        ids.tolist() for ids in whole.tokenize(GLUED)
    ]
    packed = preprocess.bert_pack_inputs([words, words], seq_length=tf.constant(9))
    assert packed["input_word_ids"].shape == (len(GLUED), 9) and packed["input_type_ids"].numpy().any()
    signature = preprocess.signatures["serving_default"](sentences=tf.constant(GLUED))
    for name, values in preprocess(tf.constant(GLUED)).items():
        np.testing.assert_array_equal(signature[name], values)


@pytest.mark.parametrize("part", ["", "huggingface"])
def test_it_is_an_original_that_is_mended(made, part, tmp_path):
    model = tmp_path / "model"
    shutil.copytree(made.model / part, model)
    tokenizer = open_original(str(model)).tokenizer
    assert tokenizer.preprocessor == "mended"
    expected, _ = open_original(str(made.model)).tokenizer.tokenize(GLUED)
    assert tokenizer.tokenize(GLUED)[0].tolist() == expected.tolist()
    assert tokenizer.fingerprint == open_original(str(made.model)).tokenizer.fingerprint
    counts = smaller_labse.count(model, text={"de": made.text}, out=tmp_path / "counts")
    selection = smaller_labse.select(model, counts, out=tmp_path / "selection", top_k=40)
    assert selection.preprocessor == "mended"
    if part:  # the smaller tokenizer is there, and mended
        size = len(selection.pieces)
        assert open_huggingface_tokenizer(tmp_path / "selection", size).preprocessor == "mended"
        return
    again = smaller_labse.make_smaller(model, selection, tmp_path / "again", license="mit")
    manifest = json.loads((again.folder / "manifest.json").read_text())
    assert (manifest["preprocessor"], manifest["proof"]["read_alike"]) == ("mended", None)
    assert open_original(str(again.folder)).tokenizer.preprocessor == "mended"


def test_it_is_compared_with_its_faithful_original(made, whole, example):
    lines = made.text.read_text(encoding="utf-8").splitlines()
    pair = ModelPair(smaller_labse.load(example), whole)
    part = pair.compare("de", lines, lambda amount: None)
    assert part.largest_difference <= 1e-5 and 0 < part.unchanged < part.texts
    places = [locate_encoder(str(folder)) for folder in (example, made.model, made.model / "huggingface")]
    assert [preprocessor_of(place) for place in places] == ["faithful", "mended", "mended"]
    assert preprocessor_of(locate_encoder(str(example), "mended")) == "mended"
    result = Parity("original", "model", (part,), part, preprocessors=("faithful", "mended"))
    assert "by its faithful preprocessor, the model's by the mended one" in " ".join(
        parity_table(result).notes
    )


def test_counts_of_one_are_refused_by_the_other(made, example, tmp_path, run):
    for counts, name, other in (
        (made.faithful_counts, "faithful", "mended"),
        (made.counts, "mended", "faithful"),
    ):
        arguments = ["--model", example, "--counts", counts, "--out", tmp_path / "out"]
        ended = run("select", *arguments, "--preprocessor", other)
        assert ended.code == 1 and ended.error.count("\n") == 1
        assert f"counted with the preprocessor {name}, expected {other}" in ended.error
        text = ["--text", f"de={made.text}", "--out", counts]
        ended = run("count", "--model", example, *text, "--preprocessor", other)
        assert ended.code == 1 and f"another preprocessor ({name}, now {other})" in ended.error
    ended = run("merge", "--model", example, *made.counts.iterdir(), "--out", tmp_path / "merged.parquet")
    assert ended.code == 0 and read_metadata(tmp_path / "merged.parquet")["preprocessor"] == "mended"


@pytest.mark.parametrize(
    ("model", "preprocessor", "message"),
    [
        ("mended", "faithful", "preprocessor is mended already"),
        ("huggingface", "mended", "is a Hugging Face model, which has its own tokenizer; leave it out"),
        ("name/of-a-hub-id", "mended", "is a Hugging Face model"),
        ("original", "mende", "expected faithful or mended, got 'mende'"),
    ],
)
def test_a_preprocessor_that_a_model_cannot_have_is_wrong_usage(
    made, example, model, preprocessor, message, tmp_path
):
    folders = {"mended": made.model, "huggingface": made.model / "huggingface", "original": example}
    with pytest.raises(UsageError, match=message):
        smaller_labse.count(
            folders.get(model, model),
            text={"de": made.text},
            out=tmp_path / "counts",
            preprocessor=preprocessor,
        )


def test_lealla_is_not_mended(shared):
    with pytest.raises(UsageError, match="tokenizes by itself; leave it out"):
        open_original(str(shared / "lealla_format"), "mended")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [({"lower_case": True}, "its vocabulary is lower-case"), ({"splits_by_script": True}, "LEALLA has")],
)
def test_other_vocabularies_of_that_format_are_not_mended(attributes, message):
    checkpoint = SimpleNamespace(
        **{"lower_case": False, "splits_by_script": False, "mended": False, **attributes}
    )
    with pytest.raises(UsageError, match=message):
        open_tfhub_tokenizer(TFHubFolders("name", Path("encoder"), None, "mended"), checkpoint)


def test_make_smaller_refuses_the_other_one(made, example, tmp_path, capsys):
    arguments = ["--model", str(example), "--selection", str(made.selection), "--out", str(tmp_path / "out")]
    assert make_smaller([*arguments, "--preprocessor", "faithful"]) == 1
    assert "selected for the preprocessor mended, expected faithful" in capsys.readouterr().err
    assert make_smaller([*arguments, "--preprocessor", "mende"]) == 1
    assert "mende: no such folder; give faithful, mended, or" in capsys.readouterr().err


def test_what_verifies_it_refuses_what_is_read_otherwise(made):
    inputs = {"input_word_ids": np.array([[2, 5, 3]]), "input_mask": np.array([[1, 1, 1]])}
    others = {**inputs, "input_word_ids": np.array([[2, 6, 3]])}
    assert count_read_alike(inputs, others, ["no-break\u00a0space"]) == 0
    with pytest.raises(SmallerLabseError, match="reads 'ordinary' otherwise than BertTokenizer"):
        count_read_alike(inputs, others, ["ordinary"])
    pieces = read_pieces(made.model / "huggingface" / "vocab.txt")
    assert pieces[5] != "Morgen"
    with pytest.raises(SmallerLabseError, match="reads 'Morgen' otherwise than preprocess/"):
        require_same_ids(made.model / "huggingface", inputs, ["Morgen"])


def test_transformers_reads_every_text_as_preprocess_does_and_so_do_folders_that_it_saves(
    made, whole, tmp_path
):
    transformers = pytest.importorskip("transformers", reason="needs transformers, from the extra interop")
    expected = [ids.tolist() for ids in whole.tokenize(GLUED)]
    tokenizer = transformers.AutoTokenizer.from_pretrained(made.model / "huggingface")
    tokenizer.save_pretrained(tmp_path)
    again = transformers.AutoTokenizer.from_pretrained(tmp_path)
    for one in (tokenizer, again):
        assert one(GLUED, add_special_tokens=False).input_ids == expected
        assert one("a", "b").token_type_ids[-1] == 1 and one.pad_token == "[PAD]"
    ours = open_huggingface_tokenizer(tmp_path, len(tokenizer))
    ids, lengths = ours.tokenize(GLUED)
    assert ours.preprocessor == "mended"
    assert [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])] == expected
