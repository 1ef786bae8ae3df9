"""Promises 1 and 2 for byte-pair encoding, of bytes and of characters, with tokenizers' own code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from smaller_labse.common.errors import SmallerLabseError
from smaller_labse.corpora.builtin_sentences import builtin_sentences
from smaller_labse.originals.tokenizers.bpe import BytePairEncoding
from smaller_labse.originals.tokenizers.open_tokenizer import open_huggingface_tokenizer
from smaller_labse.originals.tokenizers.vocabulary import VocabularySubset

SENTENCES = [sentence for sentences in builtin_sentences().values() for sentence in sentences]
WORDS = sorted({word for sentence in SENTENCES for word in sentence.split()})
TEXTS = st.lists(
    st.sampled_from(SENTENCES)
    | st.lists(st.sampled_from(WORDS) | st.text(max_size=6), max_size=8).map(" ".join)
    | st.lists(st.sampled_from(WORDS), max_size=4).map("".join),
    min_size=1,
    max_size=4,
)
HERE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
BYTE_PIECES = [f"<0x{byte:02X}>" for byte in range(256)]


def train_byte_level(sentences: list[str], size: int) -> dict[str, Any]:
    """A `tokenizer.json` as ModernBERT's and Qwen3's: added tokens behind all other pieces."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=size, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(sentences, trainer)
    tokenizer.add_special_tokens([AddedToken(piece) for piece in ("[CLS]", "[SEP]", "[PAD]")])
    special = [(piece, tokenizer.token_to_id(piece)) for piece in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=special
    )
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id("[PAD]"), pad_token="[PAD]")
    tokenizer.enable_truncation(8)
    return json.loads(tokenizer.to_str())


