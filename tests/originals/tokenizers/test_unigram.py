"""Promises 1 and 2 for SentencePiece Unigram, with tokenizers' and sentencepiece's own code."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sentencepiece.sentencepiece_model_pb2 import ModelProto

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.tokenizers.unigram import Unigram
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
# tokenizers and sentencepiece normalize a character and the marks behind it differently, so text for both has
# no free-standing marks: whole words of real sentences, and ASCII.
CLEAN = (
    st.sampled_from(SENTENCES)
    | st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)
    | st.lists(st.sampled_from(WORDS) | st.text("abcxyz019.,!? \t\n", max_size=8), max_size=8).map(" ".join)
)
TEXTS = st.lists(CLEAN | st.text(max_size=12), min_size=1, max_size=4)
HERE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MODEL = "sentencepiece.bpe.model"
Kind = ModelProto.SentencePiece


def train(sentences: list[str], size: int, **options: Any) -> bytes:
    """A SentencePiece Unigram model."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences),
        model_writer=model,
        model_type="unigram",
        vocab_size=size,
        normalization_rule_name="nmt_nfkc",
        hard_vocab_limit=False,
        minloglevel=2,
        **{"character_coverage": 1.0} | options,
    )
    return model.getvalue()


def without_ties(content: bytes) -> bytes:
    """The model with scores a little different: so little text makes many that are equal.

    Of two segmentations with the same sum the libraries may choose different ones, for sentencepiece adds up in
    float32 and tokenizers in float64.
    """
    model = ModelProto.FromString(content)
    normal = [piece for piece in model.pieces if piece.type == Kind.NORMAL]
    for piece, change in zip(normal, np.random.default_rng(0).uniform(0, 0.1, len(normal)), strict=True):
        piece.score -= change
    return model.SerializeToString()


