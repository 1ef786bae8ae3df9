"""What a tokenizer writes for tf-text gives the tokens that the tokenizer itself gives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_text
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.originals.tokenizers.base import BertTokenizerSetup, SentencePieceSetup, Tokenizer
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.tokenizers.vocabulary import read_pieces, write_pieces
from smaller_labse.originals.tokenizers.wordpiece import WordPiece

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ab", "##c", "A"]


@pytest.fixture
def original(tmp_path) -> Path:
    folder = tmp_path / "original"
    folder.mkdir()
    return folder


def wordpiece(folder: Path, lower_case: bool) -> Tokenizer:
    write_pieces(PIECES, folder / "cased_vocab.txt")
    return WordPiece(folder / "cased_vocab.txt", lower_case)


def huggingface_wordpiece(folder: Path, lower_case: bool) -> Tokenizer:
    write_pieces(PIECES, folder / "vocab.txt")
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": lower_case}))
    return open_huggingface_tokenizer(folder, vocab_size=len(PIECES))


def unigram(folder: Path, begin: str = "<s>") -> Tokenizer:
    """XLM-R's layout, in which a token's id is not the SentencePiece id."""
    kinds = ModelProto.SentencePiece
    model = ModelProto()
    special = [("<unk>", kinds.UNKNOWN), (begin, kinds.CONTROL), ("</s>", kinds.CONTROL)]
    for piece, kind in special:
        model.pieces.add(piece=piece, type=kind)
    for piece, score in (("▁", -3.0), ("a", -2.0), ("▁ab", -1.0), ("b", -2.5)):
        model.pieces.add(piece=piece, score=score)
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    (folder / "sentencepiece.bpe.model").write_bytes(model.SerializeToString())
    (folder / "config.json").write_text(json.dumps({"model_type": "xlm-roberta"}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"bos_token": begin}))
    return open_huggingface_tokenizer(folder, vocab_size=20)


@pytest.mark.parametrize("lower_case", [True, False])
@pytest.mark.parametrize("open_it", [wordpiece, huggingface_wordpiece])
def test_wordpiece_is_a_vocabulary_file_and_whether_to_lower_case(original, tmp_path, open_it, lower_case):
    setup = open_it(original, lower_case).write_for_tensorflow(tmp_path)
    assert setup == BertTokenizerSetup(tmp_path / "vocab.txt", lower_case)
    assert read_pieces(setup.file) == PIECES


def test_unigram_is_a_sentencepiece_model_and_the_token_ids_of_its_pieces(original, tmp_path):
    tokenizer = unigram(original)
    setup = tokenizer.write_for_tensorflow(tmp_path)
    assert isinstance(setup, SentencePieceSetup)
    by_tf_text = tensorflow_text.SentencepieceTokenizer(setup.file.read_bytes())
    for text in ("ab", "ab aab", "ab x", ""):
        found = setup.token_ids[by_tf_text.tokenize(tf.constant([text])).flat_values.numpy()]
        assert found.tolist() == tokenizer.tokenize([text])[0].tolist()
    ids = (setup.start_id, setup.end_id, setup.padding_id)
    assert [tokenizer.pieces[token_id] for token_id in ids] == ["<s>", "</s>", "<pad>"]
    assert setup.token_ids.dtype == np.int32
    assert read_pieces(setup.vocabulary) == tokenizer.pieces


def test_unigram_without_xlm_robertas_special_tokens_is_refused(original, tmp_path):
    with pytest.raises(SmallerLabseError, match="no piece <s>, which XLM-R's tokenizers have"):
        unigram(original, begin="<begin>").write_for_tensorflow(tmp_path)


def test_bpe_is_refused(original, tmp_path):
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
    (original / "tokenizer.json").write_text(json.dumps({"version": "1.0", "model": model}))
    tokenizer = open_huggingface_tokenizer(original, vocab_size=3)
    with pytest.raises(SmallerLabseError, match="tf-text has no tokenizer for bpe; add --no-savedmodel"):
        tokenizer.write_for_tensorflow(tmp_path)
