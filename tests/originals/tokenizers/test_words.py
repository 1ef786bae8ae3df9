"""Promise 3 where text is split into words: counts are those of lines that are tokenized whole."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given, settings
from hypothesis import strategies as st

from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.tokenizers.base import Tokenizer
from smaller_labse.originals.tokenizers.compiled.bert_words import bert_kinds
from smaller_labse.originals.tokenizers.compiled.unigram_words import find_plain_words
from smaller_labse.originals.tokenizers.compiled.wordpiece_and_unigram import (
    ALONE,
    KINDS,
    PIECES_AT_ONCE,
    SPACE,
    tally,
)
from smaller_labse.originals.tokenizers.huggingface_wordpiece import bert_tokenizer_json
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.tokenizers.tokenizer_files import TokenizerSettings
from smaller_labse.select_vocab.counting import word_counter
from smaller_labse.select_vocab.counting.word_counter import WordCounter

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
# Marks, letters that continue a grapheme or begin one, characters that become others, spaces, or nothing.
STRANGE = (
    " \u0301\u0308\u0e33\u0e48\u0eb3\u3099\uff9e\u0600\u0d4e\u1100\u1161\u11a8🇩🏽\u200d\u200b\u00ad\ufeff\x07\t\r\u0085"
    "\u00a0\u3000\u00a8\u00b4^`，％ﬁ㍿ﷺ①½ªº²eéか。、「中한ก▁<>[]#,.!'-İßŐ"
)
LINE = st.lists(
    st.sampled_from(WORDS)
    | st.text(STRANGE, max_size=4)
    | st.text(max_size=3)
    | st.sampled_from(["<mask>", "[MASK]"]),
    max_size=9,
)
LINES = st.lists(
    (LINE.map(" ".join) | LINE.map("".join)).map(lambda line: line.replace("\n", "")), min_size=1, max_size=9
)


def count(tokenizer: Tokenizer, lines: list[str], counter: WordCounter | None = None) -> tuple[dict, dict]:
    """Occurrences and lines of each piece by `WordCounter`."""
    counter = counter or WordCounter(tokenizer)
    counter.reset()
    counter.add(lines, np.ones(len(lines), np.int64))
    return tuple(
        {n: c for n, c in enumerate(column.tolist()) if c} for column in (counter.occurrences, counter.lines)
    )


def count_whole_lines(tokenizer: Any, lines: list[str]) -> tuple[dict, dict]:
    """The same by the library tokenizers, line by line."""
    occurrences: Counter[int] = Counter()
    in_lines: Counter[int] = Counter()
    for line in lines:
        ids = tokenizer.json_file.backend.encode(line, add_special_tokens=False).ids
        occurrences.update(ids)
        in_lines.update(set(ids))
    return dict(occurrences), dict(in_lines)


@pytest.fixture(scope="module")
def unigram_json(tmp_path_factory) -> dict[str, Any]:
    """XLM-R's kind of `tokenizer.json`, of a model trained here."""
    folder, model = tmp_path_factory.mktemp("unigram"), io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(SENTENCES),
        model_writer=model,
        model_type="unigram",
        vocab_size=4000,
        normalization_rule_name="nmt_nfkc",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    (folder / "sentencepiece.bpe.model").write_bytes(model.getvalue())
    (folder / "config.json").write_text(json.dumps({"model_type": "xlm-roberta"}))
    return open_huggingface_tokenizer(folder, vocab_size=10_000).json_file.content


def precompiled(content: dict[str, Any]) -> dict[str, Any]:
    normalizer = content["normalizer"]
    steps = normalizer["normalizers"] if normalizer["type"] == "Sequence" else [normalizer]
    return next(step for step in steps if step["type"] == "Precompiled")


def metaspace(scheme: str = "always", **others: Any) -> dict[str, Any]:
    return {"type": "Metaspace", "replacement": "▁", "prepend_scheme": scheme, "split": True} | others


def sequence(key: str, *steps: Any) -> dict[str, Any]:
    return {"type": "Sequence", key: list(steps)}