def write_folder(folder: Path, model: bytes, model_type: str = "xlm-roberta") -> Path:
    """A Hugging Face folder with a SentencePiece model and nothing else of a tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(model)
    (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return folder


def build(pieces: list[tuple[str, float, int]], **rules: Any) -> bytes:
    """A SentencePiece model of a few pieces behind `<unk>`, `<s>` and `</s>`."""
    model = ModelProto()
    special = [("<unk>", 0, Kind.UNKNOWN), ("<s>", 0, Kind.CONTROL), ("</s>", 0, Kind.CONTROL)]
    for piece, score, kind in [*special, *pieces]:
        model.pieces.add(piece=piece, score=score, type=kind)
    model.trainer_spec.model_type = model.trainer_spec.UNIGRAM
    model.trainer_spec.vocab_size = len(model.pieces)
    model.trainer_spec.byte_fallback = any(kind == Kind.BYTE for _, _, kind in pieces)
    model.normalizer_spec.add_dummy_prefix = rules.get("add_dummy_prefix", False)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Unigram:
    model = without_ties(train(SENTENCES, 5000))
    folder = write_folder(tmp_path_factory.mktemp("xlm-roberta"), model)
    return open_huggingface_tokenizer(folder, vocab_size=7000)


@pytest.fixture
def trim(tmp_path) -> Callable[[Unigram, np.ndarray], Unigram]:
    """The smaller tokenizer, written and read; its folder has both forms."""

    def write_and_read(tokenizer: Unigram, kept: np.ndarray) -> Unigram:
        tokenizer.write_subset(VocabularySubset(kept, len(tokenizer.pieces)), tmp_path)
        assert {file.name for file in tmp_path.iterdir()} >= {"tokenizer.json", MODEL}
        return open_huggingface_tokenizer(tmp_path, vocab_size=len(kept))

    return write_and_read


def per_line(tokenizer: Unigram, lines: list[str]) -> list[list[int]]:
    ids, lengths = tokenizer.tokenize(lines)
    return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]


def per_line_by_sentencepiece(tokenizer: Unigram, lines: list[str]) -> list[list[int]]:
    form = tokenizer.sentencepiece
    processor = sentencepiece.SentencePieceProcessor(model_proto=form.model.SerializeToString())
    return [form.token_ids[line].tolist() for line in processor.encode(lines)]


def per_line_by_tensorflow_text(tokenizer: Unigram, lines: list[str]) -> list[list[int]]:
    import tensorflow_text

    form = tokenizer.sentencepiece
    pieces = tensorflow_text.SentencepieceTokenizer(form.model.SerializeToString()).tokenize(lines)
    return [form.token_ids[line].tolist() for line in pieces.to_list()]


LIBRARIES = {"tokenizers": per_line, "sentencepiece": per_line_by_sentencepiece}
ALL_LIBRARIES = LIBRARIES | {"tensorflow-text": per_line_by_tensorflow_text}


def with_special(tokenizer: Unigram, *ids: Any) -> np.ndarray:
    return tokenizer.with_dependencies(
        np.concatenate([tokenizer.special_ids, *(np.asarray(some, int) for some in ids)])
    )


@pytest.mark.parametrize("library", LIBRARIES)
@given(TEXTS, st.data())
@HERE
def test_a_text_whose_pieces_are_all_kept_is_tokenized_the_same(original, trim, library, texts, data):
    before = LIBRARIES[library](original, texts)
    used = sorted({token_id for line in before for token_id in line})
    dropped = data.draw(st.sets(st.sampled_from(used), max_size=5)) if used else set()
    others = data.draw(st.sets(st.integers(0, len(original.pieces) - 1), max_size=50))
    kept = with_special(original, sorted((set(used) | others) - dropped))
    after = LIBRARIES[library](trim(original, kept), texts)
    unchanged = [set(line) <= set(kept.tolist()) for line in before]
    assert [kept[line].tolist() for line, same in zip(after, unchanged, strict=True) if same] == [
        line for line, same in zip(before, unchanged, strict=True) if same
    ]


@pytest.mark.parametrize("library", LIBRARIES)
@given(TEXTS)
@HERE
def test_no_text_of_the_seen_pieces_becomes_unknown(original, trim, library, texts):
    before = LIBRARIES[library](original, texts)
    seen = np.unique(np.array([token_id for line in before for token_id in line], int))
    smaller = trim(original, with_special(original, original.needed_for_characters(seen)))
    after = LIBRARIES[library](smaller, texts)
    assert [line.count(smaller.unknown_id) for line in after] == [
        line.count(original.unknown_id) for line in before
    ]


@given(st.lists(CLEAN, min_size=1, max_size=4), st.data())
@HERE
def test_both_forms_agree(original, trim, texts, data):
    assert per_line(original, texts) == per_line_by_sentencepiece(original, texts)
    used = np.unique(original.tokenize(texts)[0])
    dropped = data.draw(st.sets(st.sampled_from(used.tolist()), max_size=20)) if len(used) else set()
    smaller = trim(original, with_special(original, np.setdiff1d(used, list(dropped))))
    assert per_line(smaller, texts) == per_line_by_sentencepiece(smaller, texts)


@pytest.mark.parametrize("library", LIBRARIES)
def test_tatoeba_is_tokenized_the_same_and_nothing_new_is_unknown(shared, tmp_path, trim, library):
    files = sorted((shared / "tatoeba" / "v1").iterdir())
    lines = [line for file in files for line in file.read_text(encoding="utf-8").split("\n")]
    folder = write_folder(tmp_path / "original", train(lines[::5], 12_000, character_coverage=0.9995))
    original = open_huggingface_tokenizer(folder, vocab_size=13_000)
    before = LIBRARIES[library](original, lines)
    occurrences = np.bincount(
        [token_id for line in before for token_id in line], minlength=len(original.pieces)
    )
    frequent = np.argsort(-occurrences, kind="stable")[:2000]
    needed = original.needed_for_characters(np.flatnonzero(occurrences))
    kept = with_special(original, frequent, needed)
    smaller = trim(original, kept)
    after = [kept[line].tolist() for line in LIBRARIES[library](smaller, lines)]
    same = [bool(np.isin(line, kept).all()) for line in before]
    assert 0.2 < np.mean(same) < 0.9
    assert all(one == two for one, two, is_kept in zip(before, after, same, strict=True) if is_kept)
    unknown = original.unknown_id
    assert occurrences[unknown] > 100
    assert [line.count(unknown) for line in after] == [line.count(unknown) for line in before]


LOWEST = [
    *(("aaaaa", -1.0, Kind.NORMAL), ("a", -6.0, Kind.NORMAL), ("aax", -6.0, Kind.NORMAL)),
    *(("b", -1.0, Kind.NORMAL), ("<sep>", -99.0, Kind.USER_DEFINED), ("lowest", -40.0, Kind.NORMAL)),
]


@pytest.mark.parametrize("library", ALL_LIBRARIES)
def test_unknown_pieces_stay_as_dear_as_they_were(tmp_path, trim, library):
    """`x` is unknown for 10 less than the lowest score: at -50 it loses to `aax`, at -16 it would win."""
    original = open_huggingface_tokenizer(write_folder(tmp_path / "original", build(LOWEST)), vocab_size=20)
    assert original.ids["lowest"] in original.special_ids
    before = ALL_LIBRARIES[library](original, ["aaaaaxb"])
    assert [original.pieces[token_id] for token_id in before[0]] == ["a", "a", "a", "aax", "b"]
    kept = with_special(original, before[0], [original.ids["aaaaa"]])
    assert [
        kept[line].tolist() for line in ALL_LIBRARIES[library](trim(original, kept), ["aaaaaxb"])
    ] == before
    without = open_huggingface_tokenizer(write_folder(tmp_path / "without", build(LOWEST[:4])), vocab_size=20)
    assert without.unknown_id in ALL_LIBRARIES[library](without, ["aaaaaxb"])[0]


@pytest.mark.parametrize("library", ["sentencepiece", "tensorflow-text"])
def test_user_defined_pieces_win_as_they_did(tmp_path, trim, library):
    """sentencepiece until 0.2.1 gives them their length times the highest score, so that is kept."""
    pieces = [("xy", 0.0, Kind.USER_DEFINED), ("x", 0.0, Kind.NORMAL), ("yz", 9.0, Kind.NORMAL)]
    model = build([*pieces, ("z", 0.2, Kind.NORMAL), ("highest", 61.0, Kind.NORMAL)])
    original = open_huggingface_tokenizer(write_folder(tmp_path / "original", model), vocab_size=20)
    before = ALL_LIBRARIES[library](original, ["xyz"])
    if library == "tensorflow-text":
        assert [original.pieces[token_id] for token_id in before[0]] == ["xy", "z"]
    kept = with_special(original, np.setdiff1d(np.arange(8), original.ids["highest"]))
    assert [kept[line].tolist() for line in ALL_LIBRARIES[library](trim(original, kept), ["xyz"])] == before


def test_bytes_and_user_defined_pieces_are_always_kept_and_nothing_is_unreadable(tmp_path, trim):
    pieces = [(f"<0x{byte:02X}>", 0.0, Kind.BYTE) for byte in range(256)]
    pieces += [("<sep>", 0.0, Kind.USER_DEFINED), ("a", -1.0, Kind.NORMAL), ("b", -2.0, Kind.NORMAL)]
    pieces += [("ab", -1.5, Kind.NORMAL)]
    original = open_huggingface_tokenizer(write_folder(tmp_path / "original", build(pieces)), vocab_size=300)
    kept = original.special_ids
    assert [original.pieces[token_id] for token_id in np.setdiff1d(np.arange(265), kept)] == ["ab"]
    smaller = trim(original, kept)
    for tokenize in LIBRARIES.values():
        names = [smaller.pieces[token_id] for token_id in tokenize(smaller, ["ab<sep>é"])[0]]
        assert names == ["a", "b", "<sep>", "<0xC3>", "<0xA9>"]
    assert original.unreadable([original.ids["ab"]], np.zeros(len(original.pieces), bool)) == []


def test_xlm_robertas_ids(original, trim):
    assert original.pieces[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert original.pieces[-1] == "<mask>"
    form = original.sentencepiece
    assert original.ids[form.model.pieces[3].piece] == 4
    kept = with_special(original, np.arange(0, len(original.pieces), 3))
    smaller = trim(original, kept)
    names = [piece.piece for piece in smaller.sentencepiece.model.pieces]
    assert names[:3] == ["<unk>", "<s>", "</s>"]
    assert names[3:] == smaller.pieces[4:-1]
    assert smaller.pieces == [original.pieces[token_id] for token_id in kept]
    assert smaller.sentencepiece.model.trainer_spec.vocab_size == len(names)
    assert smaller.sentencepiece.model.normalizer_spec == form.model.normalizer_spec
    for name in ("tokenizers", "sentencepiece"):
        assert smaller.unknown_id in LIBRARIES[name](smaller, ["\U000f0000"])[0]


def test_t5s_ids(tmp_path, trim):
    model = without_ties(train(SENTENCES, 3000, pad_id=0, eos_id=1, unk_id=2, bos_id=-1))
    original = open_huggingface_tokenizer(write_folder(tmp_path / "original", model, "t5"), vocab_size=4096)
    assert original.pieces[:3] == ["<pad>", "</s>", "<unk>"]
    assert original.pieces[-100:] == [f"<extra_id_{number}>" for number in reversed(range(100))]
    kept = with_special(original, np.arange(0, len(original.pieces), 3))
    smaller = trim(original, kept)
    pieces = [piece.piece for piece in smaller.sentencepiece.model.pieces]
    assert pieces == smaller.pieces[:-100]
    assert smaller.sentencepiece.model.trainer_spec.unk_id == 2
    assert per_line(smaller, SENTENCES) == per_line_by_sentencepiece(smaller, SENTENCES)
    encoded = smaller.json_file.backend.encode("a <extra_id_3>")
    assert encoded.tokens[-2:] == ["<extra_id_3>", "</s>"]
    assert encoded.ids[-2:] == [len(kept) - 4, 1]


def test_scores_stay_what_they_were_to_the_bit(original, trim):
    kept = with_special(original, np.arange(0, len(original.pieces), 5))
    smaller = trim(original, kept)
    assert np.array_equal(smaller.scores, original.scores[kept])
    scores = {piece.piece: piece.score for piece in original.sentencepiece.model.pieces}
    assert all(scores[piece.piece] == piece.score for piece in smaller.sentencepiece.model.pieces)


@pytest.fixture(scope="module")
def alone(original, tmp_path_factory) -> Unigram:
    """The same tokenizer from `tokenizer.json`, with no SentencePiece model beside it."""
    folder = tmp_path_factory.mktemp("alone")
    (folder / "tokenizer.json").write_text(json.dumps(original.json_file.content))
    return open_huggingface_tokenizer(folder, vocab_size=len(original.pieces))


def test_with_tokenizer_json_alone_the_sentencepiece_model_is_built(original, alone):
    built, theirs = alone.sentencepiece.model, original.sentencepiece.model
    pieces = [[(one.piece, one.score, one.type) for one in model.pieces] for model in (built, theirs)]
    assert pieces[0] == pieces[1]
    assert built.normalizer_spec.precompiled_charsmap == theirs.normalizer_spec.precompiled_charsmap
    special = ("unk_id", "bos_id", "eos_id", "pad_id")
    assert [getattr(built.trainer_spec, name) for name in special] == [0, 1, 2, -1]


@given(st.lists(CLEAN, min_size=1, max_size=4))
@HERE
def test_the_sentencepiece_model_that_is_built_agrees(alone, trim, texts):
    smaller = trim(alone, with_special(alone, np.unique(alone.tokenize(texts)[0])))
    assert per_line(smaller, texts) == per_line_by_sentencepiece(smaller, texts)


@pytest.mark.parametrize(
    "steps",
    [
        {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, "metaspace"]}},
        {"normalizer": "charsmap", "pre_tokenizer": {"type": "Sequence", "pretokenizers": ["metaspace"]}},
    ],
    ids=["XLM-R's and T5's on the hub", "a sequence of one"],
)
def test_the_ways_in_which_others_write_the_same_tokenizer_are_understood(original, tmp_path, steps):
    content = dict(original.json_file.content)
    parts = {"metaspace": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}}
    parts["charsmap"] = content["normalizer"]["normalizers"][0]
    text = json.dumps(content | steps)
    for name, part in parts.items():
        text = text.replace(json.dumps(name), json.dumps(part))
    (tmp_path / "tokenizer.json").write_text(text)
    tokenizer = open_huggingface_tokenizer(tmp_path, vocab_size=len(original.pieces))
    assert per_line(tokenizer, SENTENCES) == per_line_by_sentencepiece(tokenizer, SENTENCES)


def test_a_normalizer_that_sentencepiece_does_not_have_leaves_tokenizer_json_alone(original, tmp_path):
    folder = tmp_path / "original"
    folder.mkdir()
    content = original.json_file.content | {"normalizer": {"type": "Lowercase"}}
    (folder / "tokenizer.json").write_text(json.dumps(content))
    tokenizer = open_huggingface_tokenizer(folder, vocab_size=len(original.pieces))
    with pytest.raises(SmallerLabseError, match="its normalizer Lowercase has no counterpart there"):
        _ = tokenizer.sentencepiece
    assert int(np.argmin(tokenizer.scores)) in tokenizer.special_ids
    out = tmp_path / "out"
    out.mkdir()
    tokenizer.write_subset(VocabularySubset(tokenizer.special_ids, len(tokenizer.pieces)), out)
    assert [file.name for file in out.iterdir()] == ["tokenizer.json"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: setattr(model.pieces[9], "score", -1.25), "has different scores"),
        (lambda model: setattr(model.pieces[9], "piece", "new"), "the piece 'new' is only in the first"),
        (lambda model: model.pieces.__delitem__(9), "is only in the second"),
    ],
)
def test_two_forms_that_are_not_the_same_are_refused(original, trim, tmp_path, change, message):
    folder = tmp_path / "both"
    folder.mkdir()
    original.write_subset(
        VocabularySubset(original.with_dependencies(np.arange(len(original.pieces))), len(original.pieces)),
        folder,
    )
    model = ModelProto.FromString((folder / MODEL).read_bytes())
    change(model)
    (folder / MODEL).write_bytes(model.SerializeToString())
    with pytest.raises(SmallerLabseError, match=message):
        open_huggingface_tokenizer(folder, vocab_size=len(original.pieces))


def test_an_order_that_moves_special_pieces_is_refused(original, tmp_path):
    kept = np.concatenate([original.special_ids, np.setdiff1d(np.arange(50), original.special_ids)])
    with pytest.raises(SmallerLabseError, match="cannot stand in this order"):
        original.write_subset(VocabularySubset(kept, len(original.pieces)), tmp_path)


def test_a_selection_without_a_special_piece_is_refused(original, tmp_path):
    with pytest.raises(SmallerLabseError, match="the special piece '<mask>' is not kept"):
        original.write_subset(VocabularySubset(original.special_ids[:-1], len(original.pieces)), tmp_path)


def test_what_older_sentencepieces_test_themselves_with_is_left_out(original, tmp_path, trim):
    """Field 4, self_test_data, says how the original tokenizes some texts; newer ones do not know it."""
    self_test = b"\x22\x0a\x0a\x08\x0a\x01a\x12\x03\xe2\x96\x81"
    model = original.sentencepiece.model.SerializeToString() + self_test
    old = open_huggingface_tokenizer(
        write_folder(tmp_path / "original", model), vocab_size=len(original.pieces)
    )
    assert self_test in old.sentencepiece.model.SerializeToString()
    trim(old, old.special_ids)
    assert self_test not in (tmp_path / MODEL).read_bytes()


def test_unreadable_is_what_the_kept_pieces_cannot_spell(tmp_path):
    names = ["▁", "a", "▁ab", "b", "bc", "abc", "▁abc"]
    model = build([(piece, -1.0 - number, Kind.NORMAL) for number, piece in enumerate(names)])
    original = open_huggingface_tokenizer(write_folder(tmp_path, model), vocab_size=20)
    kept = np.isin(original.pieces, ["a", "▁ab", "bc"])
    unreadable = original.unreadable(range(4, len(original.pieces) - 1), kept)
    assert [original.pieces[token_id] for token_id in unreadable] == ["▁", "b", "▁abc"]


def test_a_piece_with_a_character_that_has_no_piece_is_needed_itself(tmp_path):
    names = ["▁", "a", "▁b", "ax", "▁ba", "bb", "▁a"]
    model = build([(piece, -1.0 - number, Kind.NORMAL) for number, piece in enumerate(names)])
    original = open_huggingface_tokenizer(write_folder(tmp_path, model), vocab_size=20)

    def needed(*pieces: str) -> list[str]:
        found = original.needed_for_characters(np.array([original.ids[piece] for piece in pieces]))
        # "▁" and "▁a" have the highest and the lowest score, so they are kept in any case.
        return [original.pieces[token_id] for token_id in found]

    assert needed("ax") == ["a", "ax"]
    assert needed("▁ba") == ["a", "▁b"]
    assert needed("bb") == ["▁b", "bb"]


def test_filled_up_are_the_first_by_score_and_text_is_tokenized_the_same(original, trim, fill_up):
    added, left_out = fill_up(original, trim, 2500)
    assert original.scores[added].min() >= np.nanmax(original.scores[left_out])