def train_character_level(sentences: list[str], size: int) -> dict[str, Any]:
    """A `tokenizer.json` as Gemma's: characters, bytes of those that it does not know, ▁ for a space."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    special = ["<pad>", "<eos>", "<bos>", "<unk>"]
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=[*special, *BYTE_PIECES], limit_alphabet=400, show_progress=False
    )
    tokenizer.train_from_iterator(sentences, trainer)
    content = json.loads(tokenizer.to_str())
    # Bytes are pieces, but no added tokens: text that looks like one is no byte.
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] in special]
    return content


TRAINERS = {"bytes": train_byte_level, "characters": train_character_level}


def write_folder(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=TRAINERS)
def original(request, tmp_path_factory) -> BytePairEncoding:
    content = TRAINERS[request.param](SENTENCES, 3000)
    return open_huggingface_tokenizer(
        write_folder(tmp_path_factory.mktemp(request.param), content), vocab_size=4000
    )


@pytest.fixture
def trim(tmp_path) -> Callable[[BytePairEncoding, np.ndarray], BytePairEncoding]:
    """The smaller tokenizer, written and read."""

    def write_and_read(tokenizer: BytePairEncoding, kept: np.ndarray) -> BytePairEncoding:
        tokenizer.write_subset(VocabularySubset(kept, len(tokenizer.pieces)), tmp_path)
        return open_huggingface_tokenizer(tmp_path, vocab_size=len(kept))

    return write_and_read


def build(**changes: Any) -> dict[str, Any]:
    """A `tokenizer.json` of a few characters; merges lead to `abcd` by way of `ab` and `cd`."""
    pieces = [*"abcdx", "ab", "bc", "cd", "abc", "abcd", "xab"]
    merges = ["c d", "a b", "ab cd", "b c", "a bc", "x ab"]
    model = {
        "type": "BPE",
        "vocab": {piece: token_id for token_id, piece in enumerate(pieces)},
        "merges": [merge.split() for merge in merges],
    }
    return {"version": "1.0", "added_tokens": [], "model": model | changes}


def pieces_of(tokenizer: BytePairEncoding, text: str) -> list[str]:
    return [tokenizer.pieces[token_id] for token_id in tokenizer.tokenize([text])[0]]


def per_line(tokenizer: BytePairEncoding, lines: list[str]) -> list[list[int]]:
    ids, lengths = tokenizer.tokenize(lines)
    if not lines:
        return []
    return [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])]


@given(TEXTS, st.data())
@HERE
def test_a_text_whose_pieces_are_all_kept_is_tokenized_the_same(original, trim, texts, data):
    before = per_line(original, texts)
    used = sorted({token_id for line in before for token_id in line})
    dropped = data.draw(st.sets(st.sampled_from(used), max_size=5)) if used else set()
    others = data.draw(st.sets(st.integers(0, len(original.pieces) - 1), max_size=50))
    wanted = (set(used) | others | set(original.special_ids.tolist())) - dropped
    wanted |= set(original.special_ids.tolist())
    kept = original.with_dependencies(np.array(sorted(wanted)))
    after = per_line(trim(original, kept), texts)
    unchanged = [set(line) <= set(kept.tolist()) for line in before]
    assert [kept[line].tolist() for line, same in zip(after, unchanged, strict=True) if same] == [
        line for line, same in zip(before, unchanged, strict=True) if same
    ]


def test_without_the_pieces_that_merges_pass_through_a_kept_piece_would_be_lost(tmp_path, monkeypatch):
    original = open_huggingface_tokenizer(write_folder(tmp_path / "original", build()), vocab_size=11)
    assert pieces_of(original, "abcd") == ["abcd"]
    wanted = np.array([original.ids[piece] for piece in ("a", "b", "c", "d", "abcd")])
    assert {original.pieces[token_id] for token_id in original.with_dependencies(wanted)} == {
        *"abcd",
        "ab",
        "cd",
        "abcd",
    }
    with pytest.raises(SmallerLabseError, match="merges pass through the piece 'ab', which is not kept"):
        original.write_subset(VocabularySubset(wanted, len(original.pieces)), tmp_path)
    monkeypatch.setattr(original, "with_dependencies", np.unique)
    original.write_subset(VocabularySubset(wanted, len(original.pieces)), tmp_path)
    assert pieces_of(open_huggingface_tokenizer(tmp_path, vocab_size=5), "abcd") == ["a", "b", "c", "d"]


def test_the_path_to_a_piece_is_that_of_the_merges_in_their_order(tmp_path):
    original = open_huggingface_tokenizer(write_folder(tmp_path, build()), vocab_size=11)

    def path_to(piece: str) -> set[str]:
        return {
            original.pieces[token_id]
            for token_id in original.with_dependencies(np.array([original.ids[piece]]))
        }

    assert path_to("ab") == {"a", "b", "ab"}
    assert path_to("xab") == {"x", "a", "b", "ab", "xab"}
    # "ab" comes before "bc", so that "abc" is a piece that merges never end with.
    assert pieces_of(original, "abc") == ["ab", "c"]
    assert path_to("abc") == {"abc"}


def test_merges_keep_their_order_and_lose_those_of_dropped_pieces(tmp_path):
    original = open_huggingface_tokenizer(write_folder(tmp_path / "original", build()), vocab_size=11)
    kept = original.with_dependencies(np.array([original.ids[piece] for piece in ("abcd", "x", "bc")]))
    original.write_subset(VocabularySubset(kept, len(original.pieces)), tmp_path)
    model = json.loads((tmp_path / "tokenizer.json").read_text())["model"]
    assert model["merges"] == [["c", "d"], ["a", "b"], ["ab", "cd"], ["b", "c"]]
    assert sorted(model["vocab"].values()) == list(range(len(kept)))


def test_merges_written_as_text_are_read_and_written_as_text(tmp_path):
    merges = ["c d", "a b", "ab cd", "b c", "a bc", "x ab"]
    original = open_huggingface_tokenizer(
        write_folder(tmp_path / "original", build(merges=merges)), vocab_size=11
    )
    kept = original.with_dependencies(np.array([original.ids["abcd"]]))
    original.write_subset(VocabularySubset(kept, len(original.pieces)), tmp_path)
    assert json.loads((tmp_path / "tokenizer.json").read_text())["model"]["merges"] == merges[:3]
    assert pieces_of(open_huggingface_tokenizer(tmp_path, vocab_size=len(kept)), "abcdab") == ["abcd", "ab"]


def test_of_two_equal_merges_the_one_that_tokenizers_obeys_is_obeyed(tmp_path):
    merges = [["b", "c"], ["c", "d"], ["b", "c"], ["a", "b"], ["ab", "cd"], ["a", "bc"]]
    original = open_huggingface_tokenizer(
        write_folder(tmp_path / "original", build(merges=merges)), vocab_size=11
    )
    before = original.tokenize(["abcd", "abc"])[0]
    kept = original.with_dependencies(np.unique(before))
    original.write_subset(VocabularySubset(kept, len(original.pieces)), tmp_path)
    after = open_huggingface_tokenizer(tmp_path, vocab_size=len(kept)).tokenize(["abcd", "abc"])[0]
    assert kept[after].tolist() == before.tolist()


def test_a_word_that_is_a_piece_as_a_whole_stays_one_where_merges_are_ignored(tmp_path):
    content = build(ignore_merges=True) | {"pre_tokenizer": {"type": "Whitespace"}}
    original = open_huggingface_tokenizer(write_folder(tmp_path / "original", content), vocab_size=11)
    text = "abc xabc abcd"
    assert pieces_of(original, text) == ["abc", "xab", "c", "abcd"]
    kept = original.with_dependencies(np.unique(original.tokenize([text])[0]))
    assert original.ids["bc"] not in kept  # no merge leads to "abc"
    original.write_subset(VocabularySubset(kept, len(original.pieces)), tmp_path)
    assert pieces_of(open_huggingface_tokenizer(tmp_path, vocab_size=len(kept)), text) == [
        "abc",
        "xab",
        "c",
        "abcd",
    ]


def test_all_bytes_are_always_kept_so_nothing_is_unreadable(original, trim):
    smallest = trim(original, original.with_dependencies(original.special_ids))
    text = "żółć 京都 🦜 \x00\n"
    assert smallest.unknown_id not in smallest.tokenize([text])[0]
    assert smallest.json_file.backend.decode(smallest.tokenize([text])[0].tolist()) == text
    kept = np.zeros(len(original.pieces), bool)
    kept[original.special_ids] = True
    assert original.unreadable(range(len(original.pieces)), kept) == []


def test_without_bytes_a_piece_is_readable_when_its_characters_are_kept(tmp_path):
    original = open_huggingface_tokenizer(write_folder(tmp_path, build()), vocab_size=11)
    kept = np.array([piece in ("a", "b", "ab") for piece in original.pieces])
    unreadable = original.unreadable(range(len(original.pieces)), kept)
    assert [original.pieces[token_id] for token_id in unreadable] == [
        *("c", "d", "x", "bc", "cd", "abc", "abcd", "xab")
    ]


@given(TEXTS)
@example(["caf\u00e9 \u4eac"])
@HERE
def test_every_character_in_the_seen_pieces_keeps_its_own_piece(original, trim, texts):
    seen = np.unique(original.tokenize(texts)[0])
    kept = original.with_dependencies(np.union1d(original.special_ids, original.needed_for_characters(seen)))
    pieces = [original.json_file.backend.decode([number]) for number in seen.tolist()]
    characters = sorted(set("".join(pieces)) - {"\ufffd"})  # which stands for a part of a character
    before, after = per_line(original, characters), per_line(trim(original, kept), characters)
    whole = [(line, kept[now].tolist()) for line, now in zip(before, after, strict=True) if len(line) == 1]
    assert [now for _, now in whole] == [line for line, _ in whole]


@pytest.mark.parametrize("kind", TRAINERS)
def test_tatoeba_is_tokenized_the_same_and_characters_stay_whole(shared, tmp_path, kind):
    files = sorted((shared / "tatoeba" / "v1").iterdir())
    lines = [line for file in files for line in file.read_text(encoding="utf-8").split("\n")]
    folder = write_folder(tmp_path / "original", TRAINERS[kind](lines[::5], 12_000))
    original = open_huggingface_tokenizer(folder, vocab_size=12_010)
    ids, lengths = original.tokenize(lines)
    frequent = np.argsort(-np.bincount(ids, minlength=len(original.pieces)), kind="stable")[:3000]
    needed = original.needed_for_characters(np.unique(ids))
    kept = original.with_dependencies(np.unique(np.concatenate([original.special_ids, frequent, needed])))
    original.write_subset(VocabularySubset(kept, len(original.pieces)), tmp_path)
    smaller = open_huggingface_tokenizer(tmp_path, vocab_size=len(kept))
    before = np.split(ids, np.cumsum(lengths)[:-1])
    now, lengths_now = smaller.tokenize(lines)
    after = np.split(kept[now], np.cumsum(lengths_now)[:-1])
    same = [np.isin(line, kept).all() for line in before]
    assert 0.2 < np.mean(same) < 0.9
    assert all(
        np.array_equal(one, two) for one, two, is_kept in zip(before, after, same, strict=True) if is_kept
    )
    # Promise 2: a character that was one piece is that piece, and did not become bytes.
    characters = sorted(set("".join(lines)) - {" "})
    pairs = zip(characters, per_line(original, characters), per_line(smaller, characters), strict=True)
    whole = [(one, line, kept[now].tolist()) for one, line, now in pairs if len(line) == 1]
    assert len(whole) > 400
    assert [one for one, line, now in whole if now != line] == []


def test_pieces_of_characters_are_found_in_bytes(original):
    needed = {original.pieces[token_id] for token_id in original.needed_for_characters(
        np.array([original.ids[piece] for piece in original.pieces if len(piece) > 3])
    )}  # fmt: skip
    assert needed >= ({"Ã©", "ĠÃ©"} if original.byte_level else {"a", "▁a"})


def test_the_older_form_beside_is_trimmed_too(tmp_path):
    folder = write_folder(tmp_path / "original", train_byte_level(SENTENCES, 600))
    content = json.loads((folder / "tokenizer.json").read_text())
    (folder / "vocab.json").write_text(json.dumps(content["model"]["vocab"]))
    (folder / "merges.txt").write_text("".join(" ".join(pair) + "\n" for pair in content["model"]["merges"]))
    original = open_huggingface_tokenizer(folder, vocab_size=603)
    kept = original.with_dependencies(np.union1d(original.special_ids, np.arange(0, 600, 7)))
    original.write_subset(VocabularySubset(kept, len(original.pieces)), tmp_path)
    from tokenizers.models import BPE

    old = BPE.from_file(str(tmp_path / "vocab.json"), str(tmp_path / "merges.txt"))
    new = open_huggingface_tokenizer(tmp_path, vocab_size=len(kept))
    new.json_file.backend.model = old
    assert np.array_equal(
        new.tokenize(SENTENCES)[0],
        open_huggingface_tokenizer(tmp_path, vocab_size=len(kept)).tokenize(SENTENCES)[0],
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"end_of_word_suffix": "</w>"}, "end_of_word_suffix is '</w>', which cannot be trimmed"),
        ({"continuing_subword_prefix": "##"}, "continuing_subword_prefix is '##', which cannot be trimmed"),
        ({"merges": [["a", "q"]]}, "tokenizers can read"),
        ({"merges": "a b"}, "tokenizers can read"),
    ],
)
def test_what_cannot_be_trimmed_is_refused(tmp_path, changes, message):
    if "continuing_subword_prefix" in changes or "end_of_word_suffix" in changes:
        changes |= {"merges": []}
    with pytest.raises(SmallerLabseError, match=message):
        open_huggingface_tokenizer(write_folder(tmp_path, build(**changes)), vocab_size=11).with_dependencies(
            np.array([0])
        )


def test_filled_up_are_the_first_by_merge_and_text_is_tokenized_the_same(original, trim, fill_up):
    added, left_out = fill_up(original, trim, 1800)
    merges = {piece: rank for rank, piece in reversed(list(enumerate(original.merges.table[:, 2].tolist())))}
    last = max(merges.get(token_id, -1) for token_id in added.tolist())
    assert last <= min(merges.get(token_id, -1) for token_id in left_out.tolist()) + 1