SEVERAL = {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}
STRIP = {"type": "Strip", "strip_left": True, "strip_right": True}
BY_SPACES = sequence("pretokenizers", {"type": "WhitespaceSplit"}, metaspace())
# What a `tokenizer.json` says otherwise → whether lines are split into words, and words tokenized by our own loop.
VARIANTS: dict[str, tuple[dict[str, Any], bool, bool]] = {
    "as it is": ({}, True, True),
    "spaces first": ({"pre_tokenizer": BY_SPACES}, True, True),
    "T5's": ({"normalizer": ["precompiled", STRIP, SEVERAL | {"content": "▁"}]}, True, True),
    "one table": ({"normalizer": ["precompiled"], "pre_tokenizer": metaspace()}, True, True),
    "none": ({"normalizer": None, "pre_tokenizer": metaspace()}, True, True),
    "lower-cased": ({"normalizer": ["precompiled", {"type": "Lowercase"}]}, True, False),
    "composed": ({"normalizer": [{"type": "NFC"}]}, True, False),
    "without accents": ({"normalizer": [{"type": "NFKD"}, {"type": "StripAccents"}]}, False, False),
    "without accents, spaces first": (
        {"normalizer": [{"type": "NFKD"}, {"type": "StripAccents"}], "pre_tokenizer": BY_SPACES},
        True,
        False,
    ),
    "with quotes": (
        {"normalizer": [{"type": "Replace", "pattern": {"String": "'"}, "content": " "}], "pre_tokenizer": BY_SPACES},
        True,
        False,
    ),
    "digits alone": (
        {"pre_tokenizer": sequence("pretokenizers", {"type": "WhitespaceSplit"}, {"type": "Digits", "individual_digits": True}, metaspace())},
        True,
        False,
    ),
    "only the first word is marked": ({"pre_tokenizer": metaspace("first")}, False, False),
    "no word is marked": ({"pre_tokenizer": metaspace("never")}, False, False),
    "nothing is split": ({"pre_tokenizer": metaspace(split=False)}, False, False),
    "no pre-tokenizer": ({"pre_tokenizer": None}, False, False),
    "an added token with a space": ({"added_tokens": [("the house", {})]}, False, False),
    "an added token of letters": ({"added_tokens": [("dog", {})]}, True, False),
    "an added token that eats spaces": ({"added_tokens": [("<m>", {"lstrip": True, "rstrip": True})]}, True, True),
    "bytes for unknown characters": ({"byte_fallback": True}, True, False),
}  # fmt: skip


