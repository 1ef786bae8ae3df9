"""LEALLA's tokenizer: the same ids as its own graph, on real and on drawn text; what trimming leaves of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.tokenizers.compiled.script_words import OTHER_PLANES, POINTS, script_words
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    COMMON,
    COMMON_SPACE,
    DELETED,
    KINDS,
)
from smaller_labse.originals.tokenizers.lealla import LEALLATokenizer, is_lealla_json, lealla_backend
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset, write_pieces
from smaller_labse.originals.tokenizers.wordpiece import WordPiece
from tests.originals.tokenizers.conftest import Trim

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
# Scripts in one word, spaces between Common characters, Ogham's space, characters that are deleted, emoji
# inside and at the end, Han, marks of the script Inherited, signs that look like a continuing piece.
STRANGE = (
    "a1Ж漢字かなカー々ก3.5,;:!?#[]<=$+©™½👍🏽🇩🇪❤️\u200d\u0301 \u00a0\u202f\u2028\u3000\u1680ᚁᚂ"
    "\n\t\r\x00\x85\xad\u200b\ufeff\u0600١२ﬁΩ\U000e0001\U0010ffff"
)
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
LONG = ["x" * 100, "x" * 101, "я" * 50, "я" * 51, "1 " * 101, "a\u00ad" * 60, "##1", "##s", "1##1", "[CLS]"]
LINE = st.lists(
    st.sampled_from([*WORDS, *LONG]) | st.text(STRANGE, max_size=6) | st.text(max_size=3), max_size=8
)
LINES = st.lists(LINE.map(" ".join) | LINE.map("".join), min_size=1, max_size=30)


@pytest.fixture(scope="module")
def lealla(tokenizer) -> LEALLATokenizer:
    return LEALLATokenizer(tokenizer.file)


@pytest.fixture(scope="module")
def backend(lealla):
    """The same tokenization by the library tokenizers."""
    return lealla_backend(lealla.ids)


@pytest.fixture(scope="module")
def tf_text(lealla):
    """The same tokenization by tf-text's operations: strings [batch] → ids [batch, words, tokens]."""
    from smaller_labse.encoders.preprocessors.lealla_preprocessor import LEALLAPreprocessor

    return LEALLAPreprocessor(lealla.file).tokenize


def ids_of_lines(tokenizer: WordPiece, lines: list[str]) -> list[list[int]]:
    ids, lengths = tokenizer.tokenize(lines)
    return [line.tolist() for line in np.split(ids, np.cumsum(lengths)[:-1])]


@given(LINES)
@settings(max_examples=50, deadline=None)
def test_ids_of_drawn_text_are_those_of_tensorflow_text(lealla, tf_text, lines):
    assert ids_of_lines(lealla, lines) == tf_text(lines).merge_dims(1, 2).to_list()


def test_ids_are_those_of_the_models_own_graph(shared):
    """On every fifth line of Tatoeba, the sentences, and strange characters beside each other and others."""
    import tensorflow as tf
    import tensorflow_text  # noqa: F401 - registers the graph's operations

    folder = shared / "lealla_format" / "encoder"
    # In this one stand-in for LEALLA, the ids come out of its loop over the texts by this name.
    ids_by_graph = tf.saved_model.load(str(folder)).prune(
        "source_raw:0", "map/TensorArrayV2Stack/TensorListStack:0"
    )
    lealla = LEALLATokenizer(folder / "assets" / "cased_vocab.txt")
    start, end = lealla.ids["[CLS]"], lealla.ids["[SEP]"]
    files = sorted((shared / "tatoeba" / "v1").iterdir())
    texts = [file.read_bytes().decode().removesuffix("\n").split("\n") for file in files]
    assert sum(map(len, texts)) == 27_096
    lines = [line for one in texts for line in one[::5]] + SENTENCES + LONG
    lines += [a + b for a in STRANGE for b in STRANGE] + [f"1{a}1 a{a}a 漢{a}{a}字" for a in STRANGE]
    lines += ["##1 ##10 1##1 ##", "[PAD]", "", " "]
    expected = np.concatenate(
        [ids_by_graph(tf.constant(lines[at : at + 2000])).numpy() for at in range(0, len(lines), 2000)]
    )
    found = np.zeros_like(expected)
    for row, ids in zip(found, ids_of_lines(lealla, lines), strict=True):
        row[: len(ids[:126]) + 2] = [start, *ids[:126], end]
    assert [lines[n] for n in np.flatnonzero((found != expected).any(axis=1))] == []
    encodings = lealla_backend(lealla.ids).encode_batch_fast(lines)
    assert [encoding.ids for encoding in encodings] == ids_of_lines(lealla, lines)


@given(LINES)
@settings(max_examples=50, deadline=None)
def test_ids_of_drawn_text_are_those_of_the_library_tokenizers(lealla, backend, lines):
    assert [encoding.ids for encoding in backend.encode_batch_fast(lines)] == ids_of_lines(lealla, lines)


def test_what_the_library_tokenizers_do_otherwise(lealla, backend):
    """Words of more than 100 bytes whose characters differ in size; all others are unknown to both."""
    mixed = "Жꙁ" * 21  # 105 bytes, 42 characters, and it takes 51 of the shortest to be sure
    assert ids_of_lines(lealla, ["é" * 51, mixed]) == [[lealla.unknown_id]] * 2
    assert len(backend.encode("é" * 51).ids) > 1 and backend.normalizer.normalize_str(mixed) == mixed
    alike = ["ก" * 33, "ก" * 34, "Ж" * 50, "Ж" * 51, "é" * 50, "é" * 101, "1½" * 51, "漢" * 60, "😀" * 40]
    assert [encoding.ids for encoding in backend.encode_batch_fast(alike)] == ids_of_lines(lealla, alike)


