from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from smaller_labse.common.errors import SmallerLabseError, UsageError
from smaller_labse.corpora.text_files import read_sentences
from smaller_labse.encoders.networks.tensorflow_network import TensorFlowNetwork
from smaller_labse.evaluate import SentenceEncoder, load
from smaller_labse.originals.tfhub import find_vocabulary

TEXTS = ["good morning", "", "the red houses.", "night", "a b c d e f g h i j k l m n o p q", "猫 night", "Ω"]


@lru_cache
def load_plainly(folder: Path):
    import tensorflow as tf

    return [tf.saved_model.load(str(folder / part)) for part in ("preprocess", "encoder")]


def plain(folder: Path, texts: list[str], length: int | None = None) -> np.ndarray:
    """The way TF Hub's page shows it: everything padded to one length, in one batch of 64 after another."""
    import tensorflow as tf

    preprocess, encoder = load_plainly(folder)

    def pack(batch: list[str]) -> dict[str, tf.Tensor]:
        if length is None:
            return preprocess(tf.constant(batch))
        return preprocess.bert_pack_inputs(
            [preprocess.tokenize(tf.constant(batch))], seq_length=tf.constant(length)
        )

    batches = [texts[start : start + 64] for start in range(0, len(texts), 64)]
    return np.concatenate([encoder(pack(batch), training=False)["default"].numpy() for batch in batches])


@pytest.fixture(scope="module")
def encoder(original: Path):
    return load(original)


def test_importing_the_package_imports_no_tensorflow():
    code = "import sys, smaller_labse.evaluate; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_embeddings_equal_the_plain_way(encoder, original):
    embeddings = encoder.encode(TEXTS)
    assert embeddings.dtype == np.float32
    assert embeddings.shape == (len(TEXTS), encoder.embedding_size)
    np.testing.assert_allclose(embeddings, plain(original, TEXTS), rtol=0, atol=1e-5)


def test_max_length_cuts_where_the_packer_does(encoder, original):
    for length in (3, 5, 32):
        embeddings = encoder.encode(TEXTS, max_length=length)
        np.testing.assert_allclose(embeddings, plain(original, TEXTS, length), rtol=0, atol=1e-5)
    assert np.abs(encoder.encode(TEXTS[4:5], max_length=32) - encoder.encode(TEXTS[4:5])).max() > 1e-3


def test_real_sentences_equal_the_plain_way(shared):
    data = shared / "tatoeba" / "v1"
    texts = [
        line
        for iso3 in ("fra", "tha", "cmn")
        for line in read_sentences(data / f"tatoeba.{iso3}-eng.{iso3}")[::4]
    ]
    texts += [" ".join(texts[:60]), ""]
    embeddings = load(shared / "labse_format").encode(texts)
    np.testing.assert_allclose(embeddings, plain(shared / "labse_format", texts), rtol=0, atol=1e-5)


def test_results_come_in_the_order_of_the_texts_through_many_chunks(encoder, monkeypatch):
    expected = np.concatenate([encoder.encode([text]) for text in TEXTS])
    monkeypatch.setattr("smaller_labse.encoders.sentence_encoder.TEXTS_AT_A_TIME", 3)
    monkeypatch.setattr("smaller_labse.encoders.sentence_encoder.TOKENS_AT_A_TIME", 8)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, rtol=0, atol=1e-5)


def test_equal_texts_get_equal_embeddings_to_the_bit(encoder):
    done: list[int] = []
    texts = ["night", "the red house", "night", "a b c d e f", "night"]
    embeddings = encoder.encode(texts, advance=done.append)
    assert done == [3, 2]  # the repeated ones are copied, for another batch might round them differently
    assert np.array_equal(embeddings[0], embeddings[2])
    assert np.array_equal(embeddings[0], embeddings[4])
    assert not np.array_equal(embeddings[0], embeddings[1])


def test_normalized_embeddings_have_length_1_and_the_same_direction(encoder):
    plain, normalized = encoder.encode(TEXTS), encoder.encode(TEXTS, normalize=True)
    np.testing.assert_allclose(np.linalg.norm(normalized, axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(normalized * np.linalg.norm(plain, axis=1, keepdims=True), plain, atol=1e-5)


def test_no_texts_give_no_rows(encoder):
    assert encoder.encode([]).shape == (0, encoder.embedding_size)


def test_progress_counts_every_text_once(encoder):
    done: list[int] = []
    encoder.encode([*TEXTS, *TEXTS], advance=done.append)
    assert sum(done) == 2 * len(TEXTS)


def test_every_shape_of_input_runs_the_same_graph(encoder):
    """A loaded SavedModel is traced anew for each shape: 0.2 s and some memory each time."""
    for count in range(1, 9):
        encoder.encode(["a " * count] * count)
    assert encoder._network._embed.experimental_get_tracing_count() == 1
    assert encoder._network._tokenize.experimental_get_tracing_count() == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("one text", "one text given"),
        (["fine", 3], "text 1 is of the type int"),
        (["fine", None], "text 1 is of the type NoneType"),
        ([b"bytes"], "text 0 is of the type bytes"),
        (["half \ud800"], "surrogate"),
    ],
)
def test_what_is_no_list_of_strings_is_refused(encoder, texts, message):
    with pytest.raises(UsageError, match=message):
        encoder.encode(texts)