def change(content: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    content = json.loads(json.dumps(content))
    for name, value in changes.items():
        if name == "normalizer" and value is not None:
            value = sequence(
                "normalizers", *(precompiled(content) if step == "precompiled" else step for step in value)
            )
        if name == "added_tokens":
            for text, settings_of_token in value:
                number = len(content["model"]["vocab"])
                content["model"]["vocab"].append([text, -5.0])
                token = {
                    "id": number,
                    "content": text,
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": False,
                    "special": True,
                }
                content["added_tokens"].append(token | settings_of_token)
        elif name == "byte_fallback":
            content["model"]["byte_fallback"] = value
            content["model"]["vocab"] += [[f"<0x{byte:02X}>", -9.0] for byte in range(256)]
        else:
            content[name] = value
    return content


def open_json(content: dict[str, Any], folder: Path) -> Any:
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    return open_huggingface_tokenizer(folder, vocab_size=20_000)


@pytest.fixture(scope="module", params=VARIANTS)
def unigram(request, unigram_json, tmp_path_factory) -> Any:
    changes, split, plain = VARIANTS[request.param]
    tokenizer = open_json(change(unigram_json, changes), tmp_path_factory.mktemp("variant"))
    assert (tokenizer.word_kinds is not None) == split
    assert (find_plain_words(tokenizer.json_file.content) is not None) == plain
    return tokenizer, WordCounter(tokenizer)


@given(lines=LINES)
@settings(max_examples=60, deadline=None)
def test_unigram_counts_of_words_are_those_of_whole_lines(unigram, lines):
    tokenizer, counter = unigram
    assert count(tokenizer, lines, counter) == count_whole_lines(tokenizer, lines)


def test_characters_between_and_beside_words_counts_as_in_whole_lines(unigram):
    """Before, after and between spaces, behind another character and before it; of large blocks some."""
    tokenizer, counter = unigram
    points = [
        *range(1, 0x3400),
        *range(0x3400, 0xD800, 97),
        *range(0xF900, 0x1FFFF, 19),
        *range(0xE0000, 0xE0200, 5),
    ]
    characters = [chr(point) for point in points if point != ord("\n")]
    for start in range(0, len(characters), 97):
        group = characters[start : start + 97]
        lines = [f"a {c} b{c} {c}c x{c}y, {c}{c}" for c in group]
        assert count(tokenizer, lines, counter) == count_whole_lines(tokenizer, lines), group


@pytest.fixture(scope="module", params=[True, False], ids=["lower-cased", "cased"])
def hf_wordpiece(request, tokenizer, tmp_path_factory) -> Any:
    content = bert_tokenizer_json(
        tokenizer.pieces, TokenizerSettings(do_lower_case=request.param), Path("vocab.txt")
    )
    opened = open_json(json.loads(content), tmp_path_factory.mktemp("bert"))
    assert opened.word_kinds[ord("中")] == ALONE
    return opened, WordCounter(opened)


@given(lines=LINES)
@settings(max_examples=60, deadline=None)
def test_hugging_faces_wordpiece_counts_of_words_are_those_of_whole_lines(hf_wordpiece, lines):
    tokenizer, counter = hf_wordpiece
    assert count(tokenizer, lines, counter) == count_whole_lines(tokenizer, lines)


def test_every_code_point_separates_words_as_in_tensorflow_text():
    from tensorflow_text.python.ops.bert_tokenizer import BasicTokenizer

    points = np.delete(np.arange(KINDS), slice(0xD800, 0xE000))
    words = BasicTokenizer().tokenize([f"a{chr(point)}a" for point in points.tolist()]).row_lengths().numpy()
    kinds = bert_kinds()[points]
    assert np.array_equal(words, 1 + (kinds == SPACE) + 2 * (kinds == ALONE))


def test_words_are_forgotten_where_there_is_no_room_and_counts_stay_the_same(tokenizer, monkeypatch):
    lines = SENTENCES * 3
    expected = count(tokenizer, lines)
    monkeypatch.setattr(word_counter, "KNOWN_WORDS", 300)
    monkeypatch.setattr(word_counter, "WORD_BYTES", 2)
    counter = WordCounter(tokenizer)
    for line in lines:
        counter.add([line], np.ones(1, np.int64))
        assert int(counter._words.size[0]) <= max(300, 128 + len(line.encode()))
    assert {n: c for n, c in enumerate(counter.occurrences.tolist()) if c} == expected[0]
    assert {n: c for n, c in enumerate(counter.lines.tolist()) if c} == expected[1]


def test_a_line_longer_than_all_known_words_is_counted(tokenizer, monkeypatch):
    line = " ".join(WORDS)
    expected = count(tokenizer, [line, "dog"])
    monkeypatch.setattr(word_counter, "KNOWN_WORDS", 10)
    assert count(tokenizer, [line, "dog"]) == expected


def test_times_count_words_and_lines_so_often(tokenizer):
    counter = WordCounter(tokenizer)
    counter.add(["a a", "b a"], np.array([3, 5], np.int64))
    number = tokenizer.ids["a"]
    assert (counter.occurrences[number], counter.lines[number]) == (11, 8)


def test_a_counter_that_counted_another_text_counts_as_a_new_one(tokenizer):
    counter = WordCounter(tokenizer)
    for lines in (SENTENCES[:40], SENTENCES[20:], ["a"]):
        assert count(tokenizer, lines, counter) == count(tokenizer, lines)


@pytest.mark.parametrize("longest", [3, PIECES_AT_ONCE, PIECES_AT_ONCE + 1, 3 * PIECES_AT_ONCE])
def test_pieces_are_added_up_as_by_a_plain_loop_however_many_a_word_or_a_line_has(longest):
    random = np.random.default_rng(longest)
    words = [random.integers(50, size=size) for size in (0, 1, 2, longest, 0, longest - 1, 1)]
    lines = [random.integers(len(words), size=size) for size in (0, 1, 700, 2, 0, 30)]
    times = np.array([1, 2, 1, 3, 1, 1], np.int64)
    counts = np.zeros((50, 3), np.int64)
    starts = np.cumsum([0, *map(len, words)])
    numbers = np.concatenate(lines).astype(np.int32)
    ends = np.cumsum(list(map(len, lines)))
    tally(numbers, ends, times, np.concatenate(words).astype(np.int32), starts, 1, counts)
    expected = np.zeros((50, 2), np.int64)
    for line, often in zip(lines, times.tolist(), strict=True):
        pieces = np.concatenate([words[word] for word in line] or [np.zeros(0, np.int64)])
        np.add.at(expected[:, 0], pieces, often)
        expected[np.unique(pieces), 1] += often
    assert np.array_equal(counts[:, :2], expected)