IN_NODE = """
const { createRequire } = require("node:module");
const { Tokenizer } = createRequire(process.argv[1])("@huggingface/tokenizers");
const { readFileSync } = require("node:fs");
const { tokenizer, lines } = JSON.parse(readFileSync(0, "utf8"));
const read = new Tokenizer(tokenizer, {});
const ids = lines.map((line) => read.encode(line, { add_special_tokens: false }).ids);
console.log(JSON.stringify(ids));
"""


@pytest.mark.interop
def test_ids_are_those_of_transformers_js(lealla, backend):
    """Its tokenizers are those of JavaScript, whose regular expressions are its own."""
    modules = Path(__file__).resolve().parents[3] / ".cache" / "node"
    if shutil.which("node") is None or not (modules / "node_modules").is_dir():
        pytest.skip("needs Node.js and npm packages: scripts/browser_demo.sh installs these")
    lines = [*SENTENCES, *LONG, STRANGE[:-2]]
    asked = {"tokenizer": json.loads(backend.to_str()), "lines": lines}
    done = subprocess.run(
        ["node", "-e", IN_NODE, modules / "package.json"],
        input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    for line, ids, expected in zip(lines, json.loads(done.stdout), ids_of_lines(lealla, lines), strict=True):
        assert ids == expected, line


def test_its_expressions_are_recognised_whatever_their_characters(backend):
    content = json.loads(backend.to_str())
    assert is_lealla_json(content)
    steps = content["pre_tokenizer"]["pretokenizers"]
    words = steps[0]["pattern"]["Regex"]
    steps[0]["pattern"]["Regex"] = words.replace("A-Za-z", "B-Z")
    assert words != steps[0]["pattern"]["Regex"] and is_lealla_json(content)
    steps[0]["pattern"]["Regex"] = f"{words}|."
    assert not is_lealla_json(content)
    assert not is_lealla_json({"pre_tokenizer": {"type": "BertPreTokenizer"}})
    assert not is_lealla_json({"pre_tokenizer": {"type": "Split", "pattern": {"Regex": 1}}})


def test_spaces_between_characters_of_the_script_common_do_not_separate_them(lealla):
    assert ids_of_lines(lealla, ["2 3", "2\u00a03"]) == ids_of_lines(lealla, ["23", "23"])
    assert ids_of_lines(lealla, ["a\tb", "a\nb"]) == ids_of_lines(lealla, ["ab", "ab"])


def test_labse_reads_the_same_vocabulary_otherwise_so_the_fingerprints_differ(lealla, tokenizer):
    assert lealla.pieces == tokenizer.pieces
    assert lealla.fingerprint != tokenizer.fingerprint
    assert ids_of_lines(lealla, ["猫が、"]) != [] and lealla.kind != tokenizer.kind


def test_planes_of_which_one_code_point_is_asked_are_all_alike():
    from tensorflow_text import UnicodeScriptTokenizer

    for plane in OTHER_PLANES:
        joined = "".join(map(chr, range(plane.start, plane.stop)))
        assert UnicodeScriptTokenizer().tokenize([joined]).row_lengths().numpy().tolist() == [1]
    assert len(POINTS) + sum(plane.stop - plane.start - 1 for plane in OTHER_PLANES) == KINDS - 0x800


def test_kinds_of_some_characters():
    kinds = script_words().kinds
    assert (kinds[[ord(" "), 0xA0, 0x3000]] == COMMON_SPACE).all()
    assert (kinds[[9, 10, 0xAD, 0x200B, 0x85]] == DELETED).all()
    assert (kinds[[ord("1"), ord("."), ord("ー"), 0x1F600]] == COMMON).all()
    assert len({int(kinds[ord(one)]) for one in "aЖ漢かカกᚁ\u0301"}) == 8
    assert kinds[0x1680] == kinds[ord("ᚁ")]  # a space, and of the script Ogham


@given(LINES, st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_text_whose_tokens_are_all_kept_keeps_them(lealla, tmp_path_factory, lines, seed):
    pieces = len(lealla.pieces)
    kept = np.union1d(
        lealla.special_ids, np.flatnonzero(np.random.default_rng(seed).integers(0, 4, pieces) > 0)
    )
    subset = VocabularySubset(kept.astype(np.int32), pieces)
    folder = tmp_path_factory.mktemp("trimmed")
    lealla.write_subset(subset, folder)
    smaller = LEALLATokenizer(folder / "vocab.txt")
    for before, after in zip(ids_of_lines(lealla, lines), ids_of_lines(smaller, lines), strict=True):
        if subset.contains(np.array(before, int)).all() and lealla.unknown_id not in before:
            assert subset.to_original_ids(np.array(after, int)).tolist() == before


def test_a_vocabulary_that_is_filled_up_keeps_its_texts_tokens(lealla, fill_up, tmp_path):
    def trim(original: LEALLATokenizer, kept: np.ndarray) -> LEALLATokenizer:
        write_pieces([original.pieces[token_id] for token_id in kept.tolist()], tmp_path / "vocab.txt")
        return LEALLATokenizer(tmp_path / "vocab.txt")

    trimming: Trim = trim
    fill_up(lealla, trimming, 700)