@pytest.mark.parametrize("batch_size", [1, 2, 3, 1000])
def test_the_batch_size_changes_no_vector(encoder, batch_size):
    expected = encoder.encode(TEXTS)
    difference = np.abs(encoder.encode(TEXTS, batch_size=batch_size) - expected).max(axis=1)
    assert (difference / np.linalg.norm(expected, axis=1) <= 1e-6).all()
    parts = encoder.encode_parts(TEXTS, batch_size=batch_size)
    np.testing.assert_array_equal(np.concatenate(list(parts)), encoder.encode(TEXTS, batch_size=batch_size))


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, "x", True])
def test_a_batch_size_that_is_no_positive_integer_is_refused(encoder, batch_size):
    with pytest.raises(UsageError, match="batch_size: expected a positive integer"):
        encoder.encode(TEXTS, batch_size=batch_size)


@pytest.mark.parametrize("length", [0, 2, 33])
def test_a_length_beyond_the_positions_is_refused(encoder, length):
    with pytest.raises(UsageError, match="not between 3 and 32"):
        encoder.encode(["night"], max_length=length)


def test_tokenize_gives_whole_texts_without_special_pieces(encoder):
    pieces = [[encoder.pieces[number] for number in ids] for ids in encoder.tokenize(TEXTS)]
    assert pieces[:4] == [["good", "morning"], [], ["the", "red", "house", "##s", "."], ["ni", "##ght"]]
    assert len(pieces[4]) == 17
    assert pieces[5:] == [["猫", "ni", "##ght"], ["[UNK]"]]
    assert encoder.tokenize([]) == []


@pytest.mark.parametrize("lower_case", [False, True])
def test_an_encoder_alone_gets_the_preprocessor_that_its_vocabulary_needs(write_model, tmp_path, lower_case):
    folder = write_model(tmp_path / "alone", lower_case=lower_case, preprocessor=False)
    encoder = load(folder / "encoder")
    assert encoder.sequence_length == 32  # LaBSE's 128, but no more than there are positions
    upper, lower = encoder.tokenize(["GOOD", "good"])
    assert np.array_equal(upper, lower) == lower_case


def test_a_preprocessor_of_another_model_is_refused(original, smaller):
    with pytest.raises(SmallerLabseError, match="vocabulary is not that of the encoder"):
        load(original, smaller / "preprocess")
    with pytest.raises(SmallerLabseError, match="embedding matrix has only"):
        load(smaller / "encoder", original / "preprocess")


def test_a_preprocessor_is_no_encoder(original):
    with pytest.raises(SmallerLabseError, match="expected an encoder in LaBSE's TF Hub format"):
        load(original / "preprocess")


def test_an_encoder_is_no_preprocessor(original):
    with pytest.raises(SmallerLabseError, match="not an encoder and a preprocessor"):
        load(original / "encoder", original / "encoder")


def test_a_preprocessor_that_packs_more_than_the_positions_is_refused(original):
    import tensorflow as tf

    from smaller_labse.encoders.preprocessors.bert_preprocessor import BertPreprocessor

    encoder = tf.saved_model.load(str(original / "encoder"))
    preprocess = BertPreprocessor(find_vocabulary(original / "encoder"), False, 40)
    with pytest.raises(SmallerLabseError, match="packs 40 tokens, but the encoder has only 32 positions"):
        TensorFlowNetwork("long", preprocess, encoder, ["[PAD]"])


def test_damaged_weights_are_noticed(original):
    import tensorflow as tf

    preprocess, encoder = (tf.saved_model.load(str(original / part)) for part in ("preprocess", "encoder"))
    encoder.variables[-2].assign(np.full(encoder.variables[-2].shape, np.nan))
    with pytest.raises(SmallerLabseError, match="damaged: the embedding of 'night' holds NaN or infinity"):
        network = TensorFlowNetwork("damaged", preprocess, encoder, ["[PAD]"])
        SentenceEncoder("damaged", network).encode(["night"])
