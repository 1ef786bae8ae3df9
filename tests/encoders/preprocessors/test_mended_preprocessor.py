"""The mended preprocessor: in TensorFlow, in compiled loops and in `tokenizer.json`, every text is read alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from smaller_labse.encoders.preprocessors.mended_preprocessor import MendedPreprocessor
from smaller_labse.originals.tokenizers.compiled.mended_words import LONGEST_PART, reads_alike
from smaller_labse.originals.tokenizers.huggingface_wordpiece import mended_tokenizer_json
from smaller_labse.originals.tokenizers.vocabulary import write_pieces
from smaller_labse.originals.tokenizers.wordpiece import MendedWordPiece, WordPiece

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PIECES = [
    *SPECIAL,
    "a",
    "b",
    "##a",
    "##b",
    "ami",
    "!",
    "[",
    "]",
    "MASK",
    "ส",
    "##ส",
    "漢",
    "##a\u00a0",
    "aaa",
]

Tokenize = Callable[[list[str]], tuple[np.ndarray, np.ndarray]]


def all_three(vocabulary: Path) -> tuple[Tokenize, Tokenize, Tokenize]:
    """Texts [n] → their token ids, one after the other, and how many each has: as users of each form get."""
    compiled = MendedWordPiece(vocabulary)
    huggingface = Tokenizer.from_str(mended_tokenizer_json(compiled.pieces))
    graph = MendedPreprocessor(vocabulary)

    def by_graph(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        ids = graph.tokenize(tf.constant(texts, tf.string)).merge_dims(1, 2)
        return ids.flat_values.numpy(), ids.row_lengths().numpy()

    def by_tokenizers(texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
        encoded = huggingface.encode_batch_fast(texts, add_special_tokens=False)
        lengths = np.array([len(one) for one in encoded], np.int64)
        return np.array([token for one in encoded for token in one.ids], np.int32), lengths

    return compiled.tokenize, by_graph, by_tokenizers


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("vocabulary") / "vocab.txt"
    write_pieces(PIECES, file)
    return file


@pytest.fixture(scope="module")
def forms(vocabulary) -> tuple[Tokenize, Tokenize, Tokenize]:
    return all_three(vocabulary)


def require_alike(forms: tuple[Tokenize, Tokenize, Tokenize], texts: list[str]) -> None:
    expected = forms[0](texts)
    for tokenize in forms[1:]:
        for found, wanted in zip(tokenize(texts), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


def test_every_code_point_is_read_alike_alone_between_letters_beside_spaces_and_doubled(forms):
    # Of what is empty or private some; `benchmarks/preprocessors.py` takes all.
    blocks = [range(0xD800), range(0xE000, 0x20000), range(0x2A6D0, 0x2FA20), range(0xE0000, 0xE0200)]
    points = [point for block in blocks for point in block]
    points += [*range(0x20000, 0x110000, 0x1FF), 0xFFFFE, 0x10FFFF]
    words = [f"{c} a{c}b {c}{c}" for c in map(chr, points)]
    require_alike(forms, [" ".join(words[at : at + 512]) for at in range(0, len(words), 512)])


PECULIAR = (
    "\u00a0\u202f\u2028\u3000\u200b\u200d\ufeff\ufffd\ue000\x00\x07\x7f\x85\t\r\n\u00ad\u0301👩🏽‍💻ﬁİß漢。[]#"
)
TEXTS = st.lists(
    st.text(max_size=12)
    | st.text(st.sampled_from(PECULIAR + "ab "), max_size=12)
    | st.sampled_from(["ami\u00a0!", "ส" * 101, "b" * 100, "[MASK]", "[CLS]", "##a"]),
    max_size=5,
).map("".join)


@settings(max_examples=30)  # each of many texts, as a call of the graph takes longer than a text
@given(st.lists(TEXTS, min_size=1, max_size=20))
@example(["", " ", "\x00"])
@example(["a\u200b" * 600, "\U0010ffff" * 600, "ab" * 256 + "\u00ad", "a" * 1025, "[MA\u200dSK]"])
def test_every_drawn_text_is_read_alike(forms, texts):
    require_alike(forms, texts)


def test_every_line_of_tatoeba_is_read_alike(shared):
    lines = []
    for file in sorted((shared / "tatoeba" / "v1").iterdir()):
        lines += file.read_bytes().decode("utf-8").removesuffix("\n").split("\n")
    assert len(lines) == 27_096
    require_alike(all_three(shared / "labse_format" / "encoder" / "assets" / "cased_vocab.txt"), lines)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ami\u00a0!", ["ami", "!"]),
        ("a\u202fb\u2028a\u3000b", ["a", "b", "a", "b"]),
        ("a\u200db\x07", ["a", "##b"]),
        ("ส" * 34, ["ส", *["##ส"] * 33]),
        ("a漢b", ["a", "漢", "b"]),
        ("[MASK]", ["[", "MASK", "]"]),
        ("b" * (LONGEST_PART + 2), ["b", *["##b"] * (LONGEST_PART - 1), "b", "##b"]),
    ],
)
def test_nothing_is_lost(forms, text, expected):
    ids, _ = forms[0]([text])
    assert [PIECES[token_id] for token_id in ids] == expected


@given(TEXTS)
@settings(max_examples=100)
def test_what_reads_alike_does(vocabulary, text):
    faithful, mended = WordPiece(vocabulary), MendedWordPiece(vocabulary)
    if reads_alike(text, WordPiece.longest_word):
        assert faithful.tokenize([text])[0].tolist() == mended.tokenize([text])[0].tolist()


def test_the_two_have_fingerprints_of_their_own(vocabulary):
    faithful, mended = WordPiece(vocabulary), MendedWordPiece(vocabulary)
    assert len({faithful.fingerprint, mended.fingerprint}) == 2
    assert (faithful.preprocessor, mended.preprocessor) == ("faithful", "mended")


def test_bytes_that_are_no_utf_8_are_left_out(vocabulary):
    ids = MendedPreprocessor(vocabulary).tokenize(tf.constant([b"a\xff\xfeb", b"\xe4\xb8", b"a \xc3( b"]))
    assert [[[PIECES[token] for token in word] for word in text] for text in ids.to_list()] == [
        [["a", "##b"]],
        [],
        [["a"], ["[UNK]"], ["b"]],
    ]
